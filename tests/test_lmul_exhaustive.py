"""L-Mul on every bit pattern: compiled vector code against the oracle, pair by pair, and a sample of that by default.

`make test-exhaustive` tries all pairs of bfloat16 and of binary16, all pairs of both fp8 formats, and of binary32 and
binary64 all pairs of numbers around every limit; it prints what each test covered and how long it took.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import lmul_oracle as oracle
import numpy as np
import pytest
from lmul_kernels import compile_kernel, loop
from lmul_oracle import LAYOUTS, Bits, Configuration, Layout
from lmul_rows import Square
from slipstick.kernels.lmul import FORMATS, LMul

ROUNDINGS = ("truncate", "rne")
POLICIES = ("ieee", "finite")
OFFSETS = ("unbiased", "min-rms")
EVERY = np.arange(1 << 16).astype(np.uint16)

roundings = pytest.mark.parametrize("rounding", ROUNDINGS)
policies = pytest.mark.parametrize("specials", POLICIES)


def square(float_type: str, lmul: LMul, values: Bits) -> Square:
    """Compile a loop of products; return it with all pairs of `values`."""
    options = f"mantissa-bits={lmul.mantissa_bits} rounding={lmul.rounding} specials={lmul.specials}"
    correction = None
    if lmul.offset != "paper":  # how the constant is derived is tested elsewhere; here, that it is what is added
        options += f" offset={lmul.offset}"
        correction = lmul.correction(FORMATS[float_type])
    kernel = compile_kernel(loop(float_type, "%r = arith.mulf %x, %y : T", form="vector"), f"lmul{{{options}}}")
    configuration = Configuration(lmul.mantissa_bits, lmul.rounding, lmul.specials, correction)
    return Square(LAYOUTS[float_type], configuration, kernel, values)


def check_sample(pairs: Square, seed: int, always: Bits, count: int) -> None:
    """Compare the rows of the values `always` and of `count` random ones."""
    rows = np.random.default_rng(seed).choice(len(pairs.values), min(count, len(pairs.values)), replace=False)
    rows = np.concatenate([np.flatnonzero(np.isin(pairs.values, always)), rows])
    count, examples = pairs.differences(rows.tolist())
    assert count == 0, f"{pairs.configuration}: {count} differ: {examples}"


class Report:
    """Compares all pairs and prints a line about it, whatever pytest captures."""

    def __init__(self, capsys: pytest.CaptureFixture[str]):
        self.capsys = capsys

    def check(self, name: str, lmul: LMul, squares: list[Square]) -> None:
        """Compare all of `squares`, which differ from `lmul` in k at most."""
        start = time.monotonic()
        counts, examples = zip(*(pairs.all_differences() for pairs in squares), strict=True)
        seconds = time.monotonic() - start
        pairs, wrong = sum(len(s.values) ** 2 for s in squares), sum(counts)
        k = ",".join(str(s.configuration.k) for s in squares)
        offset = "" if lmul.offset == "paper" else f" {lmul.offset}"
        with self.capsys.disabled():
            print(
                f"\n{name} k={k} {lmul.specials} {lmul.rounding}{offset}: "
                f"{pairs:,} pairs, {wrong:,} differences, {seconds:.1f} s",
                flush=True,
            )
        assert wrong == 0, examples


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    return Report(capsys)


# The oracle of a row, the comparison


@pytest.mark.parametrize("float_type", LAYOUTS)
@roundings
@policies
def test_the_row_oracle_is_the_scalar_oracle(float_type: str, rounding: str, specials: str) -> None:
    layout = LAYOUTS[float_type]
    special = oracle.special_values(layout)
    rng = np.random.default_rng(21)
    for k, correction in itertools.product((1, 2, 3, 4, 5, layout.mantissa_bits), (None, 1, -3)):
        c = Configuration(k, rounding, specials, correction)
        y = rng.choice(special, 64)
        row = oracle.Row(layout, c, y)
        for x in rng.choice(special, 6).tolist():
            expected = [oracle.multiply(layout, c, x, other) for other in y.tolist()]
            assert row.multiply(x).tolist() == expected
            assert oracle.multiply_arrays(layout, c, np.full_like(y, x), y).tolist() == expected


def test_differences_are_counted_and_named() -> None:
    """A kernel that takes 1.0 for 2.0 differs from the oracle in the row and in the column of 1.0."""
    one, two = 0x3F80, 0x4000
    values = np.arange(0x3F00, 0x3F81).astype(np.uint16)
    right = square("bf16", LMul(), values)
    swapped = Square(
        right.layout,
        right.configuration,
        lambda x, y: right.kernel(*(np.where(v == one, v.dtype.type(two), v) for v in (x, y))),
        values,
    )
    assert right.all_differences() == (0, [])
    count, examples = swapped.all_differences()
    assert count == 2 * len(values) - 1
    assert len(examples) == 5 and all(f"{one:#x}" in example for example in examples)
    assert swapped.differences([0]) == (1, ["0x3f00 * 0x3f80 = 0x3f90, expected 0x3f10"])


# All pairs of 16-bit formats


def lmuls(float_type: str) -> Iterator[LMul]:
    """Every k, rounding and policy with the paper's offset; the other offsets where truncation matters to them."""
    every_k = range(1, LAYOUTS[float_type].mantissa_bits + 1)
    for k, rounding, specials in itertools.product(every_k, ROUNDINGS, POLICIES):
        yield LMul(k, rounding, specials)
    for k, rounding, specials, offset in itertools.product((2, 4), ROUNDINGS, POLICIES, OFFSETS):
        yield LMul(k, rounding, specials, offset=offset)


