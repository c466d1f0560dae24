"""L-Mul from its definition, sharing no code with the package: the oracle of the tests.

Numbers are decoded into sign, exponent and mantissa, multiplied by value, and encoded again. `multiply` does so for
one pair with exact fractions; `multiply_arrays` for arrays of bit patterns with NumPy integers, also field by field,
never by adding packed words; `Row` likewise for one number with every one of an array, which is fast enough for all
pairs of a 16-bit format.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

Bits = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Layout:
    exponent_bits: int
    mantissa_bits: int
    clamp: int

    @property
    def width(self) -> int:
        return 1 + self.exponent_bits + self.mantissa_bits

    @property
    def bias(self) -> int:
        return (1 << (self.exponent_bits - 1)) - 1

    @property
    def unsigned(self) -> np.dtype[Any]:
        return np.dtype(f"uint{self.width}")


LAYOUTS = {"f16": Layout(5, 10, 7), "bf16": Layout(8, 7, 60), "f32": Layout(8, 23, 60), "f64": Layout(11, 52, 60)}


@dataclass(frozen=True)
class Configuration:
    k: int
    rounding: str = "truncate"
    specials: str = "ieee"
    correction: int | None = None
    """What is added to the sum of the mantissas, in units of 2^-M; None: the paper's 2^-l(k)."""

    @property
    def l(self) -> int:  # noqa: E743 - the paper's name
        return {1: 1, 2: 2, 3: 3, 4: 3}.get(self.k, 4)

    def added(self, layout: Layout) -> Fraction:
        """Return what is added to the sum of the mantissas."""
        if self.correction is None:
            return Fraction(1, 2**self.l)
        return Fraction(self.correction, 2**layout.mantissa_bits)


def multiply(layout: Layout, configuration: Configuration, x: int, y: int) -> int:
    """Return the bits of the product of two numbers given by their bits."""
    one, other = _Number.decode(layout, x), _Number.decode(layout, y)
    sign = one.sign ^ other.sign
    if configuration.specials == "ieee":
        kinds = {one.kind, other.kind}
        if "nan" in kinds or kinds == {"infinity", "zero"}:
            return _Number("nan", 0).encode(layout)
        if "infinity" in kinds:
            return _Number("infinity", sign).encode(layout)
        if kinds & {"zero", "subnormal"}:
            return _Number("zero", sign).encode(layout)
    else:
        one, other = one.clamped(layout), other.clamped(layout)
    a, b = (number.reduced(configuration) for number in (one, other))
    total = a.mantissa + b.mantissa + configuration.added(layout)
    carry = math.floor(total)
    exponent = a.exponent + b.exponent + carry
    if exponent < 1 - layout.bias:
        return _Number("zero", sign).encode(layout)
    if exponent > layout.bias:
        return _Number("infinity", sign).encode(layout)
    return _Number("normal", sign, exponent, total - carry).encode(layout)


@dataclass(frozen=True)
class _Number:
    """(-1)^sign 2^exponent (1 + mantissa), or a special value."""

    kind: str
    sign: int
    exponent: int = 0
    mantissa: Fraction = Fraction(0)

    @staticmethod
    def decode(layout: Layout, bits: int) -> _Number:
        field, rest = divmod(bits % 2 ** (layout.width - 1), 2**layout.mantissa_bits)
        sign = bits >> (layout.width - 1)
        mantissa = Fraction(rest, 2**layout.mantissa_bits)
        if field == 0:
            return _Number("subnormal" if rest else "zero", sign)
        if field == 2**layout.exponent_bits - 1:
            return _Number("nan" if rest else "infinity", sign)
        return _Number("normal", sign, field - layout.bias, mantissa)

    def encode(self, layout: Layout) -> int:
        top = (1 << layout.exponent_bits) - 1
        field = {"zero": 0, "infinity": top, "nan": top}.get(self.kind, self.exponent + layout.bias)
        mantissa = (Fraction(1, 2) if self.kind == "nan" else self.mantissa) * 2**layout.mantissa_bits
        assert mantissa.denominator == 1
        return (self.sign << (layout.width - 1)) + (field << layout.mantissa_bits) + int(mantissa)

    def clamped(self, layout: Layout) -> _Number:
        if self.kind in ("zero", "subnormal") or (self.kind == "normal" and self.exponent < -layout.clamp):
            return _Number("normal", self.sign, -layout.clamp)
        if self.kind in ("infinity", "nan") or self.exponent >= layout.clamp:
            return _Number("normal", self.sign, layout.clamp)
        return self

    def reduced(self, configuration: Configuration) -> _Number:
        """Return the number with k mantissa bits; a mantissa rounded up to 1 is the next power of two."""
        scaled = self.mantissa * 2**configuration.k
        kept = Fraction(round(scaled) if configuration.rounding == "rne" else int(scaled), 2**configuration.k)
        return _Number("normal", self.sign, self.exponent + int(kept), kept - int(kept))


