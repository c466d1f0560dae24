"""Keep the temporaries of kernels on the stack."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import func, ir, memref
from .base import Pass, PassContext, option
from .outline_kernels import PARALLEL_ATTRIBUTE
from .walk import find

ALIGNMENT = 64
"""Bytes: a line of the cache, a vector of AVX-512."""


@dataclass(frozen=True)
class StackTemporaries(Pass):
    """Make each small buffer that a kernel allocates and frees an `memref.alloca`.

    A kernel over rows has temporaries of one row. They are allocated once on entry, and for each iteration of a
    parallel loop, whose threads must not share them. A buffer stays on the heap where its size is unknown or above
    `max-bytes`.
    """

    name: ClassVar[str] = "stack-temporaries"
    anchor: ClassVar[str | None] = "builtin.module"
    max_bytes: int = option(65536, "size in bytes above which a temporary stays on the heap")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Visit each function with the attribute `slipstick.parallel_loops`."""
        for function in op.regions[0].blocks[0].operations:
            if isinstance(function, func.FuncOp) and PARALLEL_ATTRIBUTE in function.attributes:
                for alloc in find(function.operation, lambda inner: inner.name == "memref.alloc"):
                    self._move(alloc, function, ctx)

    def _move(self, alloc: ir.Operation, function: func.FuncOp, ctx: PassContext) -> None:
        type_ = ir.MemRefType(alloc.results[0].type)
        frees = [use.owner.operation for use in alloc.results[0].uses if use.owner.operation.name == "memref.dealloc"]
        if not type_.has_static_shape or len(frees) != 1 or frees[0].block != alloc.block:
            return
        if math.prod(type_.shape) * _bytes(type_.element_type) > self.max_bytes:
            return
        with ir.InsertionPoint.at_block_begin(_home(alloc, function)), alloc.location:
            place = memref.AllocaOp(type_, [], [], alignment=ALIGNMENT)
        alloc.results[0].replace_all_uses_with(place.result)
        frees[0].erase()
        alloc.erase()
        ctx.count("temporaries moved")


def _home(op: ir.Operation, function: func.FuncOp) -> ir.Block:
    """Return the body of the innermost parallel loop around `op`, that of the function where there is none."""
    parent = op.parent
    while parent is not None and parent.operation != function.operation:
        if parent.operation.name == "scf.parallel":
            return parent.operation.regions[0].blocks[0]
        parent = parent.operation.parent
    return function.regions[0].blocks[0]


def _bytes(type_: ir.Type) -> int:
    """Return how many bytes an element takes at most."""
    return 16 if not isinstance(type_, (ir.FloatType, ir.IntegerType)) else -(-int(type_.width) // 8)
