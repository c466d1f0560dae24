"""Add rows to a tensor in place of adding a tensor that holds them among zeros."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from ..bindings import ir
from .base import Pass, PassContext
from .values import constant_lanes, defining_op
from .walk import find

SCATTER: Final = "tm_tensor.scatter"


@dataclass(frozen=True)
class FoldScatterSums(Pass):
    """Scatter into `y` where a `linalg.generic` adds `y` to what a sum scatters into zeros.

    So comes the gradient of a table of embeddings that serves as the language head, too: a matrix product and the few
    rows that were looked up, in a tensor of zeros as large as the table. Scattered into the product the rows are all
    that is read and written. Folded are `tm_tensor.scatter`s of one use that add, into a tensor of zeros: a constant,
    or `linalg.fill`.
    """

    name: ClassVar[str] = "fold-scatter-sums"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Visit each sum of two tensors; one scatter into another's result is found when that was folded before."""
        for sum_ in find(op, _is_sum):
            for number in (0, 1):
                scatter = defining_op(sum_.operands[number])
                if scatter is not None and _adds_to_zeros(scatter):
                    _fold(sum_, scatter, sum_.operands[1 - number])
                    ctx.count("sums folded")
                    break


def _is_sum(op: ir.Operation) -> bool:
    """Tell whether `op` adds two tensors of the result's type, element by element."""
    if op.name != "linalg.generic" or len(op.results) != 1 or len(op.operands) != 3:
        return False
    if any(operand.type != op.results[0].type for operand in op.operands):
        return False
    maps = [attribute.value for attribute in op.attributes["indexing_maps"]]
    if any(map_ != ir.AffineMap.get_identity(map_.n_dims, op.context) for map_ in maps):
        return False
    return _adds(op, 0, 1)


def _adds_to_zeros(op: ir.Operation) -> bool:
    """Tell whether `op` adds updates to zeros, and is read once."""
    if op.name != SCATTER or len(list(op.results[0].uses)) != 1 or not _adds(op, 0, 1):
        return False
    start = op.operands[2]
    source = defining_op(start)
    if source is not None and source.name == "linalg.fill":
        start = source.operands[0]
    return constant_lanes(start) == 0


def _adds(op: ir.Operation, *numbers: int) -> bool:
    """Tell whether the body of `op` yields the sum of two of its arguments, and does nothing else."""
    block = op.regions[0].blocks[0]
    body = [inner.operation for inner in block.operations]
    if len(body) != 2 or body[0].name not in ("arith.addf", "arith.addi"):
        return False
    added = list(body[0].operands)
    wanted = [block.arguments[number] for number in numbers]
    return list(body[1].operands) == [body[0].results[0]] and added in (wanted, wanted[::-1])


def _fold(sum_: ir.Operation, scatter: ir.Operation, start: ir.Value) -> None:
    """Replace `sum_` by `scatter` into `start`, which may be made behind the scatter as it stands."""
    scatter.move_before(sum_)
    scatter.operands[2] = start
    sum_.results[0].replace_all_uses_with(scatter.results[0])
    sum_.erase()
