"""Arguments of native code that stand for a matrix of weights in another form: codes, panels."""

from __future__ import annotations

from dataclasses import dataclass

from .lmul import LMul, Rounding


@dataclass(frozen=True)
class EncodedArgument:
    """An argument of the entry function that takes a matrix of weights in a narrow format."""

    argument: int
    """Its number; it takes the codes."""
    format: str
    axis: int
    """The dimension that counts output channels."""
    biases: int | None
    """The number of the argument that takes the exponent biases, one i32 an output channel; None: there are none."""


@dataclass(frozen=True)
class PackedArgument:
    """An argument of the entry function that takes a matrix of weights as panels."""

    source: int
    """The number of the argument that was the matrix; it still is where something else reads it too."""
    argument: int
    """The number of the argument that takes the panels."""
    axis: int
    """The dimension of the matrix that counts output channels."""
    width: int
    """Columns a panel."""
    mantissa_bits: int | None = None
    rounding: Rounding | None = None
    """Of L-Mul under `finite`, whose operands the elements are; None: they are the matrix's own."""

    @property
    def lmul(self) -> LMul | None:
        """The L-Mul that the elements are prepared for."""
        if self.mantissa_bits is None or self.rounding is None:
            return None
        return LMul(mantissa_bits=self.mantissa_bits, rounding=self.rounding, specials="finite")
