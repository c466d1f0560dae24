"""`slipstick.lmul`: L-Mul of torch tensors, bit for bit against two oracles that share no code with it."""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import Any

import lmul_oracle as reference
import numpy as np
import pytest
import slipstick
import torch
from lmul_oracle import LAYOUTS, Bits, Configuration
from slipstick.errors import ArgumentError
from slipstick.kernels import lmul_oracle
from slipstick.kernels.lmul import FORMATS, LMul
from torch import Tensor

DTYPES = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32, "f64": torch.float64}
FLOAT8 = {"e4m3": torch.float8_e4m3fn, "e5m2": torch.float8_e5m2}
OFFSETS = ("paper", "unbiased", "min-rms")

float_types = pytest.mark.parametrize("float_type", DTYPES)
policies = pytest.mark.parametrize("specials", ("ieee", "finite"))
roundings = pytest.mark.parametrize("rounding", ("truncate", "rne"))


def tensor_of(bits: Bits, float_type: str) -> Tensor:
    return torch.from_numpy(bits.view(f"int{LAYOUTS[float_type].width}").copy()).view(DTYPES[float_type])


def bits_of(tensor: Tensor, float_type: str) -> Bits:
    layout = LAYOUTS[float_type]
    integers: Bits = tensor.contiguous().view(getattr(torch, f"int{layout.width}")).numpy()
    return integers.view(layout.unsigned)


