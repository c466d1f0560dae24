"""Modules compiled for AArch64 that are called like any other: each call is one run of a program under the emulator."""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import slipstick
import torch
from slipstick.compiler import allocator, api, codegen
from slipstick.compiler.build import Built
from slipstick.compiler.compiled import CompiledModule
from slipstick.compiler.encoded import native_arguments
from slipstick.compiler.runtime import NativeFunction, scalar_type
from slipstick.compiler.signature import Argument, ScalarSpec, TensorSpec
from slipstick.target import Target

from .entry import make_program
from .image import BASE, MemoryImage, read_words

_CODE_BYTES = {"bf16": 2, "lm8": 1}

_PANELS_RANK = 3
"""Packed weights are [panels, depth, width], whatever the parameter is."""


def compile_emulated(obj: Any, *args: Any, target: str, **options: Any) -> CompiledModule:
    """Compile as `slipstick.compile` does, on one thread; calls of the result run under the emulator."""
    with mock.patch.object(api, "CompiledModule", EmulatedModule):
        return slipstick.compile(obj, *args, target=target, threads=1, **options)


class EmulatedModule(CompiledModule):
    """A compiled module whose native function is a program for another machine."""

    def _native(self, built: Built, entry: str) -> NativeFunction:
        assert built.loaded is None, f"{self.target} is no foreign target"
        artifact = built.artifact
        arguments = native_arguments(self.signature.native_arguments, artifact.encoded, artifact.packed)
        narrow = {item.argument: _CODE_BYTES[item.format] for item in artifact.encoded}
        ranks = {item.argument: _PANELS_RANK for item in artifact.packed}
        return _EmulatedFunction(
            entry,
            artifact.takes_array,
            artifact.code,
            self.target,
            arguments,
            narrow,
            ranks,
            self.signature.native_results,
            artifact.messages,
        )


@dataclass(frozen=True)
class _Tensor:
    """How the memory of a tensor argument is read."""

    rank: int
    element_bytes: int

    def words(self) -> int:
        return 3 + 2 * self.rank


class _EmulatedFunction(NativeFunction):
    """In place of a call of an address: lay out its memory, run the program, take the results out of its files."""

    def __init__(
        self,
        entry: str,
        takes_array: bool,
        code: bytes,
        target: Target,
        arguments: Sequence[Argument],
        narrow: Mapping[int, int],
        ranks: Mapping[int, int],
        results: Sequence[TensorSpec | ScalarSpec],
        messages: Sequence[str],
    ):
        super().__init__(0, None, arguments, results, messages=messages, may_return_arguments=True)
        self._arguments = [
            argument.spec
            if isinstance(argument.spec, ScalarSpec)
            else _Tensor(
                ranks.get(number) or len(argument.spec.shape), narrow.get(number) or _element_bytes(argument.spec)
            )
            for number, argument in enumerate(arguments)
        ]
        self._results = list(results)
        scalars = [spec if isinstance(spec, ScalarSpec) else None for spec in self._arguments]
        self._program = make_program(entry, code, target, scalars, results, takes_array=takes_array)
        self._call = self._emulate

    def _emulate(self, *native: Any) -> Any:
        image = MemoryImage()
        places: dict[int, tuple[int, int]] = {}  # address here -> address there, bytes
        words = []
        if self._first:
            words.append(image.words([0] * self._result_words))
        for spec, value in zip(self._arguments, native[self._first : -1], strict=True):
            words.append(
                _scalar_word(spec, value) if isinstance(spec, ScalarSpec) else _copy(image, spec, value, places)
            )
        status = image.words([0])
        words.append(image.words([status, status, 0]))
        call = image.words([*words, 0])
        fields = [pair for pair in zip(self._fields, self._results, strict=True) if isinstance(pair[1], TensorSpec)]
        table = [(words[0] + 8 * f.word, len(spec.shape), _element_bytes(spec)) for f, spec in fields]
        with tempfile.TemporaryDirectory() as folder:
            memory, results = Path(folder, "image"), Path(folder, "results")
            memory.write_bytes(image.finish(call, table))
            self._program.run(memory, results)
            after, elements = memory.read_bytes(), results.read_bytes()
        _write_back(after, places)
        ctypes.c_int64.from_address(_read(native[-1], 3)[1]).value = read_words(after, status, 1)[0]
        if self._by_value:
            kind, _ = scalar_type(self._results[0], "result")  # type: ignore[arg-type]
            return kind.from_buffer_copy(after, call + 8 * len(words) - BASE).value
        if self._first:
            self._receive(native[0], read_words(after, words[0], self._result_words), elements, places)
        return None

    def _receive(self, target: int, words: list[int], elements: bytes, places: Mapping[int, tuple[int, int]]) -> None:
        """Write the results to the struct at `target`, their elements to memory as native code would allocate it."""
        here = {there: address for address, (there, _) in places.items()}
        start = 0
        for field, spec in zip(self._fields, self._results, strict=True):
            if not isinstance(spec, TensorSpec):
                continue
            allocated, sizes = words[field.word], words[field.word + 3 : field.end]
            size = _element_bytes(spec)
            for extent in sizes:
                size *= extent
            if allocated not in here:
                here[allocated] = _allocate(size)
                ctypes.memmove(here[allocated], elements[start : start + size], size)
            start += size
            words[field.word] = words[field.word + 1] = here[allocated]
        assert start == len(elements)
        ctypes.memmove(target, (ctypes.c_int64 * len(words))(*words), 8 * len(words))


def _element_bytes(spec: TensorSpec) -> int:
    return int(getattr(torch, spec.dtype).itemsize)


def _scalar_word(spec: ScalarSpec, value: Any) -> int:
    kind, _ = scalar_type(spec, "argument")
    return int.from_bytes(bytes(kind(value)), "little")


def _read(address: int, words: int) -> list[int]:
    return list((ctypes.c_int64 * words).from_address(address))


def _copy(image: MemoryImage, tensor: _Tensor, descriptor: int, places: dict[int, tuple[int, int]]) -> int:
    """Copy a tensor and its descriptor into the image; return the descriptor's address there."""
    _, aligned, offset, *rest = _read(descriptor, tensor.words())
    sizes, strides = rest[: tensor.rank], rest[tensor.rank :]
    count = 1
    for size, stride in zip(reversed(sizes), reversed(strides), strict=True):
        assert stride == count and offset == 0, "native code takes contiguous tensors"
        count *= size
    size = count * tensor.element_bytes
    # A tensor that is given twice is one there, too.
    if size and places.get(aligned, (0, size))[1] == size:
        if aligned not in places:
            places[aligned] = (image.elements(ctypes.string_at(aligned, size)), size)
        there = places[aligned][0]
    else:
        there = image.elements(ctypes.string_at(aligned, size) if size else b"")
    return image.words([there, there, 0, *sizes, *strides])


def _write_back(image: bytes, places: Mapping[int, tuple[int, int]]) -> None:
    """Give the arguments' tensors here the elements that they have there after the call, where it changed any."""
    for address, (there, size) in places.items():
        after = image[there - BASE : there - BASE + size]
        if after != ctypes.string_at(address, size):
            ctypes.memmove(address, after, size)


def _allocate(size: int) -> int:
    """Return memory as compiled code allocates it: the tensor that is made of it frees it so."""
    function = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int64)(codegen.support_address(allocator.ALLOCATE))
    address = function(size)
    assert address
    return int(address)
