"""Judges the results of a graph; of a training step, apart from what the kinks of ReLU leave open.

Where an input of ReLU is so near to zero that rounding decides its sign, the gradients on either side are right. Among
the millions of such inputs of a model in its true size some always lie there. What the other side of each changes is
computed by torch, and taken away from the difference where that is what the compiled code has done; the rest is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..compiler.training import LossAndGradients
from .bench_kinks import MOST, ReluCalls
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


def explained(step: LossAndGradients, inputs: Sequence[Tensor], away: Sequence[Tensor]) -> tuple[int, list[Tensor]]:
    """Take from differences what comes of other sides of kinks; return how many those are, and what is left.

    `away` is what was found less what torch computes, a tensor for each result of a step, the loss first, which has no
    jump. Of the inputs of ReLU near zero, those `MOST` that the loss depends on most, each one's other side is taken
    where that makes the gradients' difference smaller, in the Euclidean norm. One backward pass for each such input,
    through what stands before it only: a gradient is linear in the slope of each ReLU.
    """
    relu = ReluCalls(near=_NEAR)
    names = set(step.trainable)
    # A step by itself has torch compute all gradients; here one loss is differentiated many times.
    wanted = [one for name, one in step.module.named_parameters() if name in names]
    with torch.inference_mode(False), torch.enable_grad(), relu:
        loss = step.number(*inputs)
    used = torch.autograd.grad(loss, wanted, retain_graph=True, allow_unused=True)
    wanted = [one for one, gradient in zip(wanted, used, strict=True) if gradient is not None]
    kinks = [kink for kink in relu.near() if relu.calls[kink.call][0].requires_grad]
    if not kinks:
        return 0, list(away)
    numbers = sorted({kink.call for kink in kinks})
    results = [relu.calls[number][1] for number in numbers]
    slopes = torch.autograd.grad(loss, results, retain_graph=True, allow_unused=True)
    slope_of = {number: slope.flatten() for number, slope in zip(numbers, slopes, strict=True) if slope is not None}
    steep = [(float(slope_of[kink.call][kink.place]), kink) for kink in kinks if kink.call in slope_of]
    (first, *left), count = away, 0
    for slope, kink in sorted(steep, key=lambda one: -abs(one[0]))[:MOST]:
        operand = relu.calls[kink.call][0]
        at = torch.zeros_like(operand, memory_format=torch.contiguous_format)
        # The side that torch took passes the slope on, or nothing; the other is the opposite.
        at.view(-1)[kink.place] = slope * (-1 if operand.flatten()[kink.place] > 0 else 1)
        jumps = torch.autograd.grad(operand, wanted, at, retain_graph=True, allow_unused=True)
        after = [one if jump is None else one - jump for one, jump in zip(left, jumps, strict=True)]
        if _square(after) < _square(left):
            left, count = after, count + 1
    return count, [first, *left]


def _square(tensors: Sequence[Tensor]) -> float:
    return sum(float(one.double().square().sum()) for one in tensors)
