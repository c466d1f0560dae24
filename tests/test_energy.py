"""The energy estimate follows the published tables."""

from __future__ import annotations

import pytest
from slipstick.errors import ArgumentError
from slipstick.kernels.energy import LMUL_GATES, MULTIPLY_GATES, estimate, multiply_energy, multiply_gates


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


def test_gates_are_the_papers_where_it_counts_them() -> None:
    assert multiply_gates("f16", lmul=False) == MULTIPLY_GATES["f16"] == 584
    assert multiply_gates("f16", lmul=True) == multiply_gates("bf16", lmul=True) == LMUL_GATES[16] == 256


def test_other_gates_lie_on_the_stated_lines() -> None:
    """Of the square of the significand through (4, 325) and (11, 584), and of the width through (8, 157), (16, 256)."""
    for float_type, significand in (("bf16", 8), ("f32", 24), ("f64", 53)):
        expected = 325 + (significand**2 - 4**2) * (584 - 325) / (11**2 - 4**2)
        assert multiply_gates(float_type, lmul=False) == pytest.approx(expected)
    for float_type, width in (("f32", 32), ("f64", 64)):
        assert multiply_gates(float_type, lmul=True) == pytest.approx(157 + (width - 8) * (256 - 157) / (16 - 8))
    stated = {"bf16": 443, "f32": 1706, "f64": 7214}
    assert {name: round(multiply_gates(name, lmul=False)) for name in stated} == stated


def test_the_lines_come_near_to_what_they_leave_out() -> None:
    """e5m2's multiplier, 3 bits of significand, and the L-Mul unit of 12 bits: figures not used for the lines."""
    e5m2 = 325 + (3**2 - 4**2) * (584 - 325) / (11**2 - 4**2)
    assert e5m2 == pytest.approx(MULTIPLY_GATES["f8E5M2"], rel=0.05)
    twelve = (LMUL_GATES[8] + LMUL_GATES[16]) / 2
    assert twelve == pytest.approx(LMUL_GATES[12], rel=0.05)


def test_mistakes() -> None:
    with pytest.raises(ArgumentError, match="expected f16, bf16, f32 or f64, found 'f8E5M2'"):
        multiply_gates("f8E5M2", lmul=False)
    with pytest.raises(ArgumentError, match="expected f16, bf16, f32 or f64, found 'i8'"):
        estimate(1, 1, "i8", lmul=True)
    with pytest.raises(ArgumentError, match="adds: expected a count, found -1"):
        estimate(1, -1, "f32", lmul=True)
