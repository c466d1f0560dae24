"""Apply the tiling decisions: contractions on memrefs become calls of packed kernels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, TypeAlias

from ..bindings import arith, func, ir, linalg, memref
from ..kernels.contraction import emit_contraction
from ..kernels.contraction_rows import emit_rows
from ..kernels.contraction_skinny import emit_skinny
from ..kernels.decision import (
    DECISION_ATTRIBUTE,
    FEW_ROWS,
    ContractionSchedule,
    RowsSchedule,
    Schedule,
    SkinnySchedule,
    read_decision,
)
from ..kernels.epilogue import Epilogue
from ..kernels.lmul import LMul
from ..kernels.matrices import DYNAMIC, DYNAMIC_STRIDE, Contiguous, strided_matrix_type
from ..kernels.panels import PANELS, panels_type
from ..kernels.structured import index, loop, parallel_loop
from .base import Pass, PassContext, option
from .batch_slices import slice_of
from .contraction_dims import CONTRACTIONS, canonical_dims, depth_of, is_permuted, operand_dims
from .contraction_operands import in_canonical_order, with_contiguous_rows
from .encoded_operands import EncodedMatrix, encoded_matrices
from .following_epilogue import following_epilogue
from .lmul_scope import MARK, check_format, read_mark
from .walk import find
from .zero_fills import erase_zero_fill

_Key: TypeAlias = tuple[
    str, Schedule, int, LMul | None, str | None, bool, bool, bool, int | None, Epilogue | None, tuple[str, ...]
]
"""What makes a kernel: element type, decision, rows if they are few, L-Mul, form of B, whether C is overwritten,
whether blocks of the depth are summed by themselves, whether loops are parallel, the stride of the rows of A if they
are read in place, the epilogue, and the operands."""

LONG_DEPTH = 4096
"""From here on each block of the depth is summed by itself: of a long running sum every addition rounds."""
_BALANCED_BATCH = 16
"""So many slices are balanced over a few threads, whatever their number."""


@dataclass(frozen=True)
class LowerContractions(Pass):
    """Replace decided contractions on memrefs by calls of packed kernels, once for each distinct decision and form.

    Only operations with the attribute `slipstick.decision` are touched; the pass chooses nothing. Transposed operands
    become views with swapped strides; a batch becomes a loop over slices. A result whose rows are not contiguous is
    accumulated in a copy. Weights that a `linalg.generic` with the attribute `slipstick.weights` decodes, if only for
    contractions, are decoded by the kernels while they pack: these are passed the codes, and the decoded matrix, which
    nothing reads then, is erased.
    """

    name: ClassVar[str] = "lower-contractions"
    anchor: ClassVar[str | None] = "builtin.module"
    parallel: bool = option(False, "emit scf.parallel: over the batch where that is balanced, else inside the kernels")
    min_work: int = option(1 << 18, "multiply-adds below which a contraction stays sequential")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Lower all decided contractions; raise where a decision is illegal or an operand has no strided form."""
        kernels: dict[_Key, str] = {}
        encoded = {matrix.buffer: matrix for matrix in encoded_matrices(op, _is_decided_matmul)}
        for contraction in find(op, _is_decided):
            self._lower(op, contraction, kernels, encoded.get(contraction.operands[1]), ctx)
        for matrix in encoded.values():
            matrix.erase()
            ctx.count("matrices decoded while packed")

    def _lower(
        self,
        module: ir.Operation,
        op: ir.Operation,
        kernels: dict[_Key, str],
        weights: EncodedMatrix | None,
        ctx: PassContext,
    ) -> None:
        try:
            schedule = read_decision(op)
        except ValueError as problem:
            raise ctx.fail(op, str(problem)) from problem
        lmul = read_mark(op, ctx) if MARK in op.attributes else None
        element = ir.MemRefType(op.operands[2].type).element_type
        elements = {str(ir.MemRefType(operand.type).element_type) for operand in op.operands}
        if elements not in ({"f32"}, {"f64"}):
            found = ", ".join(sorted(elements))
            raise ctx.fail(op, f"'{op.name}' has a decision: expected elements of f32 or of f64 alone, found {found}")
        if not is_permuted(op):
            raise ctx.fail(op, f"'{op.name}' has a decision: expected no operand that is broadcast by its indexing map")
        if lmul is not None:
            check_format(op, element, lmul, ctx)
        packs_left = not isinstance(schedule, ContractionSchedule) or schedule.pack_left
        if lmul is not None and lmul.specials == "finite" and not packs_left:
            reason = 'expected pack_left = true: under the policy "finite" A is prepared while it is packed'
            raise ctx.fail(op, f"'{op.name}' has a decision and L-Mul: {reason}")
        format = None if weights is None else weights.format
        if weights is not None and format == PANELS:
            width = ir.MemRefType(weights.codes.type).shape[2]
            if not isinstance(schedule, ContractionSchedule) or schedule.tile_columns != width:
                reason = f"its weights are packed in panels of {width} columns: expected such tiles of a packed kernel"
                raise ctx.fail(op, f"'{op.name}' has a decision, and {reason}; decide otherwise before pack-weights")
        rows = _rows(op, schedule, ctx)
        skinny = isinstance(schedule, SkinnySchedule)
        overwrite = not isinstance(schedule, FEW_ROWS) and erase_zero_fill(op)
        parallel = self.parallel and _has_work(op, self.min_work)
        over_batch = parallel and op.name != "linalg.matmul" and _is_balanced(op)
        inside = parallel and not over_batch
        row_stride = None if packs_left else _row_stride(op)
        by_blocks = lmul is None and not isinstance(schedule, FEW_ROWS) and depth_of(op) >= LONG_DEPTH
        # Read behind the filling of C, which stands before the product.
        following = None if isinstance(schedule, FEW_ROWS) else following_epilogue(op, ctx)
        epilogue = None if following is None else following.epilogue
        form = (overwrite, by_blocks, inside, row_stride, epilogue, _operand_types(op))
        key = (str(element), schedule, rows, lmul, format, *form)
        if key not in kernels:
            kernels[key] = f"slipstick_contraction_{len(kernels)}"
            mark = op.attributes[MARK] if lmul is not None and lmul.specials == "ieee" else None
            emit: Callable[..., func.FuncOp]
            if isinstance(schedule, SkinnySchedule):
                emit = partial(emit_skinny, schedule=schedule, rows=rows)
            elif isinstance(schedule, RowsSchedule):
                emit = partial(emit_rows, schedule=schedule, rows=rows)
            else:
                emit = partial(
                    emit_contraction,
                    schedule=schedule,
                    overwrite=overwrite,
                    by_blocks=by_blocks,
                    row_stride=row_stride,
                    contiguous=_contiguous(op),
                    epilogue=epilogue,
                )
            emit(
                module.regions[0].blocks[0],
                kernels[key],
                element,
                lmul=lmul,
                mark=mark,
                parallel=inside,
                weights=format,
            )
            ctx.count("kernels emitted")
        # Operands of the epilogue may be made between the two.
        with ir.InsertionPoint(op if following is None else following.op), op.location:
            operands = [in_canonical_order(op, number, transposed=skinny and number == 1) for number in range(3)]
            if weights is not None:
                is_ready = weights.format == PANELS
                operands[1] = weights.codes if is_ready else in_canonical_order(op, 1, weights.codes, transposed=skinny)
            few = partial(self._call_few, contiguous=(0, 1) if skinny else (1, 2))
            left = strided_matrix_type(element, unit_columns=not packs_left, row_stride=row_stride)
            whole = partial(self._call, left=left)
            call = partial(few if isinstance(schedule, FEW_ROWS) else whole, kernels[key], element)
            if op.name == "linalg.matmul":
                call(operands, [*_biases(weights), *([] if following is None else following.operands())])
            else:
                batch = memref.dim(operands[2], arith.constant(ir.IndexType.get(), 0))
                for number in parallel_loop(batch) if over_batch else loop(index(0), batch):
                    beside = [] if following is None else following.operands(number)
                    call([slice_of(o, number) for o in operands], beside)
        op.erase()
        if following is not None:
            following.op.erase()
            ctx.count("epilogues fused")
        ctx.count("contractions lowered")

    def _call(
        self,
        name: str,
        element: ir.Type,
        operands: Sequence[ir.Value],
        others: Sequence[ir.Value],
        *,
        left: ir.MemRefType,
    ) -> None:
        """Call a packed kernel, which takes its A as `left`; what must have contiguous rows is copied if need be.

        `others` are its arguments behind A, B and C.
        """
        a, b, c = operands
        rows = with_contiguous_rows(a) if _has_unit_columns(left) and not _has_unit_columns(a.type) else a
        casts = [memref.cast(left, rows), memref.cast(_type_of_b(b), b)]
        strides, _ = ir.MemRefType(c.type).get_strides_and_offset()
        contiguous = c if strides[1] == 1 else with_contiguous_rows(c)
        casts.append(memref.cast(strided_matrix_type(element, unit_columns=True), contiguous))
        func.CallOp([], ir.FlatSymbolRefAttr.get(name), [*casts, *others])
        if contiguous is not c:
            linalg.copy(contiguous, outs=[c])
            memref.dealloc(contiguous)
        if rows is not a:
            memref.dealloc(rows)

    def _call_few(
        self,
        name: str,
        element: ir.Type,
        operands: Sequence[ir.Value],
        others: Sequence[ir.Value],
        *,
        contiguous: tuple[int, ...],
    ) -> None:
        """Call a kernel for a few rows; operands whose rows must be `contiguous` and are not are copied."""
        inputs = [
            with_contiguous_rows(value) if number in contiguous and not _has_contiguous_rows(value) else value
            for number, value in enumerate(operands)
        ]
        casts = [
            memref.cast(
                strided_matrix_type(ir.MemRefType(value.type).element_type, unit_columns=number in contiguous), value
            )
            for number, value in enumerate(inputs)
        ]
        func.CallOp([], ir.FlatSymbolRefAttr.get(name), [*casts, *others])
        if inputs[2] is not operands[2]:
            linalg.copy(inputs[2], outs=[operands[2]])
        for value, original in zip(inputs, operands, strict=True):
            if value is not original:
                memref.dealloc(value)


