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
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..compiler.training import LossAndGradients
from .bench_kinks import MOST, Kink, ReluCalls
from .bench_workload import Form, compare

_NEAR = 5e-6
"""An input of ReLU is near zero below this share of the largest magnitude beside it.

Some forty roundings of f32, since sums of hundreds of terms in a dozen layers stand before it.
"""
_ROUNDS = 4


def judged(form: Form, observed: list[Tensor], tolerance: float) -> dict[str, Any]:
    """Return the error of results beside torch's, and the number of kinks whose other side was taken.

    Kinks are looked for only where a training step is further away than `tolerance`.
    """
    step = form.module if isinstance(form.module, LossAndGradients) else None
    error = compare(observed, form.expected, gradients=step is not None).error
    if step is None or error <= tolerance or error == float("inf"):
        return {"error": error, "kinks": 0}
    count, expected, left = explained(step, form.inputs, observed)
    rest = [wanted.double() + one.double() for wanted, one in zip(expected, left, strict=True)]
    return {"error": compare(rest, expected, gradients=True).error, "kinks": count}


def explained(
    step: LossAndGradients, inputs: Sequence[Tensor], observed: Sequence[Tensor]
) -> tuple[int, list[Tensor], list[Tensor]]:
    """Take from differences what comes of other sides of kinks: how many those are, torch's results, what is left.

    Results are the loss, which has no jump, and the gradients. Of the inputs of ReLU near zero, each one's other
    side is taken where that makes the gradients' difference smaller, in the Euclidean norm. One backward pass for
    each such input, through what stands before it only: a gradient is linear in the slope of each ReLU. The `MOST`
    whose jumps point most where the difference does are looked at, and again for what is left, `_ROUNDS` times.
    """
    relu = ReluCalls(near=_NEAR)
    names = set(step.trainable)
    # A step by itself has torch compute all gradients; here one loss is differentiated many times.
    wanted = [one for name, one in step.module.named_parameters() if name in names]
    # Only attention of single operations has a backward pass that can be differentiated itself.
    with torch.inference_mode(False), torch.enable_grad(), sdpa_kernel(SDPBackend.MATH), relu:
        loss = step.number(*inputs)
        used = torch.autograd.grad(loss, wanted, retain_graph=True, allow_unused=True)
        wanted = [one for one, gradient in zip(wanted, used, strict=True) if gradient is not None]
        expected = [loss.detach(), *(gradient for gradient in used if gradient is not None)]
        first, *left = [value - own for value, own in zip(observed, expected, strict=True)]
        jumps = _jumps(relu, loss)
        taken: set[Kink] = set()
        for _ in range(_ROUNDS):
            open_ones = {kink: slope for kink, slope in jumps.items() if kink not in taken}
            before = len(taken)
            for kink in _towards(relu, open_ones, wanted, left)[:MOST]:
                operand = relu.calls[kink.call][0]
                at = torch.zeros_like(operand, memory_format=torch.contiguous_format)
                at.view(-1)[kink.place] = jumps[kink]
                found = torch.autograd.grad(operand, wanted, at, retain_graph=True, allow_unused=True)
                after = [one if jump is None else one - jump for one, jump in zip(left, found, strict=True)]
                if _square(after) < _square(left):
                    left = after
                    taken.add(kink)
            if len(taken) == before:
                break
    return len(taken), expected, [first, *left]


def _jumps(relu: ReluCalls, loss: Tensor) -> dict[Kink, float]:
    """Return by how much the loss's slope in each input of ReLU near zero changes where the other side is taken."""
    kinks = [kink for kink in relu.near() if relu.calls[kink.call][0].requires_grad]
    numbers = sorted({kink.call for kink in kinks})
    if not numbers:
        return {}
    results = [relu.calls[number][1] for number in numbers]
    slopes = torch.autograd.grad(loss, results, retain_graph=True, allow_unused=True)
    slope_of = {number: slope.flatten() for number, slope in zip(numbers, slopes, strict=True) if slope is not None}
    # The side that torch took passes the slope on, or nothing; the other is the opposite.
    return {
        kink: float(slope_of[kink.call][kink.place]) * (-1 if relu.calls[kink.call][0].flatten()[kink.place] > 0 else 1)
        for kink in kinks
        if kink.call in slope_of
    }


def _towards(
    relu: ReluCalls, jumps: Mapping[Kink, float], wanted: Sequence[Tensor], left: Sequence[Tensor]
) -> list[Kink]:
    """Return the kinks whose jumps of the gradients have a positive inner product with what is left, the largest first.

    No other can make it smaller. All inner products of one call of ReLU come of one derivative: that of its operand
    along what is left, by differentiating the backward pass, which is linear in what it starts with.
    """
    found = []
    for number in sorted({kink.call for kink in jumps}):
        operand = relu.calls[number][0]
        start = torch.zeros_like(operand, memory_format=torch.contiguous_format).requires_grad_()
        back = torch.autograd.grad(operand, wanted, start, create_graph=True, allow_unused=True)
        products = [(one * rest.to(one.dtype)).sum() for one, rest in zip(back, left, strict=True) if one is not None]
        if not products:
            continue
        (along,) = torch.autograd.grad(torch.stack(products).sum(), start)
        flat = along.flatten()
        found += [(jump * float(flat[kink.place]), kink) for kink, jump in jumps.items() if kink.call == number]
    return [kink for product, kink in sorted(found, key=lambda one: -one[0]) if product > 0]


def _square(tensors: Sequence[Tensor]) -> float:
    return sum(float(one.double().square().sum()) for one in tensors)
