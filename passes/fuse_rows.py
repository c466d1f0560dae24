"""Compute what works row by row in one loop over rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import arith, func, ir, linalg, scf, tensor
from ..kernels.epilogue import EPILOGUE_ATTRIBUTE
from .base import Pass, PassContext, option
from .row_forms import RowForm, maps_of, start_value
from .row_groups import RESHAPES, RowGroup, RowGroups
from .values import defining_op

_MOVABLE = ("arith.", "linalg.", "math.", "tensor.")


@dataclass(frozen=True)
class FuseRows(Pass):
    """Fuse element-wise operations and reductions over the same rows into one `scf.forall` over rows.

    LayerNorm, RMSNorm, softmax and the chains around them then take a row from memory once: inside the loop stand
    `linalg.generic`s on one row, what they hand to one another stays in the first-level cache, and what nothing else
    reads is never written out. Nothing is computed twice. Rows are those of static shapes; a group has at least two
    operations, see `RowGroups`; what carries the attribute `slipstick.apart` belongs to none.
    """

    name: ClassVar[str] = "fuse-rows"
    max_length: int = option(16384, "elements of a row above which its operations are not fused")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Fuse within each block of each function that holds tensor operations directly."""
        op.walk(lambda inner: self._visit(inner, ctx))

    def _visit(self, op: ir.Operation, ctx: PassContext) -> ir.WalkResult:
        if not isinstance(op.opview, func.FuncOp):
            return ir.WalkResult.ADVANCE
        for block in op.regions[0].blocks:
            order = [view.operation for view in block.operations]
            for group in RowGroups(order, self.max_length).groups():
                if _gather(group, order):
                    _Builder(group).build()
                    order = [view.operation for view in block.operations]
                    ctx.count("groups fused")
                    ctx.count("operations fused", len(group.members))
        return ir.WalkResult.SKIP


def _gather(group: RowGroup, order: list[ir.Operation]) -> bool:
    """Move what stands between the members and needs one of them behind the last; return False where that cannot be.

    `order` is the block's, and is kept so.
    """
    # The hash of an operation follows its operands, which the fusion of an earlier group may have replaced.
    members = group.members = dict(group.members.items())
    first, last = order.index(next(iter(members))), order.index(next(reversed(members)))
    needing: set[ir.Operation] = set(members)
    moved: list[ir.Operation] = []
    kept: list[ir.Operation] = []
    for op in order[first : last + 1]:
        if op in members:
            kept.append(op)
        elif any(owner in needing for owner in _needed(op)):
            if not op.name.startswith(_MOVABLE):
                return False
            if EPILOGUE_ATTRIBUTE in op.attributes and (updated := defining_op(op.operands[-1])) in kept:
                # A contraction and what its kernel does stay together.
                kept.remove(updated)
                moved.append(updated)
            needing.add(op)
            moved.append(op)
        else:
            kept.append(op)
    place = order[last]
    for op in reversed(moved):
        op.move_after(place)
    order[first : last + 1] = kept + moved
    return True


def _needed(op: ir.Operation) -> set[ir.Operation]:
    """Return the operations whose results `op` reads, in its regions too."""
    found: set[ir.Operation] = set()

    def visit(inner: ir.Operation) -> ir.WalkResult:
        found.update(owner for owner in map(defining_op, inner.operands) if owner is not None)
        return ir.WalkResult.ADVANCE

    op.walk(visit)
    return found


