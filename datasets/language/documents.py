"""Real text: notes and questions of MedCalc-Bench, and the documentation that installed packages carry."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import inspect
import sysconfig
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...errors import ArgumentError
from ..medcalc.rows import load

NOTES: Final = "notes"
DOCUMENTATION: Final = "documentation"
PACKAGES: Final = ("matplotlib", "numpy", "scipy", "sklearn")
"""Packages whose documentation is read by default: those of the extras `demo` and `cost` with the most prose."""

_SUFFIXES: Final = (".md", ".py", ".rst", ".txt")
_LEFT_OUT: Final = frozenset({"tests", "test", "testing", "_vendor", "externals", "data"})
_LEAST: Final = 200
"""Characters of a text that is worth reading."""


@dataclass(frozen=True)
class Document:
    """One text that is trained on as a whole or not at all."""

    part: str
    """`NOTES` or `DOCUMENTATION`."""
    name: str
    text: str


def notes(path: Path) -> list[Document]:
    """Return each different note of the data set's CSV once, with all questions that are asked about it behind.

    Raises ArgumentError where the file is not the data set's, OSError where there is none.
    """
    questions: dict[str, list[str]] = {}
    for row in load(path):
        asked = questions.setdefault(row.note, [])
        if row.question not in asked:
            asked.append(row.question)
    return [
        Document(NOTES, f"note {number}", "\n\n".join([note, *asked]))
        for number, (note, asked) in enumerate(questions.items())
    ]


def documentation(packages: Sequence[str] = PACKAGES) -> Iterator[Document]:
    """Yield the documentation of installed packages, in an order that depends on their contents alone.

    A Python file's docstrings are a document, and so is a text file. Raises ArgumentError for a package that is not
    installed.
    """
    for package in packages:
        folder = _folder(package)
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.suffix not in _SUFFIXES or not path.is_file() or _LEFT_OUT & set(inside.parts[:-1]):
                continue
            text = _read(path)
            if len(text) >= _LEAST:
                yield Document(DOCUMENTATION, f"{package}/{inside.as_posix()}", text)


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the version of the distribution that each package comes from."""
    owners = importlib.metadata.packages_distributions()
    return {package: importlib.metadata.version(owners[package][0]) for package in packages if package in owners}


def _folder(package: str) -> Path:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        where = sysconfig.get_paths()["purelib"]
        raise ArgumentError(f"package: expected one that is installed in {where}, found {package!r}")
    return Path(next(iter(spec.submodule_search_locations)))


def _read(path: Path) -> str:
    """Return a text file's text, or a Python file's docstrings; nothing of a file that is not UTF-8 or no Python."""
    try:
        text = path.read_text("utf-8")
        return text if path.suffix != ".py" else "\n\n".join(_docstrings(text))
    except (UnicodeDecodeError, SyntaxError, ValueError):
        return ""


def _docstrings(source: str) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes in other people's strings
        tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found = ast.get_docstring(node, clean=False)
            if found is not None and len(found) >= _LEAST:
                yield inspect.cleandoc(found)
