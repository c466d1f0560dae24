"""Epilogues in the kernels of contractions give the bits that the same operations give behind them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import slipstick
import torch
from assembly_loops import inner_loops
from slipstick import LMul
from slipstick.bindings import ir, new_context
from slipstick.compiler.stages import StageScheduled, run_stages
from slipstick.passes.manager import run_pipeline
from slipstick.target import Target

DEPTH, BATCH = 37, 3
TILING = 'slipstick.decision = {kind = "packed", register_tile = [3, 8], k_block = 16, m_block = 6, vector = 4}'

BODIES = {
    "bias, relu": (
        "registers",
        "%1 = arith.addf %0, %bias : T  %2 = arith.cmpf ugt, %1, %zero : T  %3 = arith.select %2, %1, %zero : T",
    ),
    "residual": ("registers", "%1 = arith.addf %0, %bias : T  %3 = arith.addf %1, %residual : T"),
    "scale, clamp": (
        "registers",
        "%1 = arith.mulf %0, %scale : T  %2 = arith.maximumf %1, %low : T  %3 = arith.minimumf %2, %high : T",
    ),
    "rows": ("registers", "%1 = arith.subf %0, %row : T  %3 = arith.mulf %1, %row : T"),
    "gelu": (
        "tile",
        "%1 = arith.addf %0, %bias : T  %e = math.erf %1 : T  %2 = arith.mulf %1, %e : T"
        "  %3 = arith.addf %2, %residual : T",
    ),
    "silu": (
        "tile",
        "%n = arith.negf %0 : T  %e = math.exp %n : T  %1 = arith.addf %e, %one : T  %2 = arith.divf %0, %1 : T"
        "  %3 = arith.mulf %2, %residual : T",
    ),
}
"""What is done to a sum %0: the place that is chosen for it, and operations that end with %3."""


@dataclass(frozen=True)
class Layer:
    """A product and what is done to it, as MLIR text: two linalg operations."""

    body: str
    element: str = "f32"
    batch: bool = False
    rows: int | str = "?"
    columns: int | str = "?"
    tiling: str = TILING

    def text(self) -> str:
        b, d = (f"{BATCH}x", "b, ") if self.batch else ("", "")
        t, lines = self.element, BODIES[self.body][1].replace("T", self.element).replace("  ", "\n    ")
        m, n = f"{self.rows}x", f"{self.columns}x"
        full, a, w = f"tensor<{b}{m}{n}{t}>", f"tensor<{b}{m}{DEPTH}x{t}>", f"tensor<{b}{DEPTH}x{n}{t}>"
        beside = [f"tensor<{n}{t}>", full, f"tensor<{b}{m}{t}>", f"tensor<{t}>"]
        maps = ["m, n", "n", "m, n", "m", "", "m, n"]
        prefixes = [d, "", d, d, "", d]
        texts = [f"affine_map<({d}m, n) -> ({(p + dims).strip(', ')})>" for p, dims in zip(prefixes, maps, strict=True)]
        rank = 3 if self.batch else 2
        kinds = ", ".join(['"parallel"'] * rank)
        name = "batch_matmul" if self.batch else "matmul"
        arguments = ", ".join(f"%o{i}: {type_}" for i, type_ in enumerate(beside))
        return f"""
        func.func @main(%a: {a}, %w: {w}, %c: {full}, {arguments}) -> {full} {{
          %zero = arith.constant 0.0 : {t}
          %one = arith.constant 1.0 : {t}
          %low = arith.constant -1.5 : {t}
          %high = arith.constant 2.5 : {t}
          %p = linalg.{name} {{{self.tiling}}} ins(%a, %w : {a}, {w}) outs(%c : {full}) -> {full}
          %r = linalg.generic {{indexing_maps = [{", ".join(texts)}], iterator_types = [{kinds}]}}
            ins(%p, %o0, %o1, %o2, %o3 : {full}, {", ".join(beside)}) outs(%c : {full}) {{
          ^bb0(%0: {t}, %bias: {t}, %residual: {t}, %row: {t}, %scale: {t}, %o: {t}):
            {lines}
            linalg.yield %3 : {t}
          }} -> {full}
          return %r : {full}
        }}"""

    def operands(self, rows: int, columns: int, seed: int = 0) -> list[torch.Tensor]:
        """Return random operands with an infinity, a NaN and zeros among them."""
        random = np.random.default_rng(seed)
        batch = (BATCH,) if self.batch else ()
        shapes = [(*batch, rows, DEPTH), (*batch, DEPTH, columns), (*batch, rows, columns)]
        shapes += [(columns,), (*batch, rows, columns), (*batch, rows), ()]
        dtype = {"f32": np.float32, "f64": np.float64}[self.element]
        values = [np.asarray(random.standard_normal(shape), dtype) for shape in shapes]
        for number, special in ((0, np.inf), (1, np.nan), (4, -np.inf), (3, -0.0)):
            flat = values[number].reshape(-1)
            if flat.size > 2:
                flat[random.integers(flat.size)] = special
        return [torch.from_numpy(np.array(value)) for value in values]


def scheduled(text: str, *, fused: bool, lmul: LMul | None = None) -> str:
    """Return a module at the stage "scheduled", with epilogues or without."""
    with new_context():
        module = ir.Module.parse(text)
        run_stages(module, until="rewritten", target=Target.resolve("host"), lmul=lmul)
        host = Target.resolve("host")
        pipeline = StageScheduled(host.vector_bits, host.vector_registers, host.l1d_bytes, host.l2_bytes).text()
        assert "fuse-epilogues," in pipeline
        run_pipeline(module, pipeline if fused else pipeline.replace("fuse-epilogues,", ""))
        return str(module)


@cache
def both(text: str, *, threads: int = 1, lmul: LMul | None = None) -> list[slipstick.CompiledModule]:
    """Return the module compiled with epilogues and without; once for all tests."""
    texts = [scheduled(text, fused=fused, lmul=lmul) for fused in (True, False)]
    assert "slipstick.epilogue" in texts[0]
    assert "slipstick.epilogue" not in texts[1]
    compiled = [slipstick.compile(one, threads=threads) for one in texts]
    assert compiled[0].statistics["lower-contractions: epilogues fused"] > 0
    return compiled


def same_bits(left: torch.Tensor, right: torch.Tensor) -> bool:
    """Return whether two tensors have the same bits; all NaN are one."""
    nan = left.isnan() & right.isnan()
    return bool(((left == right) & (left.signbit() == right.signbit()) | nan).all())


@pytest.mark.parametrize("body", BODIES)
def test_edges(body: str) -> None:
    """Rows and columns around the edges of tile and block; two whole blocks of the depth and a part of one."""
    layer = Layer(body)
    assert f'slipstick.epilogue = "{BODIES[body][0]}"' in scheduled(layer.text(), fused=True)
    fused, plain = both(layer.text())
    for rows, columns in itertools.product((0, 1, 2, 3, 4, 6, 7, 13), (0, 1, 3, 4, 5, 7, 8, 9, 25)):
        operands = layer.operands(rows, columns)
        expected = plain(*operands)
        assert same_bits(fused(*operands), expected), (rows, columns)
        assert expected.shape == (rows, columns)


@pytest.mark.parametrize(
    ("layer", "threads"),
    [(Layer("gelu", "f64"), 1), (Layer("rows", batch=True), 1), (Layer("silu", batch=True), 2), (Layer("residual"), 2)],
)
def test_forms(layer: Layer, threads: int) -> None:
    """Doubles, batches and two threads."""
    fused, plain = both(layer.text(), threads=threads)
    for rows, columns in ((3, 8), (7, 9), (40, 50), (130, 70)):
        operands = layer.operands(rows, columns)
        assert same_bits(fused(*operands), plain(*operands)), (rows, columns)


@pytest.mark.parametrize("body", ["scale, clamp", "gelu"])
@pytest.mark.parametrize(
    ("scope", "specials"), [("all", "ieee"), ("all", "finite"), ("elementwise", "finite"), ("linear", "ieee")]
)
def test_lmul(body: str, scope: str, specials: str) -> None:
    """Multiplies of an epilogue are rewritten where the scope says so, and only there."""
    layer = Layer(body)
    lmul = LMul(scope=scope, specials=specials)
    fused, plain = both(layer.text(), lmul=lmul)
    exact, _ = both(layer.text())
    operands = layer.operands(20, 19)
    if specials == "finite":
        operands = [operand.nan_to_num(1.0, 1.0, 1.0) for operand in operands]
    found = fused(*operands)
    assert same_bits(found, plain(*operands))
    assert not same_bits(found, exact(*operands))


class Feed(torch.nn.Module):
    """Two linear layers as in a transformer, with a residual and a result of the inner one beside."""

    def __init__(self, activation: torch.nn.Module):
        super().__init__()
        self.up, self.down, self.activation = torch.nn.Linear(40, 70), torch.nn.Linear(70, 40), activation
        self.norm = torch.nn.LayerNorm(40)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        inner = self.up(x)
        return self.norm(x + self.down(self.activation(inner))), inner.abs()


@pytest.mark.parametrize(
    "activation",
    [torch.nn.GELU(), torch.nn.GELU("tanh"), torch.nn.ReLU(), torch.nn.SiLU(), torch.nn.Hardtanh(-0.5, 0.25)],
    ids=str,
)
def test_torch(activation: torch.nn.Module) -> None:
    """Against torch, with any number of rows; the inner result has two readers."""
    torch.manual_seed(0)
    module = Feed(activation).eval()
    compiled = slipstick.compile(
        module, (torch.randn(2, 20, 40),), dynamic_shapes=({0: torch.export.Dim("b", min=1, max=64)},), threads=1
    )
    assert compiled.statistics["lower-contractions: epilogues fused"] == 2
    for batch in (1, 2, 5):
        x = torch.randn(batch, 20, 40)
        with torch.no_grad():
            expected = module(x)
        torch.testing.assert_close(compiled(x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("cpu", "body"),
    [("haswell", "residual"), *itertools.product(("skylake-avx512", "neoverse-n1"), ("residual", "gelu"))],
)
def test_loops_without_spills(cpu: str, body: str) -> None:
    """No innermost loop puts a vector on the stack: neither the product's nor the epilogue's.

    The constants of an elementary function alone fill 16 registers.
    """
    compiled = slipstick.compile(Layer(body, rows=64, columns=96, tiling="").text(), threads=1, target=cpu)
    assert compiled.statistics["lower-contractions: epilogues fused"] == 1
    loops = inner_loops(compiled.assembly())
    assert len(loops) >= 2
    assert [loop.stack_traffic() for loop in loops if loop.stack_traffic()] == []
