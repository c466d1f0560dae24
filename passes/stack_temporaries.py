"""Keep the temporaries of kernels on the stack."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import func, ir, memref
from .base import Pass, PassContext, option
from .outline_kernels import NOALIAS_ATTRIBUTE, PARALLEL_ATTRIBUTE, is_constant, replace_operands
from .walk import captured, find

ALIGNMENT = 64
"""Bytes: a line of the cache, a vector of AVX-512."""


@dataclass(frozen=True)
class StackTemporaries(Pass):
    """Make each small buffer that a kernel allocates and frees an `memref.alloca`.

    A kernel over rows has temporaries of one row, which are allocated once on entry. Threads must not share them: the
    body of a parallel loop that has temporaries becomes a function, on whose entry they are allocated. A buffer stays
    on the heap where its size is unknown or above `max-bytes`.
    """

    name: ClassVar[str] = "stack-temporaries"
    anchor: ClassVar[str | None] = "builtin.module"
    max_bytes: int = option(65536, "size in bytes above which a temporary stays on the heap")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Visit each function with the attribute `slipstick.parallel_loops`."""
        for function in list(op.regions[0].blocks[0].operations):
            if not isinstance(function, func.FuncOp) or PARALLEL_ATTRIBUTE not in function.attributes:
                continue
            for loop in find(function.operation, lambda inner: inner.name == "scf.parallel"):
                if find(loop, self._is_small):
                    body = _outline_body(loop, function)
                    self._move_all(body, ctx)
                    ctx.count("bodies outlined")
            self._move_all(function, ctx)

    def _move_all(self, function: func.FuncOp, ctx: PassContext) -> None:
        for alloc in find(function.operation, self._is_small):
            with ir.InsertionPoint.at_block_begin(function.regions[0].blocks[0]), alloc.location:
                place = memref.AllocaOp(alloc.results[0].type, [], [], alignment=ALIGNMENT)
            free = _dealloc(alloc)
            assert free is not None
            free.erase()
            alloc.results[0].replace_all_uses_with(place.result)
            alloc.erase()
            ctx.count("temporaries moved")

    def _is_small(self, alloc: ir.Operation) -> bool:
        """Return whether `alloc` is an allocation of a known size up to the limit, freed in its own block."""
        if alloc.name != "memref.alloc":
            return False
        type_ = ir.MemRefType(alloc.results[0].type)
        if not type_.has_static_shape or math.prod(type_.shape) * _bytes(type_.element_type) > self.max_bytes:
            return False
        return _dealloc(alloc) is not None


def _dealloc(alloc: ir.Operation) -> ir.Operation | None:
    """Return the one operation that frees what `alloc` allocates, in the same block; None where it is not so."""
    frees = [use.owner.operation for use in alloc.results[0].uses if use.owner.operation.name == "memref.dealloc"]
    return frees[0] if len(frees) == 1 and frees[0].block == alloc.block else None


def _outline_body(loop: ir.Operation, function: func.FuncOp) -> func.FuncOp:
    """Move the body of an `scf.parallel` without results into a private function that the loop calls."""
    block = loop.regions[0].blocks[0]
    taken = [
        value for value in dict.fromkeys(captured(loop)) if not is_constant(value) and value not in list(loop.operands)
    ]
    arguments = [*block.arguments, *taken]
    with ir.Location.unknown(loop.context), ir.InsertionPoint.after(function.operation):
        row = func.FuncOp(f"{function.name.value}_row", ([v.type for v in arguments], []), visibility="private")
    entry = row.add_entry_block()
    inside = dict(zip(arguments, entry.arguments, strict=True))
    constants = {v for v in captured(loop) if is_constant(v)}
    operations = [view.operation for view in block.operations][:-1]
    with ir.Location.unknown(loop.context), ir.InsertionPoint(entry):
        inside |= {value: value.owner.clone().results[0] for value in constants}
        end = func.ReturnOp([])
    for operation in operations:
        operation.move_before(end.operation)
        replace_operands(operation, inside)
    with ir.InsertionPoint.at_block_begin(block), loop.location:
        func.CallOp([], ir.FlatSymbolRefAttr.get(row.name.value), arguments)
    if NOALIAS_ATTRIBUTE in function.attributes:
        apart = {function.arguments[number] for number in list(function.attributes[NOALIAS_ATTRIBUTE])}
        numbers = [number for number, value in enumerate(arguments) if value in apart]
        row.attributes[NOALIAS_ATTRIBUTE] = ir.DenseI64ArrayAttr.get(numbers, loop.context)
    return row


def _bytes(type_: ir.Type) -> int:
    """Return how many bytes an element takes at most."""
    return 16 if not isinstance(type_, (ir.FloatType, ir.IntegerType)) else -(-int(type_.width) // 8)
