"""How many float multiplies and additions an operation of the IR computes, as it stands and with its L-Mul.

Multiplies are what `passes/lmul_scope.py` says; additions are `arith.addf`, `arith.subf` and the sums of the vector
dialect. `math.fma`, `vector.fma` are fused multiply-adds; a contraction counts its multiplies and the sums that they
feed. Divisions, comparisons, exponentials and what they lower to later count as nothing, nor do `complex` additions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, get_args

from ..bindings import ir
from ..kernels.lmul import LMul, ScopeClass
from .base import PassContext
from .diagnostics import file_position
from .iteration_counts import IterationCounts, product
from .layer import LAYER
from .lmul_report_data import Arithmetic, Change, OperationReport, Shape
from .lmul_scope import MARK, element_type, multiplies, read_mark, scope_of, structured_op
from .walk import find

_ADDITIONS: Final = frozenset({"arith.addf", "arith.subf", "llvm.fadd", "llvm.fsub"})
_VECTOR_SUMS: Final = frozenset({"vector.reduction", "vector.multi_reduction", "vector.scan"})
_ATOMIC_ADDF: Final = 0
"""arith's AtomicRMWKind for a sum of floats."""

_MULTIPLY: Final = Arithmetic(multiplies=1)
_ADD: Final = Arithmetic(adds=1)
_FUSED: Final = Arithmetic(fused=1)


def count_operations(root: ir.Operation, iterations: IterationCounts) -> list[tuple[ir.Operation, OperationReport]]:
    """Return the operations under `root` that compute with floats, and what: in the order of the IR.

    A linalg operation with a body stands for what its body computes, with an entry for each float type. Raises IRError
    where a mark is no configuration of L-Mul.
    """
    groups: dict[tuple[ir.Operation, str], _Group] = {}
    for op in float_operations(root):
        holder = structured_op(op) or op
        type_ = str(element_type(_result_type(op)))
        groups.setdefault((holder, type_), _Group(holder, type_)).members.append(_Member(op, _form(op, iterations)))
    return [(group.holder, group.report(iterations)) for group in groups.values()]


def float_operations(root: ir.Operation) -> list[ir.Operation]:
    """Return the operations under `root` that multiply or add floats, the bodies of named operations included."""
    multiplying = set(multiplies(root))
    return find(root, lambda op: op in multiplying or _adds_floats(op))


@dataclass(frozen=True)
class _Form:
    """What one execution of an operation computes: the same arithmetic at each of a number of points."""

    arithmetic: Arithmetic
    shape: Shape | None
    """The sizes of what the operation goes over; None without a rank."""
    points: int | None


@dataclass(frozen=True)
class _Member:
    op: ir.Operation
    form: _Form

    @property
    def mark(self) -> LMul | None:
        """How the multiplies become integer additions, as the pass `lmul` decides it."""
        for op in (self.op, structured_op(self.op)):
            if self.form.arithmetic.all_multiplies and op is not None and MARK in op.attributes:
                return read_mark(op, PassContext())
        return None

    @property
    def change(self) -> Change:
        """What L-Mul makes of the arithmetic at one point."""
        before = self.form.arithmetic
        return Change(before, before if self.mark is None else before.with_lmul())

    def executed(self, iterations: IterationCounts) -> Change | None:
        times = product((iterations.executions(self.op), self.form.points))
        return None if times is None else self.change.times(times)


@dataclass(frozen=True)
class _Group:
    """The arithmetic of one type in a linalg operation, or a single other operation."""

    holder: ir.Operation
    type: str
    members: list[_Member] = field(default_factory=list)

    def report(self, iterations: IterationCounts) -> OperationReport:
        first = self.members[0]
        is_structured = self.holder != first.op
        executed = [member.executed(iterations) for member in self.members]
        told = [change for change in executed if change is not None]
        return OperationReport(
            name=self.holder.name,
            location=_location(self.holder),
            scope=self._scope(),
            layer=_text(self.holder, LAYER) or _text(first.op, LAYER),
            type=self.type,
            marks=tuple(dict.fromkeys(m.mark for m in self.members if m.mark is not None)),
            shape=iterations.iteration_space(self.holder) if is_structured else first.form.shape,
            trips=iterations.executions(self.holder),
            in_code=sum((member.change for member in self.members), Change()),
            executed=sum(told, Change()) if len(told) == len(executed) else None,
        )

    def _scope(self) -> ScopeClass:
        """Return what a mark says, which outlasts the form that shows it; else what the form shows."""
        multiplying = [member.op for member in self.members if member.form.arithmetic.all_multiplies]
        if not multiplying:
            return "elementwise"
        recorded = _recorded_scope(multiplying[0]) or _recorded_scope(self.holder)
        return recorded or scope_of(multiplying[0])


