"""Refusing calls whose inputs share memory with what the graph overwrites: it was compiled as if they did not."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, TypeAlias

import torch

from ..errors import ArgumentError
from .signature import Argument, Signature

Span: TypeAlias = tuple[int, int]
"""The first address of a tensor's elements and the one behind the last."""


class Overlaps:
    """The check of the calls of one signature; cheap where, as nearly always, nothing overlaps."""

    def __init__(self, signature: Signature):
        self._arguments = signature.arguments
        self._overwritten = [signature.arguments[mutation.argument] for mutation in signature.mutations]
        self._inputs = signature.inputs
        self._written = {number for number, argument in enumerate(self._inputs) if argument in self._overwritten}
        self._state = [argument for argument in signature.arguments if argument.kind != "input"]
        self._buffers = any(argument.kind != "input" for argument in self._overwritten)
        self._known: tuple[object, list[Span]] | None = None

    def check(self, leaves: Sequence[Any], state: Sequence[torch.Tensor], bound: object) -> None:
        """Raise ArgumentError where an input and something overwritten share memory; name both.

        `leaves` are the inputs, `state` the tensors of the state; `bound` is another object where those lie elsewhere.
        """
        if self._overwritten and self._may_overlap(leaves, state, bound):
            self._refuse(leaves, state)

    def _may_overlap(self, leaves: Sequence[Any], state: Sequence[torch.Tensor], bound: object) -> bool:
        spans = sorted(
            (*span(leaf), number in self._written)
            for number, leaf in enumerate(leaves)
            if isinstance(leaf, torch.Tensor)
        )
        known = self._known
        if known is None or known[0] is not bound:
            self._known = known = (bound, _merged(state))
        merged = known[1]
        end = end_of_written = 0
        for begin, last, written in spans:
            if begin == last:
                continue
            if begin < (end if written else end_of_written):
                return True
            end = max(end, last)
            if written:
                end_of_written = max(end_of_written, last)
            if (written or self._buffers) and _hits(merged, begin, last):
                return True
        return False

    def _refuse(self, leaves: Sequence[Any], state: Sequence[torch.Tensor]) -> None:
        inputs: list[tuple[Argument, Any]] = list(zip(self._inputs, leaves, strict=True))
        kept: list[tuple[Argument, Any]] = list(zip(self._state, state, strict=True))
        for target, tensor in inputs + kept:
            if target not in self._overwritten:
                continue
            begin, end = span(tensor)
            for argument, other in inputs + kept if target.kind == "input" else inputs:
                if argument is target or not isinstance(other, torch.Tensor):
                    continue
                first, last = span(other)
                if begin < last and first < end:
                    raise ArgumentError(
                        f"{target.name}: the graph overwrites it, and {argument.name} shares its memory; "
                        "expected separate tensors"
                    )


def span(tensor: torch.Tensor) -> Span:
    """Return where a tensor's elements lie."""
    begin = tensor.data_ptr()
    if tensor.is_contiguous():
        return begin, begin + tensor.nbytes
    if tensor.numel() == 0:
        return begin, begin
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return begin, begin + (last + 1) * tensor.element_size()


def _merged(tensors: Sequence[torch.Tensor]) -> list[Span]:
    """Return the spans of `tensors` in order, those that overlap made one."""
    merged: list[Span] = []
    for begin, end in sorted(map(span, tensors)):
        if begin == end:
            continue
        if merged and begin < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def _hits(merged: list[Span], begin: int, end: int) -> bool:
    """Tell whether the span from `begin` to `end` shares memory with any of `merged`."""
    position = bisect_right(merged, (begin, end))
    before = position > 0 and merged[position - 1][1] > begin
    return before or (position < len(merged) and merged[position][0] < end)
