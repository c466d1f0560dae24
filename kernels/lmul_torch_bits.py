"""L-Mul on the bits of torch tensors: integers of the float's own width, as torch's `view` gives them.

What it computes is said in `lmul.py`, `eq1` in `lmul_oracle.py`. torch's integers are signed: a sum that leaves them is
recognised before it is formed, by comparing one term with the limit less the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import torch
from torch import Tensor

from .lmul import FORMATS, FloatFormat, LMul

Variant = Literal["carry", "eq1"]

FORMAT_OF: Final[dict[torch.dtype, FloatFormat]] = {
    torch.float16: FORMATS["f16"],
    torch.bfloat16: FORMATS["bf16"],
    torch.float32: FORMATS["f32"],
    torch.float64: FORMATS["f64"],
}
"""The dtypes that L-Mul multiplies in."""

_INTEGER_OF_WIDTH: Final = {16: torch.int16, 32: torch.int32, 64: torch.int64}


class Line(NamedTuple):
    """An operand as part of the piecewise linear function that L-Mul is."""

    power: Tensor
    """Its sign and power of two, (-1)^s 2^e, as a float: 0 where it is zero or subnormal (`ieee`)."""
    mantissa: Tensor
    """Its mantissa as it is added, an integer in the format's last place."""
    flat: Tensor
    """Where the product does not depend on it: it is zero, subnormal or (`finite`) clamped."""


