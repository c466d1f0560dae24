"""MLIR text as a sequence of words: names of values and locations gone, structure and numbers kept.

Two schemes, after "ML-driven Hardware Cost Model for MLIR" (arXiv 2302.11405): `ops` has the operations and their
nesting only, `ops+operands` also operands, types, shapes and attributes. The text is MLIR's own pretty form as
`str(operation)` and mlir-opt print it: one operation a line, regions opened at the end of a line and closed at the
beginning of one. No dialect is known here, so none is unknown.

A value is the word `%` where it is defined and `%N` where it is used, N the number of definitions since: exact up to 8,
then the power of two below. A use of a constant index is the constant itself, so that bounds and steps of a loop stand
in the loop. `{` and `}` are regions, `(` and `)` dictionaries of attributes, `^` is a block, and the
name of an operation starts with `:`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, TypeAlias

from .magnitude import float_words, integer_words

Scheme: TypeAlias = Literal["ops", "ops+operands"]
SCHEMES: tuple[Scheme, ...] = ("ops", "ops+operands")
Numbers: TypeAlias = Literal["magnitude", "exact", "erased"]
"""How numbers become words: by `magnitude`; `exact`, distances of values too; or `erased`, all as one word."""

_VALUE = re.compile(r"(%[\w$.-]+)(?:[#:]\d+)?")
_TOKEN = re.compile(
    r"""
      (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<block>\^[\w$.-]+)
    | (?P<symbol>@(?:[\w$.-]+|"[^"]*"))
    | (?P<hexadecimal>(?<![<x\w])0x[0-9A-Fa-f]+)
    | (?:(?<![\w.])|(?<=x))(?P<dimension>\d+|\?)x(?=[\w?!\[])
    | (?<=\])x(?=\w)
    | (?P<float>(?<![\w.])-?\d+\.\d*(?:[eE][-+]?\d+)?)
    | (?P<integer>(?<![\w.])-?\d+(?![\w.]))
    | (?P<word>[A-Za-z_!\#][\w$.]*)
    | (?P<punctuation>->|==|>=|<=|[\[\]{}<>=:*+/?|&-])
    """,
    re.VERBOSE,
)
_RESULTS = re.compile(r"%[\w$.-]+(?::\d+)?(?:\s*,\s*%[\w$.-]+(?::\d+)?)*\s*=\s*")
_NAME = re.compile(r'"?([A-Za-z_][\w$.]*)"?')
_INDICES = re.compile(r"\s*\((%[^()]*)\)\s*(?:in|=|to)\b")
_INDEX_CONSTANT = re.compile(r"\s*(-?\d+) : index$")
_ALIAS = re.compile(r"([#!][\w$.]+)\s*=\s*(.*)")
_ALIAS_USE = re.compile(r"[#!][\w$.]+")
_COMMENT = re.compile(r'//[^\n"]*$')
_LOCATION = re.compile(r'\s*(?<![\w.])loc\((?:[^()"]|"(?:[^"\\]|\\.)*"|\([^()]*\))*\)')
_BETWEEN_REGIONS = frozenset({"else", "do", "attributes", "default", "case"})
_LONGEST = 64
"""Characters that are kept of a word of a string: data of a constant can be megabytes."""
_BRACKETS = str.maketrans("⟨⟩", "<>")
_ATTRIBUTES = {"{": "(", "}": ")"}


def words(text: str, scheme: Scheme = "ops+operands", numbers: Numbers = "magnitude") -> list[str]:
    """Return the words of MLIR text.

    Text that is not MLIR gives some words too: whoever must refuse it parses it first.
    """
    return list(_Reader(scheme, numbers).words(text))


def structure(sequence: list[str]) -> list[object]:
    """Return the nesting of operations that a sequence of words of either scheme describes.

    A list of names, in which each region is a list behind the operation that holds it. Raises ValueError where regions
    do not match.
    """
    stack: list[list[object]] = [[]]
    for word in sequence:
        if word == "{":
            inner: list[object] = []
            stack[-1].append(inner)
            stack.append(inner)
        elif word == "}":
            if len(stack) == 1:
                raise ValueError("a region is closed that was not opened")
            stack.pop()
        elif word.startswith(":") and len(word) > 1:
            stack[-1].append(word[1:])
    if len(stack) > 1:
        raise ValueError(f"{len(stack) - 1} region(s) not closed")
    return stack[0]


class _Reader:
    """Goes through a text line by line, and knows the values and aliases that it has met."""

    def __init__(self, scheme: Scheme, numbers: Numbers) -> None:
        self._operands = scheme == "ops+operands"
        self._numbers: Numbers = numbers
        self._defined: dict[str, int] = {}
        self._constants: dict[str, tuple[str, ...]] = {}
        self._count = 0
        self._aliases: dict[str, str] = {}

    def words(self, text: str) -> Iterator[str]:
        """Yield the words of each line."""
        for raw in text.splitlines():
            line = raw.strip()
            if "//" in line:
                line = _COMMENT.sub("", line).rstrip()
            if "loc(" in line:
                line = _LOCATION.sub("", line)
            if not line or line.startswith("{-#"):
                continue
            alias = _ALIAS.fullmatch(line)
            if alias is not None:
                self._aliases[alias[1]] = self._expand(alias[2])
                continue
            yield from self._line(line)

    def _line(self, line: str) -> Iterator[str]:
        while line.startswith("}"):
            yield "}"
            line = line[1:].lstrip()
        opens = line.endswith("{")
        if opens:
            line = line[:-1].rstrip()
        if line.startswith("^"):
            yield "^"
            if self._operands:
                arguments = line.partition("(")[2]
                self._forget(_VALUE.findall(arguments))
                yield from self._rest(arguments)
        elif line:
            yield from self._statement(line)
        if opens:
            yield "{"

    def _statement(self, line: str) -> Iterator[str]:
        results = _RESULTS.match(line)
        start = results.end() if results else 0
        name = _NAME.match(line, start)
        if name is None or (results is None and name[1] in _BETWEEN_REGIONS):
            # What stands between two regions of an operation, or behind the last: types of results, `else`, `do`.
            if self._operands:
                yield from self._rest(line)
            return
        yield f":{name[1]}"
        if not self._operands:
            return
        if name[1].endswith(".func"):
            self._defined.clear()
            self._constants.clear()
        rest = line[name.end() :]
        indices = _INDICES.match(rest)
        if indices is not None:
            self._forget(_VALUE.findall(indices[1]))
        yield from self._rest(rest)
        constant = _INDEX_CONSTANT.match(rest)
        if constant is not None and results is not None and name[1] == "arith.constant":
            self._constants[_VALUE.findall(results[0])[0]] = tuple(_number(int(constant[1]), self._numbers))
        for result in _VALUE.findall(results[0]) if results else ():
            self._define(result)
            yield "%"

    def _rest(self, text: str) -> Iterator[str]:
        pieces = _VALUE.split(self._expand(text))
        for index, piece in enumerate(pieces):
            if index % 2 == 0:
                yield from _piece(piece, self._numbers)
            elif pieces[index + 1].startswith(" = "):
                self._define(piece)
                yield "%"
            elif piece in self._constants:
                yield from self._constants[piece]
            else:
                yield self._use(piece)

    def _use(self, name: str) -> str:
        if name not in self._defined:
            self._define(name)
            return "%"
        distance = self._count - self._defined[name]
        if distance > 8 and self._numbers != "exact":
            distance = 1 << (distance.bit_length() - 1)
        return f"%{distance}"

    def _define(self, name: str) -> None:
        self._defined[name] = self._count
        self._count += 1

    def _forget(self, names: list[str]) -> None:
        """Let names be defined anew: MLIR gives the same to values of neighbouring regions."""
        for name in names:
            self._defined.pop(name, None)
            self._constants.pop(name, None)

    def _expand(self, text: str) -> str:
        if not self._aliases or ("#" not in text and "!" not in text):
            return text
        return _ALIAS_USE.sub(lambda found: self._aliases.get(found[0], found[0]), text)


@lru_cache(maxsize=1 << 16)
def _piece(text: str, numbers: Numbers) -> tuple[str, ...]:
    """Return the words between two values; the same types and keywords come again and again."""
    return tuple(word for token in _TOKEN.finditer(text) for word in _token_words(token, numbers))


def _token_words(token: re.Match[str], numbers: Numbers) -> list[str]:
    kind, text = token.lastgroup, token[0]
    if kind is None:
        return []
    if kind in ("integer", "dimension"):
        digits = token[kind]
        return ["?"] if digits == "?" else _number(int(digits), numbers)
    if kind == "float":
        return _number(float(text), numbers)
    if kind == "hexadecimal":
        return _number(int(text, 16), numbers)
    if kind == "string":
        return [word[:_LONGEST].translate(_BRACKETS) for word in text[1:-1].split()[:8]]
    if kind == "symbol":
        return ["@"]
    if kind == "block":
        return ["^"]
    return [_ATTRIBUTES.get(text, text)]


def _number(value: int | float, numbers: Numbers) -> list[str]:
    if numbers == "erased":
        return ["⟨⟩"]
    if numbers == "exact":
        return [f"⟨{value!r}⟩"]
    return integer_words(value) if isinstance(value, int) else float_words(value)
