"""safetensors files, read and written tensor by tensor: never more than one tensor in memory.

The package `safetensors` reads and checks; its writer wants all tensors at once, so that files are written here. The
format is eight bytes of header length, a JSON header of dtype, shape and offsets, and the tensors' bytes.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy
import torch

from ..errors import ArgumentError

_CHUNK = 1 << 24
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
DTYPE_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
"""What safetensors calls the dtypes."""


@dataclass(frozen=True)
class Entry:
    """A tensor in a file: its dtype as safetensors calls it (`F32`, `U8`), its shape, its size in bytes."""

    dtype: str
    shape: tuple[int, ...]
    size: int


class SafetensorsReader:
    """A safetensors file that is open for reading. Raises `ArgumentError` where it is none or cannot be read."""

    def __init__(self, path: Path):
        try:
            from safetensors import SafetensorError, safe_open
        except ModuleNotFoundError:
            raise ArgumentError("checkpoints need the package safetensors: pip install safetensors") from None
        if not path.is_file():
            raise ArgumentError(f"{path}: expected a safetensors file, found {'a folder' if path.is_dir() else 'none'}")
        try:
            open_file: Any = safe_open
            self._tensors = open_file(path, framework="pt")
            self._file = path.open("rb")
        except SafetensorError as problem:
            raise ArgumentError(f"{path}: expected a safetensors file: {problem}") from None
        except OSError as problem:
            raise ArgumentError(f"{path}: cannot be read: {problem.strerror or problem}") from None
        self.path = path
        self.metadata: dict[str, str] = dict(self._tensors.metadata() or {})
        """The file's own metadata."""
        length = int.from_bytes(self._file.read(8), "little")
        header: dict[str, Any] = json.loads(self._file.read(length))
        header.pop("__metadata__", None)
        self.entries: dict[str, Entry] = {}
        """The tensors by name, in the order of names."""
        self._begin: dict[str, int] = {}
        for name, fields in sorted(header.items()):
            begin, end = fields["data_offsets"]
            self.entries[name] = Entry(fields["dtype"], tuple(fields["shape"]), end - begin)
            self._begin[name] = 8 + length + begin

    def __enter__(self) -> SafetensorsReader:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def tensor(self, name: str) -> torch.Tensor:
        """Read a tensor."""
        tensor: torch.Tensor = self._tensors.get_tensor(name)
        return tensor

    def read(self, name: str) -> torch.Tensor:
        """Read a tensor into memory of its own: `tensor` maps the file, whose pages then count as the process's.

        Raises `ArgumentError` for a dtype that torch does not have.
        """
        entry = self.entries[name]
        if entry.dtype not in _DTYPES:
            raise ArgumentError(f"{self.path}: {name}: expected one of {', '.join(_DTYPES)}, found {entry.dtype}")
        tensor = torch.empty(entry.shape, dtype=_DTYPES[entry.dtype])
        memory: Any = tensor.reshape(-1).view(torch.uint8).numpy()
        done = 0
        for chunk in self.chunks(name):
            memory[done : done + len(chunk)] = numpy.frombuffer(chunk, numpy.uint8)
            done += len(chunk)
        return tensor

    def chunks(self, name: str) -> Iterator[bytes]:
        """Read the bytes of a tensor."""
        self._file.seek(self._begin[name])
        left = self.entries[name].size
        while left:
            chunk = self._file.read(min(left, _CHUNK))
            if not chunk:
                raise ArgumentError(f"{self.path}: it became shorter while it was read")
            left -= len(chunk)
            yield chunk


class SafetensorsWriter:
    """A safetensors file that takes the place of `path` when the `with` block ends well, else leaves no trace.

    `plan` names all tensors, each of which must then be written, in any order.
    Raises `ArgumentError` where no file can be written there.
    """

    def __init__(self, path: Path, plan: Mapping[str, Entry], metadata: Mapping[str, str]):
        self._path = path
        self._places: dict[str, tuple[int, int]] = {}
        header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
        begin = 0
        for name in sorted(plan, key=lambda name: (-_alignment(plan[name]), name)):
            entry = plan[name]
            end = begin + entry.size
            header[name] = {"dtype": entry.dtype, "shape": list(entry.shape), "data_offsets": [begin, end]}
            self._places[name] = (begin, entry.size)
            begin = end
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)
        self._header = len(text).to_bytes(8, "little") + text
        self._file: IO[bytes] | None = None
        self._temporary = path

    def __enter__(self) -> SafetensorsWriter:
        path = self._path
        if path.is_dir():
            raise ArgumentError(f"{path}: expected a file to write, found a folder")
        if path.exists() and not os.access(path, os.W_OK):
            raise ArgumentError(f"{path}: cannot be written: it is read-only")
        try:
            descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        except OSError as problem:
            raise ArgumentError(f"{path}: cannot be written: {problem.strerror}") from None
        self._file, self._temporary = os.fdopen(descriptor, "wb"), Path(temporary)
        self._file.write(self._header)
        return self

    def write(self, name: str, tensor: torch.Tensor) -> None:
        """Write a tensor of the size that the plan says."""
        self.write_chunks(name, [tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data])

    def write_chunks(self, name: str, chunks: Iterator[bytes] | list[memoryview]) -> None:
        """Write the bytes of a tensor."""
        assert self._file is not None
        begin, size = self._places.pop(name)
        self._file.seek(len(self._header) + begin)
        written = sum(self._file.write(chunk) for chunk in chunks)
        assert written == size, f"{name}: {written} bytes of {size}"

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        assert self._file is not None
        try:
            self._file.close()
            if kind is None:
                assert not self._places, f"not written: {', '.join(self._places)}"
                umask = os.umask(0)
                os.umask(umask)
                self._temporary.chmod(0o666 & ~umask)
                self._temporary.replace(self._path)
        finally:
            self._temporary.unlink(missing_ok=True)


def _alignment(entry: Entry) -> int:
    """Return the bytes of an element: wide ones come first, so that every tensor is aligned."""
    count = 1
    for size in entry.shape:
        count *= size
    return entry.size // count if count else 0
