"""Half and bfloat, which compiled code converts and computes with by the rules of IEEE 754."""

from __future__ import annotations

import ctypes
from fractions import Fraction

import numpy as np
import pytest
from codegen_harness import HOST, X86, compile_and_load
from slipstick.target import Target

# Conversions of half and bfloat, in vectorised loops; `x86-64` has no instruction for any of them.
CONVERT = """
define void @convert(ptr noalias %in, ptr noalias %out, i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %body, label %done
body:
  %from = getelementptr FROM, ptr %in, i64 %i
  %to = getelementptr TO, ptr %out, i64 %i
  %x = load FROM, ptr %from
  %y = OPERATION FROM %x to TO
  store TO %y, ptr %to
  %next = add i64 %i, 1
  br label %loop
done:
  ret void
}
"""
CPUS = [HOST, Target.named("x86-64")] if X86 else [HOST]


def convert(source: np.ndarray, from_: str, to: str, out: type[np.generic], target: Target) -> np.ndarray:
    operation = "fpext" if source.itemsize < np.dtype(out).itemsize else "fptrunc"
    text = CONVERT.replace("FROM", from_).replace("TO", to).replace("OPERATION", operation)
    loaded = compile_and_load(text, target)
    result = np.empty(source.size, out)
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    function(loaded.address("convert"))(source.ctypes.data, result.ctypes.data, source.size)
    return result


def interesting(dtype: type[np.floating]) -> np.ndarray:
    """Return every value of half and bfloat, the points half-way between, their neighbours, and random bits."""
    patterns = np.arange(1 << 16, dtype=np.uint16)
    with np.errstate(all="ignore"):
        halves = patterns.view(np.float16).astype(np.float64)
        bfloats = (patterns.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
        exact = np.concatenate([np.sort(halves[np.isfinite(halves)]), np.sort(bfloats[np.isfinite(bfloats)])])
        points = np.concatenate([exact, (exact[1:] + exact[:-1]) / 2]).astype(dtype)
        bits = np.random.default_rng(1).integers(0, 1 << 8 * points.itemsize, 200_000, f"u{points.itemsize}")
        special = np.array([np.nan, -np.nan, np.inf, -np.inf, 65504, 65519.996, 65520, 3.4e38, 0.0, -0.0], dtype)
        return np.concatenate([points, np.nextafter(points, dtype(np.inf)), np.nextafter(points, dtype(-np.inf)),
                               bits.view(dtype), special])  # fmt: skip


def assert_same_floats(found: np.ndarray, expected: np.ndarray) -> None:
    nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(found), nan)
    unsigned = f"u{found.itemsize}"
    np.testing.assert_array_equal(found.view(unsigned)[~nan], expected.view(unsigned)[~nan])


@pytest.mark.parametrize("target", CPUS, ids=str)
@pytest.mark.parametrize(("from_", "dtype"), [("float", np.float32), ("double", np.float64)])
def test_to_half_rounds_to_nearest_even(target: Target, from_: str, dtype: type[np.floating]) -> None:
    source = interesting(dtype)
    with np.errstate(all="ignore"):
        assert_same_floats(convert(source, from_, "half", np.float16, target), source.astype(np.float16))


def as_float(bfloat: np.ndarray) -> np.ndarray:
    bits: np.ndarray = bfloat.astype(np.uint32) << 16
    return bits.view(np.float32)


def nearest_bfloat(values: np.ndarray) -> np.ndarray:
    """Return the bits of the bfloat nearest to each double; found by comparison with exact mid-points, in double."""
    grid = as_float(np.arange(0x7F81, dtype=np.uint16)).astype(np.float64)
    grid[0x7F80] = 2.0**128  # where infinity stands in rounding
    magnitude = np.abs(values)
    index = np.searchsorted(grid, magnitude, side="right") - 1
    above = np.minimum(index + 1, 0x7F80)
    middle = (grid[index] + grid[above]) / 2
    up = (magnitude > middle) | ((magnitude == middle) & (index % 2 == 1))
    bits = np.where(up, above, index).astype(np.uint16)
    signed: np.ndarray = bits | (np.signbit(values).astype(np.uint16) << 15)
    return signed


