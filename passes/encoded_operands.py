"""Matrices in a narrow format whose decoding a packed kernel does itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..bindings import func, ir, memref
from ..kernels.weight_emit import WEIGHTS_ATTRIBUTE
from .contraction_dims import canonical_dims, operand_dims
from .values import defining_op
from .walk import find

ADDRESS: Final = "memref.extract_aligned_pointer_as_index"
"""What deallocation asks of buffers where it cannot tell whether two are one."""


@dataclass(frozen=True)
class EncodedMatrix:
    """A buffer that a `linalg.generic` decodes codes into, for contractions alone to read."""

    format: str
    codes: ir.Value
    biases: ir.Value | None
    buffer: ir.Value
    decode: ir.Operation

    def erase(self) -> None:
        """Erase the decoding and the buffer, which no contraction reads any more.

        Where its address is compared with others before it is freed, a buffer of one byte takes its place.
        """
        allocation = self.buffer.owner.operation
        users = [use.owner.operation for use in self.buffer.uses]
        kept = [user for user in users if user.name in (ADDRESS, "memref.dealloc")]
        if all(user.name != ADDRESS for user in kept):
            kept = []
        if kept:
            with ir.InsertionPoint(allocation), allocation.location:
                byte = memref.alloc(ir.MemRefType.get([1], ir.IntegerType.get_signless(8)), [], [])
        for user in users:
            if user in kept:
                user.operands[0] = byte
            else:
                user.erase()
        allocation.erase()


def encoded_matrices(root: ir.Operation, is_packed: Callable[[ir.Operation], bool]) -> list[EncodedMatrix]:
    """Return the decoded buffers under `root` that nothing reads but contractions, for which `is_packed` holds, as B.

    The codes must be arguments of the function that only decoding reads: what they are where the matrix is decoded
    they still are where it is read. Columns of B must be the output channels that biases stand for.
    """
    decodes = find(root, lambda op: WEIGHTS_ATTRIBUTE in op.attributes and op.name == "linalg.generic")
    found = (_encoded(op, is_packed) for op in decodes if not op.results)
    return [matrix for matrix in found if matrix is not None]


def _encoded(decode: ir.Operation, is_packed: Callable[[ir.Operation], bool]) -> EncodedMatrix | None:
    *inputs, buffer = decode.operands
    allocation = defining_op(buffer)
    if allocation is None or allocation.name != "memref.alloc" or not 1 <= len(inputs) <= 2:
        return None
    if not all(_is_constant_argument(value) for value in inputs):
        return None
    codes, *biases = [[str(e) for e in attribute.value.results] for attribute in decode.attributes["indexing_maps"]][
        :-1
    ]
    for use in buffer.uses:
        user = use.owner.operation
        if user == decode or user.name in ("memref.dealloc", ADDRESS):
            continue
        if use.operand_number != 1 or not is_packed(user):
            return None
        if not biases:
            continue
        loops = dict(zip(codes, operand_dims(user)[1], strict=True))
        column = canonical_dims(user)[1][-1]
        if [loops[loop] for loop in biases[0]] != [column]:
            return None
    format = decode.attributes[WEIGHTS_ATTRIBUTE].value
    return EncodedMatrix(format, inputs[0], inputs[1] if biases else None, buffer, decode)


def _is_constant_argument(value: ir.Value) -> bool:
    """Return whether `value` is an argument of a function that nothing reads but decoding, and nothing writes."""
    if not isinstance(value, ir.BlockArgument) or not isinstance(value.owner.owner.opview, func.FuncOp):
        return False
    return all(_only_reads(use.owner.operation, use.operand_number) for use in value.uses)


def _only_reads(op: ir.Operation, operand: int) -> bool:
    if op.name == "memref.dim":
        return True
    return WEIGHTS_ATTRIBUTE in op.attributes and operand < len(op.operands) - 1
