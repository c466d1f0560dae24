"""Decide how the loops along rows become vector code: the analytical heuristic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import ir
from ..kernels.decision import DECISION_ATTRIBUTE
from ..kernels.decision_nest import NestSchedule, write_nest_decision
from ..kernels.epilogue import EPILOGUE_ATTRIBUTE
from ..kernels.weight_emit import WEIGHTS_ATTRIBUTE
from .base import Pass, PassContext, option
from .fuse_attention import ATTENTION
from .row_vectors import STRAIGHT
from .schedule_contractions import MANY_REGISTERS
from .values import defining_op
from .vector_registers import check_vector_registers
from .walk import find

_COLUMNS = 4
"""How many columns, results among them, are read and written in vectors of full width."""
_PAIRED_COLUMNS = 2
"""Columns up to which rows are taken in pairs where there are few registers: of more, one row alone fills them."""
_SHORT_ROW = 8
"""Registers of a row up to which an element-wise operation takes one at a time where there are 32, else two."""
_MIDDLE_ROW = 16
"""Registers of a row up to which it takes four."""
_LEAST_BITS = 128
_WIDE = 64


@dataclass(frozen=True)
class ScheduleNests(Pass):
    """Write a decision on every loop over rows that `fuse-rows` made, and on element-wise `linalg.generic`s.

    Wide vectors of eight registers where there are 32 of them, of four where there are fewer, and of fewer still where
    many columns are read and written, as one of each is in work at a time, or two where rows are in pairs. Rows are, if
    there are 32 registers or but one column is read; rows up to 16 registers long have no loop. The short rows of an
    element-wise operation are taken in vectors of few registers, which leave less of a row over, and of narrower ones
    where a row does not fill one, or, of 32 registers, where elements of 64 bits are read. A decision that is there
    already is left alone, and so is what belongs to attention or to a contraction's kernel.
    """

    name: ClassVar[str] = "schedule-nests"
    vector_bits: int = option(256, "width of a vector register, in bits")
    vector_registers: int = option(16, "number of vector registers")

    def __post_init__(self) -> None:
        check_vector_registers(self.vector_bits, self.vector_registers)

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Decide for each nest under `op`."""

        def visit(inner: ir.Operation) -> ir.WalkResult:
            if inner.name == "scf.forall":
                if ATTENTION not in inner.attributes:
                    self._decide(inner, ctx)
                return ir.WalkResult.SKIP
            if is_vector_nest(inner):
                self._decide(inner, ctx)
            return ir.WalkResult.ADVANCE

        op.walk(visit, ir.WalkOrder.PRE_ORDER)

    def _decide(self, op: ir.Operation, ctx: PassContext) -> None:
        if DECISION_ATTRIBUTE not in op.attributes:
            over_rows = op.name == "scf.forall"
            columns = _row_columns(op) if over_rows else _columns(op)
            length = None if over_rows else _row_length(op)
            wide = not over_rows and _reads_wide(op)
            write_nest_decision(op, self.decide(over_rows=over_rows, columns=columns, length=length, wide=wide))
            ctx.count("nests scheduled")

    def decide(
        self, *, over_rows: bool, columns: int = 1, length: int | None = None, wide: bool = False
    ) -> NestSchedule:
        """Return the decision for a loop over rows, or for an element-wise operation, on so many columns.

        `length` is that of an element-wise operation's rows, None where it may be any; `wide` says that it reads
        elements of 64 bits.
        """
        many = self.vector_registers >= MANY_REGISTERS
        pair = over_rows and (many or columns <= _PAIRED_COLUMNS)
        interleave = 8 if many else 4
        budget = _COLUMNS * interleave // (2 if pair else 1)
        while interleave > 1 and interleave * columns > budget:
            interleave //= 2
        bits = self.vector_bits
        if length is not None:
            while bits > _LEAST_BITS and length * 32 < bits:
                bits //= 2
            registers = -(-length * 32 // bits)
            most = (1 if many else 2) if registers <= _SHORT_ROW else 4 if registers <= _MIDDLE_ROW else interleave
            interleave = min(interleave, most)
        if wide and many:
            # Lanes are counted in f32: a vector of elements twice as wide would be two registers.
            bits = max(_LEAST_BITS, min(bits, self.vector_bits // 2))
        return NestSchedule(bits, interleave, STRAIGHT, pair=pair)


def is_vector_nest(op: ir.Operation) -> bool:
    """Return whether an operation on tensors becomes loops of its own that `vectorise-rows` may turn into vectors."""
    if op.name != "linalg.generic" or not op.results:
        return False
    if EPILOGUE_ATTRIBUTE in op.attributes or WEIGHTS_ATTRIBUTE in op.attributes:
        return False
    kinds = [str(kind) for kind in op.attributes["iterator_types"]]
    if len(kinds) != 1 and any("parallel" not in kind for kind in kinds):
        return False
    if not kinds or not all(_has_static_shape(value.type) for value in op.operands):
        return False
    body = [view.operation for view in op.regions[0].blocks[0].operations]
    return all(inner.name.startswith(("arith.", "math.", "linalg.yield")) and not len(inner.regions) for inner in body)


def _has_static_shape(type_: ir.Type) -> bool:
    return not isinstance(type_, ir.RankedTensorType) or bool(type_.has_static_shape)


def _row_columns(loop: ir.Operation) -> int:
    """Return how many rows a loop over rows reads and writes in a turn: of matrices, and those that all rows share."""
    read: set[ir.Value] = set()
    for inner in find(loop, lambda op: op.name == "linalg.generic"):
        for value in inner.opview.inputs:
            owner = defining_op(value)
            made_here = owner is not None and owner.name.startswith("linalg.")
            if isinstance(value.type, ir.RankedTensorType) and value.type.rank and not made_here:
                read.add(value)
    return len(read) + len(loop.results)


def _reads_wide(op: ir.Operation) -> bool:
    """Return whether an element-wise operation on f32 results reads integers of 64 bits."""
    reads = [value.type for value in op.opview.inputs if isinstance(value.type, ir.RankedTensorType)]
    return _bits(op.results[0].type.element_type) < _WIDE and any(_bits(own.element_type) >= _WIDE for own in reads)


def _bits(element: ir.Type) -> int:
    return element.width if isinstance(element, ir.IntegerType | ir.FloatType) else 0


def _row_length(op: ir.Operation) -> int | None:
    """Return the length of the rows of an element-wise operation, None where it has none or is one row."""
    shape = ir.ShapedType(op.results[0].type).shape
    return shape[-1] if len(shape) > 1 else None


def _columns(op: ir.Operation) -> int:
    """Return how many tensors an element-wise operation walks along."""
    ranks = [
        ir.RankedTensorType(value.type).rank for value in op.operands if isinstance(value.type, ir.RankedTensorType)
    ]
    return max(1, len([rank for rank in ranks if rank]))
