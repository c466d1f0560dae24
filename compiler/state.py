"""The tensors a compiled module keeps: parameters, buffers, constants, read from their owner at every call."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

from ..errors import ArgumentError
from .encoded import TensorState, WeightEncoder, tensor_state
from .runtime import NativeFunction, descriptor_tail
from .signature import Argument, TensorSpec

Slot: TypeAlias = tuple[MutableMapping[str, Any], str]
"""Where a tensor is found: a module's dictionary of parameters or buffers, and the name in it."""

Place: TypeAlias = tuple[int, torch.Size, tuple[int, ...]]
"""Address, shape and strides of a tensor."""


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


def tied_names(module: torch.nn.Module) -> dict[str, tuple[str, ...]]:
    """Return, for each parameter with several names in a module, all of them, by each."""
    names: dict[int, list[str]] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    return {name: tuple(same) for same in names.values() if len(same) > 1 for name in same}


@dataclass(frozen=True)
class Bound:
    """Descriptors of the state's tensors as they were found at one moment; immutable, so that threads may share it."""

    places: list[Place]
    """Where each tensor lay and how."""
    states: list[TensorState]
    """Of each tensor that native code reads as codes: what changes where the tensor does."""
    template: list[Any]
    """The native arguments with every contiguous tensor of the state filled in."""
    copied: tuple[int, ...]
    """The numbers of the tensors that are not contiguous: native code is given a fresh copy at each call."""
    memory: Any
    """The descriptors' memory, and the codes that they point to."""
    counted: tuple[torch.Tensor, ...] = ()
    """The tensors of `states`."""

    @property
    def versions(self) -> list[int | None]:
        """Torch's counts of writes to the tensors of `states`; None of one that has no count."""
        return [None if state is None else state[1] for state in self.states]


class State:
    """The state arguments of a graph, in order, and the descriptors that native code reads them by."""

    def __init__(
        self,
        arguments: Sequence[Argument],
        slots: Mapping[str, Slot],
        function: NativeFunction | None,
        encoder: WeightEncoder,
    ):
        self.arguments = tuple(arguments)
        self._slots = [slots[argument.name] for argument in arguments]
        self._function = function
        self._encoder = encoder
        self._encoded = [i for i, argument in enumerate(self.arguments) if argument.native in encoder.arguments]
        self._bound: Bound | None = None
        self.is_own = False
        """Whether the tensors are its own, those of `take`, and no module's."""

    @property
    def slots(self) -> Sequence[Slot]:
        """Where each tensor is found."""
        return self._slots

    def tensors(self) -> list[torch.Tensor]:
        """Return the tensors as they are now."""
        return [holder[key] for holder, key in self._slots]

    def bind(self, tensors: list[torch.Tensor]) -> Bound:
        """Return descriptors for `tensors`; those of the last call, where no tensor has moved or must be encoded again.

        Raises `ArgumentError` where a tensor's dtype or shape is no more what the graph was compiled for, or where it
        cannot be encoded.
        """
        places = [(tensor.data_ptr(), tensor.shape, tensor.stride()) for tensor in tensors]
        states = [tensor_state(tensors[number]) for number in self._encoded]
        bound = self._bound
        if bound is None or bound.places != places or bound.states != states or None in states:
            self._bound = bound = self._descriptors(tensors, places, states)
        return bound

    def take(self, read: Callable[[Argument], torch.Tensor]) -> None:
        """Keep what `read` returns for each argument from now on, packed or encoded where native code wants it so.

        The slots given before are not read any more; a tensor that is packed or encoded is not kept. Raises
        `ArgumentError` where a tensor is not what the graph was compiled for; then all is as it was.
        """
        held: dict[str, torch.Tensor] = {}
        for argument in self.arguments:
            tensor = read(argument)
            _check(argument, tensor)
            if argument.native in self._encoder.arguments:
                assert argument.native is not None
                tensor = self._encoder.adopt(argument.native, tensor, f"{argument.kind} {argument.name}")
            held[argument.name] = tensor
        self._slots = [(held, argument.name) for argument in self.arguments]
        self._bound = None
        self.is_own = True

    def forget(self) -> None:
        """Encode all tensors again at the next call."""
        self._encoder.forget()
        self._bound = None

    def _descriptors(self, tensors: list[torch.Tensor], found: list[Place], states: list[TensorState]) -> Bound:
        assert self._function is not None
        template = self._function.template()
        words: list[int] = []
        places: list[tuple[int, int]] = []
        copied: list[int] = []
        keep: list[torch.Tensor] = []
        for number, (argument, tensor, (pointer, _, _)) in enumerate(zip(self.arguments, tensors, found, strict=True)):
            _check(argument, tensor)
            if argument.native is None:
                continue
            codes = self._codes(argument, tensor)
            if codes:
                keep += [code for _, code in codes]
                for place, code in codes:
                    places.append((self._function.position(place), 8 * len(words)))
                    words += (code.data_ptr(), code.data_ptr(), *descriptor_tail(code.shape))
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
        counted = tuple(tensors[number] for number in self._encoded)
        return Bound(found, states, template, tuple(copied), (memory, keep), counted)

    def _codes(self, argument: Argument, tensor: torch.Tensor) -> list[tuple[int, torch.Tensor]]:
        """Return the tensors that native code takes in place of an encoded one, by the number of their argument."""
        number = argument.native
        if number is None or number not in self._encoder.arguments:
            return []
        return self._encoder.native(number, tensor, f"{argument.kind} {argument.name}")


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
