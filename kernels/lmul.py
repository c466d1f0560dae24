"""L-Mul: a floating-point multiply as one integer addition; its configuration and the constants of each float format.

For finite non-zero x = (-1)^sx 2^ex (1 + mx), y likewise, k kept mantissa bits, and a format with M mantissa bits:

    |r| = |x|bits + |y|bits - ((bias << M) - (1 << (M - l(k)))),    sign = sx xor sy
    l(k) = k for k <= 3, 3 for k = 4, 4 for k > 4

which is L-Mul of "Addition is All You Need for Energy-efficient Language Models" (arXiv 2410.00907) in its integer
form: where mx + my + 2^-l(k) >= 1 the carry runs into the exponent and halves the excess.

Each operand keeps its k leading mantissa bits, by truncation (which l(k) is tuned for) or by rounding to nearest, ties
to even (`rne`; a carry may move the magnitude to the next binade). With k = M nothing is dropped; a format has no more.

The constant 2^-l(k) stands for the average of the product of the mantissas that the addition leaves out. It is the
offset `paper`; `kernels/lmul_offset.py` derives two others, `unbiased` and `min-rms`, which take its place.

Policy `ieee`, by the operands as they are given, before truncation or rounding:

- a NaN operand, or infinity times zero: the canonical quiet NaN, positive, no other payload bit (0x7FC00000 in f32);
- otherwise an infinite operand: infinity, with the sign (also times a subnormal number, as in IEEE 754);
- otherwise a zero or subnormal operand: zero, with the sign;
- otherwise |r| is taken exactly, whatever its size: below the smallest normal number it becomes zero, above the largest
  finite number infinity, each with the sign.

Policy `finite`, for kernels: operands must be finite. The magnitude of each is clamped into [2^-e, 2^e]; e is 60, and 7
in f16, whose exponents would not hold more: there |r| lies in [2^-14, 2^14 (1 + 2^-l)], normal and finite. No result
can wrap, so that nothing is tested. The price: a zero or smaller operand counts as 2^-e, so that it adds at most about
2^-e |y| where a multiply gives 0, and a larger operand counts as 2^e. (An infinity or a NaN counts as 2^e too, but
such operands break the policy's promise.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from ..errors import ArgumentError
from .lmul_offset import Offset, offset_constant

Rounding = Literal["truncate", "rne"]
Specials = Literal["ieee", "finite"]
ScopeClass = Literal["attention", "linear", "elementwise"]
SCOPES: Final = (*get_args(ScopeClass), "all")
SCOPE_PATTERNS: Final = ("op:", "layer:")


@dataclass(frozen=True)
class FloatFormat:
    """A binary interchange format by its field sizes; every property is an unsigned integer of `width` bits."""

    name: str
    """As MLIR prints it."""
    width: int
    mantissa_bits: int
    """M: stored bits, the leading one not counted."""
    clamp_exponent: int
    """e: the policy `finite` clamps magnitudes into [2^-e, 2^e]."""

    @property
    def bias(self) -> int:
        """The exponent bias."""
        return (1 << (self.width - self.mantissa_bits - 2)) - 1

    @property
    def sign_mask(self) -> int:
        """The sign bit."""
        return 1 << (self.width - 1)

    @property
    def magnitude_mask(self) -> int:
        """Everything but the sign bit."""
        return self.sign_mask - 1

    @property
    def smallest_normal(self) -> int:
        """The bits of the smallest positive normal number."""
        return 1 << self.mantissa_bits

    @property
    def infinity(self) -> int:
        """The bits of positive infinity; greater magnitudes are NaNs."""
        return (2 * self.bias + 1) << self.mantissa_bits

    @property
    def quiet_nan(self) -> int:
        """The bits of the canonical NaN: positive, quiet, no payload."""
        return self.infinity | (1 << (self.mantissa_bits - 1))

    @property
    def clamp_low(self) -> int:
        """The bits of 2^-e, the least magnitude under the policy `finite`."""
        return (self.bias - self.clamp_exponent) << self.mantissa_bits

    @property
    def clamp_high(self) -> int:
        """The bits of 2^e, the greatest magnitude under the policy `finite`."""
        return (self.bias + self.clamp_exponent) << self.mantissa_bits


FORMATS: Final[dict[str, FloatFormat]] = {
    f.name: f
    for f in (
        FloatFormat("f16", 16, 10, 7),
        FloatFormat("bf16", 16, 7, 60),
        FloatFormat("f32", 32, 23, 60),
        FloatFormat("f64", 64, 52, 60),
    )
}
"""The float types that L-Mul multiplies in, by MLIR's name. fp8 operands are widened first."""

