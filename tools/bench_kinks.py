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


class ReluCalls(TorchFunctionMode):
    """Keeps what ReLU is called with and returns, and may let its inputs take other sides of zero than their own.

    `other` takes the other side; with `sides`, a tensor of booleans for each call, those that are true pass and no
    others. An input is near zero below the share `near` of the largest magnitude beside it.
    """

    def __init__(self, other: Kink | None = None, near: float = NEAR, sides: Sequence[Tensor] | None = None):
        super().__init__()
        self._other = other
        self._share = near
        self._sides = sides
        self.calls: list[tuple[Tensor, Tensor]] = []
        """The operand and the result of each call."""
        self._near: list[tuple[float, int, int]] = []

    def __torch_function__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if function not in RELU:
            return function(*args, **(kwargs or {}))
        (x,) = args[:1]
        number = len(self.calls)
        with torch._C.DisableTorchFunction():
            self._look(x.detach(), number)
            above = None if self._sides is None else self._sides[number]
            if self._other is not None and self._other.call == number:
                above = (x.detach() > 0).contiguous()
                above.view(-1)[self._other.place] ^= True
            result = torch.relu(x) if above is None else torch.where(above, x, torch.zeros((), dtype=x.dtype))
        self.calls.append((x, result))
        return result

    def _look(self, x: Tensor, number: int) -> None:
        # Now: a later operation may overwrite the operand.
        shares = x.abs().flatten()
        shares = shares / shares.max()
        near = (shares < self._share).nonzero().flatten().tolist()
        self._near += [(float(shares[place]), number, place) for place in near]

    def near(self) -> list[Kink]:
        """Return the inputs that were near zero, the nearest first."""
        return [Kink(call, place) for _, call, place in sorted(self._near)]


def jumps(gradients: Callable[[], Sequence[Tensor]], expected: Sequence[Tensor]) -> tuple[int, list[Tensor]]:
    """Return how many inputs of ReLU are near zero, and by how much gradients may differ for the side that they take.

    `gradients` computes them by torch, and leaves what it returned before alone; `expected` are those of the sides that
    torch takes. The second is one tensor for each: the sum of the magnitudes by which each input changes it, zeros
    where no input is near zero.
    """
    allowed = [torch.zeros_like(one) for one in expected]
    calls = ReluCalls()
    with calls:
        gradients()
    near = calls.near()
    for kink in near[:MOST]:
        with ReluCalls(kink):
            found = gradients()
        for total, one, other in zip(allowed, found, expected, strict=True):
            total += (one - other).abs()
    return len(near), allowed
