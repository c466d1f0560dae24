"""Messages on standard error as mlir-opt prints them: place, severity, text, the source line and a caret."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Protocol

from ..passes.base import Message, Severity
from ..passes.diagnostics import Position, call_notes, file_position, headline
from .opt_source import Source, location_name

_TAB = 8
OP_NOTE = "see current operation: "


def write_error(text: str) -> None:
    """Write to standard error, past all buffers, whatever becomes of it."""
    data = text.encode("utf-8", "surrogateescape")
    try:
        while data:
            data = data[os.write(2, data) :]
    except OSError:
        pass  # nobody is listening


class Reporter(Protocol):
    """Receives the diagnostics of a run."""

    def receive(self, message: Message) -> None:
        """Take one diagnostic."""

    def finish(self, succeeded: bool) -> bool:
        """Return whether the run counts as a success, given whether it went through."""


class Printer:
    """Prints each diagnostic with the line of the source that it is about."""

    def __init__(self, source: Source, *, notes: bool = True, op_notes: bool = True):
        self.source = source
        self.notes = notes
        self.op_notes = op_notes

    def receive(self, message: Message) -> None:
        """Print the message and its notes."""
        write_error(self.text(message))

    def finish(self, succeeded: bool) -> bool:
        """Return `succeeded`."""
        return succeeded

    def text(self, message: Message) -> str:
        """Return what is printed. A note shows its source line only where it differs from what went before."""
        parts = [self._one(message, show_line=True)]
        before = str(message.location)
        if self.notes:
            for note in self.notes_of(message):
                here = str(note.location)
                parts.append(self._one(note, show_line=here != before))
                before = here
        return "".join(parts)

    def notes_of(self, message: Message) -> Iterator[Message]:
        """Yield the notes that are shown."""
        yield from call_notes(message.location)
        for note in message.notes:
            if self.op_notes or not note.text.startswith(OP_NOTE.rstrip()):
                yield note

    def _one(self, message: Message, *, show_line: bool) -> str:
        position = in_source(file_position(message.location), self.source)
        if position is None:
            return f"{headline(message)}\n"
        return render(self.source, position.line, position.column, message.severity, message.text, show_line=show_line)


def in_source(position: Position | None, source: Source) -> Position | None:
    """Return the position if it lies in `source`, with the name that the user gave; `None` otherwise."""
    if position is None or position.file not in (source.name, location_name(source), "-"):
        return None
    return Position(source.name, position.line, position.column)


def render(
    source: Source, line: int, column: int, severity: Severity, text: str, *, width: int = 1, show_line: bool = True
) -> str:
    """Return `file:line:col: severity: text`, and below it the line with `width` characters underlined."""
    head = f"{source.name}:{line}:{column}: {severity}: {text}\n"
    content = source.line(line) if show_line and column else None
    if content is None:
        return head
    shown = content.rstrip(b"\r").decode("utf-8", "surrogateescape")
    if not shown.isascii():  # the width of what stands before the caret is anyone's guess
        return f"{head}{shown}\n"
    before = shown[: column - 1]
    caret = " " * len(before.ljust(column - 1).expandtabs(_TAB)) + "^" + "~" * (width - 1)
    return f"{head}{shown.expandtabs(_TAB)}\n{caret}\n"