def _operand_types(op: ir.Operation) -> tuple[str, ...]:
    """Return what tells apart kernels that `specialise-kernels` makes different code of: the operands as they lie."""
    dims = zip(op.operands, operand_dims(op), canonical_dims(op), strict=True)
    return tuple(f"{operand.type} {[found.index(dim) for dim in wanted]}" for operand, found, wanted in dims)


def _type_of_b(b: ir.Value) -> ir.MemRefType:
    """Return the type that a packed kernel has for its B: a matrix with any strides, or panels."""
    type_ = ir.MemRefType(b.type)
    return (
        panels_type(type_.element_type, type_.shape[2]) if type_.rank == 3 else strided_matrix_type(type_.element_type)
    )


def _has_work(op: ir.Operation, least: int) -> bool:
    """Tell whether a contraction has so many multiply-adds at least; sizes that are not known count as large."""
    sizes: dict[str, int] = {}
    for operand, dims in zip(op.operands, operand_dims(op), strict=True):
        type_ = ir.MemRefType(operand.type)
        if not type_.has_static_shape:
            return True
        sizes |= zip(dims, type_.shape, strict=True)
    return math.prod(sizes.values()) >= least


def _is_balanced(op: ir.Operation) -> bool:
    """Tell whether the batch divides among threads, of which no number is known here, with little left over."""
    result = ir.MemRefType(op.operands[2].type)
    place = operand_dims(op)[2].index(canonical_dims(op)[2][0])
    if result.is_dynamic_dim(place):
        return True
    batch = result.get_dim_size(place)
    return bool(batch >= _BALANCED_BATCH or (batch > 1 and batch & (batch - 1) == 0))