@dataclass(frozen=True)
class BitArithmetic:
    """The integer operations of one configuration of L-Mul in one dtype; tensors of bits broadcast against each other.

    `lmul`: its `scope` plays no part. Raises ArgumentError where the dtype has fewer mantissa bits than are to be kept.
    """

    lmul: LMul
    dtype: torch.dtype
    variant: Variant = "carry"

    def __post_init__(self) -> None:
        self.lmul.check_format(self.format)

    @property
    def format(self) -> FloatFormat:
        """The format of the dtype."""
        return FORMAT_OF[self.dtype]

    @property
    def sign_bit(self) -> int:
        """The sign bit as a signed integer, the least there is."""
        return -self.format.sign_mask

    def bits(self, x: Tensor) -> Tensor:
        """Return the bits of a tensor of the dtype, in its own memory."""
        return x.view(_INTEGER_OF_WIDTH[self.format.width])

    def values(self, bits: Tensor) -> Tensor:
        """Return the floats of bits, in their own memory."""
        return bits.view(self.dtype)

    def multiply(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the bits of the products."""
        if self.variant == "eq1":
            return self._eq1(x, y)
        if self.lmul.specials == "finite":
            return self.prepare(x) + (self.prepare(y) - self.lmul.subtrahend(self.format))
        return self._ieee(x, y)

    def prepare(self, x: Tensor) -> Tensor:
        """Return operands as the policy `finite` adds them: clamped, with k mantissa bits, the sign kept."""
        magnitude = self.reduce(self._clamp(x & self.format.magnitude_mask))
        return magnitude | (x & self.sign_bit)

    def reduce(self, magnitude: Tensor) -> Tensor:
        """Return magnitudes with k mantissa bits, truncated or rounded to nearest, ties to even."""
        dropped = self.lmul.dropped_bits(self.format)
        if not dropped:
            return magnitude
        if self.lmul.rounding == "rne":
            # Half a unit in the last kept place, less one where that place is even. Infinity has no mantissa to round.
            odd = (magnitude >> dropped) & 1
            magnitude = torch.where(self.is_special(magnitude), magnitude, magnitude + (odd + (1 << dropped - 1) - 1))
        return magnitude & (-1 << dropped)

    def is_special(self, magnitude: Tensor) -> Tensor:
        """Tell which magnitudes are infinite or NaN."""
        return magnitude >= self.format.infinity

    def is_small(self, magnitude: Tensor) -> Tensor:
        """Tell which magnitudes are zero or subnormal."""
        return magnitude < self.format.smallest_normal

    def _clamp(self, magnitude: Tensor) -> Tensor:
        return magnitude.clamp(self.format.clamp_low, self.format.clamp_high)

    def _ieee(self, x: Tensor, y: Tensor) -> Tensor:
        f = self.format
        xmagnitude, ymagnitude = x & f.magnitude_mask, y & f.magnitude_mask
        # Centred on 1.0, the limits less a term are integers of the width.
        centre = f.bias << f.mantissa_bits
        one = self.reduce(xmagnitude) - centre
        other = self.reduce(ymagnitude) - self.lmul.subtrahend(f)
        infinite = one >= (f.infinity - centre) - other
        small = one < (f.smallest_normal - centre) - other
        magnitude = torch.where(infinite, f.infinity, one + other + centre)
        return self._with_specials(x, y, torch.where(small, 0, magnitude))

    def _eq1(self, x: Tensor, y: Tensor) -> Tensor:
        f = self.format
        xmagnitude, ymagnitude = x & f.magnitude_mask, y & f.magnitude_mask
        if self.lmul.specials == "finite":
            xmagnitude, ymagnitude = self._clamp(xmagnitude), self._clamp(ymagnitude)
        one, other = self.reduce(xmagnitude), self.reduce(ymagnitude)
        ones, m = f.smallest_normal - 1, f.mantissa_bits
        significand = (one & ones) + (other & ones) + (f.smallest_normal + self.lmul.correction(f))
        # From 1/2 to 4: halved from 2 on, doubled below 1.
        down, up = significand >> (m + 1), (significand < f.smallest_normal).to(significand.dtype)
        exponent = (one >> m) + (other >> m) + down - up - f.bias
        mantissa = ((significand >> down) << up) & ones
        sign = (x ^ y) & self.sign_bit
        if self.lmul.specials == "finite":
            return (exponent << m) | mantissa | sign
        top = f.infinity >> m
        magnitude = (exponent.clamp(0, top) << m) | mantissa
        magnitude = torch.where(exponent >= top, f.infinity, magnitude)
        return self._with_specials(x, y, torch.where(exponent < 1, 0, magnitude))

    def _with_specials(self, x: Tensor, y: Tensor, magnitude: Tensor) -> Tensor:
        """Return products under the policy `ieee`, given the magnitudes of those of normal numbers."""
        f = self.format
        xmagnitude, ymagnitude = x & f.magnitude_mask, y & f.magnitude_mask
        lesser, greater = torch.minimum(xmagnitude, ymagnitude), torch.maximum(xmagnitude, ymagnitude)
        magnitude = torch.where(self.is_small(lesser), 0, magnitude)
        magnitude = torch.where(greater == f.infinity, f.infinity, magnitude)
        nan = (greater > f.infinity) | ((greater == f.infinity) & (lesser == 0))
        return torch.where(nan, f.quiet_nan, magnitude | ((x ^ y) & self.sign_bit))

    def line(self, x: Tensor) -> Line:
        """Return what an operand (floats) has to say of the slope of a product."""
        f, bits = self.format, self.bits(x)
        magnitude = bits & f.magnitude_mask
        if self.lmul.specials == "finite":
            flat = (magnitude < f.clamp_low) | (magnitude > f.clamp_high)
            magnitude = self._clamp(magnitude)
        else:
            flat = self.is_small(magnitude)
        magnitude = self.reduce(magnitude)
        power = self.values((magnitude & f.infinity) | (bits & self.sign_bit))
        return Line(torch.where(x.isnan(), x, power), magnitude & (f.smallest_normal - 1), flat)

    def carry_scale(self, x: Tensor, y: Tensor) -> Tensor:
        """Return 2^n in the dtype, n being what two mantissas and the constant carry into the exponent."""
        f = self.format
        if self.variant == "eq1":
            return torch.ones((), dtype=self.dtype, device=x.device)
        carry = (x + y + self.lmul.correction(f)) >> f.mantissa_bits
        return self.values((carry + f.bias) << f.mantissa_bits)
