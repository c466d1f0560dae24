"""Matrix products on AVX2, NEON and SVE2: packed and skinny, every ragged edge, narrow weights, L-Mul."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import lmul_oracle
import numpy as np
import pytest
import slipstick
import torch
from cross.machines import compile_for, every_machine_at_length
from lmul_oracle import LAYOUTS, Configuration
from slipstick import CompiledModule, LMul
from slipstick.kernels.weight_formats import encode
from torch import nn

pytestmark = every_machine_at_length

TYPES = {torch.float32: "f32", torch.float64: "f64"}
UNIT = {torch.float32: 2.0**-24, torch.float64: 2.0**-53}

EDGES = [
    *((rows, 33, 65) for rows in range(1, 18)),
    *itertools.product((1, 5, 17), (1, 15, 16, 47, 97), (1, 257)),
    *((0, 3, 5), (4, 0, 5), (4, 3, 0)),
]
"""Rows, columns, depth: rows to two register tiles, columns around vectors and tiles, depth past a block."""

LMULS = [LMul(4), LMul(4, specials="finite"), LMul(3, "rne", "finite"), LMul(7, "rne", "ieee")]


def name_of(value: object) -> str | None:
    return f"{value.mantissa_bits}-{value.rounding}-{value.specials}" if isinstance(value, LMul) else None


@cache
def product(cpu: str, dtype: torch.dtype = torch.float32, lmul: LMul | None = None) -> CompiledModule:
    """Compile C + A B of any sizes."""
    t = f"tensor<?x?x{TYPES[dtype]}>"
    return compile_for(
        cpu,
        f"""func.func @main(%a: {t}, %b: {t}, %c: {t}) -> {t} {{
          %0 = linalg.matmul ins(%a, %b : {t}, {t}) outs(%c : {t}) -> {t}
          return %0 : {t}
        }}""",
        lmul=lmul,
    )


def operands(m: int, n: int, k: int, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(m * 10000 + n * 100 + k)
    return tuple(torch.randn(shape, dtype=dtype, generator=generator) for shape in ((m, k), (k, n), (m, n)))


def assert_product(found: torch.Tensor, a: torch.Tensor, b: torch.Tensor, c: torch.Tensor | None = None) -> None:
    """Hold C + A B to the bound of a sum of so many rounded terms in any order (Higham, section 3.1)."""
    start = torch.zeros(()) if c is None else c
    terms = (a.shape[-1] + 2) * UNIT[a.dtype]
    # Of f64 the reference itself errs as much.
    bound = (1 if a.dtype == torch.float32 else 2) * terms / (1 - terms)
    error = (found.double() - (a.double() @ b.double() + start.double())).abs()
    assert (error <= bound * (a.abs().double() @ b.abs().double() + start.abs().double())).all()


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_every_edge(cpu: str, dtype: torch.dtype) -> None:
    for m, n, k in EDGES:
        a, b, c = operands(m, n, k, dtype)
        assert_product(product(cpu, dtype)(a, b, c), a, b, c)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_past_every_block(cpu: str, dtype: torch.dtype) -> None:
    a, b, c = operands(389, 70, 801, dtype)
    assert_product(product(cpu, dtype)(a, b, c), a, b, c)


class Stored(nn.Module):
    """Batches whose operands are stored in every order."""

    def forward(self, q: torch.Tensor, k: torch.Tensor) -> tuple[torch.Tensor, ...]:
        scores = q @ k.transpose(-1, -2)
        return scores, scores @ k, scores.transpose(-1, -2) @ q


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("rows", [1, 9, 19])
def test_batches(cpu: str, rows: int, dtype: torch.dtype) -> None:
    q, k = torch.randn(3, rows, 37, dtype=dtype), torch.randn(3, 21, 37, dtype=dtype)
    found = compile_for(cpu, Stored(), (q, k))(q, k)
    for one, (a, b) in zip(found, [(q, k.mT), (found[0], k), (found[0].mT, q)], strict=True):
        assert_product(one, a, b)


class Rows(nn.Module):
    """One weight under 1 to 16 rows: one skinny product each."""

    def __init__(self, columns: int, depth: int, *, bias: bool = True, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        torch.manual_seed(columns + depth)
        self.linear = nn.Linear(depth, columns, bias=bias, dtype=dtype)

    def forward(self, *xs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(self.linear(x) for x in xs)

    def inputs(self) -> tuple[torch.Tensor, ...]:
        weight = self.linear.weight
        return tuple(torch.randn(rows, weight.shape[1], dtype=weight.dtype) for rows in range(1, 17))

    def without_parameters(self) -> Rows:
        """Make the weight a buffer, which is not packed ahead of calls; return the module."""
        weight = self.linear.weight.detach()
        del self.linear.weight
        self.linear.register_buffer("weight", weight)
        return self


SKINNY = [(1, 1), (17, 9), (50, 130), (33, 64)]


def skinny(cpu: str, module: Rows, **options: Any) -> tuple[tuple[torch.Tensor, ...], tuple[torch.Tensor, ...]]:
    """Return inputs and results of a module of skinny products."""
    xs = module.inputs()
    if options.get("weights", "f32") == "f32":
        module = module.without_parameters()
    compiled = compile_for(cpu, module, xs, **options)
    # Of depth 1, and under finite L-Mul, the heuristic packs what has more than three or five rows.
    few, packed = (compiled.stage("scheduled").count(f'kind = "{kind}"') for kind in ("skinny", "packed"))
    assert few >= 3 and few + packed == len(xs)
    return xs, compiled(*xs)


@pytest.mark.parametrize("size", SKINNY, ids=str)
@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_skinny(cpu: str, size: tuple[int, int], dtype: torch.dtype) -> None:
    module = Rows(*size, dtype=dtype)
    for x, found in zip(*skinny(cpu, module), strict=True):
        assert_product(found, x, module.linear.weight.detach().t(), module.linear.bias.detach())


@pytest.mark.parametrize("size", [(17, 9), (50, 130)], ids=str)
@pytest.mark.parametrize("weights", ["lm8", "bf16"])
def test_skinny_with_narrow_weights(cpu: str, weights: str, size: tuple[int, int]) -> None:
    module = Rows(*size)
    decoded = encode(module.linear.weight.detach(), weights).decode()
    for x, found in zip(*skinny(cpu, module, weights=weights), strict=True):
        assert_product(found, x, decoded.t(), module.linear.bias.detach())


@pytest.mark.parametrize("rows", [17, 40])
@pytest.mark.parametrize("weights", ["lm8", "bf16"])
def test_packed_with_narrow_weights(cpu: str, weights: str, rows: int) -> None:
    linear, x = nn.Linear(70, 51), torch.randn(rows, 70)
    compiled = compile_for(cpu, linear, (x,), weights=weights)
    assert compiled.statistics["lower-contractions: matrices decoded while packed"] == 1
    decoded = encode(linear.weight.detach(), weights).decode()
    assert_product(compiled(x), x, decoded.t(), linear.bias.detach())


# L-Mul


def terms(lmul: LMul, a: torch.Tensor, b: torch.Tensor) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the f32 products of elements that broadcast, by the oracle."""
    configuration = Configuration(lmul.mantissa_bits, lmul.rounding, lmul.specials)
    x, y = (v.numpy() for v in torch.broadcast_tensors(a, b))
    bits = (np.ascontiguousarray(v).ravel().view(np.uint32) for v in (x, y))
    return lmul_oracle.multiply_arrays(LAYOUTS["f32"], configuration, *bits).view(np.float32).reshape(x.shape)