def _biases(weights: EncodedMatrix | None) -> list[ir.Value]:
    """Return the last argument of a kernel that decodes lm8; none for other kernels."""
    if weights is None or weights.biases is None:
        return []
    type_ = ir.MemRefType(weights.biases.type)
    return [memref.cast(ir.MemRefType.get([DYNAMIC], type_.element_type), weights.biases)]


def _has_contiguous_rows(matrix: ir.Value) -> bool:
    return _has_unit_columns(matrix.type)


def _has_unit_columns(type_: ir.Type) -> bool:
    return bool(ir.MemRefType(type_).get_strides_and_offset()[0][-1] == 1)


def _row_stride(op: ir.Operation) -> int | None:
    """Return how many elements the rows of A are apart, None where that is not known or A will be copied."""
    strides, _ = ir.MemRefType(op.operands[0].type).get_strides_and_offset()
    row, depth = (operand_dims(op)[0].index(dim) for dim in canonical_dims(op)[0][-2:])
    known = strides[depth] == 1 and strides[row] not in (DYNAMIC, DYNAMIC_STRIDE)
    return int(strides[row]) if known else None


def _contiguous(op: ir.Operation) -> Contiguous | None:
    """Return which lines of B lie without gaps; None also of a batch, whose matrices are small."""
    if op.name != "linalg.matmul":
        return None
    strides, _ = ir.MemRefType(op.operands[1].type).get_strides_and_offset()
    dims = operand_dims(op)[1]
    depth, column = (strides[dims.index(dim)] for dim in canonical_dims(op)[1])
    return "rows" if column == 1 else "columns" if depth == 1 else None


def _rows(op: ir.Operation, schedule: Schedule, ctx: PassContext) -> int:
    """Return the number of rows that a kernel for a few is made for; 0 for a packed kernel, which takes any."""
    if not isinstance(schedule, FEW_ROWS):
        return 0
    result = ir.MemRefType(op.operands[2].type)
    place = operand_dims(op)[2].index(canonical_dims(op)[2][-2])
    if result.is_dynamic_dim(place):
        raise ctx.fail(
            op, f"'{op.name}' has a decision for a few rows: expected a known number of rows, found {result}"
        )
    return int(result.get_dim_size(place))


def _is_decided(op: ir.Operation) -> bool:
    return op.name in CONTRACTIONS and not op.results and DECISION_ATTRIBUTE in op.attributes


def _is_decided_matmul(op: ir.Operation) -> bool:
    return op.name == "linalg.matmul" and _is_decided(op) and is_permuted(op)
