"""Keep hand-made buffers apart from those that bufferisation will make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import bufferization, ir
from .base import Pass, PassContext
from .values import defining_op


@dataclass(frozen=True)
class IsolateBuffers(Pass):
    """Give each `bufferization.to_buffer` a copy of its own, each `to_tensor` of an allocation `restrict writable`.

    torch-mlir's `tm-tensor-bufferize` leaves both behind in tensor code. One-Shot Bufferize takes the last use of a
    tensor to be its `to_buffer`, not the operation that reads the buffer later, and would let others write there in
    between; and it refuses a `to_tensor` that does not say that nothing else views the buffer.
    """

    name: ClassVar[str] = "isolate-buffers"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite both kinds; a `to_tensor` of anything but an allocation is left for bufferisation to refuse."""

        def visit(inner: ir.Operation) -> ir.WalkResult:
            if inner.name == "bufferization.to_tensor":
                source = defining_op(inner.operands[0])
                if source is not None and source.name == "memref.alloc":
                    inner.attributes["restrict"] = ir.UnitAttr.get(inner.context)
                    inner.attributes["writable"] = ir.UnitAttr.get(inner.context)
                    ctx.count("tensors restricted")
            elif inner.name == "bufferization.to_buffer":
                tensor = inner.operands[0]
                with ir.InsertionPoint(inner), inner.location:
                    inner.operands[0] = bufferization.AllocTensorOp(tensor.type, [], copy=tensor).result
                ctx.count("buffers copied")
            return ir.WalkResult.ADVANCE

        op.walk(visit)
