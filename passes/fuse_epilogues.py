"""Decide which element-wise operations the kernel of a contraction does before it stores its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import ir, linalg
from ..kernels.decision import DECISION_ATTRIBUTE, ContractionSchedule, read_decision
from ..kernels.epilogue import EPILOGUE_ATTRIBUTE, EpiloguePlace, Step
from .base import Pass, PassContext, option
from .contraction_dims import CONTRACTIONS, canonical_dims, is_permuted, operand_dims
from .epilogue_operands import Part, collapsed, groups_of, part_of
from .epilogues import body_steps, is_fusable_consumer
from .fuse_attention import ATTENTION
from .layer import LAYER
from .lmul_scope import mark_multiplies
from .row_forms import maps_of
from .walk import find

COSTLY = 16
"""What an elementary function costs, and a division."""


@dataclass(frozen=True)
class FuseEpilogues(Pass):
    """Make the element-wise readers of a contraction's result updates of it, with the attribute `slipstick.epilogue`.

    A chain of `linalg.generic`s behind a contraction, one reading the other alone, through reshapes or not, becomes one
    `linalg.generic` directly behind it whose output is the contraction's result: bias, activation, residual, scale. It
    needs no buffer of its own, and the attribute says that the contraction's kernel does it, and where: in "registers"
    up to a cost, else in a loop over the "tile" just stored. Changed are contractions with a decision of the
    kind "packed", of known depth, whose sums are f32 or f64; operands of the readers have the same type, and are
    indexed by rows, columns, both or neither. What is part of attention is left alone.
    """

    name: ClassVar[str] = "fuse-epilogues"
    register_cost: int = option(6, "cost of an epilogue up to which it is done on the register tile")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Fuse behind each contraction; raise where a decision is illegal."""
        for contraction in find(op, lambda inner: inner.name in CONTRACTIONS):
            if not _is_candidate(contraction, ctx):
                continue
            current = contraction
            while (reader := _reader(current)) is not None:
                current = _fuse(contraction, current, reader)
                ctx.count("operations fused")
            if current != contraction:
                current.attributes[EPILOGUE_ATTRIBUTE] = ir.StringAttr.get(self.place(current), op.context)
                ctx.count("epilogues")

    def place(self, op: ir.Operation) -> EpiloguePlace:
        """Return where an epilogue is done."""
        found = body_steps(op)
        assert found is not None, "made of bodies that have steps"
        cost = sum(_cost(step) for step in found[0])
        return "registers" if cost <= self.register_cost else "tile"


@dataclass(frozen=True)
class _Reader:
    """The one operation that reads a result, and how its operands lie beside that."""

    op: ir.Operation
    expand: ir.Operation | None
    """The reshape of the result that it reads."""
    parts: tuple[Part | None, ...]
    """For each input its form beside the result, None for the result itself."""


def _cost(step: Step) -> int:
    """Return about how many instructions a step becomes."""
    if step.name == "arith.constant":
        return 0
    return 1 if step.name.startswith("arith.") and step.name != "arith.divf" else COSTLY


def _is_candidate(op: ir.Operation, ctx: PassContext) -> bool:
    if DECISION_ATTRIBUTE not in op.attributes or not op.results or _is_in_attention(op):
        return False
    try:
        schedule = read_decision(op)
    except ValueError as problem:
        raise ctx.fail(op, str(problem)) from problem
    if not isinstance(schedule, ContractionSchedule) or not is_permuted(op):
        return False
    # Of an empty sum no step is the last one.
    depth = ir.ShapedType(op.operands[0].type)
    place = operand_dims(op)[0].index(canonical_dims(op)[0][-1])
    if depth.is_dynamic_dim(place) or depth.get_dim_size(place) == 0:
        return False
    is_float = isinstance(ir.ShapedType(op.results[0].type).element_type, ir.F32Type | ir.F64Type)
    return is_float and operand_dims(op)[2] == canonical_dims(op)[2]


def _is_in_attention(op: ir.Operation) -> bool:
    parent = op.parent
    while parent is not None:
        if ATTENTION in parent.attributes:
            return True
        parent = parent.parent
    return False


def _reader(current: ir.Operation) -> _Reader | None:
    """Return the operation that alone reads the result of `current`, if it can be fused with it."""
    value, expand = current.results[0], None
    while (op := _only_user(value)) is not None and op.block == current.block:
        if op.name == "tensor.expand_shape" and expand is None:
            value, expand = op.results[0], op
        elif op.name == "tensor.collapse_shape" and expand is not None and _is_inverse(op, expand):
            value, expand = op.results[0], None
        else:
            return _as_reader(op, value, expand) if is_fusable_consumer(op) else None
    return None


def _as_reader(op: ir.Operation, value: ir.Value, expand: ir.Operation | None) -> _Reader | None:
    """Return how `op` reads `value` and its other operands; None where one is read in another form."""
    maps, result = maps_of(op), ir.RankedTensorType(op.results[0].type)
    element = ir.RankedTensorType(value.type).element_type
    if maps[-1] != ir.AffineMap.get_identity(result.rank) or result.element_type != element:
        return None
    if ir.RankedTensorType(value.type).rank != result.rank:
        return None  # it repeats what it reads
    groups = groups_of(expand, result)
    every = tuple(number for number, group in enumerate(groups) if group)
    parts: list[Part | None] = []
    for operand, map_ in zip(op.opview.inputs, maps, strict=False):
        if not isinstance(operand.type, ir.RankedTensorType) or operand.type.element_type != element:
            return None
        part = part_of(map_, groups, operand.type)
        if part is None or (operand == value and part.dims != every):
            return None
        parts.append(None if operand == value else part)
    return _Reader(op, expand, tuple(parts))


