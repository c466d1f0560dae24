"""The report of `lmul-report` as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, get_args

from ..kernels.lmul import ScopeClass
from .lmul_report_data import Arithmetic, Change, Cost, LMulReport, OperationReport, Shape, Totals

_KINDS: Final = {
    "multiplies": ("multiply", "multiplies"),
    "integer_adds": ("integer addition", "integer additions"),
    "fused": ("fused multiply-add", "fused multiply-adds"),
    "adds": ("add", "adds"),
}
"""One and more of each field of `Arithmetic`."""


def operation_line(operation: OperationReport) -> str:
    """Return what an operation computes, without its location."""
    names = [f"{operation.scope} '{operation.name}' of {operation.type}"]
    names += [f"over {_shape(operation.shape)}"] if operation.shape else []
    names += [f"in layer {operation.layer}"] if operation.layer else []
    if operation.executed is None:
        return f"{' '.join(names)}: {_change(operation.in_code)} at each point; how often cannot be told"
    if operation.trips != 1:
        times = "?" if operation.trips is None else _number(operation.trips)
        names.append(f"executed {times} times")
    costs = f"; {_costs(*operation.costs)}" if operation.costs is not None else ""
    return f"{' '.join(names)}: {_change(operation.executed)}{costs}"


def summary_lines(report: LMulReport) -> Iterator[str]:
    """Yield the sums of each scope that occurs and of all, and what must be known to read them."""
    for scope in get_args(ScopeClass):
        totals = report.totals(scope)
        if totals.operations:
            yield f"{scope}: {_totals(totals)}"
    yield f"all: {_totals(report.totals())}"
    for note in report.notes:
        yield f"note: {note}"


def _totals(totals: Totals) -> str:
    before = _count(totals.in_code.before.all_multiplies, "multiply", "multiplies")
    marked = totals.in_code.after.integer_adds
    code = f"{_count(totals.operations, 'operation', 'operations')} with {before} in the code"
    code += f", {_number(marked)} with L-Mul" if marked else ""
    executed = f"executed in a call: {_change(totals.executed)}"
    if totals.untold:
        executed += f", {_count(totals.untold, 'operation', 'operations')} left out that cannot be told"
    return f"{code}; {executed}; {_costs(totals.cost_before, totals.cost_after)}"


def _change(change: Change) -> str:
    before = _arithmetic(change.before)
    return before if change.after == change.before else f"{before}; with L-Mul: {_arithmetic(change.after)}"


def _arithmetic(arithmetic: Arithmetic) -> str:
    counts = ((getattr(arithmetic, field), *names) for field, names in _KINDS.items())
    return ", ".join(_count(count, one, more) for count, one, more in counts if count) or "nothing"


def _costs(before: Cost, after: Cost) -> str:
    text = f"estimated {_figure(before.total_pj)} pJ, {_figure(before.gates)} multiplier gates"
    return text if after == before else f"{text}; with L-Mul {_figure(after.total_pj)} pJ, {_figure(after.gates)} gates"


def _shape(shape: Shape) -> str:
    return "x".join("?" if size is None else str(size) for size in shape)


def _count(count: int, one: str, more: str) -> str:
    return f"{_number(count)} {one if count == 1 else more}"


def _number(count: int) -> str:
    return f"{count:,}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
