"""Turn the loops over heads that `fuse-attention` made, on memrefs, into calls of attention kernels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import func, ir, linalg, memref, scf
from ..kernels.attention import emit_attention
from ..kernels.attention_parts import AttentionKernel, Product
from ..kernels.decision import DECISION_ATTRIBUTE, AttentionSchedule, read_attention_decision
from ..kernels.matrices import DYNAMIC, DYNAMIC_STRIDE, strided_matrix_type
from ..kernels.structured import index, loop, parallel_loop
from .base import Pass, PassContext, option
from .contraction_dims import operand_dims
from .fuse_attention import ATTENTION
from .lmul_scope import MARK, read_mark
from .values import defining_op
from .views import VIEWS
from .walk import find


@dataclass(frozen=True)
class LowerAttention(Pass):
    """Replace decided loops over heads on memrefs by calls of attention kernels, emitted once for each distinct form.

    Only an `scf.forall` with the attributes `slipstick.attention` and `slipstick.decision` is touched. Of its body the
    two products are read, which say where Q, K, V and the result lie, and the mask, the one other memref from outside;
    what lies between them is what `slipstick.attention` says. A loop whose body has another form, because a pass has
    rewritten it, becomes a plain loop over its body. Rows that are not contiguous are copied. The buffers of a kernel
    are made once before the loop, or with `parallel` in each iteration.
    """

    name: ClassVar[str] = "lower-attention"
    anchor: ClassVar[str | None] = "builtin.module"
    parallel: bool = option(False, "emit scf.parallel over batch and heads")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Lower all loops; raise where a decision, an attribute or a mark is illegal."""
        kernels: dict[AttentionKernel, str] = {}
        for heads in find(op, lambda inner: inner.name == "scf.forall" and not inner.results):
            if ATTENTION not in heads.attributes or DECISION_ATTRIBUTE not in heads.attributes:
                continue
            try:
                schedule = read_attention_decision(heads)
            except ValueError as problem:
                raise ctx.fail(heads, str(problem)) from problem
            operands = _find_operands(heads)
            if operands is None or len(heads.regions[0].blocks[0].arguments) != 1:
                self._plain(heads)
                ctx.count("loops left plain")
            else:
                self._lower(op, heads, _kernel(heads, operands, schedule, ctx), operands, kernels, ctx)
                ctx.count("attention groups lowered")

    def _lower(
        self,
        module: ir.Operation,
        heads: ir.Operation,
        kernel: AttentionKernel,
        operands: _Operands,
        kernels: dict[AttentionKernel, str],
        ctx: PassContext,
    ) -> None:
        if kernel not in kernels:
            kernels[kernel] = f"slipstick_attention_{len(kernels)}"
            emit_attention(module.regions[0].blocks[0], kernels[kernel], kernel)
            ctx.count("kernels emitted")
        with ir.InsertionPoint(heads), heads.location:
            scratch = [] if self.parallel else _scratch(kernel)
            for head in self._loop(heads):
                buffers = _scratch(kernel) if self.parallel else scratch
                _call(kernels[kernel], heads, operands, head, buffers)
                for buffer in buffers if self.parallel else []:
                    memref.dealloc(buffer)
            for buffer in scratch:
                memref.dealloc(buffer)
        heads.erase()

    def _loop(self, heads: ir.Operation) -> Iterator[ir.Value]:
        count = index(_trips(heads))
        return parallel_loop(count) if self.parallel else loop(index(0), count)

    def _plain(self, heads: ir.Operation) -> None:
        """Make a plain loop of the body."""
        forall = heads.opview
        rank = len(forall.staticLowerBound)
        with ir.InsertionPoint(heads), heads.location:
            bounds = [[index(b) for b in part] for part in _static_bounds(heads)]
            variables: list[ir.Value] = []
            self._nest(heads, rank, bounds, variables)
        heads.erase()

    def _nest(
        self, heads: ir.Operation, rank: int, bounds: Sequence[Sequence[ir.Value]], variables: list[ir.Value]
    ) -> None:
        if len(variables) < rank:
            lower, upper, step = (part[len(variables)] for part in bounds)
            inner = scf.ForOp(lower, upper, step)
            with ir.InsertionPoint(inner.body):
                self._nest(heads, rank, bounds, [*variables, inner.induction_variable])
                scf.YieldOp([])
            return
        body = heads.regions[0].blocks[0]
        values = dict(zip(body.arguments, variables, strict=True))
        _clone([o.operation for o in body.operations][:-1], values)


