"""`slipstick.lmul_matmul`: matrix products with L-Mul against a plain loop over k."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import slipstick
import torch
from slipstick.errors import ArgumentError
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
SUMS = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32}
FLOAT8 = {"float8_e4m3fn": torch.float8_e4m3fn, "float8_e5m2": torch.float8_e5m2}

dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def numbers(seed: int, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def loop(a: Tensor, b: Tensor, accumulate: str | None = None, **arguments: Any) -> Tensor:
    """Return the product of [..., M, K] and [..., K, N], k by k."""
    wide = torch.float64 if a.dtype == torch.float64 else torch.float32
    total = torch.zeros((), dtype=SUMS.get(accumulate or "", wide))
    for k in range(a.shape[-1]):
        product = slipstick.lmul(a[..., :, k, None], b[..., k, None, :], **arguments)
        exact = total.to(wide) + product.to(wide)
        if accumulate in FLOAT8:
            greatest = torch.finfo(FLOAT8[accumulate]).max
            total = exact.clamp(-greatest, greatest).to(FLOAT8[accumulate])
        else:
            total = exact.to(total.dtype)
    return total.to(product.dtype)


def assert_same(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)
    numeric = ~expected.isnan()
    assert torch.equal(found.signbit()[numeric], expected.signbit()[numeric])


KINDS = ("numbers", "zeros", "subnormal", "large", "small", "special")


def operands(kind: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return a batch of operands that make the product go each of its ways."""
    a, b = numbers(1, 3, 1, 5, 17, dtype=dtype), numbers(2, 1, 2, 17, 11, dtype=dtype)
    if kind in ("zeros", "subnormal"):
        a[numbers(3, *a.shape) < -0.5] = 0.0 if kind == "zeros" else torch.finfo(dtype).smallest_normal / 2
        a[0, 0, 1] = 0
        b[numbers(4, *b.shape) < -1] = -0.0
    if kind in ("large", "small"):
        exponent = {torch.float16: 8, torch.float64: 520}.get(dtype, 64)
        a, b = (v * 2.0 ** (exponent if kind == "large" else -exponent) for v in (a, b))
    if kind == "special":
        a[0, 0, 1, 2], a[1, 0, 2, 3], b[0, 1, 3, 4], b[0, 0, 3, 5] = (float(v) for v in ("inf", "-inf", "nan", "0"))
    return a, b


@dtypes
@pytest.mark.parametrize("kind", KINDS)
def test_equals_a_loop_over_k(dtype: torch.dtype, kind: str) -> None:
    a, b = operands(kind, dtype)
    for specials, variant in itertools.product(("ieee", "finite"), ("carry", "eq1")):
        if kind == "special" and specials == "finite":
            continue
        arguments: Any = {"specials": specials, "variant": variant}
        expected = loop(a, b, **arguments)
        assert expected.shape == (3, 2, 5, 11) and expected.dtype == dtype
        assert_same(slipstick.lmul_matmul(a, b, **arguments), expected)
        assert_same(slipstick.lmul_matmul(a, b, **arguments, block=13), expected)


@pytest.mark.parametrize("offset", ["paper", "unbiased", "min-rms"])
@pytest.mark.parametrize("rounding", ["truncate", "rne"])
def test_every_configuration(rounding: Any, offset: Any) -> None:
    a, b = operands("zeros", torch.float32)
    for k, specials in itertools.product((2, 3, 4, 7, 23), ("ieee", "finite")):
        arguments: Any = {"mantissa_bits": k, "rounding": rounding, "specials": specials, "offset": offset}
        assert_same(slipstick.lmul_matmul(a, b, **arguments), loop(a, b, **arguments))


@dtypes
@pytest.mark.parametrize("accumulate", [*SUMS, *FLOAT8])
def test_partial_sums_are_rounded(dtype: torch.dtype, accumulate: Any) -> None:
    a, b = numbers(1, 6, 40, dtype=dtype), numbers(2, 40, 9, dtype=dtype)
    for specials in ("ieee", "finite"):
        found = slipstick.lmul_matmul(a, b, specials=specials, accumulate=accumulate)
        assert found.dtype == dtype
        assert_same(found, loop(a, b, specials=specials, accumulate=accumulate))


def test_what_low_precision_loses() -> None:
    """Ones summed in fp8 stop growing where a one is less than half a step: at 16 in e4m3, at 8 in e5m2."""
    a, b = torch.full((1, 600), 31 / 32), torch.ones(600, 1)
    assert torch.equal(slipstick.lmul(a[0, 0], b[0, 0], 7), torch.tensor(1.0))
    sums = {name: slipstick.lmul_matmul(a, b, 7, accumulate=name).item() for name in ("f32", *FLOAT8)}  # type: ignore[arg-type]
    assert sums == {"f32": 600, "float8_e4m3fn": 16, "float8_e5m2": 8}
    large = slipstick.lmul_matmul(300 * a[:, :4], b[:4], 7, accumulate="float8_e4m3fn")
    assert large.item() == 448


def test_a_zero_keeps_the_sign_of_its_product() -> None:
    """In fp8 the first product rounds to -0; a second of -0 leaves it, one of 0 does not."""
    a = torch.tensor([[-(2.0**-12), 0.0], [-(2.0**-12), -0.0]])
    found = slipstick.lmul_matmul(a, torch.tensor([[2.0**-12], [-1.0]]), accumulate="float8_e4m3fn")
    assert found.ravel().signbit().tolist() == [True, False]


