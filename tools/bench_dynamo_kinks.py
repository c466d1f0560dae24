"""Gradients where the derivative jumps: at an input of ReLU so near to zero that rounding decides its sign.

Of a wide model some inputs always lie there, and two right computations in f32 take different sides. How much the
gradients change when one such input takes the other side is computed by torch, for each of them, so that a comparison
can leave out that much and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

NEAR = 1e-6
"""An input of ReLU is near zero below this share of the largest magnitude beside it: some eight roundings of f32."""
MOST = 64
"""So many inputs, the nearest to zero, are looked at."""
RELU = frozenset({torch.relu, torch.relu_, torch.nn.functional.relu, Tensor.relu, Tensor.relu_})


@dataclass(frozen=True)
class Kink:
    """An input of ReLU near zero: the number of the call of ReLU, and the place in its operand, flattened."""

    call: int
    place: int


class _Sides(TorchFunctionMode):
    """Notes the inputs of ReLU that are near zero, and lets the inputs `other` take the other side."""

    def __init__(self, other: Kink | None = None):
        super().__init__()
        self._other = other
        self._calls = 0
        self.near: list[tuple[float, Kink]] = []

    def __torch_function__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if function not in RELU:
            return function(*args, **(kwargs or {}))
        (x,) = args[:1]
        number = self._calls
        self._calls += 1
        with torch.no_grad(), torch._C.DisableTorchFunction():
            shares = x.abs().flatten() / x.abs().max()
            for place in (shares < NEAR).nonzero().flatten().tolist():
                self.near.append((float(shares[place]), Kink(number, place)))
            above = x > 0
            if self._other is not None and self._other.call == number:
                above.view(-1)[self._other.place] ^= True
        return torch.where(above, x, torch.zeros((), dtype=x.dtype))


def jumps(gradients: Callable[[], Sequence[Tensor]], expected: Sequence[Tensor]) -> tuple[int, list[Tensor]]:
    """Return how many inputs of ReLU are near zero, and by how much gradients may differ for the side that they take.

    `gradients` computes them by torch, and leaves what it returned before alone; `expected` are those of the sides that
    torch takes. The second is one tensor for each: the sum of the magnitudes by which each input changes it, zeros
    where no input is near zero.
    """
    allowed = [torch.zeros_like(one) for one in expected]
    sides = _Sides()
    with sides:
        gradients()
    nearest = [kink for _, kink in sorted(sides.near, key=lambda pair: pair[0])[:MOST]]
    for kink in nearest:
        with _Sides(kink):
            found = gradients()
        for total, one, other in zip(allowed, found, expected, strict=True):
            total += (one - other).abs()
    return len(sides.near), allowed
