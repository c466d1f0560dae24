"""What makes predictions quick and changes none: trees walked by machine code, rows of several CPUs in one batch."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb
from slipstick.compiler.forest_code import CompiledForest, _compiled
from slipstick.compiler.released_model import load_model
from slipstick.costmodel.columns import Index
from slipstick.costmodel.features import text_features
from slipstick.costmodel.forest import Forest
from slipstick.costmodel.program_reader import read
from slipstick.costmodel.released import load
from slipstick.costmodel.tree_model import predict_level
from slipstick.target import Target

LOOPS = """func.func @k(%a: memref<64x64xf32>, %b: memref<64xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  scf.for %i = %c0 to %c64 step %c1 {
    %x = memref.load %a[%i, %c0] : memref<64x64xf32>
    %y = math.exp %x : f32
    memref.store %y, %b[%i] : memref<64xf32>
  }
  return
}
"""


def test_machine_code_walks_trees_as_numpy_does() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.integers(0, 9, (600, 7)).astype(np.float32)
    # More trees than a vector has, fewer, and none; rows of more than one block.
    boosters = [
        bytes(xgb.train({"max_depth": 4}, xgb.DMatrix(matrix, matrix[:, n] * matrix[:, 0]), rounds).save_raw("json"))
        for n, rounds in ((1, 21), (2, 3))
    ]
    forest = Forest.from_boosters([boosters[0], None, boosters[1]])
    compiled = _compiled(forest)
    assert isinstance(compiled, CompiledForest)
    matrix[::5, 3] = np.nan
    np.testing.assert_allclose(compiled.predict(matrix), forest.predict(matrix), rtol=1e-13)
    for shape in (matrix[:1], matrix[:0], np.asfortranarray(matrix[:20])):
        np.testing.assert_allclose(compiled.predict(shape), forest.predict(shape), rtol=1e-13)


def test_what_does_not_fit_the_words_of_nodes_is_left_to_numpy() -> None:
    matrix = np.zeros((8, 1 << 16), np.float32)
    matrix[:4, -1] = 1.0
    booster = xgb.train({"max_depth": 1, "min_child_weight": 0}, xgb.DMatrix(matrix, matrix[:, -1]), 1)
    forest = Forest.from_boosters([bytes(booster.save_raw("json"))])
    assert forest.feature.max() == (1 << 16) - 1
    wide = Forest(**{**vars(forest), "feature": forest.feature + (forest.feature > 0)})
    assert _compiled(wide) is wide and isinstance(_compiled(forest), CompiledForest)


def test_a_batch_of_several_cpus_is_what_each_row_is_alone() -> None:
    level, plain = load_model().levels["loops"], load().levels["loops"]
    targets = [Target.named(name) for name in ("haswell", "znver4", "neoverse-v2", "haswell")]
    rows = [text_features(LOOPS, target) for target in targets]
    rows[1]["op.nobody.knows"] = 1.0
    together = predict_level(level, rows, targets)
    for row, target, found in zip(rows, targets, together, strict=True):
        (alone,) = predict_level(plain, [row], [target])
        assert alone.unsure == found.unsure
        for name, one in found.predictions.items():
            assert one[:3] == pytest.approx(alone.predictions[name][:3], rel=1e-12)
    assert "operation nobody.knows was not seen" in together[1].unsure


def test_features_without_a_place_are_left_out_and_operations_noted() -> None:
    index = Index(("a", "b"))
    table, strange = index.table([{"b": 2.0, "op.x": 1.0}, {}, {"a": 1, "c": 3.0}, {"op.x": 0.0}])
    assert table.tolist() == [[0.0, 2.0], [0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]
    assert strange.tolist() == [True, False, False, False]


def test_a_program_is_the_same_with_comments_and_odd_signs() -> None:
    commented = LOOPS.replace("step %c1 {", "step %c1 {  // %x = memref.load %a[%i]").replace(
        "  return", "  // %\n  return"
    )
    for text in (LOOPS, commented, LOOPS.replace("math.exp %x", 'math.exp %x {note = "100 %"}')):
        program = read(text)
        assert [statement.form.class_ for statement in program.statements] == [
            *("function", "constant", "constant", "constant", "loop", "scalarload", "math", "scalarstore", "free")
        ]
        assert [len(statement.operands) for statement in program.statements][-4:] == [3, 1, 3, 0]
        assert program.loops[0].read >= {0, 1}