HALVES = [(float_type, lmul) for float_type in ("bf16", "f16") for lmul in lmuls(float_type)]


def name_of(value: str | LMul) -> str:
    if isinstance(value, str):
        return value
    return f"{value.mantissa_bits}-{value.rounding}-{value.specials}-{value.offset}"


@pytest.mark.exhaustive
@pytest.mark.parametrize(("float_type", "lmul"), HALVES, ids=name_of)
def test_all_pairs_of_a_16_bit_format(float_type: str, lmul: LMul, report: Report) -> None:
    report.check(float_type, lmul, [square(float_type, lmul, EVERY)])


def rows_that_go_wrong(layout: Layout) -> Bits:
    """Return the ends of each class of numbers, 1, the ends of the clamp, the neighbours of these, with both signs."""
    m, top = layout.mantissa_bits, (1 << layout.exponent_bits) - 1
    ends = [field << m for field in (0, 1, layout.bias - layout.clamp, layout.bias, layout.bias + layout.clamp, top)]
    magnitudes = {bits + step for bits in ends for step in (-1, 0, 1) if bits + step >= 0} | {
        (1 << (layout.width - 1)) - 1
    }
    return np.array([bits | sign << (layout.width - 1) for bits in magnitudes for sign in (0, 1)], layout.unsigned)


@pytest.mark.parametrize("float_type", ["bf16", "f16"])
def test_a_sample_of_all_pairs(float_type: str) -> None:
    for seed, lmul in enumerate(lmuls(float_type)):
        check_sample(square(float_type, lmul, EVERY), seed, rows_that_go_wrong(LAYOUTS[float_type]), 48)


# All pairs of fp8, widened


def fp8_values(fp8: str) -> Bits:
    """Return the 256 values of an fp8 format as bfloat16, which holds each exactly."""
    values = oracle.decode_fp8(fp8).astype(np.float32)
    bits = (values.view(np.uint32) >> 16).astype(np.uint16)
    widened = (bits.astype(np.uint32) << 16).view(np.float32)
    np.testing.assert_array_equal(widened, oracle.decode_fp8(fp8))
    return bits