@pytest.mark.parametrize("lmul", LMULS, ids=name_of)
def test_one_product_bit_for_bit(cpu: str, lmul: LMul) -> None:
    """Of depth 1 there is nothing to add: each element is one L-Mul product."""
    a, b = torch.randn(37, 1) * 2.0 ** torch.arange(-40, 34, 2).unsqueeze(1), torch.randn(1, 53) * 1e-3
    if lmul.specials == "ieee":
        a[3], a[5], b[0, 7], b[0, 9] = 0.0, torch.inf, torch.nan, -0.0
    with np.errstate(invalid="ignore"):
        expected = terms(lmul, a, b) + np.float32(0)
    np.testing.assert_array_equal(product(cpu, lmul=lmul)(a, b, torch.zeros(37, 53)).numpy(), expected)


@pytest.mark.parametrize("lmul", LMULS, ids=name_of)
def test_lmul_sums(cpu: str, lmul: LMul) -> None:
    for m, n, k in [(1, 1, 3), (7, 15, 16), (8, 48, 257), (17, 97, 65), (130, 50, 33)]:
        a, b, c = operands(m, n, k)
        exact = terms(lmul, a[:, :, None], b[None]).astype(np.float64)
        error = np.abs(product(cpu, lmul=lmul)(a, b, c).numpy() - (exact.sum(1) + c.double().numpy()))
        unit = (k + 1) * 2.0**-24
        assert np.all(error <= unit / (1 - unit) * (np.abs(exact).sum(1) + c.abs().numpy()))


@pytest.mark.parametrize("weights", ["f32", "bf16", "lm8"])
@pytest.mark.parametrize("specials", ["ieee", "finite"])
def test_lmul_skinny(cpu: str, specials: Any, weights: str) -> None:
    module, lmul = Rows(50, 67, bias=False), LMul(specials=specials)
    weight = module.linear.weight.detach()
    weight = weight if weights == "f32" else encode(weight, weights).decode()
    for x, found in zip(*skinny(cpu, module, lmul=lmul, weights=weights), strict=True):
        expected = slipstick.lmul_matmul(x.double(), weight.double().t(), 4, "truncate", specials)
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("weights", ["bf16", "lm8"])
@pytest.mark.parametrize("specials", ["ieee", "finite"])
def test_lmul_packed_with_narrow_weights(cpu: str, specials: Any, weights: str) -> None:
    linear, x = nn.Linear(70, 51, bias=False), torch.randn(40, 70)
    decoded = encode(linear.weight.detach(), weights).decode()
    found = compile_for(cpu, linear, (x,), lmul=LMul(specials=specials), weights=weights)(x)
    expected = slipstick.lmul_matmul(x, decoded.t(), 4, "truncate", specials)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