def _recorded_scope(op: ir.Operation) -> ScopeClass | None:
    """Return the scope that the mark of `op` names; None where there is no mark or it names none."""
    mark = op.attributes.get(MARK, None)
    if not isinstance(mark, ir.DictAttr) or "scope" not in mark:
        return None
    scopes: tuple[ScopeClass, ...] = get_args(ScopeClass)
    return next((scope for scope in scopes if mark["scope"] == ir.StringAttr.get(scope, op.context)), None)


def _adds_floats(op: ir.Operation) -> bool:
    if op.name in _ADDITIONS:
        return True
    if op.name in _VECTOR_SUMS:
        return _kind(op) == "add" and isinstance(element_type(op.operands[0].type), ir.FloatType)
    return op.name == "memref.atomic_rmw" and int(op.attributes["kind"]) == _ATOMIC_ADDF


def _form(op: ir.Operation, iterations: IterationCounts) -> _Form:
    operands = list(op.operands)
    match op.name:
        case "arith.mulf" | "arith.addf" | "arith.subf" | "math.fma" | "vector.fma":
            arithmetic = _MULTIPLY if op.name == "arith.mulf" else _FUSED if op.name.endswith("fma") else _ADD
            return _over(arithmetic, iterations.shape(op.results[0]))
        case "vector.contract":
            return _over(_MULTIPLY + _combining(op), _contraction_space(op, iterations))
        case "vector.outerproduct":
            arithmetic = _MULTIPLY if len(operands) == 2 else _MULTIPLY + _combining(op)
            return _over(arithmetic, iterations.shape(op.results[0]))
        case "vector.reduction" | "vector.multi_reduction":
            form = _over(_combining(op), iterations.shape(operands[0]))
            has_start = len(operands) > 1
            return form if has_start or form.points is None else replace(form, points=form.points - 1)
        case "memref.atomic_rmw":
            return _over(_ADD if int(op.attributes["kind"]) == _ATOMIC_ADDF else _MULTIPLY, ())
        case "vector.scan":
            return _Form(_combining(op), iterations.shape(operands[0]), None)
        case "llvm.fadd" | "llvm.fsub":
            return _Form(_ADD, None, None)
        case "llvm.intr.fma" | "llvm.intr.fmuladd":
            return _Form(_FUSED, None, None)
        case _:
            return _Form(_MULTIPLY, None, None)


def _over(arithmetic: Arithmetic, shape: Shape | None) -> _Form:
    return _Form(arithmetic, shape, None if shape is None else product(shape))


def _combining(op: ir.Operation) -> Arithmetic:
    """Return how a vector operation takes one more value into its result."""
    return {"add": _ADD, "mul": _MULTIPLY}.get(_kind(op), Arithmetic())


def _kind(op: ir.Operation) -> str:
    return str(op.attributes["kind"]).removeprefix("#vector.kind<").removesuffix(">")


def _contraction_space(op: ir.Operation, iterations: IterationCounts) -> Shape:
    """Return the size of each dimension of a `vector.contract`, in the order of its maps."""
    sizes: dict[int, int | None] = {}
    maps = [ir.AffineMapAttr(attribute).value for attribute in op.attributes["indexing_maps"]]
    for operand, map_ in zip(list(op.operands)[:2], maps[:2], strict=True):
        for number, expression in enumerate(map_.results):
            sizes[ir.AffineDimExpr(expression).position] = iterations.dimension(operand, number)
    return tuple(sizes[dimension] for dimension in sorted(sizes))


def _result_type(op: ir.Operation) -> ir.Type:
    results = list(op.results)
    return results[0].type if results else op.operands[0].type


def _location(op: ir.Operation) -> str:
    position = file_position(op.location)
    if position is not None:
        return f"{position.file}:{position.line}:{position.column}"
    return str(op.location).removeprefix("loc(").removesuffix(")").strip('"')


def _text(op: ir.Operation, name: str) -> str | None:
    attribute = op.attributes.get(name, None)
    return attribute.value if isinstance(attribute, ir.StringAttr) else None