def multiply_arrays(layout: Layout, configuration: Configuration, x: Bits, y: Bits) -> Bits:
    """Return the bits of the products of arrays of numbers given by their bits, as unsigned integers."""
    result = np.empty(x.shape, layout.unsigned)
    step = 1 << 15  # a chunk's intermediate arrays stay in the cache
    for start in range(0, x.size, step):
        part = slice(start, start + step)
        result[part] = _multiply_chunk(layout, configuration, x[part], y[part])
    return result


def _multiply_chunk(layout: Layout, configuration: Configuration, x: Bits, y: Bits) -> Bits:
    one, other = _Fields(layout, x), _Fields(layout, y)
    if configuration.specials == "finite":
        one.clamp(layout)
        other.clamp(layout)
    one.reduce(layout, configuration)
    other.reduce(layout, configuration)
    mantissa = one.mantissa + other.mantissa + _in_units(layout, configuration.added(layout))
    exponent = one.exponent + other.exponent + (mantissa >> layout.mantissa_bits)
    field = exponent + layout.bias
    mantissa &= 2**layout.mantissa_bits - 1
    top = (1 << layout.exponent_bits) - 1
    zero, infinite = field < 1, field >= top
    sign = one.sign ^ other.sign
    if configuration.specials == "ieee":
        any_infinite = one.infinite | other.infinite
        infinite = infinite & ~one.tiny & ~other.tiny | any_infinite
        zero = (zero | one.tiny | other.tiny) & ~any_infinite
        nan = one.nan | other.nan | (one.infinite & other.zero) | (other.infinite & one.zero)
        zero, infinite, sign = zero & ~nan, infinite | nan, np.where(nan, 0, sign)
        mantissa = np.where(nan, 2 ** (layout.mantissa_bits - 1), np.where(infinite, 0, mantissa))
    field = np.where(zero, 0, np.where(infinite, top, field))
    mantissa = np.where(zero, 0, mantissa)
    packed: Bits = (sign << (layout.width - 1)) | (field << layout.mantissa_bits) | mantissa
    return packed.astype(layout.unsigned)


def _in_units(layout: Layout, mantissa: Fraction) -> int:
    """Return a mantissa as an integer of `mantissa_bits`."""
    scaled = mantissa * 2**layout.mantissa_bits
    assert scaled.denominator == 1
    return int(scaled)


class _Fields:
    """Arrays of the fields of floats; exponents without bias, mantissas as integers of `mantissa_bits`."""

    def __init__(self, layout: Layout, bits: Bits):
        signed = bits.view(f"int{layout.width}").astype(np.int64)
        self.sign = (signed < 0).astype(np.int64)
        field = (signed >> layout.mantissa_bits) & (2**layout.exponent_bits - 1)
        self.mantissa = signed & (2**layout.mantissa_bits - 1)
        self.exponent = field - layout.bias
        special = field == 2**layout.exponent_bits - 1
        self.tiny = field == 0
        self.zero = self.tiny & (self.mantissa == 0)
        self.infinite = special & (self.mantissa == 0)
        self.nan = special & (self.mantissa != 0)

    def clamp(self, layout: Layout) -> None:
        outside = (self.exponent < -layout.clamp) | (self.exponent >= layout.clamp)
        self.exponent = np.clip(self.exponent, -layout.clamp, layout.clamp)
        self.mantissa = np.where(outside, 0, self.mantissa)

    def reduce(self, layout: Layout, configuration: Configuration) -> None:
        dropped = layout.mantissa_bits - configuration.k
        if dropped <= 0:
            return
        kept, rest = self.mantissa >> dropped, self.mantissa & (2**dropped - 1)
        if configuration.rounding == "rne":
            half = 2 ** (dropped - 1)
            kept = kept + ((rest > half) | ((rest == half) & (kept & 1 == 1)))
        self.mantissa = (kept << dropped) & (2**layout.mantissa_bits - 1)
        self.exponent = self.exponent + (kept >> configuration.k)


