"""The options that the passes of L-Mul share: those of `slipstick.LMul`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..kernels.lmul import LMul
from .base import Pass, option


@dataclass(frozen=True)
class LMulPass(Pass):
    """A pass that is told how multiplies become L-Mul; a wrong value is an error where the pass is built."""

    mantissa_bits: int = option(4, "leading mantissa bits that an operand keeps")
    rounding: Literal["truncate", "rne"] = option("truncate", "how an operand loses the others")
    specials: Literal["ieee", "finite"] = option(
        "ieee", "zeros, infinities and NaNs as in IEEE 754, or finite operands only"
    )
    scope: str = option("all", "attention, linear, elementwise, all, op:PATTERN or layer:PATTERN, joined by +")
    offset: Literal["paper", "unbiased", "min-rms"] = option("paper", "the constant that is added")

    def __post_init__(self) -> None:
        self.configuration()

    def configuration(self) -> LMul:
        """Return the options as the kernels take them. Raises ArgumentError for a wrong value."""
        return LMul(self.mantissa_bits, self.rounding, self.specials, self.scope, self.offset)