class _Builder:
    """Writes the loop of one group."""

    def __init__(self, group: RowGroup):
        self.group = group
        self.kept = [r for op in group.members for r in op.results if not self._stays_inside(r)]
        self.made: dict[ir.Value, ir.Value] = {}  # by result of a member: the same of one row

    def build(self) -> None:
        """Put the loop behind the last member, whose results it replaces with all others'; erase the members."""
        members = list(self.group.members)
        last = members[-1]
        with ir.InsertionPoint(last), last.location:
            starts = [tensor.EmptyOp(self._shape(r), _element(r)).result for r in self.kept]
            loop = self.loop = scf.ForallOp([0], [self.group.count], [1], starts)
            for name in last.attributes:
                if name == "slipstick.layer":
                    loop.operation.attributes[name] = last.attributes[name]
        row, *outputs = loop.body.arguments
        slots = dict(zip(self.kept, outputs, strict=True))
        with ir.InsertionPoint(loop.body):
            for op in members:
                with op.location:
                    self._member(op, row, slots)
            with last.location:
                end = scf.InParallelOp()
        with ir.InsertionPoint(end.block), last.location:
            for result, slot in slots.items():
                self._insert(self.made[result], slot, row, self._kind(result))
        with ir.InsertionPoint(last), last.location:
            for result, whole in zip(self.kept, loop.results, strict=True):
                result.replace_all_uses_with(_reshaped(whole, result.type))
        for op in reversed(members):
            _erase_reshapes(op)
            op.erase()

    def _member(self, op: ir.Operation, row: ir.Value, slots: dict[ir.Value, ir.Value]) -> None:
        """Write what `op` does for one row."""
        form, maps, inputs = self.group.members[op], maps_of(op), len(op.opview.inputs)
        operands = []
        for number, map_ in enumerate(maps[:inputs]):
            produced = self.group.producer(op, number)
            operands.append(self.made[produced] if produced is not None else self._slice(op, number, map_, form, row))
        outputs = []
        body = op.regions[0].blocks[0]
        for number, result in enumerate(op.results):
            slot = slots.get(result)
            kind = self._kind(result)
            shape = [form.length] if kind == "full" else []
            target = (
                tensor.EmptyOp(shape, _element(result)).result
                if slot is None
                else _cut(slot, [row, 0] if kind == "full" else [row], [1, form.length] if kind == "full" else [1])
            )
            if any(True for _ in body.arguments[inputs + number].uses):
                start = start_value(op.operands[inputs + number])
                target = linalg.fill(start, outs=[target])
            outputs.append(target)
        loops = 0 if form.inner is None else 1
        inner = [ir.AffineDimExpr.get(0)]
        new_maps = [ir.AffineMap.get(loops, 0, inner if form.inner in form.loops(m) else []) for m in maps]
        types = [value.type for value in outputs]
        row_op = linalg.GenericOp(
            types,
            operands,
            outputs,
            ir.ArrayAttr.get([ir.AffineMapAttr.get(m) for m in new_maps]),
            ir.ArrayAttr.get([] if form.inner is None else [op.attributes["iterator_types"][form.inner]]),
        )
        for name in op.attributes:
            if name.startswith("slipstick."):
                row_op.operation.attributes[name] = op.attributes[name]
        self.made.update(zip(op.results, row_op.results, strict=True))
        _clone_body(op, row_op.operation)

    def _slice(self, op: ir.Operation, number: int, map_: ir.AffineMap, form: RowForm, row: ir.Value) -> ir.Value:
        """Cut what one row reads of an operand from outside: a row of it, an element, or all of it for every row."""
        value = op.operands[number]
        kind = form.kind(map_)
        if kind == "full":
            return _cut(self._outside(value, [form.count, form.length]), [row, 0], [1, form.length])
        if kind == "row" and form.rows:
            return _cut(self._outside(value, [form.count]), [row], [1])
        at: dict[int, ir.Value] = {}
        if any(loop in form.rows for loop in form.loops(map_)):
            at = _indices(row, form)
        shape = list(value.type.shape)
        offsets: list[ir.Value | int] = [0] * len(shape)
        sizes = [1] * len(shape)
        for place, expression in enumerate(map_.results):
            if shape[place] == 1 or not isinstance(expression, ir.AffineDimExpr):
                offsets[place] = 0 if shape[place] == 1 else int(ir.AffineConstantExpr(expression).value)
            elif expression.position == form.inner:
                sizes[place] = form.length
            else:
                offsets[place] = at[expression.position]
        return _cut(value, offsets, sizes)

    def _outside(self, value: ir.Value, shape: list[int]) -> ir.Value:
        """Emit a reshape of `value` before the loop."""
        with ir.InsertionPoint(self.loop):
            return _reshaped(value, _like(value, shape))

    def _insert(self, value: ir.Value, slot: ir.Value, row: ir.Value, kind: str) -> None:
        full = kind == "full"
        static = ir.ShapedType.get_dynamic_size()
        tensor.ParallelInsertSliceOp(
            value,
            slot,
            [row],
            [],
            [],
            [static, 0] if full else [static],
            [1, self.group.length] if full else [1],
            [1, 1] if full else [1],
        )

    def _kind(self, result: ir.Value) -> str:
        """Return "full" for a result of whole rows, "row" for one element a row."""
        op = result.owner.operation
        number = len(op.opview.inputs) + ir.OpResult(result).result_number
        kind = self.group.members[op].kind(maps_of(op)[number])
        assert kind is not None
        return kind

    def _shape(self, result: ir.Value) -> list[int]:
        return [self.group.count, self.group.length] if self._kind(result) == "full" else [self.group.count]

    def _stays_inside(self, value: ir.Value) -> bool:
        """Return whether nothing but members reads `value`, row by row, through reshapes or not."""
        for use in value.uses:
            user = use.owner.operation
            if user.name in RESHAPES:
                if not self._stays_inside(user.results[0]):
                    return False
            elif user not in self.group.members or self.group.producer(user, use.operand_number) is None:
                return False
        return True


