"""Trees walked by machine code: one loop for every model, made by LLVM once in a process, fed with tables.

Sixteen trees of one label are walked side by side for one row, a level at a time. Trees are the outer loop, so that a
batch finds the nodes of sixteen trees in the nearest cache; one row alone has all trees to fill a vector with.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from ..costmodel.columns import Matrix
from ..costmodel.forest import Forest
from ..costmodel.labels import Floats
from ..costmodel.tree_model import TreeModel
from ..target import Target
from .codegen import LoadedObject, compile_object, load_object

_LANES = 16
_OFFSET_BITS = 16
_ROWS_AT_ONCE = 256
"""Rows that stay in the second cache while all trees are walked."""

# What a node asks is one word: the column above, and below it how far away its left child is. A leaf is its own child.
_TEXT = """
declare <16 x i32> @llvm.masked.gather.v16i32.v16p0(<16 x ptr>, i32, <16 x i1>, <16 x i32>)
declare <16 x float> @llvm.masked.gather.v16f32.v16p0(<16 x ptr>, i32, <16 x i1>, <16 x float>)

define void @walk(ptr noalias %nodes, ptr noalias %thresholds, ptr noalias %values, ptr noalias %roots,
                  ptr noalias %labels, i64 %groups, i64 %depth, ptr noalias %matrix, i64 %rows, i64 %columns,
                  ptr noalias %sums, i64 %width) {
entry:
  br label %group
group:
  %g = phi i64 [ 0, %entry ], [ %g.next, %group.end ]
  %root.at = getelementptr <16 x i32>, ptr %roots, i64 %g
  %root = load <16 x i32>, ptr %root.at, align 4
  %label.at = getelementptr i64, ptr %labels, i64 %g
  %label = load i64, ptr %label.at
  br label %row
row:
  %r = phi i64 [ 0, %group ], [ %r.next, %row.end ]
  %start = mul i64 %r, %columns
  %features = getelementptr float, ptr %matrix, i64 %start
  br label %level
level:
  %l = phi i64 [ 0, %row ], [ %l.next, %level ]
  %node = phi <16 x i32> [ %root, %row ], [ %node.next, %level ]
  %node.at = getelementptr i32, ptr %nodes, <16 x i32> %node
  %word = call <16 x i32> @WORDS(<16 x ptr> %node.at, i32 4, <16 x i1> ALL, <16 x i32> poison)
  %threshold.at = getelementptr float, ptr %thresholds, <16 x i32> %node
  %threshold = call <16 x float> @FLOATS(<16 x ptr> %threshold.at, i32 4, <16 x i1> ALL, <16 x float> poison)
  %column = lshr <16 x i32> %word, splat (i32 16)
  %feature.at = getelementptr float, ptr %features, <16 x i32> %column
  %feature = call <16 x float> @FLOATS(<16 x ptr> %feature.at, i32 4, <16 x i1> ALL, <16 x float> poison)
  %away = and <16 x i32> %word, splat (i32 65535)
  %left = add <16 x i32> %node, %away
  %is.right = fcmp oge <16 x float> %feature, %threshold
  %by = zext <16 x i1> %is.right to <16 x i32>
  %node.next = add <16 x i32> %left, %by
  %l.next = add i64 %l, 1
  %is.level = icmp ult i64 %l.next, %depth
  br i1 %is.level, label %level, label %row.end
row.end:
  %value.at = getelementptr float, ptr %values, <16 x i32> %node.next
  %value = call <16 x float> @FLOATS(<16 x ptr> %value.at, i32 4, <16 x i1> ALL, <16 x float> poison)
  %wide = fpext <16 x float> %value to <16 x double>
  %a8 = shufflevector <16 x double> %wide, <16 x double> poison, 
        <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %b8 = shufflevector <16 x double> %wide, <16 x double> poison, 
        <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %s8 = fadd <8 x double> %a8, %b8
  %a4 = shufflevector <8 x double> %s8, <8 x double> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %b4 = shufflevector <8 x double> %s8, <8 x double> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %s4 = fadd <4 x double> %a4, %b4
  %a2 = shufflevector <4 x double> %s4, <4 x double> poison, <2 x i32> <i32 0, i32 1>
  %b2 = shufflevector <4 x double> %s4, <4 x double> poison, <2 x i32> <i32 2, i32 3>
  %s2 = fadd <2 x double> %a2, %b2
  %first = extractelement <2 x double> %s2, i32 0
  %second = extractelement <2 x double> %s2, i32 1
  %sum = fadd double %first, %second
  %row.start = mul i64 %r, %width
  %place = add i64 %row.start, %label
  %sum.at = getelementptr double, ptr %sums, i64 %place
  %before = load double, ptr %sum.at
  %after = fadd double %before, %sum
  store double %after, ptr %sum.at
  %r.next = add i64 %r, 1
  %is.row = icmp ult i64 %r.next, %rows
  br i1 %is.row, label %row, label %group.end
group.end:
  %g.next = add i64 %g, 1
  %is.group = icmp ult i64 %g.next, %groups
  br i1 %is.group, label %group, label %end
end:
  ret void
}
"""
_WALK = (
    _TEXT.replace("ALL", "splat (i1 true)")
    .replace("@WORDS", "@llvm.masked.gather.v16i32.v16p0")
    .replace("@FLOATS", "@llvm.masked.gather.v16f32.v16p0")
)


@dataclass(frozen=True)
class _Tables:
    """What the machine code walks; behind the nodes one more, an empty tree, fills the last group of each label."""

    words: NDArray[np.uint32]
    """[nodes + 1]"""
    thresholds: NDArray[np.float32]
    """[nodes + 1]"""
    values: NDArray[np.float32]
    """[nodes + 1]"""
    roots: NDArray[np.int32]
    """[groups * 16]"""
    labels: NDArray[np.int64]
    """The label that a group's sum is added to, [groups]."""

    @cached_property
    def addresses(self) -> tuple[int, ...]:
        """Where the arrays lie: to ask for it takes longer than to walk some trees."""
        return tuple(table.ctypes.data for table in (self.words, self.thresholds, self.values, self.roots, self.labels))


