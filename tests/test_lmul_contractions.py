"""Compiled L-Mul contractions against references that share no code with them, elementwise within a derived bound.

The reference. An element of a product is the sum of K terms, each the L-Mul of two numbers; the oracle gives the terms,
bit for bit, and here they are summed in binary64. A second reference is `slipstick.lmul_matmul`, which sums in f32.

The bound. Compiled code has the same terms, exactly, and sums them in f32 in an order of its own (register tiles,
blocks of K). With u = 2^-24 and gamma(n) = n u / (1 - n u), a sum of K terms in any order is off by at most
gamma(K - 1) S, where S is the sum of the terms' magnitudes (Higham, "Accuracy and Stability of Numerical Algorithms",
section 4.2; f32 additions do not underflow). The reference's own error, in the sum and in S, is at most about
K 2^-52 S, which is below u S for each K here, and gamma(K - 1) + u <= gamma(K) (lemma 3.3). So

    |compiled - reference| <= gamma(K) S

in every element, and two sums in f32 are at most twice that apart. Nothing is left over for the products.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import lmul_oracle
import numpy as np
import pytest
import slipstick
import torch
from lmul_oracle import LAYOUTS, Configuration
from slipstick import CompiledModule, LMul
from slipstick.kernels.lmul import FORMATS
from torch import nn

Array = np.ndarray[Any, np.dtype[Any]]

UNIT = 2.0**-24

# The register tile of a CPU with AVX-512, and its blocks. Other CPUs run it too, with spilled registers.
TILE_ROWS, TILE_COLUMNS, K_BLOCK, M_BLOCK = 8, 48, 256, 96
DECISION = (
    f'slipstick.decision = {{kind = "packed", register_tile = [{TILE_ROWS}, {TILE_COLUMNS}], '
    f"k_block = {K_BLOCK}, m_block = {M_BLOCK}, vector = 16}}"
)

ROWS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 13)
COLUMNS = (1, 3, 16, 47, 48, 49, 97)
DEPTHS = (1, 2, 15, 16, 17, 255, 256, 257)

DEFAULT = (LMul(4), LMul(4, specials="finite"), LMul(3, "rne", "finite", offset="unbiased"))
EVERY = tuple(
    LMul(k, rounding, specials)
    for k, rounding, specials in itertools.product((1, 3, 4, 7, 23), ("truncate", "rne"), ("ieee", "finite"))
)


def name_of(value: object) -> str | None:
    if isinstance(value, LMul):
        return f"{value.mantissa_bits}-{value.rounding}-{value.specials}"
    return None


default_lmuls = pytest.mark.parametrize("lmul", DEFAULT, ids=name_of)
every_lmul = pytest.mark.parametrize("lmul", EVERY, ids=name_of)
policies = pytest.mark.parametrize("specials", ["ieee", "finite"])


# The reference


def terms(lmul: LMul, a: Array, b: Array) -> Array:
    """Return the f32 products a[m, k] b[k, n] as [m, k, n]."""
    correction = None
    if lmul.offset != "paper":
        correction = lmul.correction(FORMATS["f32"])
    configuration = Configuration(lmul.mantissa_bits, lmul.rounding, lmul.specials, correction)
    shape = (*a.shape, b.shape[1])
    x, y = (np.broadcast_to(v, shape).ravel().view(np.uint32) for v in (a[:, :, None], b[None]))
    return lmul_oracle.multiply_arrays(LAYOUTS["f32"], configuration, x, y).view(np.float32).reshape(shape)


def gamma(count: int) -> float:
    return count * UNIT / (1 - count * UNIT)


@dataclass(frozen=True)
class Reference:
    """The sums of the terms of A B over the first k, in binary64, and of their magnitudes."""

    sums: Array
    magnitudes: Array

    @staticmethod
    def of(lmul: LMul, a: Array, b: Array) -> Reference:
        """Sum over all of K; sums over less are lost."""
        products = terms(lmul, a, b)
        return Reference(products.sum(1, np.float64)[:, None], np.abs(products).sum(1, np.float64)[:, None])

    @staticmethod
    def prefixes(lmul: LMul, a: Array, b: Array) -> Reference:
        products = terms(lmul, a, b).astype(np.float64)
        return Reference(np.cumsum(products, 1), np.cumsum(np.abs(products), 1))

    def check(self, found: Array, depth: int, times: int = 1, prefix: int = -1) -> None:
        """Hold M x N results of depth K to the bound, or to `times` as much."""
        m, n = found.shape
        error = np.abs(found.astype(np.float64) - self.sums[:m, prefix, :n])
        allowed = times * gamma(depth) * self.magnitudes[:m, prefix, :n]
        wrong = np.argwhere(~(error <= allowed))
        assert not len(wrong), f"{m} x {n} x {depth}: {len(wrong)} elements out of bounds, as {wrong[:3].tolist()}"


def check_product(lmul: LMul, found: Array, a: Array, b: Array) -> None:
    """Hold the M x N results of A B to the bound."""
    Reference.of(lmul, a, b).check(found, a.shape[1])


def normal(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


# Compiled products


@cache
def product(lmul: LMul, batch: bool = False, transposed: bool = False) -> CompiledModule:
    """Compile A B of any sizes, B stored as it is or transposed, as the weight of a linear layer is."""
    b = "b, " if batch else ""
    loops, right = f"({b}m, n, k)", f"({b}{'n, k' if transposed else 'k, n'})"
    maps = ", ".join(f"affine_map<{loops} -> {dims}>" for dims in (f"({b}m, k)", right, f"({b}m, n)"))
    t = f"tensor<{'?x' * (3 if batch else 2)}xf32>".replace("xx", "x")
    return slipstick.compile(
        f"""func.func @main(%a: {t}, %b: {t}, %c: {t}) -> {t} {{
          %0 = linalg.{"batch_matmul" if batch else "matmul"} indexing_maps = [{maps}] {{{DECISION}}}
            ins(%a, %b : {t}, {t}) outs(%c : {t}) -> {t}
          return %0 : {t}
        }}""",
        lmul=lmul,
    )


def run(native: CompiledModule, a: Array, b: Array) -> Array:
    """Return A B; the products are added to zeros, which changes none of them."""
    found: Array = native(a, b, np.zeros((*a.shape[:-1], b.shape[-1]), np.float32)).numpy()
    return found


def run_transposed(native: CompiledModule, a: Array, b: Array) -> Array:
    found: Array = native(a, np.ascontiguousarray(b.T), np.zeros((a.shape[0], b.shape[1]), np.float32)).numpy()
    return found


@default_lmuls
def test_every_tail_of_the_register_tile(lmul: LMul) -> None:
    a, b = normal(1, max(ROWS), max(DEPTHS)), normal(2, max(DEPTHS), max(COLUMNS))
    reference = Reference.prefixes(lmul, a, b)
    for m, n, k in itertools.product(ROWS, COLUMNS, DEPTHS):
        found = run(product(lmul), a[:m, :k].copy(), b[:k, :n].copy())
        reference.check(found, k, prefix=k - 1)


@pytest.mark.parametrize("lmul", [*DEFAULT[:2], pytest.param(DEFAULT[2], marks=pytest.mark.exhaustive)], ids=name_of)
def test_every_tail_with_a_transposed_weight(lmul: LMul) -> None:
    a, b = normal(3, max(ROWS), max(DEPTHS)), normal(4, max(DEPTHS), max(COLUMNS))
    reference = Reference.prefixes(lmul, a, b)
    for m, n, k in itertools.product((1, 8, 13), COLUMNS, DEPTHS):
        found = run_transposed(product(lmul, transposed=True), a[:m, :k].copy(), b[:k, :n])
        reference.check(found, k, prefix=k - 1)


@policies
def test_tails_in_a_batch(specials: str) -> None:
    lmul = LMul(4, specials=specials)
    for m, n, k in [(1, 1, 1), (9, 49, 257), (13, 97, 17), (8, 48, 256)]:
        a, b = normal(5, 3, m, k), normal(6, 3, k, n)
        found = run(product(lmul, batch=True), a, b)
        for i in range(3):
            check_product(lmul, found[i], a[i], b[i])


DEEP = [(3, 49, 4096), (9, 17, 1023), (1, 97, 4095), (8, 48, 2048)]


@default_lmuls
def test_deep_products(lmul: LMul) -> None:
    for m, n, k in DEEP:
        a, b = normal(7, m, k), normal(8, k, n)
        check_product(lmul, run(product(lmul), a, b), a, b)


@default_lmuls
def test_the_torch_reference_is_the_same_sum_in_another_order(lmul: LMul) -> None:
    for m, n, k in [(13, 97, 257), (1, 1, 1), (9, 47, 4096)]:
        a, b = normal(9, m, k), normal(10, k, n)
        reference = Reference.of(lmul, a, b)
        options = (lmul.mantissa_bits, lmul.rounding, lmul.specials, lmul.offset)
        in_torch = slipstick.lmul_matmul(torch.from_numpy(a), torch.from_numpy(b), *options).numpy()
        found = run(product(lmul), a, b)
        reference.check(in_torch, k)
        Reference(in_torch[:, None].astype(np.float64), reference.magnitudes).check(found, k, times=2)


def test_a_wrong_term_is_seen() -> None:
    """One term in 257 that keeps a bit more is out of bounds: the bound is narrow enough to tell."""
    lmul = LMul(4)
    a, b = np.full((1, 257), 1.0, np.float32), np.full((257, 1), 1.0, np.float32)
    a[0, 7] = 1.03125
    found = run(product(lmul), a, b)
    check_product(lmul, found, a, b)
    with pytest.raises(AssertionError, match="out of bounds"):
        check_product(LMul(5), found, a, b)


# Zeros, infinities, NaNs


def test_the_leak_of_finite(capsys: pytest.CaptureFixture[str]) -> None:
    """A zero counts as 2^-60: K of them leave at most K 2^-60 max|y| (1 + 2^-l), in every element of the row.

    A term is (1 + m + 2^-l) 2^(e - 60) for y = (1 + m) 2^e, or less where the carry halves the excess: at most
    2^-60 |y| (1 + 2^-l), as truncation makes no y greater.
    """
    lmul = LMul(4, specials="finite")
    for m, n, k in [(5, 49, 257), (3, 49, 4096)]:
        a, b = normal(11, m, k), normal(12, k, n)
        a[0], a[1] = 0.0, -0.0
        a[2, ::2] = 0.0
        found = run(product(lmul), a, b)
        check_product(lmul, found, a, b)
        leak = np.abs(found[:2]).max()
        bound = k * 2.0**-60 * np.abs(b).max() * (1 + 2.0**-3)
        with capsys.disabled():
            print(f"\nfinite, rows of {k} zeros: largest |result| {leak:.3e}, bound {bound:.3e}")
        assert 0 < leak < bound
        columns = run(product(lmul), b.T.copy(), a.T.copy())[:, :2]
        check_product(lmul, columns, b.T.copy(), a.T[:, :2].copy())
        assert 0 < np.abs(columns).max() < bound


def test_the_bound_of_the_leak_is_reached() -> None:
    """Beside ones, every zero leaves 2^-60 (1 + 2^-3); the sums are exact."""
    lmul = LMul(4, specials="finite")
    for k in (1, 17, 256, 2048):
        found = run(product(lmul), np.zeros((9, k), np.float32), np.ones((k, 49), np.float32))
        np.testing.assert_array_equal(found, np.float32(k * 2.0**-60 * 1.125))
    found = run(product(lmul), np.zeros((2, 8), np.float32), np.zeros((8, 3), np.float32))
    np.testing.assert_array_equal(found, np.float32(8 * 2.0**-120 * 1.125))


def test_zero_rows_and_columns_under_ieee() -> None:
    lmul = LMul(4)
    a, b = normal(13, 13, 257), normal(14, 257, 97)
    a[0], a[8], b[:, 0], b[:, 48], b[7], a[:, 250] = 0.0, -0.0, 0.0, -0.0, 0.0, 0.0
    found = run(product(lmul), a, b)
    check_product(lmul, found, a, b)
    assert not found[[0, 8]].any() and not found[:, [0, 48]].any()


def test_infinities_and_nans_under_ieee() -> None:
    """They reach their rows and columns as in a sum of IEEE products, and nothing from the padding of tiles does."""
    lmul = LMul(4)
    a, b = np.abs(normal(15, 13, 257)), np.abs(normal(16, 257, 97))
    a[0, 0], a[1, 256], a[12, 5], b[3, 96], b[256, 48], b[9, 1] = np.inf, np.nan, -np.inf, np.inf, np.nan, -np.inf
    a[2, 3], b[0, 5] = 0.0, 0.0  # zero times infinity
    a[3, 3] = -1.0
    products = terms(lmul, a, b).astype(np.float64)
    with np.errstate(invalid="ignore"):
        expected = products.sum(1)
    found = run(product(lmul), a, b)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    for value in (np.inf, -np.inf):
        assert (expected == value).any()
    assert np.isnan(expected).any() and finite.any()
    error = np.abs(found[finite] - expected[finite])
    assert np.all(error <= gamma(257) * np.abs(products).sum(1)[finite])


# Modules


class Perceptron(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(50, 97, bias=False), nn.Linear(97, 33, bias=False)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = torch.relu(self.up(x))
        return hidden, self.down(hidden)


@policies
def test_zeros_of_relu(specials: str) -> None:
    """Dead units, dead rows and the zeros between, as the compiled module itself has them."""
    lmul = LMul(4, specials=specials, scope="linear")
    module = Perceptron().eval()
    x = normal(17, 13, 50)
    x[5] = 0.0
    with torch.no_grad():
        module.up.weight[9] = -torch.arange(1.0, 51.0)
        x[0] = np.abs(x[0])  # unit 9 is off there
        hidden, result = (
            v.numpy() for v in slipstick.compile(module, (torch.from_numpy(x),), lmul=lmul)(torch.from_numpy(x))
        )
        up, down = (layer.weight.numpy().T.copy() for layer in (module.up, module.down))
    assert 0.3 < np.mean(hidden == 0) < 0.7 and hidden[0, 9] == 0
    before = Reference.of(lmul, x, up)
    # max(., 0) brings no two numbers further apart.
    Reference(np.maximum(before.sums, 0), before.magnitudes).check(hidden, 50)
    check_product(lmul, result, hidden, down)
    if specials == "ieee":
        assert not result[5].any()


class Attention(nn.Module):
    """Causal attention that shows what it multiplies; queries, keys and values are computed, so it is attention."""

    def forward(self, x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, ...]:
        query, key, value = torch.relu(x), -y, -z
        scores = query @ key.transpose(-1, -2)
        later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        masked = (scores * x.shape[-1] ** -0.5).masked_fill(later, float("-inf"))
        probabilities = torch.softmax(masked, -1)
        return scores, probabilities, probabilities @ value


HEADS, WIDTH = 2, 64


@cache
def attention(lmul: LMul) -> CompiledModule:
    """Compile attention for any number of tokens."""
    tokens = torch.export.Dim("tokens", min=2, max=4096)
    example = (torch.zeros(HEADS, 70, WIDTH),) * 3
    return slipstick.compile(Attention(), example, dynamic_shapes=({1: tokens},) * 3, lmul=lmul)


@dataclass(frozen=True)
class Attended:
    """What compiled attention made of random x, y and z; all of [heads, tokens, ...]."""

    lmul: LMul
    x: Array
    y: Array
    z: Array
    scores: Array
    probabilities: Array
    result: Array

    @staticmethod
    def over(tokens: int, lmul: LMul) -> Attended:
        operands = [normal(seed, HEADS, tokens, WIDTH) for seed in (18, 19, 20)]
        found = attention(lmul)(*(torch.from_numpy(v) for v in operands))
        return Attended(lmul, *operands, *(v.numpy() for v in found))

    def check_softmax(self) -> None:
        """Masked places are exact zeros, all else is finite and sums to 1."""
        tokens = self.scores.shape[-1]
        later = np.triu(np.ones((tokens, tokens), bool), 1)
        assert np.isfinite(self.result).all() and np.isfinite(self.probabilities).all()
        assert not self.probabilities[:, later].any()
        np.testing.assert_allclose(self.probabilities.sum(-1), 1, rtol=gamma(2 * tokens))

    def check_products(self, head: int, rows: Array) -> None:
        """Hold some rows of the scores, and of the results by the probabilities that were found, to the bound."""
        query, key, value = np.maximum(self.x[head, rows], 0), -self.y[head], -self.z[head]
        check_product(self.lmul, self.scores[head, rows], query, key.T)
        check_product(self.lmul, self.result[head, rows], self.probabilities[head, rows], value)


@pytest.mark.parametrize(
    ("specials", "scope"),
    [
        ("ieee", "attention"),
        ("finite", "all"),
        pytest.param("ieee", "all", marks=pytest.mark.exhaustive),
        pytest.param("finite", "attention", marks=pytest.mark.exhaustive),
    ],
)
def test_causal_attention(specials: str, scope: str) -> None:
    """Masks of -inf before softmax, exact zeros after it; under `finite` no mask is ever multiplied."""
    lmul = LMul(4, specials=specials, scope=scope)
    for tokens, rows in [(70, np.arange(70)), (2048, np.array([0, 1, 8, 1023, 1500, 2047]))]:
        attended = Attended.over(tokens, lmul)
        attended.check_softmax()
        for head in range(HEADS):
            attended.check_products(head, rows)


def test_what_is_masked_has_no_influence_under_ieee() -> None:
    native = attention(LMul(4, scope="attention"))
    first = [torch.from_numpy(normal(seed, HEADS, 70, WIDTH)) for seed in (18, 19, 20)]
    second = [v.clone() for v in first]
    for v in second:
        v[:, 40:] = v[:, 40:] * -3 + 1
    one, other = native(*first)[2], native(*second)[2]
    assert torch.equal(one[:, :40], other[:, :40]) and not torch.equal(one[:, 40:], other[:, 40:])


# Scopes


class Branches(nn.Module):
    """A result of each scope, and of what no scope touches."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(24, 40)

    def forward(self, x: torch.Tensor, y: torch.Tensor, n: torch.Tensor) -> dict[str, torch.Tensor]:
        query, key = torch.relu(x), -y
        return {
            "attention": query @ key.transpose(-1, -2),
            "linear": self.dense(x),
            "elementwise": x * y,
            "none": torch.softmax(x, -1) + x.exp() / (1 + y.abs()),
            "integers": n * n + 3,
        }