def pairs(float_type: str, count: int, seed: int) -> tuple[Bits, Bits]:
    """Return `count` random pairs, and `count` of which each number is special or random."""
    layout = LAYOUTS[float_type]
    rng = np.random.default_rng(seed)
    special = reference.special_values(layout)

    def column() -> Bits:
        raw = np.frombuffer(rng.bytes(2 * count * layout.width // 8), layout.unsigned).copy()
        raw[count:] = np.where(rng.random(count) < 0.7, rng.choice(special, count), raw[count:])
        return raw

    return column(), column()


def assert_equal(what: str, x: Bits, y: Bits, found: Bits, expected: Bits) -> None:
    wrong = np.flatnonzero(found != expected)
    shown = [f"{x[i]:#x} * {y[i]:#x} = {found[i]:#x}, expected {expected[i]:#x}" for i in wrong[:5]]
    assert not len(wrong), f"{what}: {len(wrong)} of {len(x)} differ: {shown}"


# Bit for bit


@float_types
@roundings
@policies
@pytest.mark.parametrize("offset", OFFSETS)
def test_every_kind_of_configuration(float_type: str, rounding: Any, specials: Any, offset: Any) -> None:
    layout = LAYOUTS[float_type]
    for k in (1, 2, 3, 4, 5, layout.mantissa_bits - 1, layout.mantissa_bits):
        x, y = pairs(float_type, 10_000, k)
        correction = LMul(k, rounding, offset=offset).correction(FORMATS[float_type])
        c = Configuration(k, rounding, specials, correction)
        found = slipstick.lmul(*(tensor_of(v, float_type) for v in (x, y)), k, rounding, specials, offset)
        assert found.dtype == DTYPES[float_type]
        assert_equal(
            f"{float_type}, {c}",
            x,
            y,
            bits_of(found, float_type),
            reference.multiply_arrays(layout, c, x, y),
        )


@float_types
@policies
def test_all_pairs_of_special_values(float_type: str, specials: Any) -> None:
    layout = LAYOUTS[float_type]
    values = reference.special_values(layout)
    for k in (3, 4, layout.mantissa_bits):
        column, row = (tensor_of(values, float_type).reshape(shape) for shape in ((-1, 1), (1, -1)))
        found = bits_of(slipstick.lmul(column, row, k, specials=specials), float_type).ravel()
        x, y = np.repeat(values, len(values)), np.tile(values, len(values))
        expected = reference.multiply_arrays(layout, Configuration(k, "truncate", specials), x, y)
        assert_equal(f"{float_type}, {k}", x, y, found, expected)


@float_types
@roundings
@policies
@pytest.mark.parametrize("variant", ["carry", "eq1"])
def test_scalar_oracle(float_type: Any, rounding: Any, specials: Any, variant: Any) -> None:
    layout = LAYOUTS[float_type]
    for k, offset in itertools.product((2, 4, layout.mantissa_bits), OFFSETS):
        x, y = pairs(float_type, 100, k)
        operands = (tensor_of(v, float_type) for v in (x, y))
        found = slipstick.lmul(*operands, k, rounding, specials, offset, variant=variant)
        correction = LMul(k, rounding, offset=offset).correction(FORMATS[float_type])
        expected = [
            lmul_oracle.multiply(
                float_type,
                int(a),
                int(b),
                mantissa_bits=k,
                rounding=rounding,
                specials=specials,
                correction=correction,
                variant=variant,
            )
            for a, b in zip(x, y, strict=True)
        ]
        assert_equal(f"{k}, {offset}", x, y, bits_of(found, float_type), np.array(expected, layout.unsigned))


@pytest.mark.parametrize("format_name", FLOAT8)
@roundings
@policies
def test_all_pairs_of_fp8(format_name: Any, rounding: Any, specials: Any) -> None:
    numbers = torch.arange(256, dtype=torch.uint8).view(FLOAT8[format_name])
    wide = np.array([lmul_oracle.widen(format_name, bits) for bits in range(256)], np.uint16)
    x, y = np.repeat(wide, 256), np.tile(wide, 256)
    for k in range(1, 8):
        found = slipstick.lmul(numbers[:, None], numbers, k, rounding, specials)
        assert found.dtype == torch.bfloat16
        expected = reference.multiply_arrays(LAYOUTS["bf16"], Configuration(k, rounding, specials), x, y)
        assert_equal(f"{format_name}, {k}", x, y, bits_of(found, "bf16").ravel(), expected)


# As torch's products are used


def test_what_public_implementations_get_wrong() -> None:
    inf, nan = float("inf"), float("nan")
    x = torch.tensor([0.0, 0.0, 1e30, 1e-30, inf, -inf, nan])
    y = torch.tensor([0.0, 0.5, 1e30, 1e-30, 0.0, 2.0, 0.0])
    expected = torch.tensor([0.0, 0.0, inf, 0.0, nan, -inf, nan])
    torch.testing.assert_close(slipstick.lmul(x, y), expected, rtol=0, atol=0, equal_nan=True)


def test_finite_counts_a_zero_as_the_least_magnitude() -> None:
    product = slipstick.lmul(torch.zeros(3), torch.tensor([1.0, -3.0, 2.0**59]), specials="finite")
    bound = 2.0**-60 * torch.tensor([1.0, 3.0, 2.0**59]) * 1.125
    assert (product.abs() <= bound).all() and (product != 0).all()


def test_defaults_are_those_of_the_compiler() -> None:
    x, y = torch.randn(2, 100, generator=torch.Generator().manual_seed(1))
    c = slipstick.LMul()
    explicit = slipstick.lmul(x, y, c.mantissa_bits, c.rounding, c.specials, c.offset, variant="carry")
    assert torch.equal(slipstick.lmul(x, y), explicit)


def test_operands_broadcast_and_may_have_any_strides() -> None:
    x, y = torch.randn(4, 1, 5), torch.randn(3, 10)[:, ::2]
    found = slipstick.lmul(x, y)
    assert found.shape == (4, 3, 5)
    one, other = torch.broadcast_tensors(x, y)
    assert torch.equal(found, slipstick.lmul(one.contiguous(), other.contiguous()))
    assert torch.equal(slipstick.lmul(x.mT, y.mT[None]), found.mT)
    assert slipstick.lmul(torch.tensor(1.5), torch.tensor(1.5), 7).item() == 2.125
    assert slipstick.lmul(torch.zeros(0, 3), torch.zeros(3)).shape == (0, 3)


def test_operands_are_left_as_they_are() -> None:
    x, y = torch.randn(100), torch.randn(100)
    before = x.clone(), y.clone()
    for specials, variant in itertools.product(("ieee", "finite"), ("carry", "eq1")):
        slipstick.lmul(x, y, specials=specials, variant=variant)  # type: ignore[arg-type]
    assert torch.equal(x, before[0]) and torch.equal(y, before[1])


def test_torch_is_imported_on_use() -> None:
    code = "import slipstick, sys; assert 'torch' not in sys.modules; slipstick.lmul; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# Mistakes

ONE = torch.ones(2, 3)


@pytest.mark.parametrize(
    ("x", "y", "arguments", "message"),
    [
        (1.0, ONE, {}, "lmul: x: expected a torch tensor, found float"),
        (ONE, ONE.int(), {}, "lmul: y: expected one of float16, .*, float8_e5m2, found int32"),
        (ONE, ONE.double(), {}, "lmul: y: expected float32 as of x, found float64"),
        (ONE, torch.ones(2), {}, r"lmul: y: expected a shape that broadcasts with \(2, 3\), found \(2,\)"),
        (ONE.bfloat16(), ONE.bfloat16(), {"mantissa_bits": 8}, "mantissa bits: expected at most 7, .* bf16, found 8"),
        (ONE.half(), ONE.half(), {"mantissa_bits": 11}, "expected at most 10, those of f16, found 11"),
        (ONE.to(FLOAT8["e4m3"]), ONE.to(FLOAT8["e4m3"]), {"mantissa_bits": 8}, "expected at most 7"),
        (ONE, ONE, {"mantissa_bits": 24}, "expected at most 23, those of f32, found 24"),
        (ONE, ONE, {"mantissa_bits": 0}, "mantissa_bits: expected an integer from 1 to 52, found 0"),
        (ONE, ONE, {"rounding": "up"}, "rounding: expected one of truncate, rne, found 'up'"),
        (ONE, ONE, {"specials": "none"}, "specials: expected one of ieee, finite, found 'none'"),
        (ONE, ONE, {"offset": "zero"}, "offset: expected one of paper, unbiased, min-rms, found 'zero'"),
        (ONE, ONE, {"variant": "eq2"}, "lmul: variant: expected one of carry, eq1, found 'eq2'"),
        (ONE, ONE, {"gradient": "none"}, "gradient: expected one of straight-through, piecewise, found 'none'"),
        (ONE, ONE.to("meta"), {}, "lmul: y: expected a tensor on cpu as x, found one on meta"),
    ],
)
def test_wrong_arguments(x: Any, y: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        slipstick.lmul(x, y, **arguments)
