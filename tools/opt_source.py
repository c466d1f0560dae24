"""The input of slipstick-opt: its text, its pieces, and parsing them with locations that name the file as given."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import tempfile
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from ..bindings import ir
from ..errors import ArgumentError, IRError

STDIN_NAME = "<stdin>"
_BYTECODE_MAGIC = b"ML\xefR"


@dataclass(frozen=True)
class Source:
    """The bytes of the input and the name that messages use for it."""

    name: str
    data: bytes

    @cached_property
    def lines(self) -> list[bytes]:
        """The lines without their ends."""
        return self.data.split(b"\n")

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.lines:
            starts.append(starts[-1] + len(line) + 1)
        return starts[:-1]

    def position(self, offset: int) -> tuple[int, int]:
        """Return line and column, from 1, of a byte."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> bytes | None:
        """Return a line by its number, from 1; `None` when there is none or the input is not text."""
        if self.is_bytecode() or not 1 <= number <= len(self.lines):
            return None
        return self.lines[number - 1]

    def is_bytecode(self) -> bool:
        """Tell bytecode from text."""
        return self.data.startswith(_BYTECODE_MAGIC)


@dataclass(frozen=True)
class Chunk:
    """A piece of the source that is processed by itself."""

    source: Source
    start: int
    end: int

    def data(self) -> bytes:
        """Return its bytes, blanked out in front so that positions are those in the whole source."""
        line, column = self.source.position(self.start)
        return b"\n" * (line - 1) + b" " * (column - 1) + self.source.data[self.start : self.end]


def read_source(path: str) -> Source:
    """Return the file, or standard input for `-`; raises `ArgumentError`."""
    try:
        if path == "-":
            if sys.stdin is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            with open(0, "rb", closefd=False) as stdin:
                return Source(STDIN_NAME, stdin.read())
        return Source(path, Path(path).read_bytes())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ArgumentError(f"cannot open input file '{path}': {reason}") from error


def split(source: Source, marker: str | None) -> tuple[list[Chunk], list[int]]:
    """Return the pieces between markers, and the offsets of what is nearly a marker.

    As in mlir-opt: the marker may stand anywhere in a line; where only its last two characters are wrong, or nothing
    follows it, it is a near miss and no marker. Without a marker the source is one piece.
    """
    if not marker:
        return [Chunk(source, 0, len(source.data))], []
    encoded = marker.encode("utf-8", "surrogateescape")
    kept = min(2, len(encoded) - 1)
    stem, tail = encoded[: len(encoded) - kept], encoded[len(encoded) - kept :]
    chunks: list[Chunk] = []
    near_misses: list[int] = []
    start = at = 0
    while (found := source.data.find(stem, at)) >= 0:
        at = found + len(stem)
        if source.data.startswith(tail, at) and len(source.data) > at + kept:
            chunks.append(Chunk(source, start, found))
            start = at = at + kept
        else:
            near_misses.append(at)
    chunks.append(Chunk(source, start, len(source.data)))
    return [chunk for chunk in chunks if chunk.start < chunk.end], near_misses


def parse(chunk: Chunk, context: ir.Context, *, implicit_module: bool) -> ir.Operation:
    """Return the top-level operation; diagnostics go to the context's handler. Raises `IRError` on failure.

    The bindings name a string's locations "-", so the text goes through a file of the right name.
    """
    source = chunk.source
    whole = chunk.start == 0 and chunk.end == len(source.data)
    try:
        if not implicit_module and not source.is_bytecode():
            text = chunk.data().decode("utf-8", "surrogateescape")
            return ir.Operation.parse(text, source_name=source.name, context=context).operation
        if source.is_bytecode():
            return ir.Module.parse(source.data, context=context).operation
        if whole and source.name != STDIN_NAME and stat.S_ISREG(Path(source.name).stat().st_mode):
            return ir.Module.parseFile(source.name, context=context).operation
        return _parse_as(location_name(source), chunk.data(), context)
    except ir.MLIRError as error:
        raise IRError(f"{source.name}: error: the input does not parse") from error
    except UnicodeError as error:
        raise IRError(f"{source.name}: error: the input is not valid UTF-8") from error
    except OSError as error:
        raise IRError(f"{source.name}: error: {error.strerror}") from error


def location_name(source: Source) -> str:
    """Return the file name in the locations of a piece: the source's, made relative where it leads upwards."""
    parts = [part for part in PurePosixPath(source.name).parts if part not in ("/", "//", "..")]
    return "/".join(parts) or STDIN_NAME


def _parse_as(name: str, data: bytes, context: ir.Context) -> ir.Operation:
    """Parse `data` as the content of a file called `name`, a relative path."""
    before = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    directory = tempfile.mkdtemp(prefix="slipstick-opt-")
    try:
        os.chdir(directory)
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(data)
        return ir.Module.parseFile(name, context=context).operation
    finally:
        os.fchdir(before)
        os.close(before)
        shutil.rmtree(directory, ignore_errors=True)