@pytest.mark.parametrize("value", ["inf", "nan"])
def test_infinity_times_small_numbers(value: str) -> None:
    a, b = torch.tensor([[float(value), 0.25]]), torch.tensor([[2.0**-90, 0.25], [0.5, 0.5]])
    found = slipstick.lmul_matmul(a, b)
    assert_same(found, torch.tensor([[float(value)] * 2]))


@pytest.mark.parametrize("dtype", FLOAT8.values(), ids=FLOAT8)
def test_fp8_operands(dtype: torch.dtype) -> None:
    a, b = (numbers(seed, *shape).to(dtype) for seed, shape in ((1, (4, 20)), (2, (20, 6))))
    found = slipstick.lmul_matmul(a, b)
    assert_same(found, slipstick.lmul_matmul(a.bfloat16(), b.bfloat16()))
    assert found.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((7,), (7,)),
        ((7,), (7, 5)),
        ((4, 7), (7,)),
        ((4, 7), (7, 5)),
        ((2, 3, 4, 7), (7, 5)),
        ((2, 3, 4, 7), (7,)),
        ((7,), (2, 3, 7, 5)),
        ((4, 7), (2, 3, 7, 5)),
        ((2, 1, 4, 7), (3, 7, 5)),
        ((4, 0), (0, 5)),
        ((0, 7), (7, 5)),
        ((2, 0, 7), (7, 5)),
        ((3, 4, 7), (3, 7, 0)),
    ],
)
@pytest.mark.parametrize("specials", ["ieee", "finite"])
def test_shapes_are_those_of_torch(left: tuple[int, ...], right: tuple[int, ...], specials: Any) -> None:
    a, b = numbers(1, *left), numbers(2, *right)
    found = slipstick.lmul_matmul(a, b, 7, specials=specials)
    exact = torch.matmul(a, b)
    assert found.shape == exact.shape
    bound = torch.matmul(a.abs(), b.abs()) * 0.075
    assert ((found - exact).abs() <= bound).all()


def test_strided_operands() -> None:
    a, b = numbers(1, 7, 8, 2)[..., 0].mT, numbers(2, 5, 7).mT
    assert_same(slipstick.lmul_matmul(a, b), slipstick.lmul_matmul(a.contiguous(), b.contiguous()))


class Sizes(TorchDispatchMode):
    """Notes the bytes of storage of every tensor that an operation returns."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.seen |= {v.untyped_storage().nbytes() for v in tree_leaves(result) if isinstance(v, Tensor)}
        return result


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gradient", ["straight-through", "piecewise"])
def test_memory_is_bounded(kind: str, gradient: Any) -> None:
    """No tensor is larger than an operand, the result or a block; M N K would be 32 times as large."""
    m, k, n = 32, 64, 640
    a, b = operands(kind, torch.float32)
    a, b = a[0, 0].repeat(7, 4)[:m, :k].clone().requires_grad_(), b[0, 0].repeat(4, 59)[:k, :n].clone().requires_grad_()
    with Sizes() as forward:
        product = slipstick.lmul_matmul(a, b, gradient=gradient, block=1 << 13)
    with Sizes() as backward:
        product.sum().backward()
    assert max(forward.seen) <= 4 * max(m * k, k * n, m * n)
    assert max(backward.seen) <= 4 * max(m * k, k * n, m * n)


def test_a_block_bounds_the_scratch() -> None:
    """Of tensors that grow with M and N together, only the result is larger than a block."""
    a, b = numbers(1, 1000, 2), numbers(2, 2, 1000)
    ways: tuple[tuple[Any, float], ...] = (("finite", 1.0), ("ieee", 1.0), ("ieee", 2.0**70))
    for specials, scale in ways:
        with Sizes() as sizes:
            slipstick.lmul_matmul(a * scale, b * scale, specials=specials, block=10_000)
        assert {size for size in sizes.seen if size > 40_000} == {4 * 1000 * 1000}


@pytest.mark.parametrize(
    ("left", "right", "arguments", "message"),
    [
        ((4, 7), (6, 5), {}, r"lmul_matmul: b: expected 7 rows as a \(4, 7\) has columns, found \(6, 5\)"),
        ((7,), (6,), {}, r"expected 7 rows as a \(7,\) has columns, found \(6,\)"),
        ((), (6,), {}, "lmul_matmul: a: expected at least one dimension, found a scalar"),
        ((2, 4, 7), (3, 7, 5), {}, r"leading dimensions that broadcast with those of a \(2, 4, 7\), found \(3, 7, 5\)"),
        ((4, 7), (7, 5), {"accumulate": "f64"}, "accumulate: expected None or one of f32, .*, found 'f64'"),
        ((4, 7), (7, 5), {"block": 0}, "block: expected a positive integer, found 0"),
        ((4, 7), (7, 5), {"mantissa_bits": 24}, "expected at most 23, those of f32, found 24"),
        ((4, 7), (7, 5), {"gradient": "exact"}, "lmul_matmul: gradient: expected one of"),
    ],
)
def test_wrong_arguments(left: Any, right: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        slipstick.lmul_matmul(torch.ones(left), torch.ones(right), **arguments)


def test_operands_of_two_types() -> None:
    with pytest.raises(ArgumentError, match="lmul_matmul: b: expected float32 as of a, found float64"):
        slipstick.lmul_matmul(torch.ones(2, 2), torch.ones(2, 2, dtype=torch.float64))