@pytest.mark.parametrize("target", CPUS, ids=str)
@pytest.mark.parametrize(("from_", "dtype"), [("float", np.float32), ("double", np.float64)])
def test_to_bfloat_rounds_to_nearest_even(target: Target, from_: str, dtype: type[np.floating]) -> None:
    source = interesting(dtype)
    found = convert(source, from_, "bfloat", np.uint16, target)
    nan = np.isnan(source)
    assert np.isnan(as_float(found[nan])).all()
    np.testing.assert_array_equal(found[~nan], nearest_bfloat(source[~nan].astype(np.float64)))


@pytest.mark.parametrize("target", CPUS, ids=str)
def test_from_half_and_bfloat_is_exact(target: Target) -> None:
    patterns = np.arange(1 << 16, dtype=np.uint16)
    assert_same_floats(
        convert(patterns, "half", "float", np.float32, target), patterns.view(np.float16).astype(np.float32)
    )
    assert_same_floats(
        convert(patterns, "half", "double", np.float64, target), patterns.view(np.float16).astype(np.float64)
    )
    assert_same_floats(convert(patterns, "bfloat", "float", np.float32, target), as_float(patterns))


@pytest.mark.parametrize("target", CPUS, ids=str)
@pytest.mark.parametrize("operation", ["fadd", "fsub", "fmul", "fdiv"])
def test_arithmetic_on_half_and_bfloat_rounds_each_result(target: Target, operation: str) -> None:
    operator = {"fadd": np.add, "fsub": np.subtract, "fmul": np.multiply, "fdiv": np.divide}[operation]
    x, y = np.random.default_rng(2).integers(0, 1 << 16, (2, 100_000), np.uint16)
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)
    for type_ in ("half", "bfloat"):
        text = CONVERT.replace("(ptr noalias %in,", "(ptr noalias %in, ptr noalias %in2,").replace("FROM", type_)
        text = text.replace("TO", type_).replace(f"OPERATION {type_} %x to {type_}", f"{operation} {type_} %x, %x2")
        load = f"%from2 = getelementptr {type_}, ptr %in2, i64 %i\n  %x2 = load {type_}, ptr %from2\n  %y ="
        loaded = compile_and_load(text.replace("%y =", load), target)
        found = np.empty_like(x)
        function(loaded.address("convert"))(x.ctypes.data, y.ctypes.data, found.ctypes.data, x.size)
        with np.errstate(all="ignore"):
            if type_ == "half":
                assert_same_floats(found.view(np.float16), operator(x.view(np.float16), y.view(np.float16)))
            else:  # 24 bits are more than twice 8 and 2: rounding in float first does no harm
                expected = operator(as_float(x), as_float(y))
                nan = np.isnan(expected)
                assert np.isnan(as_float(found[nan])).all()
                np.testing.assert_array_equal(found[~nan], nearest_bfloat(expected[~nan].astype(np.float64)))


def test_the_oracle_of_bfloat_agrees_with_exact_arithmetic() -> None:
    values = np.concatenate(
        [np.random.default_rng(5).normal(size=300), [1e-40, 2.0**-134, 3e38, 3.3961775292304601e38, 1e39]]
    )
    for value, bits in zip(values, nearest_bfloat(values), strict=True):
        low = int(bits) & 0x7FFF
        steps = [b for b in (low - 1, low, low + 1) if 0 <= b <= 0x7F80]
        exact = [
            Fraction(2) ** 128 if b == 0x7F80 else Fraction(float(as_float(np.array([b], np.uint16))[0])) for b in steps
        ]
        distances = [(abs(e - abs(Fraction(float(value)))), b % 2) for e, b in zip(exact, steps, strict=True)]
        # beyond the largest finite value everything is infinite
        assert steps[distances.index(min(distances))] == low or abs(value) > 3.4e38
