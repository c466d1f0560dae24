"""Interleave the work on two rows, so that what waits for the sum of one row leaves room for the other."""

from __future__ import annotations

from ..bindings import arith, ir, scf
from ..kernels.structured import index
from .outline_kernels import replace_operands


def pair_rows(loop: ir.Operation) -> ir.Operation | None:
    """Replace an `scf.forall` on memrefs over an even number of rows by one over pairs; None where it is no such loop.

    Each operation of the body stands there twice, once for each row of the pair, one after the other.
    """
    view = loop.opview
    bounds = [list(numbers) for numbers in (view.staticLowerBound, view.staticUpperBound, view.staticStep)]
    if loop.results or bounds[0] != [0] or bounds[2] != [1] or bounds[1][0] <= 0 or bounds[1][0] % 2:
        return None
    body = loop.regions[0].blocks[0]
    with ir.InsertionPoint(loop), loop.location:
        paired = scf.ForallOp([0], bounds[1], [2], [])
        for name in loop.attributes:
            if name.startswith("slipstick."):
                paired.operation.attributes[name] = loop.attributes[name]
    first = paired.body.arguments[0]
    with ir.InsertionPoint(paired.body):
        with loop.location:
            second = arith.addi(first, index(1))
        rows = [{body.arguments[0]: value} for value in (first, second)]
        for inner in [inner.operation for inner in body.operations][:-1]:
            for values in rows:
                _clone(inner, values)
        with loop.location:
            scf.InParallelOp()
    loop.erase()
    return paired.operation


def _clone(op: ir.Operation, values: dict[ir.Value, ir.Value]) -> None:
    """Clone `op`, whose operands `values` replaces, also in its regions; add its results to `values`."""
    copy = op.clone()
    replace_operands(copy, values)
    values.update(zip(op.results, copy.results, strict=True))
