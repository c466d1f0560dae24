"""`slipstick.compile(..., weights="lm8" | "bf16")`: the same numbers as with the decoded weights in f32.

The reference is the exact compile of the module whose weights were replaced by decode(encode(w)). Packed, both sum the
same products in the same order, so that results are equal to the bit; a few rows are summed in the order in which codes
are decoded (`tests/test_skinny.py`).
"""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import slipstick
import torch
from slipstick import ArgumentError, LMul
from slipstick.compiler import encoded as encoded_module
from slipstick.kernels.weight_formats import encode
from torch import nn

FORMATS = ["lm8", "bf16"]
FINITE, IEEE = LMul(4, specials="finite"), LMul(3, specials="ieee")


def cases(default, others):
    """Parameters of a test; `others` only in the exhaustive run."""
    return [*default, *(pytest.param(*case, marks=pytest.mark.exhaustive) for case in others)]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")

    def compile_(obj, *args, threads=1, **options):
        return slipstick.compile(obj, args, threads=threads, cache_dir=cache, **options)

    return compile_


def decoded(module, format, names, axis=0):
    """A copy of a module, the parameters `names` replaced by what their codes stand for."""
    other = copy.deepcopy(module)
    for name, parameter in other.named_parameters(remove_duplicate=False):
        if name in names:
            parameter.data = encode(parameter, format, axis).decode()
    return other


def mlp():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(67, 150), nn.GELU(), nn.Linear(150, 19)).eval()
    with torch.no_grad():
        model[0].weight[torch.rand(150, 67) < 0.5] = 0.0
        model[0].weight[3] = 0.0
    return model


class Attention(nn.Module):
    """One head pair of attention with biases, a causal mask and a residual."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(32, 32) for _ in range(4))

    def forward(self, x):
        q, k, v = (p(x).unflatten(-1, (2, 16)).transpose(1, 2) for p in (self.q, self.k, self.v))
        mask = torch.full((x.shape[1], x.shape[1]), -torch.inf).triu(1)
        weights = torch.softmax(q @ k.transpose(-1, -2) / 4 + mask, -1)
        return x + self.o((weights @ v).transpose(1, 2).flatten(2))


class Language(nn.Module):
    """Tokens to logits, of a head with the embedding's weight and of one with its own."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(50, 24)
        self.other = nn.Embedding(50, 24)
        self.fc = nn.Linear(24, 24)
        self.tied = nn.Linear(24, 50, bias=False)
        self.untied = nn.Linear(24, 50, bias=False)
        self.tied.weight = self.embed.weight

    def forward(self, ids):
        hidden = torch.tanh(self.fc(self.embed(ids) + self.other(ids)))
        return self.tied(hidden) + self.untied(hidden)


# ---- the same numbers


@pytest.mark.parametrize(
    ("format", "lmul"),
    cases([("lm8", None), ("lm8", FINITE), ("lm8", IEEE), ("bf16", None)], [("bf16", FINITE), ("bf16", IEEE)]),
)
def test_mlp(compiled, format, lmul):
    model = mlp()
    x = torch.randn(21, 67)
    native = compiled(model, x, weights=format, lmul=lmul)
    assert native.encoded == {"0.weight": format, "2.weight": format}
    assert native.statistics["lower-contractions: matrices decoded while packed"] == 2
    reference = compiled(decoded(model, format, native.encoded), x, lmul=lmul)
    assert torch.equal(native(x), reference(x))
    if lmul is None:
        with torch.no_grad():
            error = (native(x) - model(x)).abs().max()
        assert 0 < error < {"lm8": 0.1, "bf16": 0.01}[format]


@pytest.mark.parametrize(("format", "threads"), cases([("lm8", 2)], [("lm8", 1), ("bf16", 1), ("bf16", 2)]))
def test_attention_block(compiled, format, threads):
    torch.manual_seed(1)
    model = Attention().eval()
    x = torch.randn(2, 9, 32)
    native = compiled(model, x, weights=format, threads=threads)
    assert set(native.encoded) == {"q.weight", "k.weight", "v.weight", "o.weight"}
    reference = compiled(decoded(model, format, native.encoded), x, threads=threads)
    assert torch.equal(native(x), reference(x))


def test_embedding_tables_stay_f32(compiled):
    torch.manual_seed(2)
    model = Language().eval()
    ids = torch.randint(0, 50, (2, 7))
    native = compiled(model, ids, weights="lm8", pack_weights=False)
    names = {"fc.weight", "untied.weight"}
    assert set(native.encoded) == names
    # Weights that stay f32 are read where they lie, as codes are, so that all sums have the same order.
    in_place = compiled(decoded(model, "lm8", names), ids, pack_weights=False)
    assert torch.equal(native(ids), in_place(ids))