def fp8_squares(fp8: str, rounding: str, specials: str) -> list[Square]:
    return [square("bf16", LMul(k, rounding, specials), fp8_values(fp8)) for k in range(1, 8)]


@pytest.mark.exhaustive
@pytest.mark.parametrize("fp8", ["e4m3", "e5m2"])
@roundings
@policies
def test_all_pairs_of_fp8(fp8: str, rounding: str, specials: str, report: Report) -> None:
    report.check(f"{fp8} as bf16", LMul(1, rounding, specials), fp8_squares(fp8, rounding, specials))


@pytest.mark.parametrize("fp8", ["e4m3", "e5m2"])
@policies
def test_a_sample_of_fp8_pairs(fp8: str, specials: str) -> None:
    ends = fp8_values(fp8)[[0, 1, 0x7B, 0x7C, 0x7E, 0x7F]]
    for pairs in fp8_squares(fp8, "truncate", specials):
        check_sample(pairs, pairs.configuration.k, ends, 64)


# Boundaries of 32-bit and 64-bit formats


def boundary_fields(layout: Layout) -> list[int]:
    """Return the exponent fields within 2 of a limit.

    The limits: of each class; of a sum, where two like exponents under- or overflow, or one at a limit of the clamp and
    another; of the clamp; and 1.
    """
    bias, clamp, top = layout.bias, layout.clamp, (1 << layout.exponent_bits) - 1
    limits = {0, 1, top, bias, bias - clamp, bias + clamp, (1 + bias) // 2, (top + bias) // 2}
    limits |= {1 + clamp, top - clamp}  # with a number at the clamp's ends, the exponents add up to 1 and to top
    return sorted({field for limit in limits for field in range(limit - 2, limit + 3) if 0 <= field <= top})


def boundary_mantissas(layout: Layout) -> list[int]:
    """Return mantissas at the ends, around the middle, and at and around the ties of rounding to every k."""
    m = layout.mantissa_bits
    half, ones = 1 << (m - 1), (1 << m) - 1
    mantissas = {0, 1, 2, half - 1, half, half + 1, ones}
    for k in (1, 2, 3, 4, 5):
        tie = 1 << (m - k - 1)
        for kept in (0, 2 * tie, ones ^ (2 * tie - 1)):  # even, odd, and all ones: a carry into the exponent
            mantissas |= {kept + tie - 1, kept + tie, kept + tie + 1}
    return sorted(mantissas)


def boundary_values(layout: Layout) -> Bits:
    m = layout.mantissa_bits
    magnitudes = [field << m | mantissa for field in boundary_fields(layout) for mantissa in boundary_mantissas(layout)]
    return np.array([*magnitudes, *(1 << (layout.width - 1) | bits for bits in magnitudes)], layout.unsigned)


def boundary_squares(float_type: str, rounding: str, specials: str, offset: str = "paper") -> list[Square]:
    layout = LAYOUTS[float_type]
    values = boundary_values(layout)
    ks = (1, 2, 3, 4, 5, layout.mantissa_bits)
    return [square(float_type, LMul(k, rounding, specials, offset=offset), values) for k in ks]


@pytest.mark.exhaustive
@pytest.mark.parametrize("float_type", ["f32", "f64"])
@pytest.mark.parametrize("offset", ["paper", *OFFSETS])
@roundings
@policies
def test_all_pairs_of_boundary_numbers(
    float_type: str, offset: str, rounding: str, specials: str, report: Report
) -> None:
    squares = boundary_squares(float_type, rounding, specials, offset)
    report.check(f"{float_type} boundaries", LMul(1, rounding, specials, offset=offset), squares)


@pytest.mark.parametrize("float_type", ["f32", "f64"])
@roundings
@policies
def test_a_sample_of_boundary_pairs(float_type: str, rounding: str, specials: str) -> None:
    for pairs in boundary_squares(float_type, rounding, specials):
        check_sample(pairs, pairs.configuration.k, rows_that_go_wrong(pairs.layout), 100)
