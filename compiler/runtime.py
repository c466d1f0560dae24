"""Calling native code: memref descriptors in, torch tensors out.

The native function is MLIR's C interface of the entry. It takes a pointer to the results (one descriptor, or a struct
of descriptors and numbers side by side), one pointer for each tensor, numbers by value, and a pointer to a status. A
descriptor is (allocated pointer, aligned pointer, offset, sizes, strides), 8 bytes each.

The GIL is released while native code runs; nothing here is shared between calls but what never changes.
"""

from __future__ import annotations

import ctypes
import struct
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..errors import ArgumentError
from . import team
from .memory import ResultWrapper
from .signature import Argument, ScalarSpec, TensorSpec

_SCALARS: dict[tuple[str, int], tuple[Any, str]] = {
    ("bool", 1): (ctypes.c_bool, "?"),
    ("int", 8): (ctypes.c_int8, "b"),
    ("int", 16): (ctypes.c_int16, "h"),
    ("int", 32): (ctypes.c_int32, "i"),
    ("int", 64): (ctypes.c_int64, "q"),
    ("float", 32): (ctypes.c_float, "f"),
    ("float", 64): (ctypes.c_double, "d"),
}


def scalar_type(spec: ScalarSpec, what: str) -> tuple[Any, str]:
    """Return the ctypes type and the struct code of a number; raises `ArgumentError` where it cannot pass by value."""
    found = _SCALARS.get((spec.type, spec.bits))
    if found is None:
        raise ArgumentError(f"{what}: a number of type {spec} cannot be passed to native code; use a tensor of it")
    return found


def descriptor_tail(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the offset, the sizes and the row-major strides of a descriptor."""
    strides: list[int] = []
    stride = 1
    for size in reversed(shape):
        strides.append(stride)
        stride *= size
    return (0, *shape, *reversed(strides))


@dataclass(frozen=True)
class _Field:
    """A result's place in the result struct."""

    word: int
    """Of a tensor: number of the 8-byte word at which its descriptor begins."""
    end: int
    wrap: ResultWrapper | None
    byte: int = 0
    """Of a number: its byte offset and struct code."""
    code: str = ""


class NativeFunction:
    """A native entry, bound to the shape of its calls: which arguments are state, which come with each call.

    `arguments` are those of the native function in order; `address` is that of its C interface, which takes them one by
    one or, with `takes_array`, in an array; `owner` keeps the code alive. `messages` are the texts of failed
    assertions, by status - 1. `threads` above 1 sets OpenMP's threads.
    """

    def __init__(
        self,
        address: int,
        owner: object,
        arguments: Sequence[Argument],
        results: Sequence[TensorSpec | ScalarSpec],
        *,
        takes_array: bool = False,
        messages: Sequence[str] = (),
        threads: int = 1,
        may_return_arguments: bool = False,
    ):
        self.owner = owner
        """What keeps the code alive."""
        self._messages = tuple(messages)
        self.threads = threads
        self._check_results = may_return_arguments
        self._fields, self._result_words = _layout(results)
        self._by_value = len(results) == 1 and isinstance(results[0], ScalarSpec)
        types: list[Any] = []
        if results and not self._by_value:
            types.append(ctypes.c_void_p)
        self._first = len(types)
        for argument in arguments:
            spec = argument.spec
            if isinstance(spec, ScalarSpec):
                types.append(scalar_type(spec, argument.name)[0])
            else:
                types.append(ctypes.c_void_p)
        types.append(ctypes.c_void_p)
        returned = scalar_type(results[0], "result")[0] if self._by_value else None  # type: ignore[arg-type]
        self._call: Callable[..., Any] = (
            _with_array(address) if takes_array else ctypes.CFUNCTYPE(returned, *types)(address)
        )
        self._slots = len(types)

    def failure(self, status: int) -> ArgumentError:
        """Return the error for an assertion that failed, by its number, 1 and up."""
        return ArgumentError(self._messages[status - 1] if status <= len(self._messages) else "an assertion failed")

    def template(self) -> list[Any]:
        """Return the list of native arguments with nothing filled in; `position(i)` is that of argument i."""
        return [0] * self._slots

    @property
    def result_words(self) -> list[int] | None:
        """The 8-byte words of the result struct at which descriptors begin; None where it holds numbers, too."""
        if self._by_value or any(field.wrap is None for field in self._fields):
            return None
        return [field.word for field in self._fields]

    def position(self, argument: int) -> int:
        """Return where argument number `argument` stands in the template."""
        return self._first + argument

    def __call__(self, native: list[Any], tensors: Sequence[tuple[int, int, tuple[int, ...]]]) -> list[Any]:
        """Call with the filled template `native` and return the results, tensors and numbers.

        `tensors` are the tensor arguments that come with this call: (position, address, descriptor tail). The caller
        keeps them alive. Raises `ArgumentError` where an assertion of the code fails.
        """
        words = [0] * self._result_words
        places = []
        for position, pointer, tail in tensors:
            places.append((position, 8 * len(words)))
            words += (pointer, pointer, *tail)
        # The status and its descriptor.
        status = len(words)
        words += (0, 0, 0, 0)
        buffer = array("q", words)
        base = buffer.buffer_info()[0]
        buffer[status + 1] = buffer[status + 2] = base + 8 * status
        for position, offset in places:
            native[position] = base + offset
        native[-1] = base + 8 * (status + 1)
        if self._first:
            native[0] = base
        if self.threads > 1:
            team.enter(self.threads)
        value = self._call(*native)
        if buffer[status]:
            raise self.failure(buffer[status])
        if self._by_value:
            return [value]
        return self.results(buffer, {pointer for _, pointer, _ in tensors} if self._check_results else ())

    @property
    def words(self) -> int:
        """The 8-byte words that the results take at the beginning of what `results` reads."""
        return self._result_words

    def results(self, buffer: array[int], arguments: Iterable[int] = ()) -> list[Any]:
        """Return the results that native code has put into the first words of `buffer`: tensors own their memory.

        Of a result that lies at one of the addresses `arguments`, a copy.
        """
        results: list[Any] = []
        # Two results of one value are one buffer; a function on memrefs may even return its argument.
        taken = set(arguments)
        for field in self._fields:
            if field.wrap is None:
                results.append(struct.unpack_from(field.code, buffer, field.byte)[0])
                continue
            found = buffer[field.word : field.end].tolist()
            if found[0] in taken:
                results.append(field.wrap.copy(found[1], found[3:]))
                continue
            taken.add(found[0])
            results.append(field.wrap(found[0], found[1], found[3:]))
        return results


def _with_array(address: int) -> Callable[..., None]:
    """Return a function that hands its arguments, addresses, to native code in an array."""
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)

    def call(*arguments: int) -> None:
        words = array("q", arguments)
        function(words.buffer_info()[0])

    return call


def _layout(results: Sequence[TensorSpec | ScalarSpec]) -> tuple[list[_Field], int]:
    """Return the place of each result in the result struct, and the struct's size in words."""
    fields = []
    byte = 0
    for number, spec in enumerate(results):
        if isinstance(spec, ScalarSpec):
            kind, code = scalar_type(spec, f"result {number}")
            size = ctypes.sizeof(kind)
            byte = -(-byte // size) * size
            fields.append(_Field(0, 0, None, byte, code))
            byte += size
        else:
            byte = -(-byte // 8) * 8
            word, rank = byte // 8, len(spec.shape)
            fields.append(_Field(word, word + 3 + rank, ResultWrapper(getattr(torch, spec.dtype), rank)))
            byte += 8 * (3 + 2 * rank)
    return fields, -(-byte // 8)
