"""Attention of one query row, as a step of decoding has it: K and V are read once and in place, bound by memory.

blocks of a vector of keys
  the products of each key with the query, lanes of the depth summed at the end of the block by rounds of shuffles
  scale, add the mask, keep the running maximum, store to the row of scores
exponentials and their sum
keys, a few at a time with accumulators of their own: weight times the row of V
"""

from __future__ import annotations

from collections.abc import Sequence

from ..bindings import arith, ir, memref, scf, vector
from .attention_parts import Emitter, ceil_div
from .structured import index, summed

ACCUMULATORS = 16
"""Vectors that the loop over V carries, so that its additions do not wait for one another."""
BYTES_AHEAD = 16384
"""How far ahead of what is read lines are fetched: it takes the work on so many bytes for one to come from memory."""
TO_L2 = 2
"""The locality of a prefetch into the second-level cache, which has room for more that is on its way than the first."""
LINE_BYTES = 64


def emit_row(e: Emitter, scores: ir.Value) -> None:
    """Emit the body for one query row at the current insertion point."""
    maxima = e.row_maxima([_scores(e, scores)])
    factors = e.exponentials(scores, maxima, index(e.kernel.keys))
    totals = _weighted_values(e, scores)
    if factors:
        totals = [arith.mulf(total, e.broadcast(factors[0])) for total in totals]
    e.store(index(0), e.starts(e.kernel.columns), totals)


def _scores(e: Emitter, scores: ir.Value) -> ir.Value:
    """Emit the scores; return the running maximum, a vector."""
    k = e.kernel
    query = [k.scores.left(value) for _, value in e.row(e.queries, index(0), k.depth)]
    blocks = scf.ForOp(index(0), index(k.keys), index(e.length), [e.splat(float("-inf"))])
    with ir.InsertionPoint(blocks.body):
        first = blocks.induction_variable
        # Keys beyond the last are copies of it, and their scores are cut off.
        keys = [e.at_most(arith.addi(first, index(i)), k.keys - 1) for i in range(e.length)]
        lanes = None if k.keys % e.length == 0 else e.lanes_before(first, k.keys)
        partial = []
        for key in keys:
            # Between the products: of all a block's prefetches at once the last would hold up what is computed beside.
            _prefetch(e, e.keys, key, k.depth)
            partial.append(_dot(e, query, key))
        value = e.finished_score(summed(partial), index(0), first, lanes)
        vector.store(value, scores, [index(0), first])
        scf.YieldOp([e.greater(value, blocks.inner_iter_args[0])])
    result: ir.Value = blocks.results[0]
    return result


def _dot(e: Emitter, query: Sequence[ir.Value], key: ir.Value) -> ir.Value:
    """Emit the partial sums of the product of the query with one key."""
    total = e.splat(0.0)
    k = e.kernel
    for (column, value), part in zip(e.row(e.keys, key, k.depth), query, strict=True):
        inside = min(e.length, k.depth - column)
        total = k.scores.multiply_add(part, k.scores.right(value), total, e.first_lanes(inside))
    return total


def _weighted_values(e: Emitter, scores: ir.Value) -> list[ir.Value]:
    k = e.kernel
    vectors = ceil_div(k.columns, e.length)
    together = max(1, min(ACCUMULATORS // vectors, k.keys))
    whole = k.keys // together * together
    several = scf.ForOp(index(0), index(whole), index(together), [e.splat(0.0)] * (vectors * together))
    with ir.InsertionPoint(several.body):
        keys = [arith.addi(several.induction_variable, index(i)) for i in range(together)]
        carried = list(several.inner_iter_args)
        parts = [carried[i * vectors : (i + 1) * vectors] for i in range(together)]
        scf.YieldOp([total for key, part in zip(keys, parts, strict=True) for total in _add_key(e, scores, key, part)])
    totals = list(several.results)[:vectors]
    for i in range(1, together):
        added = list(several.results)[i * vectors : (i + 1) * vectors]
        totals = [arith.addf(a, b) for a, b in zip(totals, added, strict=True)]
    for key in range(whole, k.keys):
        totals = _add_key(e, scores, index(key), totals)
    return totals


def _add_key(e: Emitter, scores: ir.Value, key: ir.Value, totals: Sequence[ir.Value]) -> list[ir.Value]:
    k = e.kernel
    _prefetch(e, e.values, key, k.columns)
    weight = e.broadcast(memref.load(scores, [index(0), key]))
    rows = e.row(e.values, key, k.columns)
    return [
        k.result.multiply_add(weight, k.result.right(value), total)
        for (_, value), total in zip(rows, totals, strict=True)
    ]


def _prefetch(e: Emitter, matrix: ir.Value, key: ir.Value, columns: int) -> None:
    """Emit the prefetch of a row that is read soon after that of `key`, of K or V."""
    size = 4
    ahead = max(1, BYTES_AHEAD // (columns * size))
    later = e.at_most(arith.addi(key, index(ahead)), e.kernel.keys - 1)
    for column in range(0, columns, LINE_BYTES // size):
        memref.prefetch(matrix, [later, index(column)], False, TO_L2, True)