class Row:
    """Products of one number with each number of the array `y` of bit patterns.

    What depends on `y` alone is worked out once, in signed integers as wide as the format; `multiply` then takes about
    a dozen passes over the array.
    """

    def __init__(self, layout: Layout, configuration: Configuration, y: Bits):
        self.layout, self.configuration = layout, configuration
        fields = _Fields(layout, y)
        special = configuration.specials == "ieee"
        self.tiny, self.zero, self.infinite, self.nan = (
            np.flatnonzero(kind) if special else np.array([], np.intp)
            for kind in (fields.tiny, fields.zero, fields.infinite, fields.nan)
        )
        if not special:
            fields.clamp(layout)
        fields.reduce(layout, configuration)
        signed = f"int{layout.width}"
        self.mantissa = fields.mantissa.astype(signed)
        self.field = (fields.exponent + layout.bias).astype(signed)
        self.sign = fields.sign.astype(layout.unsigned) << (layout.width - 1)

    def multiply(self, x: int) -> Bits:
        """Return the bits of the products of the number with the bits `x`, as unsigned integers."""
        layout = self.layout
        number = _Number.decode(layout, x)
        if self.configuration.specials == "finite":
            number = number.clamped(layout)
        infinity, nan = (_Number(kind, 0).encode(layout) for kind in ("infinity", "nan"))
        if number.kind == "normal":
            magnitude = self._magnitude(number.reduced(self.configuration))
            magnitude[self.tiny] = 0
        else:
            magnitude = np.full_like(self.field, infinity if number.kind == "infinity" else 0)
        magnitude[self.infinite] = infinity
        result: Bits = magnitude.view(layout.unsigned)
        result |= self.sign
        if number.sign:
            result ^= layout.unsigned.type(1 << (layout.width - 1))
        result[self.nan] = nan
        if number.kind == "nan":
            result[:] = nan
        elif number.kind == "infinity":
            result[self.zero] = nan
        elif number.kind == "zero":
            result[self.infinite] = nan
        return result

    def _magnitude(self, number: _Number) -> Bits:
        """Return exponent and mantissa of the products with a normal number, signed; beyond the range 0 or infinity."""
        bits, top = self.layout.mantissa_bits, (1 << self.layout.exponent_bits) - 1
        mantissa = self.mantissa + _in_units(self.layout, number.mantissa + self.configuration.added(self.layout))
        field = self.field + number.exponent
        field += mantissa >> bits
        mantissa &= (1 << bits) - 1
        mantissa *= (field > 0) & (field < top)
        np.clip(field, 0, top, out=field)
        field <<= bits
        field |= mantissa
        return field


def special_values(layout: Layout) -> Bits:
    """Return bit patterns where implementations go wrong: the ends of every class, every binade, ties of rounding."""
    m, top = layout.mantissa_bits, 2**layout.exponent_bits - 1
    ones = 2**m - 1
    mantissas = {0, 1, 2, ones, ones - 1, 2 ** (m - 1), 2 ** (m - 1) - 1, 2 ** (m - 1) + 1}
    for place in {*range(3), *range(m - 8, m)} & {*range(m)}:  # one bit, all above, all below: ties and carries
        mantissas |= {2**place, ones ^ (2**place - 1), 2**place - 1}
    near = {0, 1, 2, top - 2, top - 1, top}
    for centre in (layout.bias, layout.bias - layout.clamp, layout.bias + layout.clamp, layout.bias // 2, top * 3 // 4):
        near |= {field for field in range(centre - 1, centre + 2) if 0 <= field <= top}
    patterns = {(field << m) | mantissa for field in near for mantissa in mantissas}
    patterns |= {field << m for field in range(0, top + 1, max(1, top // 256))}
    magnitudes = np.array(sorted(patterns), np.uint64)
    return np.concatenate([magnitudes, magnitudes | np.uint64(1 << (layout.width - 1))]).astype(layout.unsigned)


def decode_fp8(name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the 256 values of `e4m3` (no infinities, one NaN of each sign) or `e5m2` (as IEEE) as binary64."""
    exponent_bits, mantissa_bits, bias = {"e4m3": (4, 3, 7), "e5m2": (5, 2, 15)}[name]
    top = 2**exponent_bits - 1
    values = []
    for bits in range(256):
        field, rest = divmod(bits % 128, 2**mantissa_bits)
        fraction = rest / 2**mantissa_bits
        value = 2.0 ** (field - bias) * (1 + fraction) if field else 2.0 ** (1 - bias) * fraction
        if name == "e4m3" and field == top and fraction == 7 / 8:
            value = np.nan
        if name == "e5m2" and field == top:
            value = np.nan if fraction else np.inf
        values.append(-value if bits >= 128 else value)
    return np.array(values)
