"""Attention as one kernel: against torch in binary64, with masks, grouped heads, decoding; L-Mul against the oracle."""

from __future__ import annotations

import math
from typing import Any

import lmul_oracle
import numpy as np
import pytest
import slipstick
import torch
from lmul_oracle import LAYOUTS, Configuration
from slipstick import CompiledModule, LMul
from torch import nn
from torch.nn import functional

KERNEL = "@slipstick_attention_"
LEAST = torch.finfo(torch.float32).min


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


class Sdpa(nn.Module):
    """`scaled_dot_product_attention` between projections' layouts: [B, T, H, D] in and out."""

    def __init__(self, causal: bool = False):
        super().__init__()
        self.causal = causal

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *mask: torch.Tensor) -> torch.Tensor:
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        mask_ = mask[0] if mask else None
        return functional.scaled_dot_product_attention(q, k, v, mask_, is_causal=self.causal).transpose(1, 2)


class Eager(nn.Module):
    """Attention that is written out, as transformers does; keys and values of fewer heads are repeated."""

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *mask: torch.Tensor) -> torch.Tensor:
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        k, v = (self.repeated(x, q.shape[1]) for x in (k, v))
        scores = q @ k.transpose(2, 3) * (1 / math.sqrt(q.shape[-1]))
        if mask:
            scores = scores + mask[0]
        return (scores.softmax(-1) @ v).transpose(1, 2).reshape(q.shape[0], q.shape[2], -1)

    def repeated(self, x: torch.Tensor, heads: int) -> torch.Tensor:
        b, h, t, d = x.shape
        return x if h == heads else x[:, :, None].expand(b, h, heads // h, t, d).reshape(b, heads, t, d)


def compiled(module: nn.Module, inputs: tuple[torch.Tensor, ...], **options: Any) -> CompiledModule:
    native = slipstick.compile(module, inputs, **options)
    assert KERNEL in native.stage("loops")
    assert "linalg.batch_matmul" not in native.stage("rewritten")
    return native


def check(module: nn.Module, *inputs: torch.Tensor, **options: Any) -> None:
    agree(compiled(module, inputs, **options), module, *inputs)


def agree(native: CompiledModule, module: nn.Module, *inputs: torch.Tensor) -> None:
    expected = module(*(x.double() if x.is_floating_point() else x for x in inputs))
    torch.testing.assert_close(native(*inputs).double(), expected, rtol=2e-6, atol=2e-6, equal_nan=True)


def qkv(b: int, t: int, s: int, h: int, d: int, *, groups: int = 1, columns: int = 0) -> tuple[torch.Tensor, ...]:
    return (
        normal(1, b, t, h, d),
        normal(2, b, s, h // groups, d),
        normal(3, b, s, h // groups, columns or d),
    )


@pytest.mark.parametrize(
    ("t", "causal"),
    [(2, False), (7, True), (9, False), (48, True), (49, False), (100, True), (128, False), (300, True)],
)
def test_lengths(t: int, causal: bool) -> None:
    check(Sdpa(causal), *qkv(1, t, t, 3, 32))


@pytest.mark.parametrize("number", range(12))
def test_widths(number: int) -> None:
    """Every width under one row and under several, by turns of one module and of the other."""
    d, t = (2, 20, 32, 64, 80, 128)[number // 2], (1, 13)[number % 2]
    if (number // 2 + number) % 2:
        check(Sdpa(), *qkv(2, t, 37, 2, d))
    else:
        check(Eager(), *qkv(2, t, 37, 2, d, columns=24))


@pytest.mark.parametrize(("s", "groups"), [(2, 3), (15, 1), (16, 3), (17, 1), (50, 3), (512, 1)])
def test_decoding(s: int, groups: int) -> None:
    mask = torch.where(torch.arange(s) < max(1, s - 3), 0.0, LEAST).expand(2, 1, 1, s).contiguous()
    check(Eager(), *qkv(2, 1, s, 6, 64, groups=groups), mask)


@pytest.mark.parametrize("shape", [(2, 6, 11, 21), (1, 6, 11, 21), (2, 1, 11, 21), (2, 1, 1, 21), (1, 21)])
def test_masks_of_every_broadcast(shape: tuple[int, ...]) -> None:
    seen = normal(4, *shape) > -0.5
    seen[..., 0] = True
    inputs = qkv(2, 11, 21, 6, 32)
    native = compiled(Eager(), (*inputs, normal(5, *shape)))
    for hidden in (-math.inf, LEAST):
        agree(native, Eager(), *inputs, torch.where(seen, normal(5, *shape), hidden))


@pytest.mark.parametrize("module", [Eager(), Sdpa()], ids=lambda module: type(module).__name__)
@pytest.mark.parametrize("t", [1, 20])
def test_rows_that_see_nothing(module: nn.Module, t: int) -> None:
    """NaN where it is written out, zeros of `scaled_dot_product_attention`, the mean where the mask is finite."""
    inputs, mask = qkv(1, t, 33, 2, 32), torch.zeros(1, 1, t, 33)
    native = compiled(module, (*inputs, mask))
    for hidden in (-math.inf, LEAST):
        mask[..., :: max(1, t // 3), :] = hidden
        agree(native, module, *inputs, mask)


class LeftPadded(nn.Module):
    """A causal mask of the graph itself, which hides padding too: rows of padding see nothing."""

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
        places = torch.arange(q.shape[1])
        seen = (places <= places[:, None]) & (places >= padding)
        return Eager()(q, k, v, torch.where(seen, 0.0, LEAST)[None, None])  # type: ignore[no-any-return]


def test_causal_masks_with_padding() -> None:
    """Hidden panels are computed after all where a row sees nothing: the least finite number gives the mean of all."""
    inputs = (*qkv(1, 130, 130, 2, 32), torch.tensor([0]))
    native = compiled(LeftPadded(), inputs)
    assert "causal = 0" in native.stage("rewritten")
    for padding in (0, 5, 60, 129):
        inputs = (*inputs[:3], torch.tensor([padding]))
        expected = LeftPadded()(*(x.double() for x in inputs[:3]), inputs[3])
        torch.testing.assert_close(native(*inputs).double(), expected, rtol=2e-6, atol=2e-6)


def test_hidden_keys_are_not_computed() -> None:
    """A NaN in a key that a causal mask hides from every row of a tile is not seen there."""
    q, k, v = qkv(1, 200, 200, 2, 32)
    native = compiled(Sdpa(True), (q, k, v))
    assert "causal = 0" in native.stage("rewritten")
    k[:, 199] = math.nan
    assert native(q, k, v)[:, :100].isfinite().all()


def test_large_scores() -> None:
    """exp of them overflows; an error of a few units in the last place of a score is seen in its weight."""
    q, k, v = qkv(1, 20, 40, 2, 32)
    found = compiled(Eager(), (q * 300, k, v))(q * 300, k, v)
    torch.testing.assert_close(found.double(), Eager()(q.double() * 300, k.double(), v.double()), rtol=1e-3, atol=1e-3)


def test_threads() -> None:
    check(Sdpa(True), *qkv(2, 50, 50, 3, 64), threads=2)
    check(Eager(), *qkv(3, 1, 70, 4, 64, groups=2), threads=2)


def test_the_tiles_of_avx2() -> None:
    inputs = qkv(2, 50, 50, 3, 64)
    native = compiled(Sdpa(True), inputs, target="haswell")
    expected = Sdpa(True)(*(x.double() for x in inputs))
    torch.testing.assert_close(native(*inputs).double(), expected, rtol=2e-6, atol=2e-6)
    assert "vector<8xf32>" in native.stage("loops") and "vector<16xf32>" not in native.stage("loops")


class TwoReaders(nn.Module):
    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        weights = (q @ k.transpose(2, 3)).softmax(-1)
        return weights @ v, weights


class OtherAxis(nn.Module):
    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return (q @ k.transpose(2, 3)).softmax(-2) @ v


@pytest.mark.parametrize("module", [TwoReaders(), OtherAxis()])
def test_what_is_not_fused(module: nn.Module) -> None:
    inputs = tuple(normal(i, 2, 3, 10, 16) for i in range(3))
    native = slipstick.compile(module, inputs)
    assert KERNEL not in native.stage("loops")
    found, expected = native(*inputs), module(*inputs)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


# L-Mul


def product(lmul: LMul, a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return L-Mul's products a[m, k] b[k, n], summed in binary64."""
    configuration = Configuration(lmul.mantissa_bits, lmul.rounding, lmul.specials)
    shape = (*a.shape, b.shape[1])
    x, y = (np.broadcast_to(v, shape).astype(np.float32).ravel().view(np.uint32) for v in (a[:, :, None], b[None]))
    terms = lmul_oracle.multiply_arrays(LAYOUTS["f32"], configuration, x, y).view(np.float32).reshape(shape)
    found: np.ndarray[Any, Any] = terms.sum(1, np.float64)
    return found


@pytest.mark.parametrize("specials", ["ieee", "finite"])
@pytest.mark.parametrize(
    ("t", "scope"), [(1, "all"), (11, "op:linalg.batch_matmul"), (11, "all"), (11, "op:linalg.generic")]
)
def test_lmul(specials: Any, scope: str, t: int) -> None:
    """The scores have L-Mul's terms; the weights are f32 and, rounded differently, may fall on either side of a bit."""
    lmul = LMul(4, specials=specials, scope=scope)
    q, k, v = qkv(1, t, 21, 2, 20)
    found = compiled(Eager(), (q, k, v), lmul=lmul)(q, k, v).numpy().reshape(t, 2, 20)
    marked = scope != "op:linalg.generic"
    for head in range(2):
        a, b, c = (x.numpy()[0, :, head] for x in (q, k, v))
        scores = product(lmul, a, b.T) if marked else a.astype(np.float64) @ b.T
        scale = np.full((1, 1), 1 / math.sqrt(20), np.float32)
        if scope == "op:linalg.batch_matmul":
            scores = scores * float(scale[0, 0])
        else:
            flat = scores.astype(np.float32).reshape(-1, 1)
            scores = product(lmul, flat, scale).reshape(scores.shape)
        weights = np.exp(scores - scores.max(1, keepdims=True))
        weights /= weights.sum(1, keepdims=True)
        expected = product(lmul, weights, c) if marked else weights @ c
        # A weight next to a power of two times 2^-4 loses or keeps one of four mantissa bits.
        assert np.abs(found[:, head] - expected).max() < 5e-3 * np.abs(c).max()
        assert np.abs(found[:, head] - expected).mean() < 1e-4