def test_dynamic_batch(compiled):
    model = mlp()
    rows = torch.export.Dim("rows", min=1, max=300)
    x = torch.randn(8, 67)
    native = compiled(model, x, weights="lm8", dynamic_shapes=({0: rows},))
    reference = compiled(decoded(model, "lm8", native.encoded), x, dynamic_shapes=({0: rows},))
    for count in (1, 7, 8, 130, 300):
        x = torch.randn(count, 67)
        assert torch.equal(native(x), reference(x))


class Sides(nn.Module):
    """Weights on the left, transposed, stored with output channels last, and read both ways round."""

    def __init__(self):
        super().__init__()
        self.left = nn.Parameter(torch.randn(12, 20))
        self.last = nn.Parameter(torch.randn(20, 9) * torch.exp2(torch.arange(9.0)))
        self.both = nn.Parameter(torch.randn(20, 20))
        self.shared = nn.Parameter(torch.randn(20, 20))
        self.added = nn.Parameter(torch.randn(20, 20))

    def forward(self, x):
        y = (self.left @ x.transpose(0, 1)).transpose(0, 1)
        both = x @ self.both @ self.both.t()
        shared = (x @ self.shared) @ self.shared
        return torch.cat([y, x @ self.last, both, shared, x @ (self.added + 1)], 1)


@pytest.mark.parametrize("format", cases(["lm8"], [("bf16",)]))
def test_sides(compiled, format):
    torch.manual_seed(3)
    model = Sides().eval()
    x = torch.randn(6, 20)
    native = compiled(model, x, weights=format)
    assert set(native.encoded) == {"left", "last", "shared"}
    reference = decoded(decoded(model, format, ["left"]), format, ["last", "shared"], axis=1)
    torch.testing.assert_close(native(x), compiled(reference, x)(x), rtol=1e-6, atol=1e-5)


def test_modules_without_weights(compiled):
    x = torch.randn(3, 4)
    native = compiled(nn.ReLU(), x, weights="lm8")
    assert native.encoded == {}
    assert torch.equal(native(x), x.relu())


# ---- every edge of a tile, both layouts of the codes


def product(format, transposed):
    """C += A decode(B) on dynamic sizes in small tiles; B is stored [K, N] or [N, K]."""
    tile = '{kind = "packed", register_tile = [3, 8], k_block = 32, m_block = 12, vector = 4}'
    b = "n, k" if transposed else "k, n"
    maps = ", ".join(f"affine_map<(m, n, k) -> ({dims})>" for dims in ("m, k", b, "m, n"))
    code, extra, body = "bf16", "", "%bits = arith.extf %code : bf16 to f32\nlinalg.yield %bits : f32"
    inputs, types, channel, block = "%codes", "tensor<?x?xbf16>", "", "%code: bf16"
    if format == "lm8":
        code, extra = "i8", ", %biases: tensor<?xi32>"
        inputs, types, block = "%codes, %biases", "tensor<?x?xi8>, tensor<?xi32>", "%code: i8, %bias: i32"
        channel = f"affine_map<(i, j) -> ({'i' if transposed else 'j'})>, "
        body = """
          %c127 = arith.constant 127 : i32
          %c23 = arith.constant 23 : i32
          %c20 = arith.constant 20 : i32
          %zero = arith.constant 0 : i32
          %sign = arith.constant -2147483648 : i32
          %unbiased = arith.addi %bias, %c127 : i32
          %exponent = arith.shli %unbiased, %c23 : i32
          %wide = arith.extsi %code : i8 to i32
          %magnitude = arith.andi %wide, %c127 : i32
          %shifted = arith.shli %magnitude, %c20 : i32
          %sum = arith.addi %shifted, %exponent : i32
          %is_zero = arith.cmpi eq, %magnitude, %zero : i32
          %positive = arith.select %is_zero, %zero, %sum : i32
          %signed = arith.andi %wide, %sign : i32
          %all = arith.ori %positive, %signed : i32
          %float = arith.bitcast %all : i32 to f32
          linalg.yield %float : f32"""
    return f"""
    func.func @main(%a: tensor<?x?xf32>, %codes: tensor<?x?x{code}>, %c: tensor<?x?xf32>{extra}) -> tensor<?x?xf32> {{
      %i0 = arith.constant 0 : index
      %i1 = arith.constant 1 : index
      %d0 = tensor.dim %codes, %i0 : tensor<?x?x{code}>
      %d1 = tensor.dim %codes, %i1 : tensor<?x?x{code}>
      %empty = tensor.empty(%d0, %d1) : tensor<?x?xf32>
      %b = linalg.generic {{indexing_maps = [affine_map<(i, j) -> (i, j)>, {channel}affine_map<(i, j) -> (i, j)>],
          iterator_types = ["parallel", "parallel"]}} ins({inputs} : {types}) outs(%empty : tensor<?x?xf32>)
          attrs = {{slipstick.weights = "{format}"}} {{
        ^bb0({block}, %out: f32):
          {body}
      }} -> tensor<?x?xf32>
      %0 = linalg.matmul indexing_maps = [{maps}] {{slipstick.decision = {tile}}}
          ins(%a, %b : tensor<?x?xf32>, tensor<?x?xf32>) outs(%c : tensor<?x?xf32>) -> tensor<?x?xf32>
      return %0 : tensor<?x?xf32>
    }}"""


