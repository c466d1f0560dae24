"""The parameters and buffers behind a compiled module: looked at, shared, taken from a file, kept as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..errors import ArgumentError
from .artifact import Artifact
from .checkpoint import CheckpointReader
from .encoded import WeightEncoder
from .runtime import NativeFunction, descriptor_tail
from .signature import Argument, Signature, TensorSpec
from .state import Slot, State


class Weights:
    """The state of a graph and the forms that native code reads it in: as it is, packed or as codes."""

    def __init__(
        self,
        signature: Signature,
        artifact: Artifact,
        function: NativeFunction | None,
        slots: Mapping[str, Slot],
        tied: Mapping[str, tuple[str, ...]],
    ):
        """`slots` tell where each tensor of the state is found, `tied` all names of one that has several."""
        self.slots = dict(slots)
        self.tied = dict(tied)
        self.encoder = WeightEncoder(artifact.encoded, artifact.packed)
        arguments = [argument for argument in signature.arguments if argument.kind != "input"]
        self.state = State(arguments, self.slots, function, self.encoder)
        self.inputs = [
            (position, argument)
            for position, argument in enumerate(signature.inputs)
            if argument.native in self.encoder.arguments
        ]
        """The inputs, with their positions, that MLIR marks as parameters and native code reads in another form."""
        self._native_arguments = signature.native_arguments

    def is_like(self, other: Weights) -> bool:
        """Tell whether native code reads the same parameters in the same forms."""
        mine, theirs = self.encoder, other.encoder
        same_forms = (mine.encoded, mine.packed) == (theirs.encoded, theirs.packed)
        return same_forms and self.state.arguments == other.state.arguments

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the tensors by name, without those that are there in another form only."""
        hidden = self.encoder.arguments if self.state.is_own else frozenset()
        named = zip(self.state.arguments, self.state.tensors(), strict=True)
        return {argument.name: tensor for argument, tensor in named if argument.native not in hidden}

    def encoded(self) -> dict[str, str]:
        """Return the formats of those that native code reads as codes, by name."""
        return {self._native_arguments[n].name: item.format for n, item in self.encoder.encoded.items()}

    def packed(self) -> dict[str, int]:
        """Return the columns of a panel of those that native code reads as panels, by name."""
        return {self._native_arguments[n].name: item.width for n, item in self.encoder.packed.items()}

    def bytes_by_name(self) -> dict[str, int]:
        """Return the bytes that native code reads each tensor from."""
        found = {}
        for argument, tensor in zip(self.state.arguments, self.state.tensors(), strict=True):
            if argument.native is not None:
                kept = self.encoder.kept(argument.native)
                found[argument.name] = sum(part.nbytes for part in kept) if kept else tensor.nbytes
        return found

    def total_bytes(self) -> int:
        """Return the memory that native code reads from, in bytes, each tensor once."""
        tensors = [*self.tensors().values()] if self.state.is_own else self._read_as_they_are()
        storages = [tensor.untyped_storage() for tensor in (*tensors, *self.encoder.kept())]
        return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())

    def _read_as_they_are(self) -> list[torch.Tensor]:
        made = self.encoder.arguments
        named = zip(self.state.arguments, self.state.tensors(), strict=True)
        return [tensor for argument, tensor in named if argument.native is not None and argument.native not in made]

    def with_codes(
        self,
        function: NativeFunction,
        tensors: Sequence[tuple[int, int, tuple[int, ...]]],
        leaves: Sequence[Any],
        keep: list[torch.Tensor],
    ) -> list[tuple[int, int, tuple[int, ...]]]:
        """Return the native arguments `tensors` of a call with `leaves`, those of `inputs` as native code reads them.

        What these are made of is put into `keep`, which must live until the call is over.
        """
        native = {position: (pointer, tail) for position, pointer, tail in tensors}
        for position, argument in self.inputs:
            assert argument.native is not None
            for number, codes in self.encoder.native(argument.native, leaves[position], argument.name):
                keep.append(codes)
                native[function.position(number)] = (codes.data_ptr(), descriptor_tail(codes.shape))
        return [(position, pointer, tail) for position, (pointer, tail) in native.items()]

    def encode_again(self) -> None:
        """Encode and pack anew at the next call; raises `ArgumentError` after `load` and `freeze`."""
        if self.state.is_own:
            raise ArgumentError("encode_again: expected a module's parameters, found those of load or freeze")
        self.state.forget()

    def load(self, path: Path) -> None:
        """Take the tensors from a safetensors file, one at a time, by their names or those they are tied to.

        A buffer that is not in the file stays as it is. Raises `ArgumentError` for a file that is none, and names the
        first parameter that is missing or does not fit.
        """
        with CheckpointReader(path) as file:

            def read(argument: Argument) -> torch.Tensor:
                names = (argument.name, *self.tied.get(argument.name, ()))
                name = next((name for name in names if name in file.names), None)
                if name is not None:
                    assert isinstance(argument.spec, TensorSpec)
                    return file.read(name, getattr(torch, argument.spec.dtype))
                if argument.kind == "parameter":
                    raise ArgumentError(f"{path}: expected a tensor {argument.name}, found none of that name")
                holder, key = self.slots[argument.name]
                tensor: torch.Tensor = holder[key]
                return tensor

            self._take(read)

    def freeze(self) -> None:
        """Keep the tensors as they are now; the module that they were read from is not read any more."""
        tensors = self.tensors()
        self._take(lambda argument: tensors[argument.name])

    def _take(self, read: Callable[[Argument], torch.Tensor]) -> None:
        if self.state.is_own:
            raise ArgumentError("expected a compiled module that reads its module, found one after load or freeze")
        self.state.take(read)
        self.slots = {}
