"""Checkpoints of narrow weights: from safetensors to safetensors and back.

An encoded matrix NAME is stored under its name as uint8 (lm8) or bf16; lm8 has NAME.lm8_bias, int32 [channels], beside
it. The file's metadata say what was done, so that it can be undone:

    slipstick.weights          "lm8" or "bf16"
    slipstick.weights_version  "1"
    slipstick.encoded          JSON: for each encoded tensor {"axis": 0, "dtype": "F32"}: the dimension that counts
                               output channels, and the dtype that it was encoded from

`kernels/weight_formats.py` defines the formats. All other tensors and metadata are copied as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import prod
from pathlib import Path
from typing import Final

import torch

from ..errors import ArgumentError
from ..kernels.weight_formats import WEIGHT_FORMATS, EncodedWeights, decode_lm8, encode
from .safetensors_file import Entry, SafetensorsReader, SafetensorsWriter

FORMAT_KEY: Final = "slipstick.weights"
VERSION_KEY: Final = "slipstick.weights_version"
ENCODED_KEY: Final = "slipstick.encoded"
VERSION: Final = "1"
BIAS_SUFFIX: Final = ".lm8_bias"

_WIDENED = ("F32", "F16", "BF16")
_CODES = {"lm8": ("U8", 1), "bf16": ("BF16", 2)}

Progress = Callable[[str, int], None]
"""Called before each tensor, with its name and the number of tensors."""


@dataclass(frozen=True)
class Conversion:
    """What a conversion did: which tensors were encoded or decoded, and the bytes of all tensors before and after."""

    tensors: tuple[str, ...]
    bytes_before: int
    bytes_after: int


def convert_checkpoint(
    source: Path,
    target: Path,
    weights: str,
    *,
    include: Sequence[str] = ("*",),
    exclude: Sequence[str] = (),
    axis: int = 0,
    progress: Progress = lambda name, count: None,
) -> Conversion:
    """Write `target`, which is `source` with matrices encoded in the format `weights`, "lm8" or "bf16".

    Encoded are tensors of rank 2, of f32, f16 or bf16, whose names match a pattern of `include` and none of `exclude`
    (`*`, `?` and `[...]` as in the shell). `axis` is the dimension that counts output channels: 0 of torch's linear
    layers. `target` is written whole or not at all.

    Raises `ArgumentError` for files that cannot be read or written, a source that is encoded already, patterns that
    match nothing, and matrices that hold NaN or infinity.
    """
    if weights not in WEIGHT_FORMATS:
        raise ArgumentError(f"weights: expected one of {', '.join(WEIGHT_FORMATS)}, found {weights!r}")
    if axis not in (0, 1):
        raise ArgumentError(f"axis: expected 0 or 1, found {axis!r}")
    with SafetensorsReader(source) as file:
        _check_apart(source, target)
        if FORMAT_KEY in file.metadata:
            raise ArgumentError(f"{source}: its weights are encoded already, in {file.metadata[FORMAT_KEY]}")
        chosen = [name for name, entry in file.entries.items() if _is_chosen(name, entry, include, exclude)]
        if not chosen:
            patterns = f"include {' '.join(include)}" + (f", exclude {' '.join(exclude)}" if exclude else "")
            raise ArgumentError(f"{source}: no matrix of f32, f16 or bf16 matches: {patterns}")
        plan = dict(file.entries)
        dtype, width = _CODES[weights]
        for name in chosen:
            shape = file.entries[name].shape
            plan[name] = Entry(dtype, shape, width * prod(shape))
            if weights == "lm8":
                if name + BIAS_SUFFIX in file.entries:
                    raise ArgumentError(f"{source}: a tensor {name + BIAS_SUFFIX} is there already")
                plan[name + BIAS_SUFFIX] = Entry("I32", (shape[axis],), 4 * shape[axis])
        encoded = {name: {"axis": axis, "dtype": file.entries[name].dtype} for name in chosen}
        metadata = {FORMAT_KEY: weights, VERSION_KEY: VERSION, ENCODED_KEY: json.dumps(encoded)}
        with SafetensorsWriter(target, plan, {**file.metadata, **metadata}) as out:
            for name in file.entries:
                progress(name, len(file.entries))
                if name not in encoded:
                    out.write_chunks(name, file.chunks(name))
                    continue
                found = encode(file.tensor(name).to(torch.float32), weights, axis, name=name)
                out.write(name, found.codes)
                if found.biases is not None:
                    out.write(name + BIAS_SUFFIX, found.biases)
        return Conversion(tuple(chosen), _bytes(file.entries), _bytes(plan))


def decode_checkpoint(source: Path, target: Path, *, progress: Progress = lambda name, count: None) -> Conversion:
    """Write `target`, which is the encoded checkpoint `source` with every encoded matrix decoded to f32.

    Raises `ArgumentError` for files that cannot be read or written, or a source that is not encoded.
    """
    with SafetensorsReader(source) as file:
        _check_apart(source, target)
        encoded = _encoded(file)
        plan = {}
        for name in _kept(file, encoded):
            entry = file.entries[name]
            plan[name] = Entry("F32", entry.shape, 4 * prod(entry.shape)) if name in encoded else entry
        ours = (FORMAT_KEY, VERSION_KEY, ENCODED_KEY)
        metadata = {key: value for key, value in file.metadata.items() if key not in ours}
        with SafetensorsWriter(target, plan, metadata) as out:
            for name in plan:
                progress(name, len(plan))
                if name in encoded:
                    out.write(name, _decoded(file, name, encoded[name]))
                else:
                    out.write_chunks(name, file.chunks(name))
        return Conversion(tuple(encoded), _bytes(file.entries), _bytes(plan))


def load_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a checkpoint by name, encoded ones decoded to f32: what `load_state_dict` takes.

    A checkpoint that is not encoded is returned as it is. Raises `ArgumentError` for a file that cannot be read.
    """
    with SafetensorsReader(path) as file:
        encoded = _encoded(file) if FORMAT_KEY in file.metadata else {}
        return {
            name: _decoded(file, name, encoded[name]) if name in encoded else file.tensor(name)
            for name in _kept(file, encoded)
        }


