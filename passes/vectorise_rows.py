"""Compute rows a vector at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import ir
from .base import Pass, PassContext, option
from .outline_kernels import PARALLEL_ATTRIBUTE
from .row_loops import RowLoop, row_loop
from .row_nests import split_nest
from .row_pairs import pair_rows
from .row_vectors import RowEmitter
from .walk import find

ITERATIONS_ATTRIBUTE = "slipstick.iterations"
"""On a kernel: how many elements its loops along rows work on; for what judges kernels by their loops."""
_FEWEST = 4
_COLUMNS = 8
"""How many columns, results among them, are read and written in vectors of full width."""


@dataclass(frozen=True)
class VectoriseRows(Pass):
    """Turn the loops along a row, in kernels over rows and in element-wise kernels, into vector code.

    Rewritten is, in the functions that `outline-kernels` made, each `linalg.generic` on memrefs with one loop, or with
    parallel ones alone: what `fuse-rows` and `fuse-elementwise` made of LayerNorm, softmax, GELU and the like. Rows
    that an `scf.forall` computes are taken in pairs. Up to 16 registers of a row stand in a line without a loop, so
    that LLVM keeps them in registers from one operation to the next; longer rows are loops over wide vectors, which
    LLVM splits operation by operation. The last vector of a row is masked: there are no scalar tails. A maximum that
    keeps NaN is taken in two parts, unless `nan-maximum` says that it is one instruction. Where a row is divided by one
    number, in f32, it is multiplied by its inverse: within 1.5 units in the last place.
    """

    name: ClassVar[str] = "vectorise-rows"
    vector_bits: int = option(256, "width of a vector register, in bits")
    registers: int = option(2, "registers of a wide vector at most, a power of two")
    nan_maximum: bool = option(False, "a maximum that keeps NaN is one instruction")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite the operations of each kernel."""
        if self.vector_bits < 32 or self.vector_bits & (self.vector_bits - 1):
            raise ctx.fail(op, f"vector-bits: expected a power of two from 32 on, found {self.vector_bits}")
        if self.registers < 1 or self.registers & (self.registers - 1):
            raise ctx.fail(op, f"registers: expected a power of two, found {self.registers}")
        for function in find(op, lambda inner: PARALLEL_ATTRIBUTE in inner.attributes):
            generics = find(function, lambda inner: inner.name == "linalg.generic")
            elements = sum(_elements(inner) for inner in generics)
            for inner in generics:
                split_nest(inner, self.vector_bits // 32)
            for loop in find(function, lambda inner: inner.name == "scf.forall"):
                if any(_is_row(view.operation) for view in loop.regions[0].blocks[0].operations):
                    pair_rows(loop)
            rows = [form for form in map(row_loop, find(function, _is_row)) if form is not None]
            for row in rows:
                self._emit(row)
                ctx.count("loops turned into vectors")
            if rows:
                count = ir.IntegerAttr.get(ir.IntegerType.get_signless(64, op.context), elements)
                function.attributes[ITERATIONS_ATTRIBUTE] = count

    def _emit(self, row: RowLoop) -> None:
        # As many lanes as f32 has in a register, where not all elements are wider.
        lanes = min(self.vector_bits // max(32, min(row.widths)), _power_of_two(row.length))
        wide = min(lanes * self._registers(row), _power_of_two(row.length))
        with ir.InsertionPoint(row.op), row.op.location:
            RowEmitter(row, lanes, wide, not self.nan_maximum).emit()
        row.op.erase()

    def _registers(self, row: RowLoop) -> int:
        """Return the registers of a wide vector: of many columns fewer, as one of each is in work at a time."""
        columns = sum(1 for along in row.along if along)
        return (
            max(1, min(self.registers, _power_of_two(_COLUMNS * self.registers // columns)))
            if columns
            else self.registers
        )


def _is_row(op: ir.Operation) -> bool:
    """Return whether `op` is a loop along a row long enough for vectors."""
    form = row_loop(op)
    return form is not None and form.length >= _FEWEST


def _power_of_two(number: int) -> int:
    """Return the greatest power of two that is not above `number`."""
    return int(1 << (number.bit_length() - 1))


def _elements(op: ir.Operation) -> int:
    """Return how many iterations `op` has with the loop over rows around it; sizes that are not known count as one."""
    dynamic = ir.ShapedType.get_dynamic_size()
    shapes = (value.type.shape for value in op.operands if isinstance(value.type, ir.MemRefType))
    count: int = max(math.prod(size for size in shape if size != dynamic) for shape in shapes)
    around = op.parent
    if around is not None and around.name == "scf.forall":
        view = around.opview
        bounds = zip(view.staticLowerBound, view.staticUpperBound, view.staticStep, strict=True)
        count *= math.prod(-(-(top - low) // step) for low, top, step in bounds if dynamic not in (low, top, step))
    return count
