"""Counts floating-point multiplies: how many stand in the IR and how many one call executes, by scope of L-Mul.

A multiply is `arith.mulf`, `math.fma`, `vector.fma`, a vector contraction or product reduction, or what the body of a
named linalg operation holds; `passes/lmul_scope.py` says which and to what scope each belongs. An operation on vectors
or tensors executes once for each element. Divisions, exponentials and what they lower to later are not multiplies here.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal, get_args

from ..bindings import ir
from ..errors import ArgumentError
from .base import Pass, PassContext, option
from .iteration_counts import IterationCounts, Sizes
from .lmul_scope import MARK, ScopeClass, element_type, multiplies, scope_of, structured_op


@dataclass(frozen=True)
class MultiplyCount:
    """The multiplies of one scope, one type and one treatment."""

    scope: ScopeClass
    type: str
    """The float type, by MLIR's name."""
    lmul: bool
    """Whether they carry L-Mul's mark, and are to become integer additions."""
    operations: int
    """Operations in the IR."""
    executions: int
    """Multiplies that one call executes, as far as they can be told."""
    untold: int
    """Operations whose executions cannot be told; `executions` leaves them out."""


@dataclass(frozen=True)
class MultiplyCounts:
    """All multiplies of a module."""

    counts: tuple[MultiplyCount, ...]

    def select(self, *, scope: ScopeClass | None = None, lmul: bool | None = None) -> MultiplyCounts:
        """Return the counts of one scope, or of marked (`lmul=True`) or unmarked multiplies only."""
        chosen = (c for c in self.counts if scope in (None, c.scope) and lmul in (None, c.lmul))
        return replace(self, counts=tuple(chosen))

    @property
    def operations(self) -> int:
        """Operations in the IR."""
        return sum(count.operations for count in self.counts)

    @property
    def executions(self) -> int:
        """Multiplies that one call executes, without those of the `untold` operations."""
        return sum(count.executions for count in self.counts)

    @property
    def untold(self) -> int:
        """Operations whose executions cannot be told."""
        return sum(count.untold for count in self.counts)

    def as_dict(self) -> dict[str, Any]:
        """Return totals, totals of each scope and all counts, for JSON."""
        return {
            **_totals(self),
            "lmul": _totals(self.select(lmul=True)),
            "scopes": {scope: _totals(self.select(scope=scope)) for scope in get_args(ScopeClass)},
            "counts": [asdict(count) for count in self.counts],
        }


def count_multiplies(module: ir.Module | ir.Operation, sizes: Sizes | None = None) -> MultiplyCounts:
    """Count the float multiplies of `module`; `sizes` gives the entry's arguments sizes that their types leave open."""
    root = module.operation
    iterations = IterationCounts(root, sizes)
    operations: dict[tuple[ScopeClass, str, bool], list[int | None]] = defaultdict(list)
    for multiply in multiplies(root):
        key = (scope_of(multiply), str(element_type(_result_type(multiply))), _is_marked(multiply))
        operations[key].append(_executions(multiply, iterations))
    return MultiplyCounts(
        tuple(
            MultiplyCount(*key, len(times), sum(t for t in times if t is not None), times.count(None))
            for key, times in sorted(operations.items())
        )
    )


def parse_sizes(items: Iterable[str]) -> dict[int, tuple[int, ...]]:
    """Read sizes written as `argument:AxBxC`, e.g. `0:8x64`. Raises ArgumentError for anything else."""
    sizes: dict[int, tuple[int, ...]] = {}
    for item in items:
        number, colon, shape = item.partition(":")
        parts = shape.split("x")
        if not colon or not all(part.isascii() and part.isdigit() for part in (number, *parts)):
            raise ArgumentError(f"sizes: expected an argument's number and its sizes, as in 0:8x64, found {item!r}")
        sizes[int(number)] = tuple(int(part) for part in parts)
    return sizes


@dataclass(frozen=True)
class CountMultiplies(Pass):
    """Count float multiplies, in the IR and in one call, by scope of L-Mul; changes nothing.

    The counts are remarks: a line for each scope, or one line of JSON. Sizes that the types of the entry's arguments
    leave open can be given by argument number: `count-multiplies{sizes=0:8x64,1:8x64}`.
    """

    name: ClassVar[str] = "count-multiplies"
    format: Literal["text", "json"] = option("text", "a remark for each scope, or one that is JSON")
    sizes: tuple[str, ...] = option((), "sizes of the entry's arguments, as in 0:8x64")

    def __post_init__(self) -> None:
        parse_sizes(self.sizes)

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Emit the counts of `op` as remarks and statistics."""
        counts = count_multiplies(op, parse_sizes(self.sizes))
        ctx.count("multiplies", counts.operations)
        ctx.count("multiplies executed", counts.executions)
        if self.format == "json":
            ctx.remark(op, json.dumps(counts.as_dict()))
            return
        for scope in get_args(ScopeClass):
            ctx.remark(op, f"{scope}: {_text(counts.select(scope=scope))}")
        ctx.remark(op, f"all: {_text(counts)}")


def _text(counts: MultiplyCounts) -> str:
    marked = counts.select(lmul=True)
    text = f"{counts.operations} multiplies, {counts.executions} executed a call"
    if marked.operations:
        text += f"; of these with L-Mul {marked.operations}, {marked.executions} executed"
    if counts.untold:
        text += f"; {counts.untold} more often than can be told"
    return text


def _totals(counts: MultiplyCounts) -> dict[str, int]:
    return {"operations": counts.operations, "executions": counts.executions, "untold": counts.untold}


def _is_marked(multiply: ir.Operation) -> bool:
    holder = structured_op(multiply)
    return MARK in multiply.attributes or (holder is not None and MARK in holder.attributes)


def _result_type(multiply: ir.Operation) -> ir.Type:
    results = list(multiply.results)
    return results[0].type if results else multiply.operands[0].type


def _executions(multiply: ir.Operation, iterations: IterationCounts) -> int | None:
    outside = iterations.executions(multiply)
    inside = _products(multiply, iterations)
    if outside == 0 or inside == 0:
        return 0
    return None if outside is None or inside is None else outside * inside


def _products(multiply: ir.Operation, iterations: IterationCounts) -> int | None:
    """Return how many products one execution computes."""
    operands = list(multiply.operands)
    match multiply.name:
        case "arith.mulf" | "math.fma" | "vector.fma" | "vector.outerproduct":
            return iterations.elements(multiply.results[0])
        case "vector.contract":
            sizes: dict[int, int | None] = {}
            maps = [ir.AffineMapAttr(attribute).value for attribute in multiply.attributes["indexing_maps"]]
            for operand, map_ in zip(operands[:2], maps[:2], strict=True):
                for number, expression in enumerate(map_.results):
                    sizes[ir.AffineDimExpr(expression).position] = iterations.dimension(operand, number)
            total = 1
            for size in sizes.values():
                if size is None:
                    return None
                total *= size
            return total
        case "vector.reduction":
            elements = iterations.elements(operands[0])
            return None if elements is None else elements - (len(operands) == 1)
        case _:
            return None