@dataclass(frozen=True)
class _Operands:
    """What a loop's body reads and writes, in the body."""

    queries: ir.Value
    keys: ir.Value
    values: ir.Value
    output: ir.Value
    mask: ir.Value | None
    products: tuple[ir.Operation, ir.Operation]


def _find_operands(heads: ir.Operation) -> _Operands | None:
    """Return the operands of the body's two products and the mask; None where the body has another form."""
    body = heads.regions[0].blocks[0]
    products = [o.operation for o in body.operations if o.operation.name == "linalg.matmul"]
    if len(products) != 2:
        return None
    forms = [["d0", "d2"], ["d1", "d2"], ["d0", "d1"]], [["d0", "d2"], ["d2", "d1"], ["d0", "d1"]]
    if any(operand_dims(op) != form for op, form in zip(products, forms, strict=True)):
        return None
    known = [products[0].operands[0], products[0].operands[1], products[1].operands[1], products[1].operands[2]]
    if any(_is_local(value, body) or not _is_matrix(value) for value in known):
        return None
    others: list[ir.Value] = []
    for view in body.operations:
        op = view.operation
        if not op.name.startswith("linalg."):
            continue
        for value in op.operands:
            is_outside = isinstance(value.type, ir.MemRefType) and not _is_local(value, body)
            if is_outside and value not in known and value not in others:
                others.append(value)
    if len(others) > 1 or any(ir.MemRefType(value.type).rank > 2 for value in others):
        return None
    queries, keys, values, output = known
    return _Operands(queries, keys, values, output, others[0] if others else None, (products[0], products[1]))


def _is_matrix(value: ir.Value) -> bool:
    type_ = ir.MemRefType(value.type)
    return bool(type_.rank == 2 and type_.has_static_shape and isinstance(type_.element_type, ir.F32Type))


def _is_local(value: ir.Value, body: ir.Block) -> bool:
    """Return whether a memref is a view of a buffer that the body makes."""
    op = defining_op(value)
    while op is not None and op.name in VIEWS:
        op = defining_op(op.operands[0])
    return op is not None and op.block == body


def _kernel(heads: ir.Operation, operands: _Operands, schedule: AttentionSchedule, ctx: PassContext) -> AttentionKernel:
    attribute = heads.attributes[ATTENTION]
    entries = {named.name: named.attr for named in attribute} if isinstance(attribute, ir.DictAttr) else {}
    scale, causal = entries.get("scale"), entries.get("causal")
    if not isinstance(scale, ir.FloatAttr) or not (causal is None or isinstance(causal, ir.IntegerAttr)):
        expected = "a dictionary with scale, a float, and where the mask is causal an integer for that"
        raise ctx.fail(heads, f"{ATTENTION}: expected {expected}, found {attribute}")
    rows, depth = ir.MemRefType(operands.queries.type).shape
    keys, columns = ir.MemRefType(operands.values.type).shape
    return AttentionKernel(
        schedule,
        rows,
        keys,
        depth,
        columns,
        scale.value,
        operands.mask is not None,
        None if causal is None else causal.value,
        "zero_masked_rows" in entries,
        _product(operands.products[0], ctx),
        _product(operands.products[1], ctx),
        entries.get("scale_lmul"),
    )


