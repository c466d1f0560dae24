"""Slices of tensors for one head: which part of a tensor the elements of an access are, and its emission."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from ..bindings import arith, ir, linalg, scf, tensor
from .access import Access, Digit, Position, groups, joined, split
from .values import defining_op

DYNAMIC = ir.ShapedType.get_dynamic_size()


@dataclass(frozen=True)
class Slice:
    """The part of `value` that belongs to one head.

    For each dimension `offsets` has digits of the head, each with its weight, and `sizes` the number of elements. The
    slice is a tensor of `shape`; dimensions of one element beyond it are dropped.
    """

    value: ir.Value
    offsets: tuple[tuple[tuple[Digit, int], ...], ...]
    sizes: tuple[int, ...]
    shape: tuple[int, ...]
    heads: int
    factor: ir.Operation | None = None
    """An element-wise multiply of one input by a constant that the elements go through first."""

    def extract(self, head: ir.Value) -> ir.Value:
        """Emit the slice for the index `head`."""
        element = ir.RankedTensorType(self.value.type).element_type
        result = ir.RankedTensorType.get(self.shape, element)
        dynamic, static, ones = self._arguments(head)
        return tensor.ExtractSliceOp(result, self.value, dynamic, [], [], static, self.sizes, ones).result

    def extract_from(self, value: ir.Value, head: ir.Value) -> ir.Value:
        """Emit the slice of `value`, which has the type of the slice's own."""
        return replace(self, value=value).extract(head)

    def scaled(self) -> Slice:
        """Emit the multiply by the factor, in the layout of `value`; return the slice of its result."""
        if self.factor is None:
            return self
        type_ = ir.RankedTensorType(self.value.type)
        empty = tensor.EmptyOp(type_.shape, type_.element_type).result
        identity = ir.AffineMapAttr.get(ir.AffineMap.get_identity(type_.rank))
        kind = ir.Attribute.parse("#linalg.iterator_type<parallel>")
        op = linalg.GenericOp(
            [type_], [self.value], [empty], ir.ArrayAttr.get([identity] * 2), ir.ArrayAttr.get([kind] * type_.rank)
        )
        for named in self.factor.attributes:
            if named.startswith("slipstick."):
                op.operation.attributes[named] = self.factor.attributes[named]
        block = op.regions[0].blocks.append(type_.element_type, type_.element_type)
        body = self.factor.regions[0].blocks[0]
        values: dict[ir.Value, ir.Value] = dict(zip(body.arguments, block.arguments, strict=True))
        with ir.InsertionPoint(block):
            for inner in body.operations:
                copy = inner.operation.clone()
                for number, operand in enumerate(copy.operands):
                    copy.operands[number] = values.get(operand, operand)
                values.update(zip(inner.operation.results, copy.results, strict=True))
        return replace(self, value=op.results[0], factor=None)

    def insert(self, source: ir.Value, into: ir.Value, head: ir.Value) -> None:
        """Emit the end of an `scf.forall`: the insertion of `source` into `into`."""
        dynamic, static, ones = self._arguments(head)
        end = scf.InParallelOp()
        if not len(end.regions[0].blocks):
            end.regions[0].blocks.append()
        with ir.InsertionPoint(end.regions[0].blocks[0]):
            tensor.ParallelInsertSliceOp(source, into, dynamic, [], [], static, self.sizes, ones)

    def offset_values(self, head: ir.Value) -> list[ir.Value | None]:
        """Emit the offset along each dimension for the index `head`; None for 0."""
        return [self._offset(parts, head) for parts in self.offsets]

    def _arguments(self, head: ir.Value) -> tuple[list[ir.Value], list[int], list[int]]:
        offsets = self.offset_values(head)
        dynamic = [offset for offset in offsets if offset is not None]
        return dynamic, [0 if offset is None else DYNAMIC for offset in offsets], [1] * len(offsets)

    def _offset(self, parts: Sequence[tuple[Digit, int]], head: ir.Value) -> ir.Value | None:
        total = None
        for digit, weight in parts:
            value = head
            if digit.stride > 1:
                value = arith.divui(value, _index(digit.stride))
            if digit.stride * digit.size < self.heads:
                value = arith.remui(value, _index(digit.size))
            if weight > 1:
                value = arith.muli(value, _index(weight))
            total = value if total is None else arith.addi(total, value)
        return total


def slice_of(access: Access, variables: Sequence[str], sizes: Mapping[str, int], heads: int) -> Slice | None:
    """Return the slice whose dimensions are `variables`, in this order, of sizes `sizes`, unit stride in the last.

    None where the elements for one head are no such slice, or the tensor's sizes are not known.
    """
    type_ = ir.RankedTensorType(access.value.type)
    if not type_.has_static_shape:
        return None
    offsets, extents, order = [], [], []
    for position, size in zip(access.positions, type_.shape, strict=True):
        if prod(d.size for d in position) != size:
            return None
        kept = position
        extent = 1
        last = position[-1] if position else None
        if last is not None and last.variable in variables:
            if last.stride != 1 or last.size != sizes[last.variable] or last.variable in order:
                return None
            order.append(last.variable)
            kept, extent = position[:-1], last.size
        if any(digit.variable != "head" for digit in kept):
            return None
        offsets.append(_weighted(kept, extent))
        extents.append(extent)
    wanted = [name for name in variables if sizes[name] > 1]
    # A dimension of one element has no digits; the slice takes it from one of those that the tensor has.
    if order != wanted or extents[-1] != sizes[variables[-1]] or len(extents) < len(variables):
        return None
    return Slice(access.value, tuple(offsets), tuple(extents), tuple(sizes[name] for name in variables), heads)


def forward_slice(access: Access, variables: Sequence[str], sizes: Mapping[str, int], heads: int) -> Slice | None:
    """Return the slice of the last of a chain of views, each alone in reading the one before, that `slice_of` finds."""
    best = slice_of(access, variables, sizes, heads)
    while True:
        uses = list(access.value.uses)
        inner = _followed(access, uses[0].owner.operation) if len(uses) == 1 else None
        if inner is None:
            return best
        access = inner
        best = slice_of(access, variables, sizes, heads) or best


def _followed(access: Access, op: ir.Operation) -> Access | None:
    """Return the access to the same element in a view or transpose `op` of the value."""
    if not op.results or op.operands[0] != access.value or defining_op(op.results[0]) is None:
        return None
    result = ir.RankedTensorType(op.results[0].type) if isinstance(op.results[0].type, ir.RankedTensorType) else None
    if result is None or not result.has_static_shape:
        return None
    positions: list[Position]
    if op.name == "tensor.collapse_shape":
        positions = [joined([access.positions[i] for i in group]) for group in groups(op)]
    elif op.name == "linalg.transpose":
        positions = [access.positions[dimension] for dimension in op.attributes["permutation"]]
    elif op.name == "tensor.expand_shape":
        positions = []
        for position, group in zip(access.positions, groups(op), strict=True):
            found = split(position, [result.get_dim_size(i) for i in group])
            if found is None:
                return None
            positions += found
    else:
        return None
    return Access(op.results[0], tuple(positions))


def _weighted(position: Position, weight: int) -> tuple[tuple[Digit, int], ...]:
    found: list[tuple[Digit, int]] = []
    for digit in reversed(position):
        found.insert(0, (digit, weight))
        weight *= digit.size
    return tuple(found)


def _index(value: int) -> ir.Value:
    return arith.constant(ir.IndexType.get(), value)