def branch_inputs() -> tuple[torch.Tensor, ...]:
    x, y = (torch.from_numpy(normal(seed, 37, 24)) for seed in (22, 23))
    return x, y, torch.arange(-5, 50, dtype=torch.int32)


@cache
def exact_branches() -> CompiledModule:
    torch.manual_seed(21)
    return slipstick.compile(Branches().eval(), branch_inputs())


@cache
def branches(lmul: LMul | None) -> dict[str, torch.Tensor]:
    """Return the results of the module compiled with L-Mul, or exactly; it is exported once."""
    exact = exact_branches()
    compiled = exact if lmul is None else exact.with_options(lmul=lmul)
    found: dict[str, torch.Tensor] = compiled(*branch_inputs())
    return found


@pytest.mark.parametrize(
    ("scope", "changed", "specials"),
    [
        ("attention", {"attention"}, "finite"),
        ("attention", {"attention"}, "ieee"),
        ("linear", {"linear"}, "finite"),
        ("elementwise", {"elementwise"}, "finite"),
        ("attention+elementwise", {"attention", "elementwise"}, "finite"),
        ("layer:dense", {"linear"}, "finite"),
        ("all", {"attention", "linear", "elementwise"}, "finite"),
        ("all", {"attention", "linear", "elementwise"}, "ieee"),
    ],
)
def test_nothing_outside_the_scope_changes_by_a_bit(scope: str, changed: set[str], specials: str) -> None:
    exact, found = branches(None), branches(LMul(4, specials=specials, scope=scope))
    assert {name for name, value in exact.items() if not torch.equal(value, found[name])} == changed


