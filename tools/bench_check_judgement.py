"""How far the results of a graph are from torch's, and whether that is right: numbers only, without torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

AS_TORCH: Final = 3.0
"""Results that are at most so many times as far from float64 as torch's are as exact as a graph lets f32 be.

A sum in one chain rounds further than one in blocks, which is as right; the largest of many errors varies beside that.
"""


@dataclass(frozen=True)
class Judgement:
    """How far results are from torch's, each as a share of the largest magnitude of the result it stands in."""

    error: float
    """The distance from torch in f32, or in float64 where that was computed; without what kinks of ReLU explain."""
    kinks: int = 0
    """Of a training step: so many inputs of ReLU near zero took another side than in `error`'s reference."""
    torch_error: float | None = None
    """The distance of torch's own f32 from float64, both on the sides of ReLU that f32 took; `None`: not computed."""

    def right(self, tolerance: float) -> bool:
        """Whether results are as near as a graph of this tolerance asks, or about as near to float64 as torch's."""
        if self.error <= tolerance:
            return True
        # Where torch's own result is no number, it says nothing of what may be asked.
        return self.torch_error is not None and self.error <= AS_TORCH * self.torch_error < math.inf
