"""Judges the results of a graph; of a training step, apart from what the kinks of ReLU leave open.

Where an input of ReLU is so near to zero that rounding decides its sign, the gradients on either side are right. Among
the millions of such inputs of a model in its true size some always lie there. What the other side of each changes is
computed by torch, and taken away from the difference where that is what the compiled code has done; the rest is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..compiler.training import LossAndGradients
from .bench_dynamo_kinks import MOST, RELU
from .bench_workload import Form, compare

_NEAR = 5e-6
"""An input of ReLU is near zero below this share of the largest magnitude beside it.

Some forty roundings of f32, since sums of hundreds of terms in a dozen layers stand before it.
"""


def judged(form: Form, observed: list[Tensor], tolerance: float) -> dict[str, Any]:
    """Return the error of results beside torch's, and the number of kinks whose other side was taken.

    Kinks are looked for only where a training step is further away than `tolerance`.
    """
    step = form.module if isinstance(form.module, LossAndGradients) else None
    error = compare(observed, form.expected, gradients=step is not None).error
    if step is None or error <= tolerance or error == float("inf"):
        return {"error": error, "kinks": 0}
    away = [value - wanted for value, wanted in zip(observed, form.expected, strict=True)]
    count, left = explained(step, form.inputs, away)
    rest = [wanted.double() + one.double() for wanted, one in zip(form.expected, left, strict=True)]
    return {"error": compare(rest, form.expected, gradients=True).error, "kinks": count}


class _Operands(TorchFunctionMode):
    """Keeps the operand and the result of each call of ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Tensor, Tensor]] = []

    def __torch_function__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if function not in RELU:
            return function(*args, **(kwargs or {}))
        (x,) = args[:1]
        with torch._C.DisableTorchFunction():
            result = torch.relu(x)
        if x.requires_grad:
            self.calls.append((x, result))
        return result


def explained(step: LossAndGradients, inputs: Sequence[Tensor], away: Sequence[Tensor]) -> tuple[int, list[Tensor]]:
    """Take from differences what comes of other sides of kinks; return how many those are, and what is left.

    `away` is what was found less what torch computes, a tensor for each result of a step, the loss first, which has no
    jump. Of the inputs of ReLU near zero, those `MOST` that the loss depends on most, each one's other side is taken
    where that makes the gradients' difference smaller, in the Euclidean norm. One backward pass for each such input,
    through what stands before it only: a gradient is linear in the slope of each ReLU.
    """
    operands = _Operands()
    names = set(step.trainable)
    # A step by itself has torch compute all gradients; here one loss is differentiated many times.
    wanted = [one for name, one in step.module.named_parameters() if name in names]
    with torch.inference_mode(False), torch.enable_grad(), operands:
        loss = step.number(*inputs)
    used = torch.autograd.grad(loss, wanted, retain_graph=True, allow_unused=True)
    wanted = [one for one, gradient in zip(wanted, used, strict=True) if gradient is not None]
    if not operands.calls:
        return 0, list(away)
    slopes = torch.autograd.grad(loss, [result for _, result in operands.calls], retain_graph=True, allow_unused=True)
    (first, *left), count = away, 0
    for slope, call, place in _near(operands.calls, slopes)[:MOST]:
        operand = operands.calls[call][0]
        at = torch.zeros_like(operand)
        # The side that torch took passes the slope on, or nothing; the other is the opposite.
        at.view(-1)[place] = slope * (-1 if operand.flatten()[place] > 0 else 1)
        jumps = torch.autograd.grad(operand, wanted, at, retain_graph=True, allow_unused=True)
        after = [one if jump is None else one - jump for one, jump in zip(left, jumps, strict=True)]
        if _square(after) < _square(left):
            left, count = after, count + 1
    return count, [first, *left]


def _square(tensors: Sequence[Tensor]) -> float:
    return sum(float(one.double().square().sum()) for one in tensors)


def _near(calls: Sequence[tuple[Tensor, Tensor]], slopes: Sequence[Tensor | None]) -> list[tuple[float, int, int]]:
    """Return the inputs near zero, the steepest first: the loss's slope in the result there, the call, the place."""
    found = []
    for call, ((operand, _), slope) in enumerate(zip(calls, slopes, strict=True)):
        if slope is None:
            continue
        sizes = operand.detach().abs().flatten()
        for place in (sizes < _NEAR * sizes.max()).nonzero().flatten().tolist():
            found.append((float(slope.flatten()[place]), call, place))
    return sorted(found, key=lambda one: -abs(one[0]))
