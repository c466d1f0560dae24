"""`--verify-diagnostics`: the diagnostics of a run against the comments in its input that expect them.

    // expected-error@+1 {{substring of the message}}
    // expected-warning-re@above {{starts with {{[a-z]+}}}}

Severities: error, warning, remark, note; places: the same line, `@+N`, `@-N`, `@above`, `@below`, `@unknown`. In the
`-re` form the parts between inner braces are regular expressions. One comment a line, at its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

from ..passes.base import Message, Severity
from ..passes.diagnostics import file_position, headline
from .opt_messages import OP_NOTE, in_source, render, write_error
from .opt_source import Source

_EXPECTED = re.compile(
    r"expected-(error|note|remark|warning)(-re)? *(@([+-][0-9]+|above|below|unknown))? *\{\{(.*)\}\}$"
)
_CLASSES = {"alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "space": r"\s", "upper": "A-Z", "lower": "a-z"}


@dataclass
class _Expectation:
    severity: Severity
    text: str
    pattern: re.Pattern[str] | None
    line: int | None
    """The line where the diagnostic is expected; `None`: at an unknown location."""
    written_line: int
    written_column: int
    met: bool = False

    def matches(self, text: str) -> bool:
        return self.text in text if self.pattern is None else self.pattern.search(text) is not None


class Verifier:
    """A reporter that prints only the differences between what is expected and what comes."""

    def __init__(self, source: Source, level: Literal["all", "only-expected"]):
        self.source = source
        self.level = level
        self.failed = False
        self.expectations = list(self._read())

    def receive(self, message: Message) -> None:
        """Tick off what the message and its notes meet; complain about what nothing expects."""
        self._process(message)
        for note in message.notes:
            if not note.text.startswith(OP_NOTE.rstrip()):
                self._process(note)

    def finish(self, succeeded: bool) -> bool:
        """Complain about expectations that were not met; return whether everything was as expected."""
        for expectation in sorted(self.expectations, key=lambda expectation: expectation.line is None):
            if not expectation.met:
                self._complain_there(
                    expectation,
                    f'expected {expectation.severity} "{expectation.text}" was not produced',
                    width=max(1, len(expectation.text)),
                )
        return not self.failed

    def _process(self, message: Message) -> None:
        found = file_position(message.location)
        position = in_source(found, self.source)
        near_miss: _Expectation | None = None
        line = position.line if position is not None else None
        if position is not None or found is None:
            for expectation in self.expectations:
                if expectation.line != line or not expectation.matches(message.text):
                    continue
                if expectation.severity == message.severity:
                    expectation.met = True
                    return
                near_miss = expectation
        if self.level == "only-expected":
            return
        if near_miss is not None:
            self._complain_there(
                near_miss, f"'{message.severity}' diagnostic emitted when expecting a '{near_miss.severity}'"
            )
            return
        self.failed = True
        text = f"unexpected {message.severity}: {message.text}"
        if position is None:
            write_error(f"{headline(Message('error', message.location, text))}\n")
        else:
            write_error(render(self.source, position.line, position.column, "error", text))

    def _complain_there(self, expectation: _Expectation, text: str, width: int = 1) -> None:
        self.failed = True
        if expectation.line is None:
            write_error(f"<unknown>:0: error: {text}\n")
        else:
            line, column = expectation.written_line, expectation.written_column
            write_error(render(self.source, line, column, "error", text, width=width))

    def _read(self) -> Iterator[_Expectation]:
        """Yield the expectations in the source; complain about regular expressions that are none."""
        if self.source.is_bytecode():
            return
        waiting: list[_Expectation] = []  # for the next line that holds no expectation
        last_plain = 1
        number = 0
        for number, raw in enumerate(self.source.lines, start=1):
            line = raw.decode("utf-8", "surrogateescape").rstrip()
            match = _EXPECTED.search(line)
            if match is None:
                last_plain = number
                for expectation in waiting:
                    expectation.line = number
                waiting.clear()
                continue
            severity, is_pattern, _, where, text = match.groups()
            try:
                pattern = _pattern(text) if is_pattern else None
            except re.error as error:
                self.failed = True
                column = match.start() + 1
                about = f"invalid regex: {error}"
                write_error(render(self.source, number, column, "error", about, width=len(text)))
                continue
            expectation = _Expectation(cast(Severity, severity), text, pattern, number, number, match.start() + 1)
            if where == "unknown":
                expectation.line = None
            elif where == "above":
                expectation.line = last_plain
            elif where == "below":
                waiting.append(expectation)
            elif where:
                expectation.line = number + int(where)
            yield expectation
        for expectation in waiting:
            expectation.line = number


def _pattern(text: str) -> re.Pattern[str]:
    """Return the pattern of the `-re` form: what stands in braces is a POSIX regular expression, the rest is text."""
    out = []
    while True:
        literal, opened, rest = text.partition("{{")
        out.append(re.escape(literal))
        if not opened:
            return re.compile("".join(out))
        inner, closed, text = rest.partition("}}")
        if not closed:
            raise re.error("found start of regex with no end '}}'")
        out.append("(?:" + re.sub(r"\[:(\w+):\]", lambda m: _CLASSES.get(m[1], m[0]), inner) + ")")
