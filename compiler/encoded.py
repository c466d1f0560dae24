"""Parameters that native code reads as codes of a narrow format: encoded once, again where they have changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

from ..bindings import ir
from ..kernels.weight_formats import EncodedWeights, encode
from ..passes.encode_weights import PARAMETER_ATTRIBUTE, EncodedArgument
from ..passes.prepare_entry import find_entry
from .signature import Argument, Signature, TensorSpec


def mark_parameters(module: ir.Operation, signature: Signature) -> None:
    """Set `slipstick.parameter` on the arguments of a module's entry that are parameters in its signature."""
    entry = find_entry(module)
    numbers = {argument.native for argument in signature.arguments if argument.kind == "parameter"}
    if entry is None or not entry.arguments:
        return
    with module.context:
        old = list(entry.arg_attrs) if "arg_attrs" in entry.attributes else [ir.DictAttr.get({})] * len(entry.arguments)
        marked = [
            ir.DictAttr.get({**{n.name: n.attr for n in attributes}, PARAMETER_ATTRIBUTE: ir.UnitAttr.get()})
            if number in numbers
            else attributes
            for number, attributes in enumerate(old)
        ]
        entry.arg_attrs = ir.ArrayAttr.get(marked)


def native_arguments(arguments: Sequence[Argument], encoded: Sequence[EncodedArgument]) -> list[Argument]:
    """Return the native function's arguments: those of the signature, then the biases of encoded ones."""
    extra = []
    for item in encoded:
        if item.biases is not None:
            weight = arguments[item.argument]
            assert isinstance(weight.spec, TensorSpec)
            spec = TensorSpec("int32", (weight.spec.shape[item.axis],))
            extra.append(Argument(f"{weight.name}.biases", weight.kind, spec, item.biases))
    return [*arguments, *sorted(extra, key=lambda argument: argument.native or 0)]


TensorState: TypeAlias = tuple[int, int, tuple[int, ...], tuple[int, ...]] | None


@dataclass(frozen=True)
class _Kept:
    """The codes of a tensor, and what tells whether it is still that tensor."""

    state: TensorState
    storage: Any
    """The tensor's memory: as long as it is held no other tensor can lie there."""
    weights: EncodedWeights


class WeightEncoder:
    """Encodes the tensors of arguments, and keeps the codes until a tensor is another or was written to.

    Torch's version counter tells of writes, by operations in place, `copy_`, an optimiser, `load_state_dict`. It does
    not tell of writes through `.data` or a NumPy view: `forget` then. Any number of threads may use one.
    """

    def __init__(self, encoded: Sequence[EncodedArgument]):
        self.arguments = {item.argument: item for item in encoded}
        """By number among the native function's arguments."""
        self._kept: dict[int, _Kept] = {}

    def native(self, number: int, tensor: torch.Tensor, name: str) -> list[tuple[int, torch.Tensor]]:
        """Return the native arguments that stand for `tensor`, each with its number; raises as `encode` does."""
        weights, biases = self.encode(number, tensor, name), self.arguments[number].biases
        found = [(number, weights.codes)]
        if biases is not None and weights.biases is not None:
            found.append((biases, weights.biases))
        return found

    def encode(self, number: int, tensor: torch.Tensor, name: str) -> EncodedWeights:
        """Return the codes of `tensor`, which is argument `number`, called `name`.

        Raises `ArgumentError` for NaN and infinity.
        """
        kept, state = self._kept.get(number), tensor_state(tensor)
        if kept is None or state is None or kept.state != state:
            how = self.arguments[number]
            weights = encode(tensor, how.format, how.axis, name=name)
            kept = _Kept(state, tensor.untyped_storage(), weights)
            self._kept[number] = kept
        return kept.weights

    def forget(self) -> None:
        """Drop all codes, so that each tensor is encoded again."""
        self._kept.clear()


def tensor_state(tensor: torch.Tensor) -> TensorState:
    """Return where a tensor lies, how it is laid out, and torch's count of writes to it.

    None where torch does not count them: of inference tensors.
    """
    if tensor.is_inference():
        return None
    return (tensor.data_ptr(), tensor._version, tuple(tensor.shape), tensor.stride())
