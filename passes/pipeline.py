"""The text of a pass pipeline: `builtin.module(func.func(canonicalize{max-iterations=3},lmul),cse)`.

The grammar is the one of `mlir-opt --pass-pipeline`:

    pipeline ::= anchor `(` items? `)`
    items    ::= item (`,` item)*
    item     ::= pipeline | name (`{` options `}`)?
    options  ::= (key (`=` value)?)*      separated by blanks; a value ends at a blank outside quotes and brackets

The outer anchor may be left out (`canonicalize,cse`): the pipeline then runs on whatever operation it is given.
Whether the passes exist is not the parser's business: see `manager`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ..errors import PipelineError
from .options import Options

_CLOSING = {"{": "}", "[": "]", "(": ")"}
_MAX_DEPTH = 256


@dataclass(frozen=True)
class PassCall:
    """One pass or named pipeline with its options as text; upstream passes read their options themselves."""

    name: str
    options: Options = ()

    def option_text(self) -> str:
        """Return the options as they stand between the braces."""
        return " ".join(key if value is None else f"{key}={value}" for key, value in self.options)

    def __str__(self) -> str:
        return f"{self.name}{{{self.option_text()}}}" if self.options else self.name


@dataclass(frozen=True)
class Pipeline:
    """Items that run one after the other on every operation called `anchor`; `None`: on the operation given."""

    anchor: str | None
    items: tuple[Item, ...] = ()

    def __str__(self) -> str:
        text = ",".join(str(item) for item in self.items)
        return text if self.anchor is None else f"{self.anchor}({text})"


Item: TypeAlias = PassCall | Pipeline


def parse_pipeline(text: str) -> Pipeline:
    """Return the pipeline that `text` stands for; `parse_pipeline(str(p)) == p`.

    Raises `PipelineError`, one line with the column (from 1), when the text is malformed.
    """
    parser = _Parser(text)
    parser.skip_blanks()
    items = () if parser.at_end() else parser.items(depth=0)
    parser.skip_blanks()
    if not parser.at_end():
        raise parser.error(f"unexpected '{text[parser.at]}'")
    if len(items) == 1 and isinstance(items[0], Pipeline):
        return items[0]
    return Pipeline(None, items)


def parse_options(text: str) -> Options:
    """Return the options in `text`, written as between the braces of a pass: `a=1 b={x=2} flag`."""
    parser = _Parser(text)
    options = parser.options(closing=None)
    return options


class _Parser:
    """A cursor over the text."""

    def __init__(self, text: str):
        self.text = text
        self.at = 0

    def error(self, message: str, at: int | None = None) -> PipelineError:
        return PipelineError(f"pass pipeline, column {(self.at if at is None else at) + 1}: {message}")

    def at_end(self) -> bool:
        return self.at >= len(self.text)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def skip_blanks(self) -> None:
        while self.peek().isspace():
            self.at += 1

    def items(self, depth: int) -> tuple[Item, ...]:
        if depth > _MAX_DEPTH:
            raise self.error(f"nested deeper than {_MAX_DEPTH} levels")
        items = [self.item(depth)]
        while True:
            self.skip_blanks()
            if self.peek() != ",":
                return tuple(items)
            self.at += 1
            items.append(self.item(depth))

    def item(self, depth: int) -> Item:
        self.skip_blanks()
        start = self.at
        while not self.at_end() and self.peek() not in ",(){}" and not self.peek().isspace():
            self.at += 1
        name = self.text[start : self.at]
        if not name:
            found = f"'{self.peek()}'" if self.peek() else "the end"
            raise self.error(f"expected a pass or an operation name, found {found}")
        self.skip_blanks()
        if self.peek() == "(":
            return self.nested(name, depth)
        if self.peek() == "{":
            opened = self.at
            self.at += 1
            options = self.options(closing=opened)
            self.at += 1
            return PassCall(name, options)
        return PassCall(name)

    def nested(self, anchor: str, depth: int) -> Pipeline:
        opened = self.at
        self.at += 1
        self.skip_blanks()
        items = () if self.peek() == ")" else self.items(depth + 1)
        self.skip_blanks()
        if self.at_end():
            raise self.error("'(' is never closed", opened)
        if self.peek() != ")":
            raise self.error(f"expected ',' or ')', found '{self.peek()}'")
        self.at += 1
        return Pipeline(anchor, items)

    def options(self, closing: int | None) -> Options:
        """Read options up to the `}` that belongs to the `{` at `closing`, or up to the end of the text."""
        options: list[tuple[str, str | None]] = []
        while True:
            self.skip_blanks()
            if self.at_end():
                if closing is None:
                    return tuple(options)
                raise self.error("'{' is never closed", closing)
            if self.peek() == "}" and closing is not None:
                return tuple(options)
            start = self.at
            while not self.at_end() and self.peek() not in "={},()" and not self.peek().isspace():
                self.at += 1
            key = self.text[start : self.at]
            if not key:
                raise self.error(f"expected the name of an option, found '{self.peek()}'")
            if self.peek() == "=":
                self.at += 1
                options.append((key, self.value(inside=closing is not None)))
            else:
                options.append((key, None))

    def value(self, inside: bool) -> str:
        start = self.at
        while not self.at_end() and not self.peek().isspace():
            c = self.peek()
            if c == "}" and inside:
                break
            if c in ")]}":
                raise self.error(f"unexpected '{c}' in the value of an option")
            if c in "\"'":
                self.quoted()
            elif c in _CLOSING:
                self.bracketed()
            else:
                self.at += 1
        return self.text[start : self.at]

    def quoted(self) -> None:
        opened, mark = self.at, self.peek()
        self.at += 1
        while self.peek() != mark:
            if self.at_end():
                raise self.error(f"{mark} is never closed", opened)
            self.at += 2 if self.peek() == "\\" else 1
        self.at += 1

    def bracketed(self) -> None:
        stack: list[int] = []
        while True:
            c = self.peek()
            if not c:
                raise self.error(f"'{self.text[stack[-1]]}' is never closed", stack[-1])
            if c in "\"'":
                self.quoted()
                continue
            if c in _CLOSING:
                stack.append(self.at)
            elif c in "}])":
                opened = self.text[stack.pop()]
                if c != _CLOSING[opened]:
                    raise self.error(f"expected '{_CLOSING[opened]}', found '{c}'")
            self.at += 1
            if not stack:
                return
