"""The tensors a compiled module keeps: parameters, buffers, constants, read from their owner at every call."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

from ..errors import ArgumentError
from .runtime import NativeFunction, descriptor_tail
from .signature import Argument, TensorSpec

Slot: TypeAlias = tuple[MutableMapping[str, Any], str]
"""Where a tensor is found: a module's dictionary of parameters or buffers, and the name in it."""


def module_slots(module: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> dict[str, Slot]:
    """Return where each tensor of a module's state is found from now on; constants are found in `tensors` for ever."""
    slots: dict[str, Slot] = {}
    constants = dict(tensors)
    for name in tensors:
        owner: Any = module
        *path, leaf = name.split(".")
        for part in path:
            owner = getattr(owner, part, None)
        holder: MutableMapping[str, Any] = constants
        key = name
        if isinstance(owner, torch.nn.Module):
            for candidate in (owner._parameters, owner._buffers):
                if isinstance(candidate.get(leaf), torch.Tensor):
                    holder, key = candidate, leaf
        slots[name] = (holder, key)
    return slots


@dataclass(frozen=True)
class Bound:
    """Descriptors of the state's tensors as they were found at one moment; immutable, so that threads may share it."""

    pointers: list[int]
    template: list[Any]
    """The native arguments with every contiguous tensor of the state filled in."""
    copied: tuple[int, ...]
    """The numbers of the tensors that are not contiguous: native code is given a fresh copy at each call."""
    memory: Any
    """The descriptors' memory."""


class State:
    """The state arguments of a graph, in order, and the descriptors that native code reads them by."""

    def __init__(self, arguments: Sequence[Argument], slots: Mapping[str, Slot], function: NativeFunction | None):
        self.arguments = tuple(arguments)
        self._slots = [slots[argument.name] for argument in arguments]
        self._function = function
        self._bound: Bound | None = None

    def tensors(self) -> list[torch.Tensor]:
        """Return the tensors as they are now."""
        return [holder[key] for holder, key in self._slots]

    def bind(self, tensors: list[torch.Tensor]) -> Bound:
        """Return descriptors for `tensors`; those of the last call, where no tensor has moved.

        Raises `ArgumentError` where a tensor's dtype or shape is no more what the graph was compiled for.
        """
        pointers = [tensor.data_ptr() for tensor in tensors]
        bound = self._bound
        if bound is None or bound.pointers != pointers:
            self._bound = bound = self._descriptors(tensors, pointers)
        return bound

    def _descriptors(self, tensors: list[torch.Tensor], pointers: list[int]) -> Bound:
        assert self._function is not None
        template = self._function.template()
        words: list[int] = []
        places: list[tuple[int, int]] = []
        copied: list[int] = []
        for number, (argument, tensor, pointer) in enumerate(zip(self.arguments, tensors, pointers, strict=True)):
            _check(argument, tensor)
            if argument.native is None:
                continue
            if not tensor.is_contiguous():
                copied.append(number)
                continue
            places.append((self._function.position(argument.native), 8 * len(words)))
            words += (pointer, pointer, *descriptor_tail(tensor.shape))
        memory = (ctypes.c_int64 * len(words))(*words)
        base = ctypes.addressof(memory)
        for position, offset in places:
            template[position] = base + offset
        return Bound(pointers, template, tuple(copied), memory)


def _check(argument: Argument, tensor: torch.Tensor) -> None:
    spec = argument.spec
    assert isinstance(spec, TensorSpec)
    what = f"{argument.kind} {argument.name}"
    if not tensor.is_cpu or tensor.layout != torch.strided:
        raise ArgumentError(f"{what}: expected a dense tensor on the CPU, found {tensor.layout} on {tensor.device}")
    if tensor.dtype != getattr(torch, spec.dtype):
        raise ArgumentError(f"{what}: expected dtype {spec.dtype}, found {str(tensor.dtype).removeprefix('torch.')}")
    if tuple(tensor.shape) != spec.shape:
        raise ArgumentError(f"{what}: expected shape {list(spec.shape)}, found {list(tensor.shape)}")
