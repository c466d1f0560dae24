"""MLIR that somebody gives: a module of the bindings, text, bytecode or a file of either."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..bindings import ir
from ..errors import ArgumentError, IRError
from .build import parse

DEEPEST = 200
"""Brackets inside brackets that are taken. The parser, printer and many passes recurse as deep as the IR is nested, and
end the process where the stack does: after some thousands, or fewer in a thread."""

_TOKENS = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|->|[<>=]=|=>|[(\[{<]|[)\]}>]')


def read_module(given: ir.Module | str | bytes | os.PathLike[str]) -> ir.Module:
    """Return a module of its own for what is given; a string with a bracket or line break is text, another a path.

    Raises ArgumentError for a path without a file, OSError for a file that cannot be read, IRError, with lines
    `file:line:col: error: ...`, for what does not parse or is nested more than `DEEPEST` deep.
    """
    if isinstance(given, ir.Module):
        return parse(str(given))
    if isinstance(given, bytes) or (isinstance(given, str) and ("\n" in given or "{" in given or "(" in given)):
        return parse_given(given)
    path = Path(given)
    if not path.is_file():
        raise ArgumentError(f"obj: expected MLIR text or the path of a file, found {str(given)!r}, which is no file")
    return parse_given(path)


def parse_given(source: str | bytes | Path) -> ir.Module:
    """Parse text, bytecode or a file as `build.parse` does, but for IR nested more than `DEEPEST` deep: an IRError."""
    name = str(source) if isinstance(source, Path) else "-"
    data = source.read_bytes() if isinstance(source, Path) else source
    _check_depth(data if isinstance(data, str) else data.decode(errors="replace"), name)
    return parse(source)


def _check_depth(text: str, name: str) -> None:
    """Raise IRError where brackets of text are nested too deeply; bytecode, which has few, passes."""
    depth = 0
    for token in _TOKENS.finditer(text):
        first = token.group()
        if len(first) > 1:
            continue
        if first in ")]}>":
            depth = max(0, depth - 1)
            continue
        depth += 1
        if depth > DEEPEST:
            line = text.count("\n", 0, token.start()) + 1
            column = token.start() - text.rfind("\n", 0, token.start())
            raise IRError(f"{name}:{line}:{column}: error: nested more than {DEEPEST} deep")
