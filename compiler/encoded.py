"""Parameters that native code reads in another form, packed or as narrow codes: made once, again where they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

from ..kernels.panels import panel_count
from ..kernels.panels_torch import pack_panels
from ..kernels.weight_arguments import EncodedArgument, PackedArgument
from ..kernels.weight_formats import encode
from .signature import Argument, TensorSpec


def native_arguments(
    arguments: Sequence[Argument], encoded: Sequence[EncodedArgument], packed: Sequence[PackedArgument] = ()
) -> list[Argument]:
    """Return the native function's arguments: those of the signature, then biases of encoded ones and panels."""
    extra = []
    for item in encoded:
        if item.biases is not None:
            weight = arguments[item.argument]
            assert isinstance(weight.spec, TensorSpec)
            spec = TensorSpec("int32", (weight.spec.shape[item.axis],))
            extra.append(Argument(f"{weight.name}.biases", weight.kind, spec, item.biases))
    for panels in packed:
        if panels.argument != panels.source:
            weight = arguments[panels.source]
            assert isinstance(weight.spec, TensorSpec)
            columns, depth = weight.spec.shape[panels.axis], weight.spec.shape[1 - panels.axis]
            assert isinstance(columns, int)
            spec = TensorSpec(weight.spec.dtype, (panel_count(columns, panels.width), depth, panels.width))
            extra.append(Argument(f"{weight.name}.panels", weight.kind, spec, panels.argument))
    return [*arguments, *sorted(extra, key=lambda argument: argument.native or 0)]


TensorState: TypeAlias = tuple[int, int, tuple[int, ...], tuple[int, ...]] | None


@dataclass(frozen=True)
class _Kept:
    """What stands for a tensor in native code, and what tells whether it is still that tensor."""

    state: TensorState
    storage: Any
    """The tensor's memory: as long as it is held no other tensor can lie there."""
    native: list[tuple[int, torch.Tensor]]
    """Native arguments, each with its number."""


class WeightEncoder:
    """Encodes or packs the tensors of arguments, and keeps that until a tensor is another or was written to.

    Torch's version counter tells of writes, by operations in place, `copy_`, an optimiser, `load_state_dict`. It does
    not tell of writes through `.data` or a NumPy view: `forget` then. Any number of threads may use one.
    """

    def __init__(self, encoded: Sequence[EncodedArgument], packed: Sequence[PackedArgument] = ()):
        self.encoded = {item.argument: item for item in encoded}
        """Arguments that become codes, by number among the native function's arguments."""
        self.packed = {item.source: item for item in packed}
        """Arguments that become panels, by number."""
        self.arguments = frozenset(self.encoded) | frozenset(self.packed)
        self._kept: dict[int, _Kept] = {}

    def native(self, number: int, tensor: torch.Tensor, name: str) -> list[tuple[int, torch.Tensor]]:
        """Return the native arguments that stand for `tensor`, argument `number`, called `name`; each with its number.

        Raises `ArgumentError` for NaN and infinity in what becomes codes.
        """
        kept, state = self._kept.get(number), tensor_state(tensor)
        if kept is None or state is None or kept.state != state:
            made = self._encode(number, tensor, name) if number in self.encoded else self._pack(number, tensor)
            kept = _Kept(state, tensor.untyped_storage(), made)
            self._kept[number] = kept
        return kept.native

    def kept(self, number: int | None = None) -> list[torch.Tensor]:
        """Return the codes and panels that are there now, of one argument or of all."""
        found = self._kept.items() if number is None else [(number, self._kept[number])] if number in self._kept else []
        return [tensor for _, kept in found for _, tensor in kept.native]

    def adopt(self, number: int, tensor: torch.Tensor, name: str) -> torch.Tensor:
        """Make what stands for `tensor` in native code, and return what stands for it here: a view of one element.

        The tensor itself is not kept. Raises as `native` does.
        """
        made = self._encode(number, tensor, name) if number in self.encoded else self._pack(number, tensor)
        return self._keep(number, tensor.dtype, tensor.shape, made)

    def keep(self, argument: Argument, native: list[tuple[int, torch.Tensor]]) -> torch.Tensor:
        """Take what stands for an argument in native code as it is; return what stands for it here, as `adopt` does."""
        assert argument.native is not None and isinstance(argument.spec, TensorSpec)
        shape = [size for size in argument.spec.shape if isinstance(size, int)]
        return self._keep(argument.native, getattr(torch, argument.spec.dtype), shape, native)

    def _keep(
        self, number: int, dtype: torch.dtype, shape: Sequence[int], made: list[tuple[int, torch.Tensor]]
    ) -> torch.Tensor:
        stand_in = torch.zeros((), dtype=dtype).expand(shape)
        self._kept[number] = _Kept(tensor_state(stand_in), stand_in.untyped_storage(), made)
        return stand_in

    def _encode(self, number: int, tensor: torch.Tensor, name: str) -> list[tuple[int, torch.Tensor]]:
        how = self.encoded[number]
        weights = encode(tensor, how.format, how.axis, name=name)
        found = [(number, weights.codes)]
        if how.biases is not None and weights.biases is not None:
            found.append((how.biases, weights.biases))
        return found

    def _pack(self, number: int, tensor: torch.Tensor) -> list[tuple[int, torch.Tensor]]:
        how = self.packed[number]
        panels = (how.argument, pack_panels(tensor, how.axis, how.width, how.lmul))
        return [panels] if how.argument == number else [(number, tensor.detach().contiguous()), panels]

    def forget(self) -> None:
        """Drop codes and panels, so that they are made again."""
        self._kept.clear()


def tensor_state(tensor: torch.Tensor) -> TensorState:
    """Return where a tensor lies, how it is laid out, and torch's count of writes to it.

    None where torch does not count them: of inference tensors.
    """
    if tensor.is_inference():
        return None
    return (tensor.data_ptr(), tensor._version, tuple(tensor.shape), tensor.stride())