SIZES = [
    (7, 8, 32),
    (4, 16, 64),
    (13, 7, 33),
    (25, 9, 31),
    (3, 24, 67),
    (1, 1, 1),
    (2, 3, 3),
    (5, 8, 0),
    (0, 8, 4),
    (5, 0, 4),
    (6, 17, 36),
]


@pytest.mark.parametrize(
    ("format", "transposed", "lmul"),
    cases(
        [("lm8", False, None), ("lm8", True, None), ("bf16", True, None), ("lm8", True, FINITE)],
        [("bf16", False, None), ("bf16", False, FINITE), ("bf16", True, FINITE), ("lm8", False, FINITE)],
    ),
)
def test_every_edge_of_a_tile(compiled, format, transposed, lmul):
    native = compiled(product(format, transposed), lmul=lmul)
    assert native.statistics["lower-contractions: matrices decoded while packed"] == 1
    assert "slipstick.weights" not in native.stage("loops")
    reference = compiled(dense(transposed), lmul=lmul)
    for m, n, k in SIZES:
        rng = np.random.default_rng([m, n, k])
        a, c = (torch.from_numpy(rng.standard_normal(s).astype(np.float32)) for s in ((m, k), (m, n)))
        b = torch.from_numpy(rng.standard_normal((n, k) if transposed else (k, n)).astype(np.float32))
        b[torch.from_numpy(rng.random(b.shape) < 0.3)] = 0.0
        codes = encode(b, format, 0 if transposed else 1)
        stored = codes.codes.view(torch.int8) if format == "lm8" else codes.codes
        found = native(a, stored, c, *([codes.biases] if format == "lm8" else []))
        assert torch.equal(found, reference(a, codes.decode(), c)), (m, n, k)


def dense(transposed):
    """The same product with B in f32."""
    tile = '{kind = "packed", register_tile = [3, 8], k_block = 32, m_block = 12, vector = 4}'
    dims = ("m, k", "n, k" if transposed else "k, n", "m, n")
    maps = ", ".join(f"affine_map<(m, n, k) -> ({d})>" for d in dims)
    t = "tensor<?x?xf32>"
    return f"""
    func.func @main(%a: {t}, %b: {t}, %c: {t}) -> {t} {{
      %0 = linalg.matmul indexing_maps = [{maps}] {{slipstick.decision = {tile}}}
          ins(%a, %b : {t}, {t}) outs(%c : {t}) -> {t}
      return %0 : {t}
    }}"""


# ---- when parameters are encoded


@pytest.fixture
def linear(compiled):
    torch.manual_seed(4)
    model = nn.Linear(16, 4).eval()
    x = torch.randn(3, 16)
    return model, x, compiled(model, x, weights="lm8")


def agrees(model, x, native):
    expected = x.double() @ encode(model.weight, "lm8").decode().double().t() + model.bias.double()
    torch.testing.assert_close(native(x).double(), expected, rtol=1e-5, atol=1e-5)


def test_parameters_are_encoded_once(linear, monkeypatch):
    model, x, native = linear
    calls = []
    monkeypatch.setattr(encoded_module, "encode", lambda *a, **k: calls.append(k["name"]) or encode(*a, **k))
    for _ in range(3):
        agrees(model, x, native)
    assert calls == ["parameter weight"]
    with torch.no_grad():
        model.bias.add_(1)
    agrees(model, x, native)
    assert len(calls) == 1


