"""Multiplies are counted by scope, in the IR and in one call: loops, linalg, calls, vectors, sizes at run time."""

from __future__ import annotations

import json

import pytest
from slipstick.bindings import ir, new_context
from slipstick.errors import PipelineError
from slipstick.passes.base import Message
from slipstick.passes.count_multiplies import MultiplyCounts, count_multiplies, parse_sizes
from slipstick.passes.manager import run_pipeline


def count(text: str, **sizes: tuple[int, ...]) -> MultiplyCounts:
    with new_context() as context, ir.Location.unknown():
        module = ir.Module.parse(text, context)
        return count_multiplies(module, {int(name[1:]): size for name, size in sizes.items()})


MATMUL = """
func.func @main(%a: tensor<4x8xf32>, %w: tensor<8x16xf32>) -> tensor<4x16xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x16xf32>) -> tensor<4x16xf32>
  %c = linalg.matmul ins(%a, %w : tensor<4x8xf32>, tensor<8x16xf32>) outs(%init : tensor<4x16xf32>) -> tensor<4x16xf32>
  return %c : tensor<4x16xf32>
}
"""


def test_a_named_contraction_executes_m_n_k_multiplies() -> None:
    counts = count(MATMUL)
    assert (counts.operations, counts.executions, counts.untold) == (1, 4 * 16 * 8, 0)
    assert [(c.scope, c.type, c.lmul) for c in counts.counts] == [("linear", "f32", False)]


def test_scopes_and_marks_are_told_apart() -> None:
    text = """
    func.func @main(%q: tensor<6x4xf32>, %w: tensor<4x4xf32>) -> tensor<6x6xf32> {
      %e = tensor.empty() : tensor<6x4xf32>
      %x = linalg.matmul ins(%q, %w : tensor<6x4xf32>, tensor<4x4xf32>) outs(%e : tensor<6x4xf32>) -> tensor<6x4xf32>
      %y = arith.mulf %x, %x : tensor<6x4xf32>
      %t = tensor.empty() : tensor<4x6xf32>
      %z = linalg.transpose ins(%y : tensor<6x4xf32>) outs(%t : tensor<4x6xf32>) permutation = [1, 0]
      %f = tensor.empty() : tensor<6x6xf32>
      %s = linalg.matmul {slipstick.lmul = {mantissa_bits = 4 : i64}}
        ins(%x, %z : tensor<6x4xf32>, tensor<4x6xf32>) outs(%f : tensor<6x6xf32>) -> tensor<6x6xf32>
      return %s : tensor<6x6xf32>
    }
    """
    counts = count(text)
    assert counts.select(scope="linear").executions == 6 * 4 * 4
    assert counts.select(scope="attention").executions == 6 * 6 * 4
    assert counts.select(scope="elementwise").executions == 6 * 4
    assert counts.select(lmul=True).counts == counts.select(scope="attention").counts


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
    counts = count(text)
    assert (counts.operations, counts.executions, counts.untold) == (4, 4 * 10 + 0 + 3 * 4 + 7, 0)


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
    counts = count(text)
    assert (counts.operations, counts.executions, counts.untold) == (3, 6, 1)


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
      return
    }
    """
    assert count(text).executions == 8 + 8 + 4 * 3 * 2 + 7


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
    counts = count(DYNAMIC)
    assert (counts.operations, counts.executions, counts.untold) == (2, 0, 2)
    counts = count(DYNAMIC, _0=(5, 8))
    assert (counts.executions, counts.untold) == (5 * 8 * 16 + 5 * 16, 0)


def test_a_loop_that_depends_on_data_is_untold() -> None:
    text = """
    func.func @main(%n: index, %x: f32) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      scf.for %i = %c0 to %n step %c1 { %y = arith.mulf %x, %x : f32 }
      return
    }
    """
    counts = count(text)
    assert (counts.operations, counts.executions, counts.untold) == (1, 0, 1)


def remarks(text: str, pipeline: str) -> list[Message]:
    found: list[Message] = []
    with new_context() as context, ir.Location.unknown():
        module = ir.Module.parse(text, context)
        before = str(module)
        run_pipeline(module, pipeline, emit=found.append)
        assert str(module) == before
    return [message for message in found if message.severity == "remark"]


def test_the_pass_says_it_in_remarks_and_in_json() -> None:
    texts = [message.text for message in remarks(MATMUL, "count-multiplies")]
    assert "linear: 1 multiplies, 512 executed a call" in texts
    assert "all: 1 multiplies, 512 executed a call" in texts
    (remark,) = remarks(DYNAMIC, "count-multiplies{format=json sizes=0:5x8}")
    figures = json.loads(remark.text)
    assert figures["executions"] == 720 and figures["scopes"]["linear"]["executions"] == 640


@pytest.mark.parametrize("sizes", ["0", "0:", "a:4", "0:4x", "0:-4", ":4", "0:4,8"])
def test_malformed_sizes_are_refused(sizes: str) -> None:
    with pytest.raises(PipelineError, match="expected an argument's number and its sizes"):
        remarks(MATMUL, f"count-multiplies{{sizes={sizes}}}")


def test_sizes_are_read() -> None:
    assert parse_sizes(["0:8x64", "12:1"]) == {0: (8, 64), 12: (1,)}