def _fuse(contraction: ir.Operation, current: ir.Operation, reader: _Reader) -> ir.Operation:
    """Replace `current`, unless it is the contraction, and its reader by one update of the contraction's result."""
    op = reader.op
    mark_multiplies(op)
    contraction.move_before(op)
    sums = contraction.results[0]
    rank = ir.RankedTensorType(sums.type).rank
    inputs: list[tuple[ir.Value, ir.AffineMap]] = []
    if current != contraction:
        inputs += zip(current.opview.inputs, maps_of(current), strict=False)
    with ir.InsertionPoint(op), op.location:
        beside: list[tuple[ir.Value, ir.AffineMap] | None] = []
        for operand, part in zip(op.opview.inputs, reader.parts, strict=True):
            if part is None:
                beside.append(None)
                continue
            dims = [ir.AffineDimExpr.get(dim) for dim in part.dims]
            beside.append((collapsed(operand, part), ir.AffineMap.get(rank, 0, dims)))
        # One operand read in one way is one input, however many bodies read it.
        inputs += [pair for pair in dict.fromkeys(filter(None, beside)) if pair not in inputs]
        maps = [map_ for _, map_ in inputs] + [ir.AffineMap.get_identity(rank)]
        parallel = ir.Attribute.parse("#linalg.iterator_type<parallel>")
        fused = linalg.GenericOp(
            [sums.type],
            [value for value, _ in inputs],
            [sums],
            ir.ArrayAttr.get([ir.AffineMapAttr.get(map_) for map_ in maps]),
            ir.ArrayAttr.get([parallel] * rank),
        )
        if LAYER in op.attributes:
            fused.operation.attributes[LAYER] = op.attributes[LAYER]
    block = fused.regions[0].blocks.append(*[ir.RankedTensorType(sums.type).element_type] * (len(inputs) + 1))
    *arguments, value = block.arguments
    with ir.InsertionPoint(block):
        if current != contraction:
            value = _inline(current, [*arguments[: len(current.opview.inputs)], value])
        given = [value if pair is None else arguments[inputs.index(pair)] for pair in beside]
        value = _inline(op, [*given, value])
        with op.location:
            linalg.YieldOp([value])
    _replace(reader, fused.operation, current, contraction)
    return fused.operation


def _replace(reader: _Reader, fused: ir.Operation, current: ir.Operation, contraction: ir.Operation) -> None:
    """Hand the fused result to whoever reads the reader's, and erase what was fused."""
    result, op, expand = fused.results[0], reader.op, reader.expand
    if expand is not None:
        dynamic = list(expand.operands)[1:]
        with ir.InsertionPoint(op), expand.location:
            attributes = {name: expand.attributes[name] for name in expand.attributes}
            shaped = ir.Operation.create(expand.name, [op.results[0].type], [result, *dynamic], attributes=attributes)
        result = shaped.results[0]
    op.results[0].replace_all_uses_with(result)
    op.erase()
    # The reshapes that the reader read through, and what it read.
    for value in (contraction.results[0], *([] if current == contraction else current.results)):
        for unread in _unread(value, fused):
            unread.erase()
    if current != contraction:
        current.erase()


def _unread(value: ir.Value, fused: ir.Operation) -> Iterator[ir.Operation]:
    """Yield the reshapes of `value`, inner ones before outer ones."""
    for user in {use.owner.operation for use in value.uses}:
        if user != fused and user.name in ("tensor.expand_shape", "tensor.collapse_shape"):
            yield from _unread(user.results[0], fused)
            yield user


def _inline(op: ir.Operation, arguments: list[ir.Value]) -> ir.Value:
    """Clone the body of `op` at the insertion point; return what it yields."""
    body = op.regions[0].blocks[0]
    values: dict[ir.Value, ir.Value] = dict(zip(body.arguments, arguments, strict=True))
    look_up: Callable[[ir.Value], ir.Value] = lambda value: values.get(value, value)  # noqa: E731
    for view in body.operations:
        inner = view.operation
        if inner.name == "linalg.yield":
            return look_up(inner.operands[0])
        copy = inner.clone()
        for number, operand in enumerate(inner.operands):
            copy.operands[number] = look_up(operand)
        values.update(zip(inner.results, copy.results, strict=True))
    raise AssertionError("a linalg body ends with linalg.yield")


def _only_user(value: ir.Value) -> ir.Operation | None:
    users = {use.owner.operation for use in value.uses}
    return users.pop() if len(users) == 1 else None


def _is_inverse(collapse: ir.Operation, expand: ir.Operation) -> bool:
    """Return whether a reshape gives what another one was made of."""
    same = collapse.attributes["reassociation"] == expand.attributes["reassociation"]
    return bool(same and collapse.results[0].type == expand.operands[0].type)
