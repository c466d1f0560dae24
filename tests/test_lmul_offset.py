"""The constants of L-Mul: derived ones do what they are derived for, and compiled code uses them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import lmul_oracle as oracle
import numpy as np
import pytest
import slipstick
import torch
from lmul_kernels import compile_kernel, loop
from lmul_oracle import LAYOUTS, Configuration
from slipstick.kernels.lmul import FORMATS, LMul
from slipstick.kernels.lmul_offset import offset_constant

MULTIPLY = "%r = arith.mulf %x, %y : T"
ROUNDINGS = ("truncate", "rne")


def relative_errors(k: int, rounding: str, correction: int) -> Any:
    """Return the errors of all pairs of bf16 mantissas in [1, 2), by the oracle."""
    c = Configuration(k, rounding, "ieee", correction)
    bits = np.arange(128, dtype=np.uint16) + np.uint16(127 << 7)
    x, y = np.repeat(bits, 128), np.tile(bits, 128)
    found, one, other = (
        (v.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
        for v in (oracle.multiply_arrays(LAYOUTS["bf16"], c, x, y), x, y)
    )
    return found / (one * other) - 1


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 7])
def test_no_other_constant_of_bf16_is_better(k: int, rounding: str) -> None:
    """Of all constants, in the last place, `unbiased` has the least mean error and `min-rms` the least square."""
    errors = {correction: relative_errors(k, rounding, correction) for correction in range(0, 80)}
    means = {correction: abs(e.mean()) for correction, e in errors.items()}
    squares = {correction: (e**2).mean() for correction, e in errors.items()}
    f = FORMATS["bf16"]
    assert LMul(k, rounding, offset="unbiased").correction(f) == min(means, key=means.__getitem__)
    assert LMul(k, rounding, offset="min-rms").correction(f) == min(squares, key=squares.__getitem__)


@pytest.mark.parametrize(("k", "l"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (10, 4), (23, 4)])
def test_the_papers_constant(k: int, l: int) -> None:  # noqa: E741 - the paper's name
    assert offset_constant("paper", k, "truncate", 23) == 2.0**-l
    assert LMul(k).correction(FORMATS["f32"]) == 1 << (23 - l)


def test_the_mean_over_continuous_mantissas_is_zero() -> None:
    """Random f32 mantissas, of which the derivation knows nothing: the mean error is within four standard errors."""
    rng = np.random.default_rng(5)
    x, y = (1 + rng.random(4_000_000) for _ in range(2))
    bits = [v.astype(np.float32).view(np.uint32) for v in (x, y)]
    exact = bits[0].view(np.float32).astype(np.float64) * bits[1].view(np.float32)
    for k in (3, 4, 14, 23):
        lmul = LMul(k, offset="unbiased")
        c = Configuration(k, correction=lmul.correction(FORMATS["f32"]))
        error = oracle.multiply_arrays(LAYOUTS["f32"], c, *bits).view(np.float32) / exact - 1
        assert abs(error.mean()) < 4 * error.std() / len(error) ** 0.5


def test_the_integral_of_the_untruncated_error_vanishes() -> None:
    """With all bits, E[A(mx + my + c) / ((1 + mx)(1 + my))] over the unit square is 1, by midpoints of another grid."""
    c = offset_constant("unbiased", 52, "truncate", 52)
    m = (np.arange(3000) + 0.5) / 3000
    s = m[:, None] + m + c
    antilog = np.where(s < 1, 1 + s, np.where(s < 2, 2 * s, 4 * (s - 1)))
    assert (antilog / np.outer(1 + m, 1 + m)).mean() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("float_type", LAYOUTS)
@pytest.mark.parametrize("offset", ["unbiased", "min-rms"])
@pytest.mark.parametrize("specials", ["ieee", "finite"])
def test_compiled_code_adds_the_constant(float_type: str, offset: Any, specials: Any) -> None:
    layout = LAYOUTS[float_type]
    rng = np.random.default_rng(1)
    special = rng.permutation(oracle.special_values(layout))[:256]
    x, y = np.repeat(special, 256), np.tile(special, 256)
    for k, rounding in ((2, "truncate"), (2, "rne"), (4, "rne"), (layout.mantissa_bits, "truncate")):
        lmul = LMul(k, rounding, specials, offset=offset)
        c = Configuration(k, rounding, specials, lmul.correction(FORMATS[float_type]))
        text = f"lmul{{mantissa-bits={k} rounding={rounding} specials={specials} offset={offset}}}"
        found = compile_kernel(loop(float_type, MULTIPLY, form="vector"), text)(x, y)
        np.testing.assert_array_equal(found, oracle.multiply_arrays(layout, c, x, y))


@pytest.mark.parametrize("specials", ["ieee", "finite"])
def test_a_compiled_layer_uses_the_offset_of_its_options(specials: Any) -> None:
    """One product an output, so that no sum hides it; the oracle's scalar form, by fractions."""
    layer = torch.nn.Linear(1, 5, bias=False)
    x = torch.randn(7, 1)
    lmul = LMul(3, "rne", specials, offset="min-rms")
    found = slipstick.compile(layer, (x,), lmul=lmul)(x)
    c = Configuration(3, "rne", specials, lmul.correction(FORMATS["f32"]))
    weight = layer.weight.detach().numpy().view(np.uint32)[:, 0]
    for i, a in enumerate(x.numpy().view(np.uint32)[:, 0]):
        for j, b in enumerate(weight):
            assert int(found[i, j].numpy().view(np.uint32)) == oracle.multiply(LAYOUTS["f32"], c, int(a), int(b))


def test_constants_are_fractions_of_2_to_the_23() -> None:
    for rounding in ROUNDINGS:
        for k in (2, 4, 23):
            assert Fraction(offset_constant("unbiased", k, rounding, 23)).denominator <= 1 << 23
