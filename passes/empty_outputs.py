"""Write to a tensor of its own, where an operation would write to what it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import arith, ir, tensor
from .base import Pass, PassContext
from .walk import find


@dataclass(frozen=True)
class EmptyOutputs(Pass):
    """Give a `linalg.generic` whose output is one of its inputs, and not read as output, an empty tensor for it.

    `convert-elementwise-to-linalg` takes an operand for the output, for want of a better tensor. The operand has other
    readers, as the operation itself: it would be copied first, and the operation not be fused with its producer.
    """

    name: ClassVar[str] = "empty-outputs"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Visit every `linalg.generic`."""
        for generic in find(op, lambda inner: inner.name == "linalg.generic"):
            inputs = list(generic.opview.inputs)
            read = generic.regions[0].blocks[0].arguments
            for number in range(len(inputs), len(generic.operands)):
                output = generic.operands[number]
                if output in inputs and isinstance(output.type, ir.RankedTensorType) and not list(read[number].uses):
                    with ir.InsertionPoint(generic), generic.location:
                        generic.operands[number] = _empty_like(output)
                    ctx.count("outputs emptied")


def _empty_like(value: ir.Value) -> ir.Value:
    """Return an empty tensor of the type of `value`, and of its sizes."""
    type_ = ir.RankedTensorType(value.type)
    sizes: list[int | ir.Value] = []
    for dim in range(type_.rank):
        if type_.is_dynamic_dim(dim):
            number = arith.ConstantOp(ir.IndexType.get(), dim).result
            sizes.append(tensor.DimOp(value, number).result)
        else:
            sizes.append(type_.get_dim_size(dim))
    return tensor.EmptyOp(sizes, type_.element_type).result
