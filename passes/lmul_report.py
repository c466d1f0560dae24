"""What float arithmetic a module executes and is estimated to cost, before and after L-Mul: the API and the pass.

L-Mul's multiplies are told by the mark `slipstick.lmul`: the place to look is after `lmul-mark`, as at the stage
"rewritten". What the pass `lmul` has rewritten is integer arithmetic like any other and can no longer be told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Literal

from ..bindings import ir
from ..errors import ArgumentError
from ..files import write_atomically
from ..kernels.energy import TYPES
from ..kernels.weight_emit import WEIGHTS_ATTRIBUTE
from .base import Pass, PassContext, option
from .iteration_counts import IterationCounts, Sizes, parse_sizes
from .lmul_report_counts import count_operations
from .lmul_report_data import ESTIMATE, LMulReport, OperationReport
from .lmul_report_text import operation_line, summary_lines
from .lmul_scope import MARK, advice_to_lower, element_type, structured_op
from .walk import find

_CONDITIONALS: Final = frozenset({"affine.if", "scf.if"})


def report(module: ir.Module | ir.Operation, sizes: Sizes | None = None) -> LMulReport:
    """Return the float arithmetic of `module`, at any stage before the LLVM dialect; the module is not changed.

    `sizes` gives the entry's arguments, by number, sizes that their types leave open. Raises ArgumentError where they
    do not fit, and IRError where a mark is no configuration of L-Mul.
    """
    root = module.operation
    return _assemble(root, count_operations(root, IterationCounts(root, sizes)))


@dataclass(frozen=True)
class ReportMultiplies(Pass):
    """Report float arithmetic before and after L-Mul, with estimates of energy and gates; changes nothing.

    The text is a remark at each operation, then one for each scope and one for all; the JSON is one remark on one line.
    With `output` neither is a remark: the file is written, whole or not at all (of several modules, the last one's).
    Sizes that the types of the entry's arguments leave open can be given by argument number:
    `lmul-report{sizes=0:8x64,1:8x64}`.
    """

    name: ClassVar[str] = "lmul-report"
    anchor: ClassVar[str | None] = "builtin.module"
    format: Literal["text", "json"] = option("text", "lines of text, or one line of JSON")
    sizes: tuple[str, ...] = option((), "sizes of the entry's arguments, as in 0:8x64")
    per_op: bool = option(True, "report each operation besides the sums")
    output: str = option("", "file to write instead of remarks")

    def __post_init__(self) -> None:
        parse_sizes(self.sizes)

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Report on `op`; raise where sizes do not fit, a mark is malformed or the file cannot be written."""
        try:
            counted = count_operations(op, IterationCounts(op, parse_sizes(self.sizes)))
        except ArgumentError as error:
            raise ctx.fail(op, str(error)) from error
        found = _assemble(op, counted)
        executed = found.totals().executed
        ctx.count("multiplies executed", executed.before.all_multiplies)
        ctx.count("multiplies with L-Mul", executed.after.integer_adds)
        if self.output:
            self._write(op, found, ctx)
        elif self.format == "json":
            ctx.remark(op, self._json(found))
        else:
            for place, operation in counted if self.per_op else ():
                ctx.remark(place, operation_line(operation))
            for line in summary_lines(found):
                ctx.remark(op, line)

    def _json(self, found: LMulReport) -> str:
        return json.dumps(found.as_dict(per_op=self.per_op))

    def _write(self, op: ir.Operation, found: LMulReport, ctx: PassContext) -> None:
        if self.format == "json":
            lines = [self._json(found)]
        else:
            lines = [f"{o.location}: {operation_line(o)}" for o in found.operations if self.per_op]
            lines += summary_lines(found)
        path = Path(self.output).resolve()
        if path.exists() and not path.is_file():
            raise ctx.fail(op, f"output: {self.output}: expected a file, found a folder or a device")
        try:
            write_atomically(path, "".join(f"{line}\n" for line in lines))
        except OSError as error:
            raise ctx.fail(op, f"output: {self.output}: cannot be written: {error.strerror}") from error


def _assemble(root: ir.Operation, counted: Sequence[tuple[ir.Operation, OperationReport]]) -> LMulReport:
    return LMulReport(tuple(operation for _, operation in counted), (ESTIMATE, *_notes(root, counted)))


def _notes(root: ir.Operation, counted: Sequence[tuple[ir.Operation, OperationReport]]) -> Iterator[str]:
    """Yield what the figures leave out or take for granted."""
    specials = {mark.specials for _, operation in counted for mark in operation.marks}
    if not specials:
        yield f"no multiply carries the mark '{MARK}': nothing changes with L-Mul; run lmul-mark first"
    if "ieee" in specials:
        yield "policy ieee: L-Mul's comparisons and selections are not counted"
    if "finite" in specials:
        yield "policy finite: clamping and shortening of L-Mul's operands are not counted"
    if any(_is_conditional(op) for op, _ in counted):
        yield "both branches of a conditional count as executed"
    untold = [op for op, operation in counted if operation.executed is None]
    if untold:
        yield f"operations whose executions cannot be told: {len(untold)}; the sums leave them out"
    for name, advice in sorted({(op.name, advice_to_lower(op)) for op in untold if advice_to_lower(op)}):
        yield f"'{name}' may multiply floats in a form that is not counted: {advice}"
    unpriced = sorted({o.type for _, o in counted if o.executed is not None and o.type not in TYPES})
    if unpriced:
        yield f"no estimate for {', '.join(unpriced)}: only counted"
    if find(root, lambda op: WEIGHTS_ATTRIBUTE in op.attributes):
        yield "decoding of narrow weights is integer arithmetic: not counted"
    rewritten = find(root, _makes_floats_of_bits)
    if rewritten:
        yield (
            f"bitcasts from integers to floats, as rewritten L-Mul makes them: {len(rewritten)}; its integer additions "
            "can no longer be told from others and are not counted; report before the pass lmul"
        )


def _is_conditional(op: ir.Operation) -> bool:
    parent = op.parent
    while parent is not None:
        if parent.name in _CONDITIONALS:
            return True
        parent = parent.parent
    return False


def _makes_floats_of_bits(op: ir.Operation) -> bool:
    """Return whether `op` may be what rewritten L-Mul ends with; the decoding of weights is known to be none."""
    if op.name not in ("arith.bitcast", "llvm.bitcast"):
        return False
    holder = structured_op(op)
    if holder is not None and WEIGHTS_ATTRIBUTE in holder.attributes:
        return False
    source, result = (element_type(value.type) for value in (op.operands[0], op.results[0]))
    return isinstance(source, ir.IntegerType) and isinstance(result, ir.FloatType)
