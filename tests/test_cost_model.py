"""The cost model: features, trees against XGBoost's own, intervals, splits, files, the tool."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slipstick
import xgboost as xgb
from slipstick.compiler.prediction import kernel_texts
from slipstick.costmodel import conformal
from slipstick.costmodel.boosted import Parameters
from slipstick.costmodel.columns import Columns
from slipstick.costmodel.features import text_features
from slipstick.costmodel.forest import Forest
from slipstick.costmodel.labels import LABELS, label
from slipstick.costmodel.metrics import measure
from slipstick.costmodel.nest import nest
from slipstick.costmodel.pressure import pressure
from slipstick.costmodel.released import load, save
from slipstick.costmodel.splits import leaks, split
from slipstick.costmodel.training import Examples, train_model
from slipstick.costmodel.tree_model import TreeModel
from slipstick.costmodel.words import words
from slipstick.datasets.corpus.label import label as label_program
from slipstick.datasets.corpus.plan import program
from slipstick.datasets.corpus.row import SIMULATED, Row
from slipstick.datasets.corpus.simulate import simulator
from slipstick.errors import ArgumentError, IRError
from slipstick.target import Target

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


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """Return labelled rows of some small programs for two CPUs."""
    targets = [Target.named("znver4"), Target.named("haswell")]
    programs = [program((family, seed)) for family in ("elementwise", "rows") for seed in range(13)]
    found = [row for made in programs for row in label_program([made], targets, 0)]
    return [row.flat() for row in found if isinstance(row, Row)]


@pytest.fixture(scope="module")
def model(rows: list[dict[str, Any]]) -> TreeModel:
    return train_model(Examples.of(rows), split(rows, "all", "program", ()), Parameters(rounds=20), {"note": "test"})[0]


def test_the_nest_of_loops() -> None:
    found = nest(words(LOOPS, numbers="exact"))
    outer, inner = found.loops
    assert (outer.trips, inner.trips, inner.parent, outer.parent) == (32, 2, 0, -1)
    assert inner.is_innermost and not outer.is_innermost
    assert [op.name for op in found.ops[inner.begin : inner.end]] == [
        *["memref.load", "memref.load", "arith.mulf", "arith.addf", "memref.store"]
    ]


def test_values_alive_at_once() -> None:
    # The constant lives through both loops; beside it two values loaded.
    assert pressure(nest(words(LOOPS, numbers="exact"))).floats == 3


def test_features_tell_what_matters() -> None:
    found = text_features(LOOPS, Target.named("haswell"))
    assert found["loop0.trips"] == 2 and found["loop0.operations"] == 5 and found["depth"] == 2
    assert found["target.vector_bits"] == 256 and found["cpu.haswell"] == 1 and found["graph"] == 0
    (text,) = kernel_texts(PRODUCT, Target.named("znver4")).values()
    found = text_features(text, Target.named("znver4"))
    assert found["graph"] == 1 and found["kind.packed"] == 1 and found["attribute.vector.0"] == 16


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


def test_splits_do_not_leak(rows: list[dict[str, Any]]) -> None:
    for found in (split(rows, "random", None, ()), split(rows, "family", "family", ("random-rows",))):
        assert leaks(rows, found) == 0
        sides = [
            {row["program"] for row, mine in zip(rows, mask, strict=True) if mine}
            for mask in (found.train, found.valid, found.calibration, found.test)
        ]
        assert all(not (one & other) for n, one in enumerate(sides) for other in sides[:n])
    held = split(rows, "family", "family", ("random-rows",))
    assert {row["family"] for row, judges in zip(rows, held.test, strict=True) if judges} == {"random-rows"}
    # The same rows on both sides are noticed.
    leaking = type(held)("leaking", held.test, held.valid, held.calibration, held.test)
    assert leaks(rows, leaking) == 0  # a row that judges is not counted as one that trains
    copied = [*rows, {**rows[0], "program": "copy"}]
    mask = np.zeros(len(copied), bool)
    first, last = mask.copy(), mask.copy()
    first[0], last[-1] = True, True
    assert leaks(copied, type(held)("leaking", first, mask, mask, last)) == 1


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
    (tmp_path / "model.json").write_text(json.dumps({**index, "words": 0}))
    with pytest.raises(ArgumentError, match="another version"):
        load(tmp_path)


def test_predict_gives_kernels_and_functions(model: TreeModel) -> None:
    kernel, whole = slipstick.predict(PRODUCT, "znver4", model=model)
    assert (kernel.function, kernel.kernel, whole.kernel) == ("main", "0 packed", "")
    # It was trained without products.
    assert any("linalg.matmul" in doubt for doubt in kernel.predicted.unsure)
    (alone,) = slipstick.predict(LOOPS, "haswell", model=model)
    assert alone.kernel == "" and alone.json()["kernel"] is None
    learned = {found.name for found in LABELS if simulator() or found.name not in SIMULATED}
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


def test_the_tool(model: TreeModel, tmp_path: Path) -> None:
    save(model, tmp_path / "model")
    (tmp_path / "loops.mlir").write_text(LOOPS)
    (tmp_path / "empty.mlir").write_text("")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "slipstick.tools.cost", *arguments, "--model", str(tmp_path / "model")]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    file = str(tmp_path / "loops.mlir")
    (found,) = json.loads(run("predict", file, "--target", "haswell", "--json").stdout)
    assert found["function"] == "kernel" and found["target"] == "haswell"
    assert set(found["predictions"]["spills"]) == {"value", "low", "high", "unit"}
    assert "utilisation" in run("predict", file, "--interval").stdout
    explained = json.loads(run("explain", file, "--target", "haswell", "--json").stdout)["kernels"]["kernel"]
    assert explained[0]["without"] == "" and {"arith.mulf", "shapes"} <= {share["without"] for share in explained}
    assert "ratio" in run("compare", file, file).stdout
    assert "trees over" in run("info").stdout

    for arguments, message in (
        (("predict", str(tmp_path / "empty.mlir")), "expected MLIR, found an empty file"),
        (("predict", str(tmp_path / "missing.mlir")), "No such file"),
        (("predict", file, "--target", "nonesuch"), "nonesuch"),
        (("explain", file, "--label", "joy"), "expected one of vector_registers"),
    ):
        failed = run(*arguments)
        assert failed.returncode == 1 and message in failed.stderr and "Traceback" not in failed.stderr
        assert failed.stdout == ""