MAX_MANTISSA_BITS: Final = max(f.mantissa_bits for f in FORMATS.values())


@dataclass(frozen=True)
class LMul:
    """How multiplies become integer additions.

    `mantissa_bits`: k, 1 to 52, and no more than the type has that is multiplied in. `rounding`: how an operand loses
    the others, "truncate" or "rne". `specials`: "ieee" or "finite"; the module's text says what each promises and
    costs. `scope`: which multiplies, "attention" (contractions of two computed operands: Q K and P V), "linear"
    (contractions with a parameter), "elementwise" (the rest), "all", `op:PATTERN` (operations by name, as in
    "op:linalg.batch_*") or `layer:PATTERN` (what a torch submodule computes, as in "layer:encoder.layer.0.*"); several,
    joined by "+", mean all of them together. `offset`: "paper", "unbiased" or "min-rms"; `kernels/lmul_offset.py`
    derives them.

    Raises ArgumentError for any other value.
    """

    mantissa_bits: int = 4
    rounding: Rounding = "truncate"
    specials: Specials = "ieee"
    scope: str = "all"
    offset: Offset = "paper"

    def __post_init__(self) -> None:
        k: object = self.mantissa_bits
        if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= MAX_MANTISSA_BITS:
            raise ArgumentError(f"LMul: mantissa_bits: expected an integer from 1 to {MAX_MANTISSA_BITS}, found {k!r}")
        for name, choices in (("rounding", Rounding), ("specials", Specials), ("offset", Offset)):
            value = getattr(self, name)
            if not isinstance(value, str) or value not in get_args(choices):
                expected = ", ".join(get_args(choices))
                raise ArgumentError(f"LMul: {name}: expected one of {expected}, found {value!r}")
        scope: object = self.scope
        if not isinstance(scope, str) or not all(_is_scope(part) for part in scope.split("+")):
            expected = f"{', '.join(SCOPES)}, op:PATTERN or layer:PATTERN, joined by +"
            raise ArgumentError(f"LMul: scope: expected {expected}, found {scope!r}")

    def check_format(self, f: FloatFormat) -> None:
        """Raise ArgumentError where the format `f` has fewer mantissa bits than are to be kept."""
        if self.mantissa_bits > f.mantissa_bits:
            raise ArgumentError(
                f"L-Mul: mantissa bits: expected at most {f.mantissa_bits}, those of {f.name}, "
                f"found {self.mantissa_bits}"
            )

    def correction(self, f: FloatFormat) -> int:
        """Return the constant that is added to the sum of two mantissas, in the last place of the format `f`."""
        constant = offset_constant(self.offset, self.mantissa_bits, self.rounding, f.mantissa_bits)
        return round(constant * (1 << f.mantissa_bits))

    def subtrahend(self, f: FloatFormat) -> int:
        """Return what is subtracted from the sum of two magnitudes of the format `f`: the bias less the correction."""
        return (f.bias << f.mantissa_bits) - self.correction(f)

    def dropped_bits(self, f: FloatFormat) -> int:
        """Return how many trailing mantissa bits of the format `f` are dropped."""
        return f.mantissa_bits - self.mantissa_bits


def _is_scope(part: str) -> bool:
    return part in SCOPES or any(part.startswith(kind) and len(part) > len(kind) for kind in SCOPE_PATTERNS)
