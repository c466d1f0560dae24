"""L-Mul of one pair of numbers, from its definition: the oracle that every other implementation is held against.

Integers only, field by field, sharing no code with the rest of slipstick: it repeats, on purpose, constants that
`lmul.py` holds too. A number is decoded into sign, exponent and mantissa, its mantissa is cut to k bits, the mantissas
and a constant are added, and the sum is encoded again. `lmul.py` says what the policies promise.

Two variants:

- `carry`, which is L-Mul: where the sum s of mantissas and constant reaches 1, floor(s) is carried into the exponent
  and what is left is the mantissa, as in an integer addition of the packed words (Figure 2 of arXiv 2410.00907);
- `eq1`, the paper's Equation 1 read literally, for comparison: the value 2^(ex + ey) (1 + s), without a carry. It is
  encoded by its own binade; for s >= 1 the last mantissa bit may not fit (k = M only), and is then truncated.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from ..errors import ArgumentError

FormatName = Literal["f16", "bf16", "f32", "f64"]
Float8Name = Literal["e4m3", "e5m2"]
Rounding = Literal["truncate", "rne"]
Specials = Literal["ieee", "finite"]
Variant = Literal["carry", "eq1"]


class _Layout(NamedTuple):
    exponent_bits: int
    mantissa_bits: int
    clamp: int

    @property
    def width(self) -> int:
        return 1 + self.exponent_bits + self.mantissa_bits

    @property
    def top(self) -> int:
        """The exponent field of infinities and NaNs."""
        return (1 << self.exponent_bits) - 1

    @property
    def bias(self) -> int:
        return self.top >> 1


class _Number(NamedTuple):
    """A float's fields; `exponent` is biased."""

    sign: int
    exponent: int
    mantissa: int


_LAYOUTS: Final[dict[str, _Layout]] = {
    "f16": _Layout(5, 10, 7),
    "bf16": _Layout(8, 7, 60),
    "f32": _Layout(8, 23, 60),
    "f64": _Layout(11, 52, 60),
}
_FLOAT8: Final = {"e4m3": (4, 3), "e5m2": (5, 2)}


def multiply(
    format_name: FormatName,
    xbits: int,
    ybits: int,
    *,
    mantissa_bits: int = 4,
    rounding: Rounding = "truncate",
    specials: Specials = "ieee",
    correction: int | None = None,
    variant: Variant = "carry",
) -> int:
    """Return the bits of the product of two numbers given by their bits.

    `mantissa_bits`: k, from 1 to the format's own M. `correction`: the constant added to the sum of the mantissas, in
    units of 2^-M, from -2^(M - 1) to 2^M; None is the paper's, 2^(M - l(k)). Raises ArgumentError.
    """
    layout = _LAYOUTS.get(format_name)
    if layout is None:
        raise ArgumentError(f"multiply: format_name: expected one of {', '.join(_LAYOUTS)}, found {format_name!r}")
    _check(layout, format_name, mantissa_bits, rounding, specials, variant)
    one = 1 << layout.mantissa_bits
    if correction is None:
        correction = one >> _paper_exponent(mantissa_bits)
    if not -one // 2 <= correction <= one:
        raise ArgumentError(
            f"multiply: correction: expected {-one // 2} to {one} for {format_name}, found {correction}"
        )
    x, y = _decode(layout, xbits, "xbits"), _decode(layout, ybits, "ybits")
    sign = x.sign ^ y.sign
    if specials == "ieee":
        special = _special(layout, x, y)
        if special is not None:
            return _encode(layout, special)
    else:
        x, y = _clamped(layout, x), _clamped(layout, y)
    x, y = (_reduced(layout, v, mantissa_bits, rounding) for v in (x, y))
    total = x.mantissa + y.mantissa + correction
    carried, mantissa = (_carry if variant == "carry" else _normalise)(layout, total)
    exponent = x.exponent + y.exponent - layout.bias + carried
    if specials == "ieee" and exponent < 1:
        return _encode(layout, _Number(sign, 0, 0))
    if specials == "ieee" and exponent >= layout.top:
        return _encode(layout, _Number(sign, layout.top, 0))
    return _encode(layout, _Number(sign, exponent, mantissa))