def _clone_body(op: ir.Operation, target: ir.Operation) -> None:
    old = op.regions[0].blocks[0]
    new = target.regions[0].blocks.append(*[a.type for a in old.arguments])
    values = dict(zip(old.arguments, new.arguments, strict=True))
    with ir.InsertionPoint(new):
        for view in old.operations:
            copy = view.operation.clone()
            for number, operand in enumerate(view.operation.operands):
                if operand in values:
                    copy.operands[number] = values[operand]
            values.update(zip(view.operation.results, copy.results, strict=True))


def _indices(row: ir.Value, form: RowForm) -> dict[int, ir.Value]:
    """Emit the iteration of each loop over rows that is number `row` of all of them."""
    found: dict[int, ir.Value] = {}
    rest = row
    for place, loop in reversed(list(enumerate(form.rows))):
        if place == 0:
            found[loop] = rest
        else:
            size = arith.ConstantOp(ir.IndexType.get(), form.sizes[loop]).result
            found[loop] = arith.remui(rest, size)
            rest = arith.divui(rest, size)
    return found


def _element(value: ir.Value) -> ir.Type:
    return ir.RankedTensorType(value.type).element_type


def _like(value: ir.Value, shape: list[int]) -> ir.RankedTensorType:
    return ir.RankedTensorType.get(shape, _element(value))


def _cut(value: ir.Value, offsets: list[ir.Value | int], sizes: list[int]) -> ir.Value:
    """Emit a slice of `value` without its dimensions of one element."""
    dynamic = ir.ShapedType.get_dynamic_size()
    values = [o for o in offsets if isinstance(o, ir.Value)]
    static = [dynamic if isinstance(o, ir.Value) else o for o in offsets]
    type_ = _like(value, [size for size in sizes if size != 1])
    if type_ == value.type and not values:
        return value
    return tensor.ExtractSliceOp(type_, value, values, [], [], static, sizes, [1] * len(sizes)).result


def _reshaped(value: ir.Value, type_: ir.RankedTensorType) -> ir.Value:
    """Emit the reshape of `value` to a static shape of as many elements."""
    old, new = list(value.type.shape), list(type_.shape)
    if old == new:
        return value
    if (parts := _parts(old, new)) is not None:
        return tensor.CollapseShapeOp(type_, value, parts).result
    if (parts := _parts(new, old)) is not None:
        return tensor.ExpandShapeOp(type_, value, parts, [], new).result
    return _reshaped(_reshaped(value, _like(value, [math.prod(old)])), type_)


def _parts(fine: list[int], coarse: list[int]) -> list[list[int]] | None:
    """Return which dimensions of `fine` make up each of `coarse`; None where no neighbours do."""
    if len(fine) <= len(coarse):
        return None
    parts: list[list[int]] = []
    rest = list(range(len(fine)))
    for size in coarse:
        part = [rest.pop(0)] if rest else []
        while math.prod(fine[i] for i in part) < size and rest:
            part.append(rest.pop(0))
        if math.prod(fine[i] for i in part) != size or not part:
            return None
        parts.append(part)
    if any(fine[i] != 1 for i in rest):
        return None
    if parts:
        parts[-1] += rest
    return parts


def _erase_reshapes(op: ir.Operation) -> None:
    """Erase the reshapes of the results of `op` that nothing reads any more."""
    for result in op.results:
        for user in [use.owner.operation for use in result.uses]:
            _erase_reshapes(user)
            user.erase()
