"""Softmax, normalisation, GELU, approximated functions and element-wise L-Mul on AVX2, NEON and SVE2."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import lmul_oracle
import numpy as np
import pytest
import torch
from cross.machines import compile_for, every_machine
from lmul_oracle import LAYOUTS, Configuration
from math_harness import errors_in_ulps
from slipstick import LMul
from torch import nn
from torch.nn import functional as F

pytestmark = every_machine

Function = Callable[[torch.Tensor], torch.Tensor]


class Applied(nn.Module):
    """The results of several functions of one tensor: one module takes far less time to compile than several."""

    def __init__(self, functions: Iterable[Function]) -> None:
        super().__init__()
        self.functions = list(functions)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(function(x) for function in self.functions)


def rms_norm(x: torch.Tensor) -> torch.Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)


def gelu_new(x: torch.Tensor) -> torch.Tensor:
    """GELU by tanh, written out as GPT-2 has it."""
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def causal_softmax(x: torch.Tensor) -> torch.Tensor:
    later = torch.ones(x.shape[-2:], dtype=torch.bool).triu(1)
    return torch.softmax(x.masked_fill(later, -math.inf), -1)


ROWWISE: dict[str, Function] = {
    "softmax": lambda x: torch.softmax(x, -1),
    "softmax over columns": lambda x: torch.softmax(x, 0),
    "causal softmax": causal_softmax,
    "log_softmax": lambda x: torch.log_softmax(x, -1),
    "rms_norm": rms_norm,
    "gelu": F.gelu,
    "gelu_new": gelu_new,
    "silu": F.silu,
    "mean and greatest": lambda x: x.mean(-1) + x.amax(-1),
}
SHAPES = [(1, 1), (3, 7), (17, 33), (5, 130)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rows(cpu: str, shape: tuple[int, int]) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape))) * 3
    for name, found in zip(ROWWISE, compile_for(cpu, Applied(ROWWISE.values()), (x,))(x), strict=True):
        expected = ROWWISE[name](x.double())
        torch.testing.assert_close(found.double(), expected, rtol=3e-6, atol=2e-6, msg=lambda m, n=name: f"{n}: {m}")


class Norms(nn.Module):
    """LayerNorm with affine parts, over rows of several widths."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in (1, 7, 32, 130))
        for parameter in self.parameters():
            nn.init.normal_(parameter)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(norm(x[:, : norm.normalized_shape[0]]) for norm in self.norms)


def test_layer_norm(cpu: str) -> None:
    module, x = Norms(), torch.randn(5, 130) * 2 + 1
    found = compile_for(cpu, module, (x,))(x)
    for one, other in zip(found, module.double()(x.double()), strict=True):
        torch.testing.assert_close(one.double(), other, rtol=0, atol=1e-5)


# Functions and the errors that they are allowed, in units in the last place.
FUNCTIONS: dict[str, tuple[Function, float]] = {
    "exp": (torch.exp, 2),
    "exp2": (torch.exp2, 2),
    "expm1": (torch.expm1, 3),
    "erf": (torch.erf, 3),
    "tanh": (torch.tanh, 3),
    "log": (torch.log, 2),
    "log2": (torch.log2, 2),
    "log1p": (torch.log1p, 3),
    "sin": (torch.sin, 2),
    "cos": (torch.cos, 2),
    "rsqrt": (torch.rsqrt, 2),
    "power": (lambda x: torch.pow(x.abs(), 2.75), 2),  # an exponent that f32 has, as the reference
}


def test_functions(cpu: str) -> None:
    """Over all magnitudes, both signs, specials."""
    magnitudes = torch.logspace(-45, 38.5, 4001, dtype=torch.float64).float()
    ordinary = torch.linspace(-30, 30, 4003)
    specials = torch.tensor([0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0])
    x = torch.cat([magnitudes, -magnitudes, ordinary, specials])
    found = compile_for(cpu, Applied(function for function, _ in FUNCTIONS.values()), (x,))(x)
    errors = {
        name: (errors_in_ulps(y, function(x.double())).max().item(), most)
        for (name, (function, most)), y in zip(FUNCTIONS.items(), found, strict=True)
    }
    assert {name: error for name, error in errors.items() if not error[0] <= error[1]} == {}


# L-Mul


PRODUCTS = """
func.func @main(%x: tensor<?xT>, %y: tensor<?xT>) -> tensor<?xT> {
  %0 = linalg.mul ins(%x, %y : tensor<?xT>, tensor<?xT>) outs(%x : tensor<?xT>) -> tensor<?xT>
  return %0 : tensor<?xT>
}"""
TYPES = {torch.float32: "f32", torch.float64: "f64", torch.float16: "f16", torch.bfloat16: "bf16"}
UNSIGNED = {torch.float32: np.uint32, torch.float64: np.uint64, torch.float16: np.uint16, torch.bfloat16: np.uint16}
SIGNED = {
    torch.float32: torch.int32,
    torch.float64: torch.int64,
    torch.float16: torch.int16,
    torch.bfloat16: torch.int16,
}


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("specials", ["ieee", "finite"])
@pytest.mark.parametrize("rounding", ["truncate", "rne"])
def test_multiplies_bit_for_bit(cpu: str, dtype: torch.dtype, specials: str, rounding: str) -> None:
    """Random bits: all exponents, subnormal numbers, infinities and NaNs among them."""
    layout = LAYOUTS[TYPES[dtype]]
    rng = np.random.default_rng(layout.width)
    bits = [rng.integers(0, 2**layout.width, 5003, UNSIGNED[dtype]) for _ in range(2)]
    special = (2**layout.exponent_bits - 1) << layout.mantissa_bits
    for array, shift in zip(bits, (0, 1), strict=True):
        array[shift::50], array[shift::70], array[shift::90] = 0, special, special | 3
    x, y = (torch.from_numpy(v.astype(f"int{layout.width}")).view(dtype) for v in bits)
    lmul = LMul(4, rounding, specials)
    found = compile_for(cpu, PRODUCTS.replace("T", TYPES[dtype]), lmul=lmul)(x, y)
    expected = lmul_oracle.multiply_arrays(layout, Configuration(4, rounding, specials), *bits)
    unsigned = found.view(SIGNED[dtype]).numpy().view(UNSIGNED[dtype])
    np.testing.assert_array_equal(unsigned, expected)
