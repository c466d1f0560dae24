"""The cost model: features, trees against XGBoost's own, intervals, splits, files, the tool."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slipstick
import xgboost as xgb
from slipstick.compiler.prediction import kernel_texts
from slipstick.costmodel import conformal
from slipstick.costmodel.blend import blend, choose
from slipstick.costmodel.boosted import Parameters, train_doubt
from slipstick.costmodel.columns import Columns
from slipstick.costmodel.features import text_features
from slipstick.costmodel.fills import fills
from slipstick.costmodel.forest import Forest
from slipstick.costmodel.invariants import invariants
from slipstick.costmodel.labels import LABELS, label
from slipstick.costmodel.level_model import group
from slipstick.costmodel.liveness import pressure
from slipstick.costmodel.machine import machine
from slipstick.costmodel.metrics import measure
from slipstick.costmodel.program_reader import read
from slipstick.costmodel.released import load, save
from slipstick.costmodel.splits import Part, Split, leaks, splits
from slipstick.costmodel.training import Examples, are_worst, train_level
from slipstick.costmodel.tree_model import TreeModel, in_units
from slipstick.costmodel.unrolling import shapes
from slipstick.datasets.corpus.label import label as label_program
from slipstick.datasets.corpus.plan import program
from slipstick.datasets.corpus.row import SIMULATED, Row
from slipstick.datasets.corpus.simulate import simulator
from slipstick.errors import ArgumentError, IRError
from slipstick.target import Target
from slipstick.tools import cost

LOOPS = """func.func @kernel(%a: memref<64xf32>, %b: memref<64xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %k = arith.constant 2.0 : f32
  scf.for %i = %c0 to %c64 step %c2 {
    scf.for %j = %c0 to %c2 step %c1 {
      %x = memref.load %a[%j] : memref<64xf32>
      %y = memref.load %b[%i] : memref<64xf32>
      %z = arith.mulf %x, %y : f32
      %w = arith.addf %z, %k : f32
      memref.store %w, %b[%i] : memref<64xf32>
    }
  }
  return
}
"""
PRODUCT = """func.func @main(%a: tensor<64x256xf32>, %w: tensor<256x512xf32>) -> tensor<64x512xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64x512xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<64x512xf32>) -> tensor<64x512xf32>
  %r = linalg.matmul ins(%a, %w : tensor<64x256xf32>, tensor<256x512xf32>)
      outs(%f : tensor<64x512xf32>) -> tensor<64x512xf32>
  return %r : tensor<64x512xf32>
}
"""


CARRIED = """func.func @kernel(%a: memref<64xf32>) {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  %z = arith.constant dense<0.000000e+00> : vector<16xf32>
  %r:2 = scf.for %i = %c0 to %c64 step %c16 iter_args(%p = %z, %q = %z) -> (vector<16xf32>, vector<16xf32>) {
    %x = vector.load %a[%i] : memref<64xf32>, vector<16xf32>
    %s = vector.fma %x, %x, %p : vector<16xf32>
    %t = arith.addf %x, %q : vector<16xf32>
    scf.yield %s, %t : vector<16xf32>, vector<16xf32>
  }
  return
}
"""
SCALAR = """func.func @kernel(%%a: memref<4096xf32>, %%b: memref<1xf32>) {
  %%c0 = arith.constant 0 : index
  %%c1 = arith.constant 1 : index
  %%n = arith.constant 4096 : index
  scf.for %%i = %%c0 to %%n step %%c1 {
    %%x = memref.load %%a[%%i] : memref<4096xf32>
    %%y = memref.load %%b[%%c0] : memref<1xf32>
    %%z = arith.addf %%x, %%y %s : f32
    memref.store %%z, %%b[%%c0] : memref<1xf32>
  }
  return
}
"""
FILL = """func.func @k(%a: memref<64x48xf32>) {
  %cst = arith.constant ZERO : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c48 = arith.constant 48 : index
  %c64 = arith.constant 64 : index
  scf.for %i = %c0 to %c64 step %c1 {
    scf.for %j = %c0 to %c48 step %c1 {
      memref.store %cst, %a[%i, %j] : memref<64x48xf32>
    }
  }
  return
}
"""
BRANCHES = """func.func @k(%a: memref<?xf32>, %c: i1, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %p = vector.load %a[%c0] : memref<?xf32>, vector<16xf32>
  %q = vector.load %a[%c1] : memref<?xf32>, vector<16xf32>
  %r:2 = scf.if %c -> (vector<16xf32>, vector<16xf32>) {
    %s:2 = scf.for %i = %c0 to %n step %c1 iter_args(%x = %p, %y = %q) -> (vector<16xf32>, vector<16xf32>) {
      %z = vector.load %a[%i] : memref<?xf32>, vector<16xf32>
      %u = arith.addf %x, %z : vector<16xf32>
      %v = arith.mulf %y, %z : vector<16xf32>
      scf.yield %u, %v : vector<16xf32>, vector<16xf32>
    }
    scf.yield %s#0, %s#1 : vector<16xf32>, vector<16xf32>
  } else {
    %u = arith.addf %p, %p : vector<16xf32>
    %v = arith.mulf %q, %q : vector<16xf32>
    scf.yield %u, %v : vector<16xf32>, vector<16xf32>
  }
  vector.store %r#0, %a[%c0] : memref<?xf32>, vector<16xf32>
  vector.store %r#1, %a[%c8] : memref<?xf32>, vector<16xf32>
  return
}
"""
VECTORISED = """func.func @k(%a: memref<4096xi32>) attributes {slipstick.noalias = array<i64: 0>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c7 = arith.constant 7 : i32
  %n = arith.constant 4096 : index
  scf.for %i = %c0 to %n step %c1 {
    %x = memref.load %a[%i] : memref<4096xi32>
    %y = arith.andi %x, %c7 : i32
    memref.store %y, %a[%i] : memref<4096xi32>
  }
  return
}
"""
KEPT = """func.func @k(%a: memref<64xf32>, %b: memref<1000x64xf32>) attributes {slipstick.noalias = array<i64: 0, 1>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  %c1000 = arith.constant 1000 : index
  scf.for %i = %c0 to %c1000 step %c1 {
    scf.for %j = %c0 to %c64 step %c16 {
      %x = vector.load %a[%j] : memref<64xf32>, vector<16xf32>
      %y = vector.load %b[%i, %j] : memref<1000x64xf32>, vector<16xf32>
      %z = arith.addf %x, %y : vector<16xf32>
      vector.store %z, %b[%i, %j] : memref<1000x64xf32>, vector<16xf32>
    }
  }
  return
}
"""


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """Return labelled rows of some small programs for two CPUs."""
    targets = [Target.named("znver4"), Target.named("haswell")]
    programs = [program((family, seed)) for family in ("elementwise", "rows") for seed in range(10)]
    found = [row for made in programs for row in label_program([made], targets, 0)]
    return [row.flat() for row in found if isinstance(row, Row)]


@pytest.fixture(scope="module")
def model(rows: list[dict[str, Any]]) -> TreeModel:
    parameters = Parameters(rounds=20, spread_rounds=5)
    levels = {
        level: train_level(Examples.of([row for row in rows if row["level"] == level]), parameters)[0]
        for level in ("loops", "graph")
    }
    return TreeModel(levels, {"note": "test"})


def test_the_nest_of_loops() -> None:
    program = read(LOOPS)
    outer, inner = program.loops
    assert (outer.trips, inner.trips, inner.parent, outer.parent) == (32, 2, 0, -1)
    assert inner.is_innermost and not outer.is_innermost
    assert [statement.form.name for statement in program.statements[inner.begin : inner.end]] == [
        *["memref.load", "memref.load", "arith.mulf", "arith.addf", "memref.store"]
    ]


def test_values_alive_at_once() -> None:
    # The constant lives through both loops; beside it two values loaded.
    assert max(pressure(read(LOOPS), machine(Target.named("haswell"))).ordered) == 3
    # Two accumulators, a load that both read, one splat in front of the loop: in registers of 512, 256 and 128 bits.
    for cpu, registers in (("znver4", 1), ("haswell", 2), ("neoverse-v2", 4)):
        alive = pressure(read(CARRIED), machine(Target.named(cpu)))
        assert max(alive.ordered) == 3 * registers


def test_branches_and_alternatives_share_registers() -> None:
    # Two accumulators go through either branch: two registers, and one for what is loaded; never four.
    on = machine(Target.named("znver4"))
    assert max(pressure(read(BRANCHES), on).ordered) == 3


def test_scalars_of_a_vectorised_loop_take_registers() -> None:
    on = machine(Target.named("haswell"))
    program = read(VECTORISED)
    (shape,) = found = shapes(program, on)
    alive = pressure(program, on, (), found)
    # A constant in front of the loop; in it an integer for each vector that LLVM works on at a time.
    assert shape.lanes == 8 and max(alive.lazy) == 1 + shape.interleaved
    assert max(pressure(program, on).lazy) == 0


def test_what_llvm_does_with_loops() -> None:
    on = machine(Target.named("znver4"))
    # Four turns are unrolled whole; the loop around them is then one without loops inside.
    outer, inner = shapes(read(KEPT), on)
    assert inner.is_whole and inner.copies == 4 and outer.is_leaf and not outer.is_whole
    # A scalar loop is vectorised by 16 lanes; a sum whose order may not change is not.
    (summed,) = shapes(read(SCALAR % "fastmath<reassoc>"), on)
    assert (summed.lanes, summed.accesses.is_recurrent, summed.accesses.is_serial) == (16, True, False)
    (serial,) = shapes(read(SCALAR % ""), on)
    assert serial.lanes == 1 and serial.accesses.is_serial


def test_loads_are_kept_through_loops() -> None:
    # 64 elements in an inner loop that is unrolled: the same in each turn of the outer one, so kept in 4 registers.
    for cpu, registers in (("znver4", 4), ("haswell", 8)):
        on = machine(Target.named(cpu))
        program = read(KEPT)
        (kept,) = invariants(program, shapes(program, on), on)
        assert (kept.loop, kept.registers, kept.is_load) == (0, registers, True)


@pytest.mark.parametrize(
    ("zero", "stores"), [("0.000000e+00", 1), ("0.0", 1), ("1.000000e+00", 0), ("0.5", 0), ("-0.0", 0)]
)
def test_zeros_are_filled_by_a_call(zero: str, stores: int) -> None:
    text = FILL.replace("ZERO", zero)
    assert fills(read(text)) == stores
    found = text_features(text, Target.named("haswell"))
    assert found.get("u.fill", 0.0) == stores
    # What is not filled by a call is vectorised and unrolled.
    assert bool(stores) == (sum(found.get(f"u.{key}.scalarstore", 0.0) for key in "swq") == 0.0)
    assert bool(stores) == bool(found.get("fill.bytes"))
    assert fills(read(LOOPS)) == 0


def test_features_tell_what_matters() -> None:
    found = text_features(LOOPS, Target.named("haswell"))
    assert found["loops"] == 2 and found["n.s.fp"] == 2 and found["pieces"] == 6
    assert found["target.vector_bits"] == 256 and found["cpu.haswell"] == 1
    (text,) = kernel_texts(PRODUCT, Target.named("znver4")).values()
    found = text_features(text, Target.named("znver4"))
    assert found["op.linalg.matmul"] == 1 and found["kind.packed"] == 1 and found["attribute.vector.0"] == 16


def test_trees_agree_with_xgboost() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.integers(0, 9, (500, 7)).astype(np.float32)
    outputs = [matrix[:, 0] * matrix[:, 1], np.sin(matrix[:, 2]) + matrix[:, 3]]
    boosters = [xgb.train({"max_depth": 5, "seed": 1}, xgb.DMatrix(matrix, output), 25) for output in outputs]
    forest = Forest.from_boosters([bytes(booster.save_raw("json")) for booster in boosters])
    expected = np.stack([booster.predict(xgb.DMatrix(matrix)) for booster in boosters], axis=1)
    np.testing.assert_allclose(forest.predict(matrix), expected, rtol=1e-5, atol=1e-5)
    assert forest.predict(matrix[:0]).shape == (0, 2)


def test_conformal_intervals_cover_what_they_promise() -> None:
    rng = np.random.default_rng(0)
    distances, groups = np.abs(rng.standard_normal(4000)), ["a"] * 3990 + ["few"] * 10
    found = conformal.quantiles(distances, groups, 0.9)
    assert set(found) == {"", "a"}
    widths = conformal.half_widths(found, ["a", "few", "never seen"])
    assert widths[1] == widths[2] == found[""]
    fresh = np.abs(rng.standard_normal(20000))
    assert 0.885 < np.mean(fresh <= widths[0]) < 0.915


def test_trees_and_estimates_are_blended_where_that_is_nearer() -> None:
    rng = np.random.default_rng(0)
    names = [found.name for found in LABELS]
    truth = rng.uniform(3.0, 9.0, (400, len(LABELS)))
    trees, estimates = truth + rng.normal(0.0, 0.1, truth.shape), truth + rng.normal(0.0, 2.0, truth.shape)
    # Wrong by as much to either side, the estimate right, and without an estimate.
    trees[:, names.index("code_bytes")] = truth[:, names.index("code_bytes")] + 1.0
    estimates[:, names.index("code_bytes")] = truth[:, names.index("code_bytes")] - 1.0
    estimates[:, names.index("cycles")] = truth[:, names.index("cycles")]
    estimates[:, names.index("time_ns")] = np.nan
    weights = choose(trees, estimates, truth, np.ones(len(truth), bool))
    chosen = dict(zip(names, weights.tolist(), strict=True))
    assert (chosen["instructions"], chosen["code_bytes"], chosen["cycles"], chosen["time_ns"]) == (1.0, 0.5, 0.0, 1.0)
    found = blend(trees, estimates, weights)
    np.testing.assert_allclose(found[:, names.index("code_bytes")], truth[:, names.index("code_bytes")])
    np.testing.assert_array_equal(found[:, names.index("time_ns")], trees[:, names.index("time_ns")])


def test_doubt_knows_where_the_worst_errors_are() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.uniform(0.0, 1.0, (4000, 3)).astype(np.float32)
    errors = rng.uniform(0.0, 1.0, 4000) + 9.0 * (matrix[:, 1] > 0.97)
    worst = are_worst(errors)
    assert 0.05 <= worst.mean() < 0.06
    odds = train_doubt(matrix, worst, Parameters(columns=1.0)).predict(matrix)[:, 0]
    assert odds[matrix[:, 1] > 0.97].min() > 0.0 > odds[matrix[:, 1] < 0.9].max()


def test_splits_do_not_leak(rows: list[dict[str, Any]]) -> None:
    for found in splits(rows, ("families", "random", "kinds", "shapes", "targets")):
        assert found.parts and leaks(rows, found) == 0
        assert all(not (part.train & part.test).any() and part.train.any() and part.test.any() for part in found.parts)
    (kinds,) = splits(rows, ("kinds",))
    for part in kinds.parts:
        held = {row["kind"] for row, judges in zip(rows, part.test, strict=True) if judges}
        assert len(held) == 1 and not any(
            row["kind"] in held for row, trains in zip(rows, part.train, strict=True) if trains
        )
    # A copy on both sides is noticed.
    copied = [*rows, {**rows[0], "program": "copy"}]
    first, last = np.zeros(len(copied), bool), np.zeros(len(copied), bool)
    first[0], last[-1] = True, True
    assert leaks(copied, Split("leaking", (Part(first, last),))) == 2  # its text, and its text without numbers
    assert leaks(copied, Split("target", (Part(first, last),), is_of_targets=True)) == 1


def test_a_model_learns_and_comes_back_from_its_files(
    model: TreeModel, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    save(model, tmp_path)
    again = load(tmp_path)
    for row in rows[::7]:
        target = Target.named(row["target"])
        (one,) = again.predict([row["text"]], target)
        assert one == model.predict([row["text"]], target)[0]
        assert all(found.low <= found.value <= found.high for found in one.predictions.values())
    own = [row for row in rows if row["level"] == "loops" and row["target"] == "znver4"]
    predicted = [
        one.predictions["instructions"].value for one in model.predict([r["text"] for r in own], Target.named("znver4"))
    ]
    truth = np.asarray([row["instructions"] for row in own], float)
    nothing = np.full(len(own), np.nan)
    assert measure(label("instructions"), np.asarray(predicted), truth, nothing, nothing).spearman > 0.7

    damaged = bytearray((tmp_path / "model.safetensors").read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(damaged)
    with pytest.raises(ArgumentError, match="damaged"):
        load(tmp_path)
    index = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**index, "features": 0}))
    with pytest.raises(ArgumentError, match="another version"):
        load(tmp_path)


def test_times_are_for_cpus_like_the_one_that_was_measured(model: TreeModel, rows: list[dict[str, Any]]) -> None:
    (text, *_) = [row["text"] for row in rows if row["level"] == "graph"]
    graph = model.levels["graph"]
    widths = {**graph.quantiles, "time_ns": {group(Target.named("znver4")): 1.0}}
    measured = TreeModel({"graph": replace(graph, quantiles=widths)}, {})
    assert "time_ns" in measured.predict([text], Target.named("skylake-avx512"))[0].predictions
    for cpu in ("haswell", "neoverse-v2"):
        assert "time_ns" not in measured.predict([text], Target.named(cpu))[0].predictions
    assert "time_ns" not in model.predict([text], Target.named("znver4"))[0].predictions


def test_predict_gives_kernels_and_functions(model: TreeModel) -> None:
    kernel, whole = slipstick.predict(PRODUCT, "znver4", model=model)
    assert (kernel.function, kernel.kernel, whole.kernel) == ("main", "0 packed", "")
    # It was trained without products.
    assert any("linalg.matmul" in doubt for doubt in kernel.predicted.unsure)
    # From its loops the same kernel needs no operation that was not seen.
    kernel, whole = slipstick.predict(PRODUCT, "znver4", model=model, lower=True)
    assert (kernel.kernel, whole.kernel) == ("0 packed", "")
    assert not any("linalg.matmul" in doubt for doubt in kernel.predicted.unsure)
    assert kernel.predicted.predictions["instructions"].value > 0
    (alone,) = slipstick.predict(LOOPS, "haswell", model=model)
    assert alone.kernel == "" and alone.json()["kernel"] is None
    learned = {found.name for found in LABELS if simulator() or found.name not in SIMULATED} - {"time_ns"}
    assert set(alone.json()["predictions"]) == learned


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("func.func @f(", IRError, r"^-:1:\d+: error: "),
        ("module {}", ArgumentError, "functions"),
        ("llvm.func @f() { llvm.return }", ArgumentError, "functions"),
    ],
)
def test_what_cannot_be_predicted(model: TreeModel, text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        slipstick.predict(text, model=model)


def test_metrics_by_hand() -> None:
    truth, predicted = np.asarray([0.0, 2.0, 4.0, np.nan]), np.asarray([0.0, 3.0, 0.0, 9.0])
    found = measure(label("spills"), predicted, truth, predicted - 1, predicted + 1)
    assert found.rows == 3 and found.within_one == found.coverage == pytest.approx(2 / 3)
    assert found.rmse_of_range == pytest.approx(np.sqrt(17 / 3) / 4)
    assert found.f1_some == pytest.approx(2 / 3) and found.exact == pytest.approx(1 / 3)
    assert found.mape == pytest.approx((0 + 1 / 2 + 1) / 3)


def test_columns_leave_out_what_is_rare() -> None:
    columns = Columns.choose([{"op.a": 1.0, "op.b": 1.0}] * 3 + [{"op.a": 2.0}] * 3, least=4)
    assert columns.names == ("op.a",)
    assert columns.matrix([{"op.a": 2.0, "op.b": 1.0}]).tolist() == [[2.0]]
    assert columns.unknown({"op.a": 1.0, "op.b": 1.0}) == ["op.b"]


def test_the_tool(model: TreeModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(model, tmp_path / "model")
    (tmp_path / "loops.mlir").write_text(LOOPS)
    (tmp_path / "empty.mlir").write_text("")

    def run(*arguments: str) -> str:
        assert cost.main([*arguments, "--model", str(tmp_path / "model")]) == 0
        return capsys.readouterr().out

    file = str(tmp_path / "loops.mlir")
    (found,) = json.loads(run("predict", file, "--target", "haswell", "--json"))
    assert found["function"] == "kernel" and found["target"] == "haswell"
    assert set(found["predictions"]["spills"]) == {"value", "low", "high", "unit"}
    assert "utilisation" in run("predict", file, "--interval")
    explained = json.loads(run("explain", file, "--target", "haswell", "--json"))["kernels"]["kernel"]
    assert explained[0]["without"] == "" and {"s.fp", "loops"} <= {share["without"] for share in explained}
    assert "ratio" in run("compare", file, file)
    card = run("info")
    assert "trained on" in card and "limits" in card
    assert json.loads(run("info", "--json")) == model.record

    for arguments, message in (
        (("predict", str(tmp_path / "empty.mlir")), "expected MLIR, found an empty file"),
        (("predict", str(tmp_path / "missing.mlir")), "No such file"),
        (("predict", file, "--target", "nonesuch"), "nonesuch"),
        (("explain", file, "--label", "joy"), "expected one of vector_registers"),
    ):
        assert cost.main([*arguments, "--model", str(tmp_path / "model")]) == 1
        failed = capsys.readouterr()
        assert message in failed.err and "Traceback" not in failed.err and failed.out == ""


def test_no_end_of_an_interval_is_negative() -> None:
    centres = np.zeros((1, len(LABELS)))
    for ends in in_units(centres, np.full_like(centres, 0.2)):
        assert not np.signbit(ends).any()
