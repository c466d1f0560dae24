"""Judges the results of a graph; of a training step, apart from what the kinks of ReLU leave open.

Where an input of ReLU is so near to zero that rounding decides its sign, the gradients on either side are right. Among
the millions of such inputs of a model in its true size some always lie there. How much each of them changes the
gradients is computed by torch, and that much, no more, is left out of the comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..compiler.training import LossAndGradients
from .bench_dynamo_kinks import MOST, NEAR, RELU
from .bench_workload import Form, compare


def judged(form: Form, observed: list[Tensor], tolerance: float) -> dict[str, Any]:
    """Return the error of results beside torch's, and the number of kinks that were left out of it.

    Kinks are looked for only where a training step is further away than `tolerance`.
    """
    step = form.module if isinstance(form.module, LossAndGradients) else None
    error = compare(observed, form.expected, gradients=step is not None).error
    if step is None or error <= tolerance or error == float("inf"):
        return {"error": error, "kinks": 0}
    count, allowed = kinks(step, form.inputs)
    error = compare(observed, form.expected, gradients=True, allowed=allowed).error
    return {"error": error, "kinks": count}


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


def kinks(step: LossAndGradients, inputs: Sequence[Tensor]) -> tuple[int, list[Tensor]]:
    """Return how many inputs of ReLU are near zero, and by how much the results of a step may differ for their sides.

    The second is one tensor for each result, the loss first: the sum of the magnitudes by which each near input, of the
    nearest `MOST`, changes it. The loss itself has no jump. One backward pass for each such input, through what stands
    before it only: a gradient is linear in the slope of each ReLU.
    """
    operands = _Operands()
    names = set(step.trainable)
    # A step by itself has torch compute all gradients; here one loss is differentiated many times.
    parameters = {name: one for name, one in step.module.named_parameters() if name in names}
    with torch.inference_mode(False), torch.enable_grad(), operands:
        loss = step.number(*inputs)
    wanted = list(parameters.values())
    used = torch.autograd.grad(loss, wanted, retain_graph=True, allow_unused=True)
    allowed = [torch.zeros_like(loss), *(torch.zeros_like(one) for one in used if one is not None)]
    places = _near(operands.calls)
    if not places:
        return 0, allowed
    slopes = torch.autograd.grad(loss, [result for _, result in operands.calls], retain_graph=True, allow_unused=True)
    for _, call, place in places[:MOST]:
        operand, slope = operands.calls[call][0], slopes[call]
        if slope is None:
            continue
        at = torch.zeros_like(operand)
        at.view(-1)[place] = slope.flatten()[place]
        jumps = torch.autograd.grad(operand, wanted, at, retain_graph=True, allow_unused=True)
        present = [jump for jump, one in zip(jumps, used, strict=True) if one is not None]
        for total, jump in zip(allowed[1:], present, strict=True):
            if jump is not None:
                total += jump.abs()
    return len(places), allowed


def _near(calls: Sequence[tuple[Tensor, Tensor]]) -> list[tuple[float, int, int]]:
    """Return the inputs near zero, the nearest first: their share of the largest beside them, the call, the place."""
    found = []
    for call, (operand, _) in enumerate(calls):
        shares = operand.detach().abs().flatten()
        shares = shares / shares.max()
        found += [(float(shares[place]), call, place) for place in (shares < NEAR).nonzero().flatten().tolist()]
    return sorted(found)