class CompiledForest(Forest):
    """A forest that machine code walks; the same sums as `Forest` gives, but for the order of additions in f64."""

    @cached_property
    def _tables(self) -> _Tables:
        own = np.arange(len(self.left), dtype=np.int64)
        words = (self.feature.astype(np.int64) << _OFFSET_BITS) | (self.left - own)
        roots, labels = [], []
        empty = len(self.left)
        for label, (end, count) in enumerate(zip(np.cumsum(self.counts).tolist(), self.counts.tolist(), strict=True)):
            own_roots = self.roots[end - count : end].tolist()
            own_roots += [empty] * (-count % _LANES)
            roots += own_roots
            labels += [label] * (len(own_roots) // _LANES)
        return _Tables(
            np.append(words, 0).astype(np.uint32),
            np.append(self.threshold, np.float32(np.inf)),
            np.append(self.value, np.float32(0.0)),
            np.asarray(roots, np.int32),
            np.asarray(labels, np.int64),
        )

    def predict(self, matrix: Matrix) -> Floats:
        """Return predictions, f64 [rows, labels], of features f32 [rows, columns]."""
        matrix = np.ascontiguousarray(matrix, np.float32)
        tables, walk = self._tables, _function()
        sums = np.empty((len(matrix), len(self.bases)))
        sums[:] = self.bases
        for at in range(0, len(matrix), _ROWS_AT_ONCE):
            rows, found = matrix[at : at + _ROWS_AT_ONCE], sums[at : at + _ROWS_AT_ONCE]
            walk(
                *tables.addresses,
                len(tables.labels),
                max(1, self.depth),
                rows.ctypes.data,
                len(rows),
                matrix.shape[1],
                found.ctypes.data,
                sums.shape[1],
            )
        return sums


def compiled(model: TreeModel) -> TreeModel:
    """Return a model whose trees machine code walks."""
    levels = {
        name: replace(
            level,
            forest=_compiled(level.forest),
            spread=_compiled(level.spread),
            doubt=None if level.doubt is None else _compiled(level.doubt),
        )
        for name, level in model.levels.items()
    }
    return replace(model, levels=levels)


def _compiled(forest: Forest) -> Forest:
    """Return the forest with its code, or as it is where its trees or columns are too many for a word."""
    away = forest.left - np.arange(len(forest.left))
    limit = 1 << _OFFSET_BITS
    if not len(away) or away.max() >= limit or forest.feature.max() >= limit:
        return forest
    return CompiledForest(**{name: getattr(forest, name) for name in forest.__dataclass_fields__})


@cache
def _function() -> Callable[..., None]:
    kinds = [ctypes.c_void_p] * 5 + [ctypes.c_int64] * 2 + [ctypes.c_void_p] + [ctypes.c_int64] * 2
    function: Callable[..., None] = ctypes.CFUNCTYPE(None, *kinds, ctypes.c_void_p, ctypes.c_int64)(
        _code().address("walk")
    )
    return function


@cache
def _code() -> LoadedObject:
    return load_object(compile_object(_WALK, Target.host()))