def widen(format_name: Float8Name, bits: int) -> int:
    """Return the bits of the bfloat16 of the same value as an fp8 number, subnormal numbers included.

    `e4m3` (torch's float8_e4m3fn) has no infinities and one NaN of each sign, `e5m2` both as in IEEE 754. A NaN becomes
    the quiet NaN without payload, and keeps its sign. Raises ArgumentError.
    """
    if format_name not in _FLOAT8:
        raise ArgumentError(f"widen: format_name: expected one of {', '.join(_FLOAT8)}, found {format_name!r}")
    if not 0 <= bits < 256:
        raise ArgumentError(f"widen: bits: expected an integer of 8 bits, found {bits}")
    exponent_bits, mantissa_bits = _FLOAT8[format_name]
    wide, top = _LAYOUTS["bf16"], (1 << exponent_bits) - 1
    sign, exponent, mantissa = bits >> 7, bits >> mantissa_bits & top, bits & ((1 << mantissa_bits) - 1)
    up = wide.mantissa_bits - mantissa_bits
    if exponent == top and (format_name == "e5m2" or mantissa == 7):
        return _encode(wide, _Number(sign, wide.top, 1 << (wide.mantissa_bits - 1) if mantissa else 0))
    if exponent == 0 and mantissa == 0:
        return _encode(wide, _Number(sign, 0, 0))
    exponent = max(exponent, 1) + wide.bias - (top >> 1)
    if bits >> mantissa_bits & top == 0:
        # The leading bit of a subnormal number's mantissa becomes the implied one.
        shift = mantissa_bits + 1 - mantissa.bit_length()
        exponent, mantissa = exponent - shift, (mantissa << shift) - (1 << mantissa_bits)
    return _encode(wide, _Number(sign, exponent, mantissa << up))


def _check(layout: _Layout, name: str, mantissa_bits: int, rounding: str, specials: str, variant: str) -> None:
    if not isinstance(mantissa_bits, int) or not 1 <= mantissa_bits <= layout.mantissa_bits:
        raise ArgumentError(
            f"multiply: mantissa_bits: expected an integer from 1 to {layout.mantissa_bits} for {name}, "
            f"found {mantissa_bits!r}"
        )
    for argument, value, choices in (
        ("rounding", rounding, ("truncate", "rne")),
        ("specials", specials, ("ieee", "finite")),
        ("variant", variant, ("carry", "eq1")),
    ):
        if value not in choices:
            raise ArgumentError(f"multiply: {argument}: expected one of {', '.join(choices)}, found {value!r}")


def _paper_exponent(k: int) -> int:
    """Return l(k): the constant is 2^-l(k)."""
    if k <= 3:
        return k
    return 3 if k == 4 else 4


def _decode(layout: _Layout, bits: int, argument: str) -> _Number:
    if not 0 <= bits < 1 << layout.width:
        raise ArgumentError(f"multiply: {argument}: expected an integer of {layout.width} bits, found {bits}")
    magnitude = bits & ((1 << (layout.width - 1)) - 1)
    exponent, mantissa = divmod(magnitude, 1 << layout.mantissa_bits)
    return _Number(bits >> (layout.width - 1), exponent, mantissa)


def _encode(layout: _Layout, number: _Number) -> int:
    return (number.sign << layout.exponent_bits | number.exponent) << layout.mantissa_bits | number.mantissa


def _special(layout: _Layout, x: _Number, y: _Number) -> _Number | None:
    """Return the product under the policy `ieee` where an operand is not a normal number, None where both are."""
    infinite = [v.exponent == layout.top and v.mantissa == 0 for v in (x, y)]
    nan = [v.exponent == layout.top and v.mantissa != 0 for v in (x, y)]
    zero = [v.exponent == 0 and v.mantissa == 0 for v in (x, y)]
    if any(nan) or (any(infinite) and any(zero)):
        return _Number(0, layout.top, 1 << (layout.mantissa_bits - 1))
    if any(infinite):
        return _Number(x.sign ^ y.sign, layout.top, 0)
    if x.exponent == 0 or y.exponent == 0:
        return _Number(x.sign ^ y.sign, 0, 0)
    return None


def _clamped(layout: _Layout, x: _Number) -> _Number:
    low, high = layout.bias - layout.clamp, layout.bias + layout.clamp
    if x.exponent < low:
        return _Number(x.sign, low, 0)
    return _Number(x.sign, high, 0) if x.exponent >= high else x


def _reduced(layout: _Layout, x: _Number, mantissa_bits: int, rounding: str) -> _Number:
    """Return the number with k mantissa bits; a mantissa rounded up to 1 is the next power of two."""
    unit = 1 << (layout.mantissa_bits - mantissa_bits)
    kept, rest = divmod(x.mantissa, unit)
    if rounding == "rne" and (2 * rest > unit or (2 * rest == unit and kept % 2 == 1)):
        kept += 1
    if kept == 1 << mantissa_bits:
        return _Number(x.sign, x.exponent + 1, 0)
    return _Number(x.sign, x.exponent, kept * unit)


def _carry(layout: _Layout, total: int) -> tuple[int, int]:
    """Return what a sum of mantissas carries into the exponent (negative: a borrow), and the mantissa that is left."""
    return divmod(total, 1 << layout.mantissa_bits)


def _normalise(layout: _Layout, total: int) -> tuple[int, int]:
    """Return the exponent and the mantissa of the value 1 + s, for a sum of mantissas s."""
    one = 1 << layout.mantissa_bits
    significand, exponent = one + total, 0
    while significand >= 2 * one:
        significand, exponent = significand >> 1, exponent + 1
    while significand < one:
        significand, exponent = significand << 1, exponent - 1
    return exponent, significand - one
