"""The energy estimate follows the published tables."""

from __future__ import annotations

import pytest
from slipstick.errors import ArgumentError
from slipstick.kernels.energy import estimate, multiply_energy


def test_counts_times_the_table() -> None:
    assert estimate(1000, 500, "f32", lmul=False) == pytest.approx(1000 * 3.7 + 500 * 0.9)
    assert estimate(1000, 500, "f32", lmul=True) == pytest.approx(1000 * 0.1 + 500 * 0.9)
    assert estimate(10, 0, "bf16", lmul=True) == pytest.approx(0.6)
    assert estimate(0, 0, "f64", lmul=False) == 0


def test_savings_that_the_paper_states() -> None:
    """About 95 % less for element-wise multiplies, about 80 % less for dot products."""
    assert 1 - multiply_energy("f16", lmul=True) / multiply_energy("f16", lmul=False) == pytest.approx(0.95, abs=0.01)
    assert 1 - estimate(64, 64, "f32", lmul=True) / estimate(64, 64, "f32", lmul=False) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("float_type", ["f16", "bf16", "f32", "f64"])
def test_lmul_always_costs_less(float_type: str) -> None:
    assert 0 < multiply_energy(float_type, lmul=True) < 0.1 * multiply_energy(float_type, lmul=False)


def test_mistakes() -> None:
    with pytest.raises(ArgumentError, match="expected f16, bf16, f32 or f64, found 'i8'"):
        estimate(1, 1, "i8", lmul=True)
    with pytest.raises(ArgumentError, match="adds: expected a count, found -1"):
        estimate(1, -1, "f32", lmul=True)
