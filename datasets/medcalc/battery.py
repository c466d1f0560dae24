"""Several calculators as one module, so that one compilation serves them all."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .calculator import Calculator


class Battery(nn.Module):
    """The calculators' arguments one after the other; a tuple of results."""

    def __init__(self, calculators: Sequence[Calculator]):
        super().__init__()
        self.parts = nn.ModuleList(calculator.module() for calculator in calculators)
        self._counts = [len(calculator.fields) for calculator in calculators]

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return each calculator's result."""
        results = []
        start = 0
        for part, count in zip(self.parts, self._counts, strict=True):
            results.append(part(*tensors[start : start + count]))
            start += count
        return tuple(results)
