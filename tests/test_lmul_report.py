"""Float arithmetic is counted by operation and scope, before and after L-Mul, in the IR and in one call, and priced."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from slipstick.bindings import ir, new_context
from slipstick.compiler.frontend import import_torch
from slipstick.compiler.stages import StageRewritten
from slipstick.errors import ArgumentError, IRError, PipelineError
from slipstick.kernels.energy import multiply_gates
from slipstick.kernels.lmul import LMul
from slipstick.passes.base import Message
from slipstick.passes.iteration_counts import parse_sizes
from slipstick.passes.lmul_report import report
from slipstick.passes.lmul_report_data import ESTIMATE, Arithmetic, Change, LMulReport
from slipstick.passes.manager import run_pipeline
from torch import nn


def report_of(text: str, **sizes: tuple[int, ...]) -> LMulReport:
    with new_context() as context, ir.Location.unknown():
        module = ir.Module.parse(text, context)
        return report(module, {int(name[1:]): size for name, size in sizes.items()})


def executed(text: str, **sizes: tuple[int, ...]) -> Arithmetic:
    totals = report_of(text, **sizes).totals()
    assert totals.untold == 0
    return totals.executed.before


MARK = 'slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "finite"}'

MATMUL = """
func.func @main(%a: tensor<4x8xf32>, %w: tensor<8x16xf32>) -> tensor<4x16xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x16xf32>) -> tensor<4x16xf32>
  %c = linalg.matmul ins(%a, %w : tensor<4x8xf32>, tensor<8x16xf32>) outs(%init : tensor<4x16xf32>) -> tensor<4x16xf32>
  return %c : tensor<4x16xf32>
}
"""


# ---- what executes how often


def test_a_named_contraction_executes_m_n_k_multiplies_and_adds() -> None:
    (matmul,) = report_of(MATMUL).operations
    assert (matmul.name, matmul.location, matmul.scope, matmul.type) == ("linalg.matmul", "-:6:8", "linear", "f32")
    assert (matmul.shape, matmul.trips, matmul.marks, matmul.layer) == ((4, 16, 8), 1, (), None)
    same = Arithmetic(multiplies=4 * 16 * 8, adds=4 * 16 * 8)
    assert matmul.executed == Change(same, same)
    assert matmul.in_code.before == Arithmetic(multiplies=1, adds=1)


def test_scopes_layers_and_marks_are_told_apart() -> None:
    text = """
    func.func @main(%q: tensor<6x4xf32>, %w: tensor<4x4xf32>) -> tensor<6x6xf32> {
      %e = tensor.empty() : tensor<6x4xf32>
      %x = linalg.matmul ins(%q, %w : tensor<6x4xf32>, tensor<4x4xf32>) outs(%e : tensor<6x4xf32>) -> tensor<6x4xf32>
      %y = arith.mulf %x, %x : tensor<6x4xf32>
      %t = tensor.empty() : tensor<4x6xf32>
      %z = linalg.transpose ins(%y : tensor<6x4xf32>) outs(%t : tensor<4x6xf32>) permutation = [1, 0]
      %f = tensor.empty() : tensor<6x6xf32>
      %s = linalg.matmul {slipstick.lmul = {mantissa_bits = 3 : i64, rounding = "rne"}, slipstick.layer = "block.1"}
        ins(%x, %z : tensor<6x4xf32>, tensor<4x6xf32>) outs(%f : tensor<6x6xf32>) -> tensor<6x6xf32>
      return %s : tensor<6x6xf32>
    }
    """
    found = report_of(text)
    assert found.totals("linear").executed.before == Arithmetic(multiplies=6 * 4 * 4, adds=6 * 4 * 4)
    assert found.totals("elementwise").executed.before == Arithmetic(multiplies=6 * 4)
    attention = found.totals("attention").executed
    assert attention.before == Arithmetic(multiplies=6 * 6 * 4, adds=6 * 6 * 4)
    assert attention.after == Arithmetic(integer_adds=6 * 6 * 4, adds=6 * 6 * 4)
    marked = found.operations[-1]
    assert (marked.marks, marked.layer) == ((LMul(3, "rne"),), "block.1")
    assert [o.executed and o.executed.after == o.executed.before for o in found.operations] == [True, True, False]


def test_the_scope_that_a_mark_records_outlasts_the_contraction() -> None:
    mark = '{mantissa_bits = 4 : i64, rounding = "truncate", scope = "attention", specials = "ieee"}'
    text = f"""
    func.func @main(%a: vector<8xf32>) -> vector<8xf32> {{
      %0 = vector.fma %a, %a, %a {{slipstick.lmul = {mark}}} : vector<8xf32>
      return %0 : vector<8xf32>
    }}
    """
    (fma,) = report_of(text).operations
    assert fma.scope == "attention"
    assert fma.executed == Change(Arithmetic(fused=8), Arithmetic(integer_adds=8, adds=8))


def test_the_body_of_a_generic_is_one_operation_for_each_type() -> None:
    text = f"""
    #map = affine_map<(d0, d1) -> (d0, d1)>
    func.func @main(%x: tensor<3x5xf32>, %y: tensor<3x5xf64>) -> tensor<3x5xf64> {{
      %r = linalg.generic {{indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"], {MARK}}}
          ins(%x : tensor<3x5xf32>) outs(%y : tensor<3x5xf64>) {{
      ^bb0(%in: f32, %out: f64):
        %0 = arith.mulf %in, %in : f32
        %1 = arith.addf %0, %in : f32
        %2 = arith.subf %1, %in : f32
        %3 = arith.extf %2 : f32 to f64
        %4 = math.fma %3, %3, %out : f64
        %5 = arith.divf %4, %3 : f64
        linalg.yield %5 : f64
      }} -> tensor<3x5xf64>
      return %r : tensor<3x5xf64>
    }}
    """
    single, double = report_of(text).operations
    assert (single.type, double.type, single.shape) == ("f32", "f64", (3, 5))
    assert single.executed == Change(Arithmetic(multiplies=15, adds=30), Arithmetic(integer_adds=15, adds=30))
    assert double.executed == Change(Arithmetic(fused=15), Arithmetic(integer_adds=15, adds=15))


def test_nested_loops_multiply_and_an_empty_loop_executes_nothing() -> None:
    text = """
    func.func @main(%m: memref<10x20xf32>, %x: f32) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %d0 = memref.dim %m, %c0 : memref<10x20xf32>
      scf.for %i = %c0 to %d0 step %c3 {
        affine.for %j = 0 to 20 step 2 {
          %p = arith.mulf %x, %x : f32
        }
        scf.for %k = %c3 to %c1 step %c1 {
          %q = arith.mulf %x, %x : f32
        }
      }
      scf.parallel (%i, %j) = (%c0, %c0) to (%c3, %d0) step (%c1, %c3) {
        %r = math.fma %x, %x, %x : f32
      }
      scf.forall (%i) in (7) {
        %s = arith.mulf %x, %x : f32
      }
      return
    }
    """
    found = report_of(text)
    assert [operation.trips for operation in found.operations] == [40, 0, 12, 7]
    assert found.totals().executed.before == Arithmetic(multiplies=4 * 10 + 0 + 7, fused=3 * 4)


def test_functions_count_as_often_as_they_are_called() -> None:
    text = """
    func.func private @twice(%x: f32) { %y = arith.mulf %x, %x : f32  return }
    func.func private @never(%x: f32) { %y = arith.mulf %x, %x : f32  return }
    func.func private @again(%x: f32) { %y = arith.mulf %x, %x : f32  func.call @again(%x) : (f32) -> ()  return }
    func.func @main(%x: f32) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c5 = arith.constant 5 : index
      scf.for %i = %c0 to %c5 step %c1 { func.call @twice(%x) : (f32) -> () }
      call @twice(%x) : (f32) -> ()
      call @again(%x) : (f32) -> ()
      return
    }
    """
    totals = report_of(text).totals()
    assert (totals.operations, totals.executed.before, totals.untold) == (3, Arithmetic(multiplies=6), 1)


def test_vectors_count_their_lanes() -> None:
    text = """
    func.func @main(%a: vector<8xf32>, %m: vector<4x2xf32>, %n: vector<2x3xf32>, %acc: vector<4x3xf32>, %s: f32) {
      %0 = arith.mulf %a, %a : vector<8xf32>
      %1 = vector.fma %a, %a, %a : vector<8xf32>
      %2 = vector.contract {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>,
        affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]}
        %m, %n, %acc : vector<4x2xf32>, vector<2x3xf32> into vector<4x3xf32>
      %3 = vector.reduction <mul>, %a : vector<8xf32> into f32
      %4 = vector.reduction <add>, %a : vector<8xf32> into f32
      %5 = vector.reduction <add>, %a, %s : vector<8xf32> into f32
      %6 = vector.reduction <maximumf>, %a : vector<8xf32> into f32
      %7 = vector.multi_reduction <add>, %m, %a1 [0] : vector<4x2xf32> to vector<2xf32>
      %8 = vector.outerproduct %a1, %a1 : vector<2xf32>, vector<2xf32>
      %9 = vector.outerproduct %a1, %a1, %8 {kind = #vector.kind<add>} : vector<2xf32>, vector<2xf32>
      return
    }
    """.replace("%s: f32)", "%s: f32, %a1: vector<2xf32>)")
    counts = executed(text)
    assert counts.multiplies == 8 + 4 * 3 * 2 + 7 + 4 + 4
    assert counts.adds == 4 * 3 * 2 + 7 + 8 + 8 + 4
    assert counts.fused == 8


DYNAMIC = """
func.func @main(%a: tensor<?x8xf32>, %w: tensor<8x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %a, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x16xf32>
  %c = linalg.matmul ins(%a, %w : tensor<?x8xf32>, tensor<8x16xf32>) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  %f = tensor.collapse_shape %c [[0, 1]] : tensor<?x16xf32> into tensor<?xf32>
  %g = arith.mulf %f, %f : tensor<?xf32>
  return %c : tensor<?x16xf32>
}
"""


def test_open_sizes_are_untold_until_they_are_given() -> None:
    found = report_of(DYNAMIC)
    assert (found.totals().operations, found.totals().untold) == (2, 2)
    assert found.totals().executed.before == Arithmetic()
    assert [operation.shape for operation in found.operations] == [(None, 16, 8), (None,)]
    assert executed(DYNAMIC, _0=(5, 8)) == Arithmetic(multiplies=5 * 8 * 16 + 5 * 16, adds=5 * 8 * 16)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("scf.for %i = %c0 to %n step %c1 { %y = arith.mulf %x, %x : f32 }", "a bound that depends on data"),
        ("cf.br ^next\n ^next:\n %y = arith.mulf %x, %x : f32", "a block that a branch leads to"),
        ("%y = arith.mulf %v, %v : vector<[4]xf32>", "lanes that depend on the machine"),
        ("%y = complex.mul %z, %z : complex<f32>", "a form that is lowered first"),
    ],
    ids=lambda text: text if len(text) < 40 else "",
)
def test_what_cannot_be_told_is_left_out_and_said(body: str, why: str) -> None:
    text = f"""
    func.func @main(%n: index, %x: f32, %v: vector<[4]xf32>, %z: complex<f32>) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %once = arith.mulf %x, %x : f32
      {body}
      return
    }}
    """
    found = report_of(text)
    totals = found.totals()
    assert (totals.operations, totals.executed.before, totals.untold) == (2, Arithmetic(multiplies=1), 1), why
    assert found.operations[1].executed is None and found.operations[1].costs is None
    assert any("operations whose executions cannot be told: 1" in note for note in found.notes)


# ---- a model from torch, against closed formulas

BATCH, TOKENS, WIDTH, HEADS, INNER = 2, 6, 8, 2, 12


class Attention(nn.Module):
    """Without scaling, normalisation or activation: every operation stands in the formulas below."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))
        self.up, self.down = nn.Linear(WIDTH, INNER, bias=True), nn.Linear(INNER, WIDTH, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (
            layer(x).view(BATCH, TOKENS, HEADS, WIDTH // HEADS).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        weights = (q @ k.transpose(-1, -2)).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(BATCH, TOKENS, WIDTH))
        return x + self.down(self.up(x).relu()) * 0.5


@pytest.mark.parametrize("scope", ["attention", "linear", "elementwise", "all"])
def test_two_layers_of_attention_by_closed_formulas(scope: str) -> None:
    layers = 2
    model = nn.Sequential(*(Attention() for _ in range(layers))).eval()
    imported = import_torch(model, (torch.randn(BATCH, TOKENS, WIDTH),), {}, None)
    with imported.module.context:
        run_pipeline(imported.module, StageRewritten(lmul=True, scope=scope, layers=False).text())
        found = report(imported.module)
    rows = BATCH * TOKENS
    linear = layers * rows * (4 * WIDTH * WIDTH + 2 * WIDTH * INNER)
    attention = layers * 2 * BATCH * TOKENS * TOKENS * WIDTH
    halving = layers * rows * WIDTH
    # Softmax subtracts the largest and sums; then the bias and two residual sums.
    sums = layers * (2 * BATCH * HEADS * TOKENS * TOKENS + rows * INNER + 2 * rows * WIDTH)
    expected = {
        "linear": Arithmetic(multiplies=linear, adds=linear),
        "attention": Arithmetic(multiplies=attention, adds=attention),
        "elementwise": Arithmetic(multiplies=halving, adds=sums),
    }
    for name, before in expected.items():
        totals = found.totals(name)  # type: ignore[arg-type]
        assert totals.executed.before == before, name
        assert totals.executed.after == (before.with_lmul() if scope in (name, "all") else before), name
        assert totals.untold == totals.unpriced == 0
    everything = found.totals()
    assert everything.executed.before.multiplies == linear + attention + halving
    assert len([o for o in found.operations if o.scope == "linear"]) == layers * 6
    assert {o.layer for o in found.operations if o.scope == "attention"} == {"0", "1"}


# ---- estimates


def test_costs_are_counts_times_the_tables() -> None:
    n = 4 * 16 * 8
    marked = MATMUL.replace("linalg.matmul ins", f"linalg.matmul {{{MARK}}} ins")
    totals = report_of(marked).totals()
    assert totals.cost_before.multiplies_pj == pytest.approx(n * 3.7)
    assert totals.cost_before.adds_pj == totals.cost_after.adds_pj == pytest.approx(n * 0.9)
    assert totals.cost_after.multiplies_pj == pytest.approx(n * 0.1)
    assert totals.cost_after.total_pj == pytest.approx(n * 1.0)
    assert totals.cost_before.gates == pytest.approx(n * multiply_gates("f32", lmul=False))
    assert totals.cost_after.gates == pytest.approx(n * multiply_gates("f32", lmul=True))
    half = report_of(marked.replace("f32", "f16")).totals()
    assert (half.cost_before.gates, half.cost_after.gates) == (n * 584, n * 256)
    assert half.cost_before.multiplies_pj == pytest.approx(n * 1.1)


def test_a_fused_multiply_add_costs_both() -> None:
    text = "func.func @main(%x: f32) { %0 = math.fma %x, %x, %x : f32  return }"
    cost = report_of(text).totals().cost_before
    assert (cost.multiplies_pj, cost.adds_pj) == pytest.approx((3.7, 0.9))


def test_a_type_without_figures_is_counted_and_said() -> None:
    found = report_of("func.func @main(%x: f8E4M3FN) { %0 = arith.mulf %x, %x : f8E4M3FN  return }")
    assert found.totals().executed.before.multiplies == 1
    assert (found.totals().unpriced, found.totals().cost_before.total_pj) == (1, 0)
    assert any("no estimate for f8E4M3FN" in note for note in found.notes)


# ---- notes


def notes(text: str) -> str:
    return "\n".join(report_of(text).notes)


def test_it_is_always_said_that_figures_are_estimates() -> None:
    assert "estimates for adder hardware" in ESTIMATE and "never a measurement" in ESTIMATE
    for text in ("module {}", MATMUL, DYNAMIC):
        assert report_of(text).notes[0] == ESTIMATE


def test_notes_say_what_is_not_counted() -> None:
    scalar = "func.func @main(%x: f32) { %0 = arith.mulf %x, %x {MARK} : f32  return }"
    assert "no multiply carries the mark" in notes(scalar.replace("{MARK}", ""))
    assert "clamping" in notes(scalar.replace("MARK", MARK)) and "comparisons" not in notes(
        scalar.replace("MARK", MARK)
    )
    assert "comparisons and selections are not counted" in notes(scalar.replace("MARK", MARK.replace("finite", "ieee")))
    branch = "func.func @main(%x: f32, %c: i1) { scf.if %c { %0 = arith.mulf %x, %x : f32 }  return }"
    assert "both branches" in notes(branch) and "both branches" not in notes(scalar.replace("{MARK}", ""))
    assert "convert-complex-to-standard" in notes(
        "func.func @main(%z: complex<f32>) { %0 = complex.mul %z, %z : complex<f32>  return }"
    )


def test_a_rewritten_module_says_that_its_integer_additions_cannot_be_told() -> None:
    with new_context() as context, ir.Location.unknown():
        module = ir.Module.parse(MATMUL, context)
        run_pipeline(module, "lmul{specials=finite}")
        found = report(module)
    assert found.totals().executed.before == Arithmetic(adds=4 * 16 * 8)
    assert found.totals().executed.after.integer_adds == 0
    assert any("can no longer be told" in note for note in found.notes)
    assert "can no longer be told" not in notes(MATMUL)


def test_decoding_of_weights_is_not_taken_for_rewritten_lmul() -> None:
    with new_context() as context, ir.Location.unknown():
        module = ir.Module.parse(
            MATMUL.replace("tensor<8x16xf32>)", "tensor<8x16xf32> {slipstick.parameter})", 1), context
        )
        run_pipeline(module, "encode-weights{format=bf16}")
        found = report(module)
    assert any("decoding of narrow weights" in note for note in found.notes)
    assert not any("can no longer be told" in note for note in found.notes)
    assert found.totals("linear").executed.before == Arithmetic(multiplies=4 * 16 * 8, adds=4 * 16 * 8)


# ---- the pass


def remarks(text: str, pipeline: str) -> list[Message]:
    found: list[Message] = []
    with new_context() as context, ir.Location.unknown():
        module = ir.Module.parse(text, context)
        before = str(module)
        run_pipeline(module, pipeline, emit=found.append)
        assert str(module) == before
    return [message for message in found if message.severity == "remark"]


def test_the_pass_says_it_in_remarks_and_in_json() -> None:
    texts = [message.text for message in remarks(MATMUL, "lmul-report")]
    figures = "512 multiplies, 512 adds; estimated 2,355 pJ, 873,643 multiplier gates"
    assert texts[0] == f"linear 'linalg.matmul' of f32 over 4x16x8: {figures}"
    assert f"linear: 1 operation with 1 multiply in the code; executed in a call: {figures}" in texts
    assert f"note: {ESTIMATE}" in texts
    assert not any(text.startswith("attention") for text in texts)
    (remark,) = remarks(DYNAMIC, "lmul-report{format=json sizes=0:5x8}")
    found = json.loads(remark.text)
    assert found["all"]["executed"]["before"]["multiplies"] == 720
    assert found["scopes"]["linear"]["executed"]["before"] == {
        "multiplies": 640, "adds": 640, "fused": 0, "integer_adds": 0
    }  # fmt: skip
    assert found["notes"][0] == ESTIMATE
    assert [o["shape"] for o in found["operations"]] == [[5, 16, 8], [80]]


def test_operations_can_be_left_out() -> None:
    texts = [message.text for message in remarks(MATMUL, "lmul-report{per-op=false}")]
    assert texts[0].startswith("linear: ")
    (remark,) = remarks(MATMUL, "lmul-report{format=json per-op=false}")
    assert "operations" not in json.loads(remark.text)


def test_a_file_takes_the_place_of_remarks(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    assert remarks(MATMUL, f'lmul-report{{format=json output="{file}"}}') == []
    assert json.loads(file.read_text("utf-8")) == report_of(MATMUL).as_dict()
    assert remarks(MATMUL, f'lmul-report{{output="{file}"}}') == []
    assert file.read_text("utf-8").startswith("-:6:8: linear 'linalg.matmul'")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IRError, match=r"output: .*absent/report: cannot be written: No such file"):
        remarks(MATMUL, f'lmul-report{{output="{tmp_path}/absent/report"}}')
    for path in (tmp_path, "/dev/null"):
        with pytest.raises(IRError, match="expected a file, found a folder or a device"):
            remarks(MATMUL, f'lmul-report{{output="{path}"}}')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sizes", ["0", "0:", "a:4", "0:4x", "0:-4", ":4", "0:4,8"])
def test_malformed_sizes_are_refused(sizes: str) -> None:
    with pytest.raises(PipelineError, match="expected an argument's number and its sizes"):
        remarks(MATMUL, f"lmul-report{{sizes={sizes}}}")


@pytest.mark.parametrize(
    ("sizes", "complaint"),
    [
        ({2: (4,)}, "expected an argument's number below 2, found 2"),
        ({0: (5,)}, r"argument 0: expected sizes of tensor<\?x8xf32>, found 5"),
        ({0: (5, 9)}, r"argument 0: expected sizes of tensor<\?x8xf32>, found 5x9"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes: dict[int, tuple[int, ...]], complaint: str) -> None:
    with pytest.raises(ArgumentError, match=complaint):
        report_of(DYNAMIC, **{f"_{number}": size for number, size in sizes.items()})
    text = ",".join(f"{number}:{'x'.join(map(str, size))}" for number, size in sizes.items())
    with pytest.raises(IRError, match=complaint):
        remarks(DYNAMIC, f"lmul-report{{sizes={text}}}")


def test_a_mark_that_is_no_configuration_is_an_error() -> None:
    text = "func.func @main(%x: f32) { %0 = arith.mulf %x, %x {slipstick.lmul = 4 : i64} : f32  return }"
    with pytest.raises(IRError, match="is no configuration of L-Mul"):
        report_of(text)


def test_sizes_are_read() -> None:
    assert parse_sizes(["0:8x64", "12:1"]) == {0: (8, 64), 12: (1,)}
