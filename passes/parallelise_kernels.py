"""Spread the outer loop of outlined kernels over threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import func, ir, scf
from .base import Pass, PassContext, option
from .outline_kernels import PARALLEL_ATTRIBUTE
from .values import constant, trip_count
from .vectorise_rows import ITERATIONS_ATTRIBUTE


@dataclass(frozen=True)
class ParalleliseKernels(Pass):
    """Make the outermost loop of a kernel that `outline-kernels` made an `scf.parallel`, where there is work enough.

    Only loops that were parallel in the linalg operation are taken, those of one iteration passed over. Sizes that
    are not known count as large.
    """

    name: ClassVar[str] = "parallelise-kernels"
    anchor: ClassVar[str | None] = "builtin.module"
    min_iterations: int = option(16384, "iterations of the whole nest below which a kernel stays sequential")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Visit each function with the attribute `slipstick.parallel_loops`."""
        for function in op.regions[0].blocks[0].operations:
            if isinstance(function, func.FuncOp) and PARALLEL_ATTRIBUTE in function.attributes:
                self._parallelise(function, function.attributes[PARALLEL_ATTRIBUTE].value, ctx)

    def _parallelise(self, function: func.FuncOp, candidates: int, ctx: PassContext) -> None:
        block = function.regions[0].blocks[0]
        known = function.attributes[ITERATIONS_ATTRIBUTE].value if ITERATIONS_ATTRIBUTE in function.attributes else 0
        if max(known, self._iterations(block)) < self.min_iterations:
            return
        # `candidates` counts no loop of one iteration: canonicalisation has taken such loops out, or may have.
        loops = [loop for loop in _nest(function) if _trip_count(loop) != 1]
        for loop in loops[:candidates]:
            if not loop.results:
                _make_parallel(loop)
                ctx.count("loops made parallel")
                return

    def _iterations(self, block: ir.Block) -> int:
        """Return how often the innermost bodies under `block` run, 1 where it has no loop."""
        loops = [view.operation for view in block.operations if view.operation.name == "scf.for"]
        counts = ((_trip_count(loop), self._iterations(loop.regions[0].blocks[0])) for loop in loops)
        return max(1, sum((self.min_iterations if trips is None else trips) * inner for trips, inner in counts))


def _nest(function: func.FuncOp) -> list[ir.Operation]:
    """Return the loops of the function from outside in, as far as each holds one loop at most."""
    loops: list[ir.Operation] = []
    block = function.regions[0].blocks[0]
    while True:
        inner = [o.operation for o in block.operations if o.operation.name == "scf.for"]
        if len(inner) != 1:
            return loops
        loops.append(inner[0])
        block = inner[0].regions[0].blocks[0]


def _trip_count(loop: ir.Operation) -> int | None:
    bounds = (constant(value) for value in list(loop.operands)[:3])
    lower, upper, step = (bound.value if isinstance(bound, ir.IntegerAttr) else None for bound in bounds)
    return trip_count(lower, upper, step)


def _make_parallel(loop: ir.Operation) -> None:
    """Replace a loop that carries nothing by an `scf.parallel` with the same body."""
    lower, upper, step = loop.operands
    body = loop.regions[0].blocks[0]
    with ir.InsertionPoint(loop), loop.location:
        parallel = scf.ParallelOp([], [lower], [upper], [step], [])
        block = parallel.regions[0].blocks.append(lower.type)
        with ir.InsertionPoint(block):
            end = scf.ReduceOp([], 0)
    for operation in list(body.operations)[:-1]:
        operation.operation.move_before(end.operation)
    body.arguments[0].replace_all_uses_with(block.arguments[0])
    loop.erase()