def test_changed_parameters_are_encoded_again(linear):
    model, x, native = linear
    agrees(model, x, native)
    with torch.no_grad():
        model.weight.mul_(-3)
    agrees(model, x, native)
    model.weight.data = torch.randn(4, 16)
    agrees(model, x, native)
    model.weight.data = torch.randn(16, 4).t()
    agrees(model, x, native)
    model.load_state_dict({"weight": torch.randn(4, 16), "bias": torch.zeros(4)})
    agrees(model, x, native)
    model.weight = nn.Parameter(torch.randn(4, 16))
    agrees(model, x, native)
    torch.optim.SGD(model.parameters(), lr=1.0).zero_grad()
    model.weight.grad = torch.ones(4, 16)
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    agrees(model, x, native)
    for _ in range(20):
        # Memory that has become free is given out again: the same address may hold other weights.
        model.weight.data = torch.randn(4, 16)
        agrees(model, x, native)


def test_another_layout_of_the_same_memory_is_seen(compiled):
    """In f32 too, where parameters are read in place."""
    torch.manual_seed(5)
    model = nn.Linear(8, 8).eval()
    x = torch.randn(3, 8)
    native, exact = compiled(model, x, weights="lm8"), compiled(model, x)
    for _ in range(2):
        agrees(model, x, native)
        torch.testing.assert_close(exact(x), model(x).detach())
        model.weight.data = model.weight.data.t()
    model.weight.data = model.weight.data[:4]
    for wrong in (native, exact):
        with pytest.raises(ArgumentError, match=r"parameter weight: expected shape \[8, 8\], found \[4, 8\]"):
            wrong(x)


def test_writes_that_torch_does_not_count(linear):
    model, x, native = linear
    agrees(model, x, native)
    model.weight.data.mul_(2)
    native.encode_again()
    agrees(model, x, native)


def test_inference_tensors(linear):
    model, x, native = linear
    with torch.inference_mode():
        model.weight.data = torch.randn(4, 16)
        agrees(model, x, native)
        model.weight.data.mul_(2)
        agrees(model, x, native)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_parameters_that_cannot_be_encoded(linear, bad):
    model, x, native = linear
    with torch.no_grad():
        model.weight[2, 5] = bad
    with pytest.raises(ArgumentError, match=rf"parameter weight: expected finite weights, found {bad} at \[2, 5\]"):
        native(x)
    with torch.no_grad():
        model.weight[2, 5] = 0
    agrees(model, x, native)


# ---- MLIR, stages, the cache


def test_the_stages_go_round(linear, compiled):
    model, x, native = linear
    expected = native(x)
    for stage in ("rewritten", "scheduled", "loops", "llvm"):
        text = native.stage(stage)
        assert "slipstick.encoded_weights" in text
        assert torch.equal(native.replace_stage(stage, text)(x), expected)
        # As MLIR: the calling convention is that of the f32 graph, the weight an input.
        again = compiled(text, weights="lm8")
        assert list(again.encoded.values()) == ["lm8"]
    assert torch.equal(again(*[a.detach() for a in by_order(native, model, x)]), expected)


def by_order(native, model, x):
    """The arguments of the native function in its order."""
    values = {"weight": model.weight, "bias": model.bias}
    return [values.get(argument.name, x) for argument in native.signature.native_arguments]


def test_mlir_marks_its_parameters(compiled):
    text = """
    func.func @main(%x: tensor<?x16xf32>, %w: tensor<16x8xf32> {slipstick.parameter}, %c: tensor<?x8xf32>)
        -> tensor<?x8xf32> {
      %0 = linalg.matmul ins(%x, %w : tensor<?x16xf32>, tensor<16x8xf32>) outs(%c : tensor<?x8xf32>) -> tensor<?x8xf32>
      return %0 : tensor<?x8xf32>
    }"""
    native = compiled(text, weights="lm8")
    assert native.encoded == {"arg1": "lm8"}
    x, w, c = torch.randn(5, 16), torch.randn(16, 8), torch.randn(5, 8)
    for _ in range(2):
        expected = (c + x @ encode(w, "lm8", 1).decode()).double()
        torch.testing.assert_close(native(x, w, c).double(), expected, rtol=1e-5, atol=1e-5)
        w.mul_(3)
    with pytest.raises(ArgumentError, match="arg1: expected finite weights"):
        native(x, torch.full((16, 8), math.nan), c)
    unmarked = compiled(text.replace(" {slipstick.parameter}", ""), weights="lm8")
    assert unmarked.encoded == {}


def test_what_comes_from_the_cache_knows_its_codes(linear, compiled):
    model, x, native = linear
    again = compiled(model, x, weights="lm8")
    assert again.from_cache and again.encoded == native.encoded
    assert torch.equal(again(x), native(x))


def test_the_option():
    with pytest.raises(ArgumentError, match='weights: expected one of "f32", "bf16", "lm8", found \'int4\''):
        slipstick.compile(nn.Linear(2, 2), (torch.ones(1, 2),), weights="int4")
