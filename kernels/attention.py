"""Attention as one kernel: softmax(scale · Q Kᵀ + mask) V for one head, the matrix of scores never made.

    func @name(Q[T, D], K[S, D], V[S, W], O[T, W] [, mask[T, S]], packed K, packed V, scores)

    pack K as panels of keys [panel][depth][keys], V as [S][columns in whole vectors]          (once a head)
    tiles of query rows
      panels of keys, those that the causal mask hides left out
        one loop over the depth that carries the register tile of scores
        scale, add the mask, keep the running maximum of each row, store to the rows of scores
      exponentials and their sums, over the rows of scores                                     (a few rows: in L1 or L2)
      tiles of columns of V: one loop over the keys that carries the register tile
        divide by the sums, store to O

A row whose visible keys are all masked has its weight on the others, as a mask of the least finite number lays it: the
hidden panels of its tile are computed after all. Ragged sizes are padded while packing or masked, there are no scalar
loops. What one query row takes is in `attention_row.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ..bindings import arith, func, ir, memref, scf, vector
from .attention_parts import MASKED, AttentionKernel, Emitter, ceil_div
from .attention_row import emit_row
from .structured import branch, index, loop, transposed


def emit_attention(body: ir.Block, name: str, kernel: AttentionKernel) -> func.FuncOp:
    """Append the function of `kernel` to a module's body and return it; its types are `kernel.argument_types`."""
    with ir.InsertionPoint(body), ir.Location.name(name):
        function = func.FuncOp(name, (kernel.argument_types(), []), visibility="private")
        entry = function.add_entry_block()
    with ir.InsertionPoint(entry), ir.Location.name(name):
        arguments = list(entry.arguments)
        queries, keys, values, output, *scratch = arguments
        mask = scratch.pop(0) if kernel.has_mask else None
        emitter = Emitter(kernel, queries, keys, values, output, mask)
        if kernel.rows == 1:
            emit_row(emitter, *scratch)
        else:
            _Tiles(emitter, *scratch).emit()
        func.ReturnOp([])
    return function


