"""What kinks of ReLU explain of the difference between two right computations of a training step.

Where an input of ReLU is so near to zero that rounding decides its sign, the gradients on either side are right. Among
the millions of such inputs of a model in its true size some always lie there. What the other side of each changes is
computed by torch, and taken away from the difference where that is what the compiled code has done; the rest is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..compiler.training import LossAndGradients
from .bench_kinks import MOST, Kink, ReluCalls
from .bench_workload import compare, magnitudes

_NEAR = 5e-6
"""An input of ReLU is near zero below this share of the largest magnitude beside it.

Some forty roundings of f32, since sums of hundreds of terms in a dozen layers stand before it.
"""


def explained(
    step: LossAndGradients, inputs: Sequence[Tensor], observed: Sequence[Tensor], tolerance: float
) -> tuple[int, float]:
    """Take from differences what comes of other sides of kinks: how many those are, and the error of what is left.

    The first of `observed` is the loss, which has no jump; the others are the gradients. Of the inputs of ReLU near
    zero, that one is taken to be on its other side that makes the squares of the gradients' errors, each a share of its
    magnitude, smallest in their sum; then the next, until the error is at most `tolerance` or no other makes it
    smaller. The `MOST` whose jumps point most where the difference does are looked at.
    """
    # Only attention of single operations has a backward pass that can be differentiated itself.
    with torch.inference_mode(False), torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
        at = _Linear(step, inputs)
        left = [value - own for value, own in zip(observed, at.expected, strict=True)]
        squares: dict[Kink, float] | None = None
        taken = 0
        while (error := at.error(left)) > tolerance:
            products = at.products(left)
            if squares is None:
                towards = sorted((kink for kink in products if products[kink] > 0), key=lambda kink: -products[kink])
                squares = {kink: at.square(at.jump(kink)) for kink in towards[:MOST]}
            gains = {kink: 2 * products[kink] - square for kink, square in squares.items()}
            best = max(gains, key=lambda kink: gains[kink], default=None)
            if best is None or gains[best] <= 0:
                break
            del squares[best]
            left = [one if jump is None else one - jump for one, jump in zip(left, at.jump(best), strict=True)]
            taken += 1
    return taken, error


class _Linear:
    """A step's loss and gradients, and what these change by where inputs of ReLU near zero take their other sides.

    A gradient is linear in the slope of each ReLU: one backward pass, through what stands before it only, tells what
    the other slope changes. Lists of tensors are as the step's results: the loss, then the gradients.
    """

    def __init__(self, step: LossAndGradients, inputs: Sequence[Tensor]):
        self._relu = ReluCalls(near=_NEAR)
        names = set(step.trainable)
        # A step by itself has torch compute all gradients; here one loss is differentiated many times.
        wanted = [one for name, one in step.module.named_parameters() if name in names]
        with self._relu:
            loss = step.number(*inputs)
        used = torch.autograd.grad(loss, wanted, retain_graph=True, allow_unused=True)
        self._wanted = [one for one, gradient in zip(wanted, used, strict=True) if gradient is not None]
        self.expected = [loss.detach(), *(gradient for gradient in used if gradient is not None)]
        self._weights = [scale**-2 for scale in magnitudes(self.expected, gradients=True)]
        self._slopes = self._near(loss)

    def error(self, left: Sequence[Tensor]) -> float:
        """Return the largest of these differences from what is expected, as a share of magnitudes."""
        found = [wanted.double() + one.double() for wanted, one in zip(self.expected, left, strict=True)]
        return compare(found, self.expected, gradients=True).error

    def jump(self, kink: Kink) -> list[Tensor | None]:
        """Return by how much the results change where that input takes its other side; `None` where not at all."""
        operand = self._relu.calls[kink.call][0]
        at = torch.zeros_like(operand, memory_format=torch.contiguous_format)
        at.view(-1)[kink.place] = self._slopes[kink]
        return [None, *torch.autograd.grad(operand, self._wanted, at, retain_graph=True, allow_unused=True)]

    def square(self, change: Sequence[Tensor | None]) -> float:
        """Return the sum of the squares of a change, as shares of magnitudes."""
        pairs = zip(self._weights, change, strict=True)
        return sum(weight * float(one.double().square().sum()) for weight, one in pairs if one is not None)

    def products(self, left: Sequence[Tensor]) -> dict[Kink, float]:
        """Return the inner product of each jump with these differences, both as shares of magnitudes.

        All products of one call of ReLU come of one derivative: that of its operand along the differences, by
        differentiating the backward pass, which is linear in what it starts with.
        """
        found: dict[Kink, float] = {}
        for number in sorted({kink.call for kink in self._slopes}):
            operand = self._relu.calls[number][0]
            start = torch.zeros_like(operand, memory_format=torch.contiguous_format).requires_grad_()
            back = torch.autograd.grad(operand, self._wanted, start, create_graph=True, allow_unused=True)
            terms = zip(back, left[1:], self._weights[1:], strict=True)
            products = [weight * (one * rest.to(one.dtype)).sum() for one, rest, weight in terms if one is not None]
            if not products:
                continue
            (along,) = torch.autograd.grad(torch.stack(products).sum(), start)
            flat = along.flatten()
            found |= {
                kink: self._slopes[kink] * float(flat[kink.place]) for kink in self._slopes if kink.call == number
            }
        return found

    def _near(self, loss: Tensor) -> Mapping[Kink, float]:
        """Return by how much the loss's slope in each input of ReLU near zero changes where it takes its other side."""
        calls = self._relu.calls
        kinks = [kink for kink in self._relu.near() if calls[kink.call][0].requires_grad]
        numbers = sorted({kink.call for kink in kinks})
        if not numbers:
            return {}
        results = [calls[number][1] for number in numbers]
        slopes = torch.autograd.grad(loss, results, retain_graph=True, allow_unused=True)
        slope_of = {number: slope.flatten() for number, slope in zip(numbers, slopes, strict=True) if slope is not None}
        # The side that torch took passes the slope on, or nothing; the other is the opposite.
        return {
            kink: float(slope_of[kink.call][kink.place]) * (-1 if calls[kink.call][0].flatten()[kink.place] > 0 else 1)
            for kink in kinks
            if kink.call in slope_of
        }
