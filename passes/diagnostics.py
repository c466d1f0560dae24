"""Diagnostics as users see them: `file:line:col: error: message`, notes included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..bindings import ir
from .base import Message, Severity

Emit = Callable[[Message], None]

_SEVERITIES: dict[str, Severity] = {"ERROR": "error", "WARNING": "warning", "REMARK": "remark", "NOTE": "note"}


def message_of(info: Any) -> Message:
    """Return the binding's `Diagnostic` or `DiagnosticInfo` as a `Message`, which may outlive it."""
    severity = _SEVERITIES[info.severity.name]
    try:
        text = info.message
    except RuntimeError:  # the bindings cannot give text that is not UTF-8
        text = "(the text of this message quotes input that is not valid UTF-8)"
    return Message(severity, _exact(info.location), text, tuple(message_of(note) for note in info.notes))


def _exact(location: ir.Location) -> ir.Location:
    """Return the location as an object of its own class; the diagnostics of an exception have plain ones."""
    if type(location) is ir.Location:
        for cls in (ir.FileLineColLoc, ir.CallSiteLoc, ir.NameLoc, ir.FusedLoc):
            try:
                return cls(location)
            except (TypeError, ValueError):
                continue
    return location


@contextmanager
def receive(context: ir.Context, emit: Emit) -> Iterator[None]:
    """Give every diagnostic of `context` to `emit` while the block runs, errors included.

    An exception of `emit` must not unwind through C++; it is raised at the end of the block.
    """
    raised: list[BaseException] = []

    def handle(info: Any) -> bool:
        try:
            emit(message_of(info))
        except BaseException as error:
            raised.append(error)
        return True

    errors_were_emitted = context.emit_error_diagnostics
    context.emit_error_diagnostics = True
    handler = context.attach_diagnostic_handler(handle)
    try:
        yield
    finally:
        handler.detach()
        context.emit_error_diagnostics = errors_were_emitted
        if raised:
            raise raised[0]


@contextmanager
def keep_errors_in_exceptions(context: ir.Context) -> Iterator[None]:
    """Inside `receive`: leave errors in `MLIRError.error_diagnostics`, for code that may catch and handle them."""
    errors_were_emitted = context.emit_error_diagnostics
    context.emit_error_diagnostics = False
    try:
        yield
    finally:
        context.emit_error_diagnostics = errors_were_emitted


def format_message(message: Message) -> str:
    """Return the message and its notes, a line each (the text of a note may itself hold line breaks)."""
    notes = [*call_notes(message.location), *message.notes]
    return "\n".join([headline(message), *(format_message(note) for note in notes)])


def headline(message: Message) -> str:
    """Return `file:line:col: severity: text`, without notes; `<unknown>:0` for a missing place, as in mlir-opt."""
    position = file_position(message.location)
    if position is not None:
        return f"{position.file}:{position.line}:{position.column}: {message.severity}: {message.text}"
    text = str(message.location)
    where = "" if text == "loc(unknown)" else f"{text}: "
    return f"<unknown>:0: {message.severity}: {where}{message.text}"


@dataclass(frozen=True)
class Position:
    """A place in a source file; line and column count from 1, 0 where unknown."""

    file: str
    line: int
    column: int


def file_position(location: ir.Location) -> Position | None:
    """Return the file position that a diagnostic at `location` is shown at.

    As in mlir-opt: of a call site its callee, of a name its child, of a fusion the first part that has one.
    """
    while True:
        if isinstance(location, ir.FileLineColLoc):
            return Position(location.filename, location.start_line, location.start_col)
        if isinstance(location, ir.CallSiteLoc):
            location = location.callee
        elif isinstance(location, ir.NameLoc):
            location = location.child_loc
        elif isinstance(location, ir.FusedLoc):
            return next(filter(None, map(file_position, location.locations)), None)
        else:
            return None


def call_notes(location: ir.Location) -> tuple[Message, ...]:
    """Return the notes `called from` that mlir-opt adds to a diagnostic at a call site; at most ten."""
    notes: list[Message] = []
    site = _call_site(location)
    while site is not None and len(notes) < 10:
        notes.append(Message("note", site.caller, "called from"))
        site = _call_site(site.caller)
    return tuple(notes)


def _call_site(location: ir.Location) -> ir.CallSiteLoc | None:
    """Return the call site that `location` is, or names, or is a fusion of."""
    if isinstance(location, ir.NameLoc):
        return _call_site(location.child_loc)
    if isinstance(location, ir.FusedLoc):
        return next(filter(None, map(_call_site, location.locations)), None)
    return location if isinstance(location, ir.CallSiteLoc) else None