def _product(op: ir.Operation, ctx: PassContext) -> Product:
    if MARK not in op.attributes:
        return Product()
    lmul = read_mark(op, ctx)
    return Product(lmul, op.attributes[MARK] if lmul.specials == "ieee" else None)


def _scratch(kernel: AttentionKernel) -> list[ir.Value]:
    return [memref.alloc(type_, [], [], alignment=64) for type_ in kernel.scratch_types()]


def _call(name: str, heads: ir.Operation, operands: _Operands, head: ir.Value, scratch: Sequence[ir.Value]) -> None:
    """Emit the views of one head and the call of the kernel."""
    body = heads.regions[0].blocks[0]
    values = {body.arguments[0]: head}
    wanted = [operands.queries, operands.keys, operands.values, operands.output]
    if operands.mask is not None:
        wanted.append(operands.mask)
    _clone(_needed(wanted, body), values)
    matrices = [values.get(value, value) for value in wanted]
    if operands.mask is not None:
        matrices[4] = _as_matrix(matrices[4])
    inputs = [value if _is_contiguous(value) else _copy(value) for value in matrices]
    type_ = strided_matrix_type(ir.F32Type.get(), unit_columns=True)
    func.CallOp([], ir.FlatSymbolRefAttr.get(name), [*(memref.cast(type_, value) for value in inputs), *scratch])
    for number, (value, original) in enumerate(zip(inputs, matrices, strict=True)):
        if value is not original:
            if number == 3:
                linalg.copy(value, outs=[original])
            memref.dealloc(value)


def _needed(values: Sequence[ir.Value], body: ir.Block) -> list[ir.Operation]:
    """Return the operations of the body that compute the values, in order."""
    needed: set[ir.Operation] = set()

    def visit(value: ir.Value) -> None:
        op = defining_op(value)
        if op is not None and op.block == body and op not in needed:
            needed.add(op)
            for operand in op.operands:
                visit(operand)

    for value in values:
        visit(value)
    return [o.operation for o in body.operations if o.operation in needed]


def _clone(operations: Sequence[ir.Operation], values: dict[ir.Value, ir.Value]) -> None:
    """Clone operations at the insertion point; `values` says what stands for their operands, and then results."""
    for op in operations:
        copy = op.clone()
        for inner in find(copy, lambda _: True):
            for number, operand in enumerate(inner.operands):
                if operand in values:
                    inner.operands[number] = values[operand]
        values.update(zip(op.results, copy.results, strict=True))


def _as_matrix(mask: ir.Value) -> ir.Value:
    """Return a mask of keys alone as a matrix whose rows are all the same one."""
    source = ir.MemRefType(mask.type)
    if source.rank == 2:
        return mask
    strides, _ = source.get_strides_and_offset()
    base, offset, *_ = memref.ExtractStridedMetadataOp(mask).results
    result = ir.MemRefType.get(
        [1, source.shape[0]], source.element_type, ir.StridedLayoutAttr.get(DYNAMIC_STRIDE, [0, strides[0]])
    )
    return memref.ReinterpretCastOp(
        result, base, [offset], [], [], [DYNAMIC], [1, source.shape[0]], [0, strides[0]]
    ).result


def _is_contiguous(matrix: ir.Value) -> bool:
    return bool(ir.MemRefType(matrix.type).get_strides_and_offset()[0][1] == 1)


def _copy(matrix: ir.Value) -> ir.Value:
    source = ir.MemRefType(matrix.type)
    copy = memref.alloc(ir.MemRefType.get(source.shape, source.element_type), [], [])
    linalg.copy(matrix, outs=[copy])
    return copy


def _static_bounds(heads: ir.Operation) -> list[list[int]]:
    return [list(heads.attributes[name]) for name in ("staticLowerBound", "staticUpperBound", "staticStep")]


def _trips(heads: ir.Operation) -> int:
    return int(_static_bounds(heads)[1][0])
