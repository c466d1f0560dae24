"""The named contractions, and which loop indexes which dimension of their operands."""

from __future__ import annotations

from typing import Final

from ..bindings import ir, linalg

CONTRACTIONS: Final = ("linalg.matmul", "linalg.batch_matmul")
"""The named contractions that are tiled and lowered to packed kernels."""


def operand_dims(op: ir.Operation) -> list[list[str]]:
    """Return, for A, B and C of a `linalg.matmul` or `linalg.batch_matmul`, the loop of each dimension: `d0`, ..."""
    return [[str(e) for e in attribute.value.results] for attribute in linalg.get_indexing_maps(op)]


def canonical_dims(op: ir.Operation) -> list[list[str]]:
    """Return what `operand_dims` is for operands ([batch,] m, k), ([batch,] k, n) and ([batch,] m, n)."""
    batch = ["d0"] if op.name == "linalg.batch_matmul" else []
    m, n, k = (f"d{len(batch) + i}" for i in range(3))
    return [[*batch, m, k], [*batch, k, n], [*batch, m, n]]


def is_permuted(op: ir.Operation) -> bool:
    """Return whether each operand has all its dimensions, in whatever order; maps may leave some out to broadcast."""
    return [sorted(dims) for dims in operand_dims(op)] == [sorted(dims) for dims in canonical_dims(op)]


def depth_of(op: ir.Operation) -> int:
    """Return how many products an element of the result on memrefs is the sum of, -1 where that is not known."""
    depth = operand_dims(op)[0].index(canonical_dims(op)[0][-1])
    type_ = ir.MemRefType(op.operands[0].type)
    return -1 if type_.is_dynamic_dim(depth) else type_.get_dim_size(depth)