class _Tiles:
    """Emits the body for several query rows at the current insertion point."""

    def __init__(self, emitter: Emitter, packed_k: ir.Value, packed_v: ir.Value, scores: ir.Value):
        self.e, self.k = emitter, emitter.kernel
        self.packed_k, self.packed_v, self.scores = packed_k, packed_v, scores
        self.height, self.width = self.k.schedule.tile_rows, self.k.schedule.tile_columns
        self.length = self.k.schedule.vector_length
        q_type = ir.MemRefType.get([self.height, self.e.padded(self.k.depth)], self.e.element)
        self.packed_q = memref.alloca(q_type, [], [], alignment=64)

    def emit(self) -> None:
        """Emit the whole kernel."""
        self.pack_keys()
        self.pack_values()
        for row in loop(index(0), index(self.k.rows), self.height):
            # Rows beyond the last are copies of it; they are not stored.
            rows = [self.e.at_most(arith.addi(row, index(i)), self.k.rows - 1) for i in range(self.height)]
            self.pack_queries(rows)
            maxima, panels = self.all_scores(row, rows)
            visible = self.e.at_most(arith.muli(panels, index(self.width)), self.k.keys)
            factors = self.e.exponentials(self.scores, maxima, visible)
            self.weighted_values(row, visible, factors)

    def pack_keys(self) -> None:
        """Pack K as panels, keys beyond the last as copies of it: squares are turned in registers."""
        length = self.length
        whole = self.k.depth // length * length
        for panel in loop(index(0), index(ceil_div(self.k.keys, self.width))):
            for column in range(0, self.width, length):
                first = arith.addi(arith.muli(panel, index(self.width)), index(column))
                keys = [self.e.at_most(arith.addi(first, index(i)), self.k.keys - 1) for i in range(length)]
                for depth in loop(index(0), index(whole), length):
                    square = [vector.load(self.e.vector, self.e.keys, [key, depth]) for key in keys]
                    for i, turned in enumerate(transposed(square)):
                        at = [panel, arith.addi(depth, index(i)), index(column)]
                        vector.store(self.k.scores.right(turned), self.packed_k, at)
                if whole < self.k.depth:
                    square = [self.e.load_end(self.e.keys, key, whole, self.k.depth) for key in keys]
                    for i, turned in enumerate(transposed(square)[: self.k.depth - whole]):
                        at = [panel, index(whole + i), index(column)]
                        vector.store(self.k.scores.right(turned), self.packed_k, at)

    def pack_values(self) -> None:
        for key in loop(index(0), index(self.k.keys)):
            for column, value in self.e.row(self.e.values, key, self.k.columns):
                vector.store(self.k.result.right(value), self.packed_v, [key, index(column)])

    def pack_queries(self, rows: Sequence[ir.Value]) -> None:
        for i, row in enumerate(rows):
            for column, value in self.e.row(self.e.queries, row, self.k.depth):
                vector.store(self.k.scores.left(value), self.packed_q, [index(i), index(column)])

    def all_scores(self, row: ir.Value, rows: Sequence[ir.Value]) -> tuple[list[ir.Value], ir.Value]:
        """Emit the scores of a tile of rows; return the maximum of each and the number of panels computed."""
        every = index(ceil_div(self.k.keys, self.width))
        start = [self.e.splat(float("-inf"))] * self.height
        if self.k.causal is None:
            return self.e.row_maxima(self.panels(index(0), every, rows, start)), every
        last = arith.addi(row, index(self.height - 1 + self.k.causal))
        seen = arith.maxsi(arith.addi(last, index(1)), index(1))
        needed = arith.minsi(arith.ceildivsi(seen, index(self.width)), every)
        maxima = self.panels(index(0), needed, rows, start)
        lowest = self.e.row_maxima(maxima)
        if not self.k.has_mask:
            return lowest, needed
        threshold = self.e.scalar(MASKED)
        none_seen = [arith.cmpf(arith.CmpFPredicate.OLT, value, threshold) for value in lowest]
        hidden = none_seen[0]
        for other in none_seen[1:]:
            hidden = arith.ori(hidden, other)
        results = branch(
            hidden,
            [*[self.e.element] * self.height, ir.IndexType.get()],
            lambda: [*self.e.row_maxima(self.panels(needed, every, rows, maxima)), every],
            lambda: [*lowest, needed],
        )
        return results[:-1], results[-1]

    def panels(
        self, first: ir.Value, end: ir.Value, rows: Sequence[ir.Value], start: Sequence[ir.Value]
    ) -> list[ir.Value]:
        """Emit the scores of panels `first` to `end`; return the running maxima, a vector for each row."""
        panels = scf.ForOp(first, end, index(1), list(start))
        with ir.InsertionPoint(panels.body):
            panel = panels.induction_variable
            products = self.panel_products(panel)
            maxima = list(panels.inner_iter_args)
            for column in range(0, self.width, self.length):
                key = arith.addi(arith.muli(panel, index(self.width)), index(column))
                lanes = None if self.k.keys % self.width == 0 else self.e.lanes_before(key, self.k.keys)
                for i in range(self.height):
                    value = products[i * (self.width // self.length) + column // self.length]
                    value = self.e.finished_score(value, rows[i], key, lanes)
                    vector.store(value, self.scores, [index(i), key])
                    maxima[i] = self.e.greater(value, maxima[i])
            scf.YieldOp(maxima)
        return list(panels.results)

    def panel_products(self, panel: ir.Value) -> list[ir.Value]:
        """Emit the loop over the depth that carries the register tile."""
        offsets = range(0, self.width, self.length)
        product = scf.ForOp(index(0), index(self.k.depth), index(1), [self.e.splat(0.0)] * (self.height * len(offsets)))
        with ir.InsertionPoint(product.body):
            depth = product.induction_variable
            keys = [vector.load(self.e.vector, self.packed_k, [panel, depth, index(j)]) for j in offsets]
            accumulators = iter(product.inner_iter_args)
            updated = []
            for i in range(self.height):
                query = self.e.broadcast(memref.load(self.packed_q, [index(i), depth]))
                updated += [self.k.scores.multiply_add(query, key, next(accumulators)) for key in keys]
            scf.YieldOp(updated)
        return list(product.results)

    def weighted_values(self, row: ir.Value, visible: ir.Value, factors: Sequence[ir.Value]) -> None:
        """Emit the product of the weights with V and store it, divided by the sums."""
        vectors = ceil_div(self.k.columns, self.length)
        chunks = ceil_div(vectors, self.width // self.length)
        starts = [vectors * chunk // chunks for chunk in range(chunks + 1)]
        for first, end in pairwise(starts):
            columns = [number * self.length for number in range(first, end)]
            totals = iter(self.chunk(columns, visible))
            for i in range(self.height):
                values = [next(totals) for _ in columns]
                if factors:
                    values = [arith.mulf(value, self.e.broadcast(factors[i])) for value in values]
                self.store(arith.addi(row, index(i)), columns, values)

    def chunk(self, columns: Sequence[int], visible: ir.Value) -> list[ir.Value]:
        product = scf.ForOp(index(0), visible, index(1), [self.e.splat(0.0)] * (self.height * len(columns)))
        with ir.InsertionPoint(product.body):
            key = product.induction_variable
            values = [vector.load(self.e.vector, self.packed_v, [key, index(column)]) for column in columns]
            accumulators = iter(product.inner_iter_args)
            updated = []
            for i in range(self.height):
                weight = self.e.broadcast(memref.load(self.scores, [index(i), key]))
                updated += [self.k.result.multiply_add(weight, value, next(accumulators)) for value in values]
            scf.YieldOp(updated)
        return list(product.results)

    def store(self, row: ir.Value, columns: Sequence[int], values: Sequence[ir.Value]) -> None:
        """Store vectors of a row of the result, if it is one."""
        if self.k.rows % self.height == 0:
            self.e.store(row, columns, values)
            return
        inside = scf.IfOp(arith.cmpi(arith.CmpIPredicate.slt, row, index(self.k.rows)))
        with ir.InsertionPoint(inside.then_block):
            self.e.store(row, columns, values)
            scf.YieldOp([])
