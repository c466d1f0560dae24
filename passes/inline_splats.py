"""Read no tensor whose elements are all one constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import arith, ir, linalg
from ..kernels.epilogue import EPILOGUE_ATTRIBUTE
from .base import Pass, PassContext
from .values import constant
from .walk import find


@dataclass(frozen=True)
class InlineSplats(Pass):
    """Use the number itself where a `linalg.generic` reads a constant tensor that holds it everywhere.

    Such a tensor, of `torch.full` say, would lie in memory and be read from there, element by element. It stays where
    its shape alone says how often a loop runs.
    """

    name: ClassVar[str] = "inline-splats"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Visit every `linalg.generic`."""
        for generic in find(op, lambda inner: inner.name == "linalg.generic"):
            if EPILOGUE_ATTRIBUTE in generic.attributes:
                continue  # has the form that a kernel wants
            numbers = _splats(generic)
            if numbers:
                _inline(generic, numbers)
                ctx.count("splats inlined", len(numbers))


def _splats(op: ir.Operation) -> dict[int, ir.TypedAttr]:
    """Return the constant of each input that is one everywhere and not needed for the sizes of loops."""
    maps = [attribute.value for attribute in op.attributes["indexing_maps"]]
    found: dict[int, ir.TypedAttr] = {}
    for number in range(len(op.opview.inputs)):
        value = constant(op.operands[number])
        if isinstance(value, ir.DenseElementsAttr) and value.is_splat:
            left = [map_ for place, map_ in enumerate(maps) if place != number and place not in found]
            if _sized(left, maps[0].n_dims):
                found[number] = value.get_splat_value()
    return found


def _sized(maps: list[ir.AffineMap], loops: int) -> bool:
    """Return whether operands that are read through these maps say how often each loop runs."""
    return len({e.position for m in maps for e in m.results if isinstance(e, ir.AffineDimExpr)}) == loops


def _inline(op: ir.Operation, numbers: dict[int, ir.TypedAttr]) -> None:
    """Replace `op` by one that does not read the inputs of these numbers."""
    inputs = len(op.opview.inputs)
    operands, maps = list(op.operands), list(op.attributes["indexing_maps"])
    kept = [number for number in range(inputs) if number not in numbers]
    with ir.InsertionPoint(op), op.location:
        values = {number: arith.ConstantOp(value.type, value).result for number, value in numbers.items()}
        again = linalg.GenericOp(
            [result.type for result in op.results],
            [operands[number] for number in kept],
            operands[inputs:],
            ir.ArrayAttr.get([maps[number] for number in kept] + maps[inputs:]),
            op.attributes["iterator_types"],
        ).operation
    for name in op.attributes:
        if name.startswith("slipstick."):
            again.attributes[name] = op.attributes[name]
    block = op.regions[0].blocks[0]
    for number, value in values.items():
        block.arguments[number].replace_all_uses_with(value)
    for number in sorted(numbers, reverse=True):
        block.erase_argument(number)
    block.append_to(again.regions[0])
    for old, new in zip(op.results, again.results, strict=True):
        old.replace_all_uses_with(new)
    op.erase()
