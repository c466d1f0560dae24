"""Compiled modules whose every array ends at, or begins behind, a page that must not be touched.

In a call each argument (inputs, weights as they are, panels, codes) is copied to such a place, and what the code
allocates lies in one: results, buffers, the arena. Freed memory must not be touched either. What is wrong ends the
process: call these in one of their own.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

import slipstick
import torch
from slipstick.compiler import allocator, api, codegen
from slipstick.compiler.build import Built
from slipstick.compiler.compiled import CompiledModule
from slipstick.compiler.encoded import native_arguments
from slipstick.compiler.runtime import NativeFunction
from slipstick.compiler.signature import ScalarSpec

PAGE = mmap.PAGESIZE
FILL = 0xFF
"""What fresh memory holds: NaN in every float type."""
_ALIGNMENT = 16
"""What allocated memory is aligned to, as malloc's is."""
_CODE_BYTES = {"bf16": 2, "lm8": 1}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_NOTHING, _ANONYMOUS = 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


class Guard:
    """Memory between two pages that must not be touched; `at_end` says at which of them arrays lie."""

    def __init__(self) -> None:
        self.at_end = True
        self._blocks: dict[int, tuple[int, int]] = {}  # address: start of the mapping, its bytes
        self._sizes: dict[int, int] = {}
        allocate = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int64)
        release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
        self._functions = (allocate(self._allocate), release(self._release))

    def addresses(self) -> dict[str, int]:
        """Return the addresses of the functions that stand for the allocator's."""
        names = (allocator.ALLOCATE, allocator.FREE)
        return {
            name: ctypes.cast(function, ctypes.c_void_p).value or 0
            for name, function in zip(names, self._functions, strict=True)
        }

    def place(self, size: int, alignment: int = 1) -> int:
        """Return the address of `size` bytes, filled, at a page that must not be touched."""
        inner = max(1, -(-size // PAGE)) * PAGE
        start = _libc.mmap(None, inner + 2 * PAGE, _NOTHING, _ANONYMOUS, -1, 0)
        if start in (None, ctypes.c_void_p(-1).value):
            raise MemoryError
        if _libc.mprotect(start + PAGE, inner, mmap.PROT_READ | mmap.PROT_WRITE):
            raise MemoryError
        ctypes.memset(start + PAGE, FILL, inner)
        behind = start + PAGE + inner
        address: int = (behind - size) // alignment * alignment if self.at_end else start + PAGE
        if not size:
            address = behind if self.at_end else start + PAGE
        self._blocks[address] = (start, inner + 2 * PAGE)
        self._sizes[address] = size
        return address

    def copy(self, address: int, size: int) -> int:
        """Return the address of a guarded copy."""
        there = self.place(size)
        ctypes.memmove(there, address, size)
        return there

    def size(self, address: int) -> int:
        """Return the bytes of a block."""
        return self._sizes[address]

    def clear(self) -> None:
        """Give all memory back."""
        for start, size in self._blocks.values():
            _libc.munmap(start, size)
        self._blocks.clear()
        self._sizes.clear()

    def _allocate(self, size: int) -> int:
        return self.place(size, _ALIGNMENT)

    def _release(self, address: int | None) -> None:
        if address is not None:
            start, size = self._blocks[address]  # a KeyError is printed, and the block stays
            _libc.mprotect(start, size, _NOTHING)


_GUARD = Guard()


@contextmanager
def _guarding() -> Iterator[None]:
    """Link compiled code with the guarded allocator."""
    usual, own = codegen.support_address, _GUARD.addresses()
    with (
        mock.patch.object(codegen, "support_address", lambda name: own.get(name) or usual(name)),
        mock.patch.object(api, "CompiledModule", GuardedModule),
    ):
        yield


def compile_guarded(obj: Any, *args: Any, **options: Any) -> GuardedModule:
    """Compile as `slipstick.compile` does, on one thread, for calls in guarded memory."""
    usual = codegen.support_address
    usual(allocator.ALLOCATE)  # the process's own functions are made before
    with _guarding():
        compiled = slipstick.compile(obj, *args, threads=1, **options)
    assert isinstance(compiled, GuardedModule)
    return compiled


class GuardedModule(CompiledModule):
    """A compiled module whose calls see guarded memory; `at_end` says which of an array's ends lies at the page."""

    def called(self, inputs: Sequence[torch.Tensor], at_end: bool) -> Any:
        """Return the results of a call."""
        _GUARD.at_end = at_end
        return self(*inputs)

    def _array_address(self, symbol: str) -> int:
        return 0  # every call goes through the function below

    def _native(self, built: Built, entry: str) -> NativeFunction | None:
        assert built.loaded is not None
        artifact = built.artifact
        arguments = native_arguments(self.signature.native_arguments, artifact.encoded, artifact.packed)
        function = super()._native(built, entry)
        assert function is not None
        ranks = {item.argument: 3 for item in artifact.packed}
        narrow = {item.argument: _CODE_BYTES[item.format] for item in artifact.encoded}
        specs = []
        for number, argument in enumerate(arguments):
            spec = argument.spec
            if isinstance(spec, ScalarSpec):
                specs.append(None)
            else:
                bytes_ = narrow.get(number) or getattr(torch, spec.dtype).itemsize  # type: ignore[union-attr]
                specs.append((ranks.get(number) or len(spec.shape), bytes_))  # type: ignore[union-attr]
        _guard_calls(function, specs)
        return function


def _guard_calls(function: NativeFunction, specs: Sequence[tuple[int, int] | None]) -> None:
    """Make calls of the native function see copies of their arguments, and copy back what they wrote."""
    usual, first = function._call, function._first

    def call(*native: Any) -> Any:
        arguments, copies, keep = list(native), [], []
        places: dict[int, int] = {}
        for number, spec in enumerate(specs, start=first):
            if spec is None:
                continue
            rank, element = spec
            words = list((ctypes.c_int64 * (3 + 2 * rank)).from_address(native[number]))
            count = 1
            for size in words[3 : 3 + rank]:
                count *= size
            address = words[1]
            if address not in places or _GUARD.size(places[address]) != count * element:
                places[address] = _GUARD.copy(address, count * element)
                copies.append((address, places[address], count * element))
            words[0] = words[1] = places[address]
            descriptor = (ctypes.c_int64 * len(words))(*words)
            keep.append(descriptor)
            arguments[number] = ctypes.addressof(descriptor)
        value = usual(*arguments)
        back = {there: here for here, there, _ in copies}
        for here, there, size in copies:
            if ctypes.string_at(here, size) != ctypes.string_at(there, size):
                ctypes.memmove(here, there, size)
        if first:
            _take_results(function, native[0], back)
        _GUARD.clear()
        return value

    function._call = call


def _take_results(function: NativeFunction, base: int, back: dict[int, int]) -> None:
    """Move results to memory that the process's own allocator frees."""
    allocate = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int64)(codegen.support_address(allocator.ALLOCATE))
    taken: dict[int, int] = dict(back)
    for field in function._fields:
        if field.wrap is None:
            continue
        words = (ctypes.c_int64 * 2).from_address(base + 8 * field.word)
        if words[0] not in taken:
            size = _GUARD.size(words[0])
            here = allocate(max(size, 1))
            ctypes.memmove(here, words[0], size)
            taken[words[0]] = here
        offset = words[1] - words[0]
        words[0] = taken[words[0]]
        words[1] = words[0] + offset
