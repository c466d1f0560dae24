"""What a kernel has to do at least: floating-point operations, and bytes that go in and out."""

from __future__ import annotations

from math import prod

from ...bindings import ir
from ...passes.iteration_counts import IterationCounts
from ...passes.walk import find

_MOVES = frozenset({"arith.constant", "arith.cmpf", "arith.select", "arith.index_cast", "arith.bitcast"})


def work(module: ir.Module) -> tuple[int, int]:
    """Return the float operations of a call of a kernel's module, and the bytes of its arguments and results.

    A multiply-add counts as two, a function such as `exp` as one. Of a table that is looked up, all bytes count.
    """
    counts = IterationCounts(module.operation)
    arithmetic = find(module.operation, _is_arithmetic)
    flops = sum(counts.executions(op) or 0 for op in arithmetic)
    (function,) = find(module.operation, lambda op: op.name == "func.func")
    type_ = function.attributes["function_type"].value
    return flops, sum(_bytes(tensor) for tensor in (*type_.inputs, *type_.results))


def _is_arithmetic(op: ir.Operation) -> bool:
    if not op.name.startswith(("arith.", "math.")) or op.name in _MOVES or not len(op.results):
        return False
    return isinstance(op.results[0].type, ir.F32Type | ir.F64Type | ir.F16Type | ir.BF16Type)


def _bytes(type_: ir.Type) -> int:
    if not isinstance(type_, ir.RankedTensorType):
        return 8
    element = type_.element_type
    bits = element.width if isinstance(element, ir.IntegerType | ir.FloatType) else 64
    return int(prod(type_.shape) * bits // 8)
