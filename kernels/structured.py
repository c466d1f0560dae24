"""Structured control flow at the current insertion point, for the kernels' emitters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..bindings import arith, ir, scf, vector


def index(value: int) -> ir.Value:
    """Return a constant of type index."""
    return arith.constant(ir.IndexType.get(), value)


def equal(value: ir.Value, constant: int) -> ir.Value:
    """Return whether an index equals a constant."""
    return arith.cmpi(arith.CmpIPredicate.eq, value, index(constant))


def loop(lower: ir.Value, upper: ir.Value, step: int = 1) -> Iterator[ir.Value]:
    """Yield the induction variable of a new `scf.for` once, with the insertion point in its body."""
    operation = scf.ForOp(lower, upper, index(step))
    with ir.InsertionPoint(operation.body):
        yield operation.induction_variable
        scf.YieldOp([])


def parallel_loop(count: ir.Value) -> Iterator[ir.Value]:
    """Yield the induction variable of a new `scf.parallel` over [0, count) once, as `loop` does."""
    operation = scf.ParallelOp([], [index(0)], [count], [index(1)], [])
    block = operation.regions[0].blocks.append(ir.IndexType.get())
    with ir.InsertionPoint(block):
        yield block.arguments[0]
        scf.ReduceOp([], 0)


def branch(
    condition: ir.Value,
    results: Sequence[ir.Type],
    then: Callable[[], Sequence[ir.Value] | None],
    otherwise: Callable[[], Sequence[ir.Value] | None],
) -> list[ir.Value]:
    """Emit `scf.if` with both branches, which return what they yield; return its results."""
    operation = scf.IfOp(condition, list(results), has_else=True)
    for block, emit in ((operation.then_block, then), (operation.else_block, otherwise)):
        with ir.InsertionPoint(block):
            scf.YieldOp(list(emit() or []))
    return list(operation.results)


def transposed(rows: Sequence[ir.Value]) -> list[ir.Value]:
    """Return the columns of a square of vectors, a power of two of them, by rounds of interleaving."""
    turned = list(rows)
    count = len(turned)
    for _ in range(count.bit_length() - 1):
        pairs = zip(turned[: count // 2], turned[count // 2 :], strict=True)
        # Of each pair the lower halves of both, lane by lane in turn, then the upper halves.
        turned = [
            vector.ShuffleOp(a, b, [lane + half + side * count for lane in range(count // 2) for side in (0, 1)]).result
            for a, b in pairs
            for half in (0, count // 2)
        ]
    return turned


def summed(rows: Sequence[ir.Value]) -> ir.Value:
    """Return the sums of the lanes of each of a power of two of vectors that are as long, by rounds of interleaving."""
    left = list(rows)
    count = len(left)
    lower = [lane + side * count for lane in range(count // 2) for side in (0, 1)]
    upper = [lane + count // 2 for lane in lower]
    while len(left) > 1:
        pairs = zip(left[: len(left) // 2], left[len(left) // 2 :], strict=True)
        left = [
            arith.addf(vector.ShuffleOp(a, b, lower).result, vector.ShuffleOp(a, b, upper).result) for a, b in pairs
        ]
    return left[0]
