"""erf and tanh from tables of segments, which AVX-512 looks up: accuracy, special values, tables, code."""

from __future__ import annotations

import re
from math import inf, nan

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
import torch
from math_harness import compiled, errors_in_ulps, llvm_text, loop_text, unary
from slipstick.compiler import codegen
from slipstick.kernels.approximations_segments import COUNT, SEGMENTED_ERF, SEGMENTED_TANH, Segmented
from slipstick.kernels.minimax import SEGMENTS, segment
from slipstick.target import Target

LIMITS = {"erf": 1.7, "tanh": 1.2}
"""Units in the last place: what is promised, a little above what all arguments show."""
FUNCTIONS = {"erf": SEGMENTED_ERF, "tanh": SEGMENTED_TANH}
LANES = 64
needs_avx512 = pytest.mark.skipif(not Target.host().has("avx512f"), reason="the machine has no AVX-512")


def text(name: str) -> str:
    """Return the LLVM IR of a loop over vectors of four registers."""
    return llvm_text(loop_text(unary(name), lanes=LANES), "approximate-math{avx512}")


def assert_accurate(name: str, step: int) -> None:
    """Compare each `step`-th f32 of either sign with the f64 function; results stay within [-1, 1]."""
    function = compiled(text(name), LANES)
    chunk = 1 << 17
    for start in range(0, 0x7F800000, chunk * step):
        bits = np.arange(start, min(start + chunk * step, 0x7F800000), step, dtype=np.uint32)
        bits[1::2] |= np.uint32(1 << 31)
        x = torch.from_numpy(bits[: bits.size // LANES * LANES].view(np.float32))
        y = function(x)
        errors = errors_in_ulps(y, getattr(torch, name)(x.double()))
        at = int(errors.argmax())
        assert errors[at] <= LIMITS[name], f"{name}({x[at]!r}) = {y[at]!r}, {errors[at]} ulp"
        assert y.abs().max() <= 1


@needs_avx512
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_error_over_a_sample(name: str) -> None:
    assert_accurate(name, step=641)


@needs_avx512
@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_error_over_all_magnitudes(name: str) -> None:
    assert_accurate(name, step=1)


@needs_avx512
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_special_values(name: str) -> None:
    tiny, greatest = 2.0**-149, 3.4028234663852886e38
    x = torch.tensor([0.0, -0.0, inf, -inf, tiny, -tiny, greatest, -greatest, nan, -nan])
    y = compiled(text(name), LANES)(torch.nn.functional.pad(x, (0, LANES - len(x))))[: len(x)]
    expected = torch.tensor([0.0, -0.0, 1, -1, tiny, -tiny, 1, -1])
    assert torch.equal(y[:8].view(torch.int32), expected.view(torch.int32))
    assert y[8:].isnan().all()


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_code(name: str) -> None:
    """Seven look-ups a register, nothing that divides and no call."""
    assembly = codegen.assembly(text(name), Target.named("znver4"))
    stored = len(re.findall(r"vmov\w+\s+%zmm\d+, [-\d]*\(%r(?!sp)", assembly))
    assert stored >= LANES // 16
    assert len(re.findall(r"vperm[it]2ps", assembly)) == 7 * stored
    assert "vdivps" not in assembly and "call" not in assembly


@pytest.mark.parametrize("number", [0, 17])
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_tables_are_those_of_the_fit(name: str, number: int) -> None:
    function, apart, count = SEGMENTS[name.upper()]
    assert len(FUNCTIONS[name].segments) == count
    assert FUNCTIONS[name].segments[number] == segment(function, apart, number)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_segment_is_looked_up_by_its_arguments(name: str) -> None:
    """The polynomial that the bits of an argument point to is the one fitted there."""
    function: Segmented = FUNCTIONS[name]
    columns = np.array([function.column(i) for i in range(7)])
    x = np.linspace(0, function.limit, 400, dtype=np.float32)
    index = (np.maximum(x, np.float32(2.0**-4)).view(np.uint32) >> 21) % COUNT
    for value, (centre, *coefficients) in zip(x.tolist(), columns[:, index].T.tolist(), strict=True):
        r = value - centre
        result = float(np.polyval(coefficients[::-1], r)) + function.slope_apart * r
        exact = float(getattr(mpmath, name)(value))
        assert abs(result - exact) <= 2.0**-24 * exact, value
