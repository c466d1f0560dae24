"""The public scalar oracle against the oracle of the tests, which uses fractions and shares no code with it."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import lmul_oracle as reference
import numpy as np
import pytest
from lmul_oracle import LAYOUTS, Configuration, Layout
from slipstick.errors import ArgumentError
from slipstick.kernels.lmul_oracle import multiply, widen

float_types = pytest.mark.parametrize("float_type", LAYOUTS)
policies = pytest.mark.parametrize("specials", ("ieee", "finite"))
roundings = pytest.mark.parametrize("rounding", ("truncate", "rne"))


def sample(layout: Layout, count: int, seed: int) -> list[tuple[int, int]]:
    """Return pairs of bit patterns, half of them special."""
    rng = np.random.default_rng(seed)
    special = reference.special_values(layout)
    raw = np.frombuffer(rng.bytes(count * layout.width // 8), layout.unsigned)
    x, y = (np.concatenate([rng.permutation(raw), rng.choice(special, count)]) for _ in range(2))
    return [(int(a), int(b)) for a, b in zip(x, y, strict=True)]


@float_types
@roundings
@policies
def test_agrees_with_fractions(float_type: str, rounding: str, specials: str) -> None:
    layout = LAYOUTS[float_type]
    one = 1 << layout.mantissa_bits
    for k in (1, 2, 3, 4, 5, layout.mantissa_bits - 1, layout.mantissa_bits):
        # Under `finite` a negative constant would leave the normal numbers of f16: no offset has one.
        corrections = [None, 0, one // 2, one // 18] + ([-one // 7] if specials == "ieee" else [])
        for correction in corrections:
            c = Configuration(k, rounding, specials, correction)
            for x, y in sample(layout, 60, k):
                found = multiply(
                    float_type, x, y, mantissa_bits=k, rounding=rounding, specials=specials, correction=correction
                )
                assert found == reference.multiply(layout, c, x, y), f"{c}: {x:#x} * {y:#x} = {found:#x}"


@pytest.mark.parametrize(
    ("x", "y", "product"),
    [(1.0, 1.0, 1.0625), (1.5, 1.0, 1.5625), (1.5, 1.5, 2.125), (-3.0, 0.5, -1.5625), (1.96875, 1.96875, 4.0)],
)
def test_by_hand(x: float, y: float, product: float) -> None:
    """k = 7 adds 1/16: 1.5 * 1.5 has mantissas 1/2 + 1/2 + 1/16, whose carry halves the excess: 2 (1 + 1/16)."""
    xbits, ybits, expected = (int(np.float32(v).view(np.uint32)) for v in (x, y, product))
    assert multiply("f32", xbits, ybits, mantissa_bits=7) == expected


def value(layout: Layout, bits: int) -> Fraction:
    """Return a normal number."""
    field, mantissa = divmod(bits % 2 ** (layout.width - 1), 2**layout.mantissa_bits)
    magnitude = (1 + Fraction(mantissa, 2**layout.mantissa_bits)) * Fraction(2) ** (field - layout.bias)
    return -magnitude if bits >> (layout.width - 1) else magnitude


@float_types
@roundings
@policies
def test_equation_1_read_literally(float_type: str, rounding: str, specials: str) -> None:
    """The value 2^(ex + ey) (1 + mx + my + c), without a carry, truncated to the format."""
    layout = LAYOUTS[float_type]
    rng = np.random.default_rng(4)
    m = layout.mantissa_bits
    for k, _ in itertools.product((1, 3, 4, m - 1, m), range(200)):
        fields, mantissas = rng.integers(layout.bias - 3, layout.bias + 3, 2), rng.integers(0, 1 << m, 2)
        x, y = ((int(f) << m) | int(v) for f, v in zip(fields, mantissas, strict=True))
        y |= 1 << (layout.width - 1)
        found = value(
            layout,
            multiply(float_type, x, y, mantissa_bits=k, rounding=rounding, specials=specials, variant="eq1"),
        )
        expected = Fraction(-1) * Fraction(2) ** int(fields.sum() - 2 * layout.bias)
        kept = [Fraction(int(v), 1 << m) * 2**k for v in mantissas]
        kept = [Fraction(round(v) if rounding == "rne" else math.floor(v), 2**k) for v in kept]
        # A mantissa rounded up to 1 is the next power of two.
        expected *= math.prod(2 if v == 1 else 1 for v in kept)
        expected *= 1 + sum(v % 1 for v in kept) + Fraction(1, 2 ** Configuration(k).l)
        assert 0 <= abs(expected) - abs(found) < Fraction(1, 2**m) * abs(found)
        assert found == expected or k == m


def test_variants_part_at_the_carry() -> None:
    x = int(np.float32(1.75).view(np.uint32))
    assert multiply("f32", x, x, mantissa_bits=3) == int(np.float32(3.25).view(np.uint32))
    assert multiply("f32", x, x, mantissa_bits=3, variant="eq1") == int(np.float32(2.625).view(np.uint32))


@pytest.mark.parametrize("format_name", ["e4m3", "e5m2"])
def test_widening_keeps_every_value(format_name: Any) -> None:
    wide = np.array([widen(format_name, bits) for bits in range(256)], np.uint32)
    values = (wide << 16).view(np.float32).astype(np.float64)
    expected = reference.decode_fp8(format_name)
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(np.signbit(values), np.arange(256) >= 128)
    assert {int(bits) & 0x7FFF for bits in wide[np.isnan(expected)]} == {0x7FC0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format_name": "f8"}, "format_name: expected one of f16, bf16, f32, f64, found 'f8'"),
        ({"mantissa_bits": 8}, "mantissa_bits: expected an integer from 1 to 7 for bf16, found 8"),
        ({"mantissa_bits": 0}, "found 0"),
        ({"rounding": "up"}, "rounding: expected one of truncate, rne, found 'up'"),
        ({"specials": "none"}, "specials: expected one of ieee, finite, found 'none'"),
        ({"variant": "eq2"}, "variant: expected one of carry, eq1, found 'eq2'"),
        ({"correction": 129}, "correction: expected -64 to 128 for bf16, found 129"),
        ({"xbits": 1 << 16}, "xbits: expected an integer of 16 bits, found 65536"),
        ({"ybits": -1}, "ybits: expected an integer of 16 bits, found -1"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        multiply(**{"format_name": "bf16", "xbits": 0, "ybits": 0, **arguments})


def test_widening_of_something_else() -> None:
    with pytest.raises(ArgumentError, match="format_name: expected one of e4m3, e5m2, found 'e3m4'"):
        widen("e3m4", 0)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="bits: expected an integer of 8 bits, found 256"):
        widen("e4m3", 256)