class CheckpointReader:
    """A checkpoint that is read tensor by tensor, encoded ones decoded to f32.

    Raises `ArgumentError` for a file that cannot be read.
    """

    def __init__(self, path: Path):
        self._file = SafetensorsReader(path)
        self._axes = _encoded(self._file) if FORMAT_KEY in self._file.metadata else {}
        self.names = frozenset(_kept(self._file, self._axes))
        """The names of its tensors."""

    def __enter__(self) -> CheckpointReader:
        self._file.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._file.__exit__(*error)

    def read(self, name: str, dtype: torch.dtype) -> torch.Tensor:
        """Return a tensor in memory of its own, converted to `dtype` where both are floating-point types."""
        axis = self._axes.get(name)
        tensor = self._file.read(name) if axis is None else _decoded(self._file, name, axis)
        return tensor.to(dtype) if tensor.is_floating_point() and dtype.is_floating_point else tensor


def _is_chosen(name: str, entry: Entry, include: Sequence[str], exclude: Sequence[str]) -> bool:
    if len(entry.shape) != 2 or entry.dtype not in _WIDENED:
        return False
    included = any(fnmatchcase(name, pattern) for pattern in include)
    return included and not any(fnmatchcase(name, pattern) for pattern in exclude)


def _check_apart(source: Path, target: Path) -> None:
    if target.exists() and target.samefile(source):
        raise ArgumentError(f"{target}: expected another file to write than the one that is read")


def _bytes(entries: dict[str, Entry]) -> int:
    return sum(entry.size for entry in entries.values())


def _encoded(file: SafetensorsReader) -> dict[str, int]:
    """Return the axis of each encoded tensor by name; raise ArgumentError where metadata and tensors do not agree."""
    format, version = file.metadata.get(FORMAT_KEY), file.metadata.get(VERSION_KEY)
    if format is None:
        raise ArgumentError(f"{file.path}: its weights are not encoded: its metadata have no {FORMAT_KEY}")
    if format not in WEIGHT_FORMATS or version != VERSION:
        expected = f"{' or '.join(WEIGHT_FORMATS)} in version {VERSION}"
        raise ArgumentError(f"{file.path}: expected weights in {expected}, found {format} in version {version}")
    try:
        entries = json.loads(file.metadata[ENCODED_KEY])
        encoded = {str(name): int(entry["axis"]) for name, entry in entries.items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ArgumentError(f"{file.path}: its metadata {ENCODED_KEY} cannot be read") from None
    dtype, _ = _CODES[format]
    for name in encoded:
        expected_dtypes = {name: dtype, **({name + BIAS_SUFFIX: "I32"} if format == "lm8" else {})}
        for wanted, expected in expected_dtypes.items():
            found = file.entries.get(wanted)
            if found is None or found.dtype != expected:
                raise ArgumentError(
                    f"{file.path}: {wanted}: expected a tensor of {expected}, found {found.dtype if found else 'none'}"
                )
    return encoded


def _kept(file: SafetensorsReader, encoded: dict[str, int]) -> list[str]:
    """Return the names of all tensors but the biases of encoded ones."""
    biases = {name + BIAS_SUFFIX for name in encoded} if file.metadata.get(FORMAT_KEY) == "lm8" else set()
    return [name for name in file.entries if name not in biases]


def _decoded(file: SafetensorsReader, name: str, axis: int) -> torch.Tensor:
    codes = file.tensor(name)
    if file.metadata[FORMAT_KEY] == "bf16":
        return EncodedWeights("bf16", codes, None, axis).decode()
    try:
        return decode_lm8(codes, file.tensor(name + BIAS_SUFFIX), axis)
    except ArgumentError as error:
        raise ArgumentError(f"{file.path}: {name}: {error}") from None