# All of it


@pytest.mark.exhaustive
@every_lmul
def test_every_tail_of_deep_products(lmul: LMul, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows to two tiles and one, columns to two tiles and one, depths around blocks and to 4096: all combinations."""
    depths = (1, 15, 16, 17, 255, 256, 257, 511, 513, 1023, 1024, 1025, 2047, 4095, 4096)
    rows, columns = range(1, 2 * TILE_ROWS + 2), (*range(1, 2 * TILE_COLUMNS + 2, 5), 47, 48, 49, 95, 96, 97)
    a, b = normal(24, max(rows), max(depths)), normal(25, max(depths), max(columns))
    reference = Reference.prefixes(lmul, a, b)
    sizes = list(itertools.product(rows, columns, depths))
    for m, n, k in sizes:
        reference.check(run(product(lmul), a[:m, :k].copy(), b[:k, :n].copy()), k, prefix=k - 1)
    with capsys.disabled():
        print(f"\ntails, {name_of(lmul)}: {len(sizes):,} sizes to 17 x 97 x 4096 within gamma(K) S", flush=True)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "lmul", [LMul(4), LMul(4, specials="finite"), LMul(3, "rne", "finite"), LMul(23, specials="finite")], ids=name_of
)
def test_every_row_of_attention_over_2048_tokens(lmul: LMul, capsys: pytest.CaptureFixture[str]) -> None:
    attended = Attended.over(2048, replace(lmul, scope="attention"))
    attended.check_softmax()
    for rows in np.arange(2048).reshape(-1, 64):
        attended.check_products(1, rows)
    with capsys.disabled():
        print(f"\nattention over 2048 tokens, {name_of(lmul)}: every element within gamma(K) S", flush=True)
