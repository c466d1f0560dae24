"""NaN in orders, as torch has it: greatest in a sort and in topk, and the first one is where argmax and argmin point.

torch-mlir's lowerings compare as if there were no NaN: a sort leaves it where it is and orders what lies on either
side of it by itself.
"""

from __future__ import annotations

from ..bindings import arith, ir
from ..passes.walk import find

_EXTREMES = {"arith.maximumf": arith.CmpFPredicate.OGT, "arith.minimumf": arith.CmpFPredicate.OLT}


def order_nan(module: ir.Module) -> None:
    """Mend the comparisons of sorts and of reductions to the place of an extreme, in a module that torch-mlir lowered.

    A value of a sort may stay before another one "if it is less or equal, or the other is NaN"; to a place goes "what
    is greater or NaN, if what is there is not NaN".
    """
    for op in find(module.operation, lambda inner: inner.name in ("tm_tensor.sort", "linalg.generic")):
        block = op.regions[0].blocks[0]
        comparisons = [inner.operation for inner in block.operations if inner.operation.name == "arith.cmpf"]
        for comparison in comparisons:
            if op.name == "tm_tensor.sort":
                _mend_sort(comparison)
            elif _is_place(comparison, block):
                _mend_place(comparison)


def _mend_sort(comparison: ir.Operation) -> None:
    one, other = comparison.operands
    predicate = ir.IntegerAttr(comparison.attributes["predicate"]).value
    ascending = predicate in (arith.CmpFPredicate.OLE, arith.CmpFPredicate.OLT)
    last = other if ascending else one
    with ir.InsertionPoint(comparison), comparison.location:
        stays = arith.cmpf(arith.CmpFPredicate(predicate), one, other)
        mended = arith.ori(stays, arith.cmpf(arith.CmpFPredicate.UNO, last, last))
    comparison.results[0].replace_all_uses_with(mended)
    comparison.erase()


def _is_place(comparison: ir.Operation, block: ir.Block) -> bool:
    """Tell whether a comparison chooses between places, beside the extreme of the very values that it compares."""
    predicate = ir.IntegerAttr(comparison.attributes["predicate"]).value
    operands = list(comparison.operands)
    return any(
        inner.operation.name in _EXTREMES
        and predicate == _EXTREMES[inner.operation.name]
        and list(inner.operation.operands) == operands
        for inner in block.operations
    )


def _mend_place(comparison: ir.Operation) -> None:
    given, there = comparison.operands
    greater = ir.IntegerAttr(comparison.attributes["predicate"]).value == arith.CmpFPredicate.OGT
    predicate = arith.CmpFPredicate.UGT if greater else arith.CmpFPredicate.ULT
    with ir.InsertionPoint(comparison), comparison.location:
        wins = arith.cmpf(predicate, given, there)
        mended = arith.andi(wins, arith.cmpf(arith.CmpFPredicate.ORD, there, there))
    comparison.results[0].replace_all_uses_with(mended)
    comparison.erase()
