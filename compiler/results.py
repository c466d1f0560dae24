"""What a call gives back and overwrites, from what native code computed, as the signature says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd.graph import increment_version
from torch.utils import _pytree as pytree

from .call_trees import argument_index, plain_results
from .inputs import Copy, Plan
from .signature import Result, Signature, SymbolicSize


class Results:
    """The results and the overwritten arguments of a signature.

    In its methods `fresh` are the results of native code, `leaves` the inputs, `state` the parameters, buffers and
    constants of the call.
    """

    def __init__(self, signature: Signature):
        self._signature = signature
        self._index = argument_index(signature)
        self._written = [m.argument for m in signature.mutations if m.result.kind == "written"]
        self.later = [mutation for mutation in signature.mutations if mutation.result.kind != "written"]
        """What is overwritten after native code has run, and not by it."""
        self.written_state = {self._index[number][1] for number in self._written if not self._index[number][0]}
        """The numbers, among the state, of the tensors that native code overwrites."""
        self.plain = plain_results(signature)
        """The number of results where these are the native ones as they are; else None."""

    def written(self, leaves: Sequence[Any], state: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Return the very objects that native code overwrites."""
        return [self._object(number, leaves, state) for number in self._written]

    def overwrite(
        self,
        copies: Sequence[Copy],
        fresh: Sequence[Any],
        leaves: Sequence[Any],
        state: Sequence[torch.Tensor],
        plan: Plan,
    ) -> None:
        """Overwrite what native code has not, `copies` it was given included, and tell torch of what it has."""
        values = [self._value(mutation.result, fresh, leaves, state, plan) for mutation in self.later]
        with torch.no_grad():
            for copy in copies:
                if copy.written:
                    copy.tensor.copy_(copy.contiguous)
            for mutation, value in zip(self.later, values, strict=True):
                self._object(mutation.argument, leaves, state).copy_(value)
        increment_version([tensor for tensor in self.written(leaves, state) if not tensor.is_inference()])

    def tree(self, fresh: Sequence[Any], leaves: Sequence[Any], state: Sequence[torch.Tensor], plan: Plan) -> Any:
        """Return what the call returns."""
        values = [self._value(result, fresh, leaves, state, plan) for result in self._signature.results]
        spec = self._signature.out_spec
        if spec is None:
            return values[0] if len(values) == 1 else tuple(values)
        return values[0] if spec.is_leaf() else pytree.tree_unflatten(values, spec)

    def _object(self, number: int, leaves: Sequence[Any], state: Sequence[torch.Tensor]) -> Any:
        """Return the very object that is argument number `number`."""
        is_input, position = self._index[number]
        return leaves[position] if is_input else state[position]

    def _value(
        self, result: Result, fresh: Sequence[Any], leaves: Sequence[Any], state: Sequence[torch.Tensor], plan: Plan
    ) -> Any:
        if result.kind == "native":
            return fresh[result.index]
        if result.kind == "argument":
            return self._object(result.index, leaves, state)
        if result.kind == "size":
            assert isinstance(result.size, SymbolicSize)
            return result.size.evaluate(plan.symbols)
        return result.value
