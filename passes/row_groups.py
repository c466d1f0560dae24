"""Find the operations that one loop over rows can compute together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..bindings import ir
from .fuse_elementwise import APART
from .row_forms import RowForm, maps_of, row_form
from .values import defining_op

RESHAPES = frozenset({"tensor.expand_shape", "tensor.collapse_shape"})


@dataclass(eq=False)
class RowGroup:
    """Operations of one block with equally many rows, each with its form; in program order once the search is over."""

    count: int
    length: int
    members: dict[ir.Operation, RowForm] = field(default_factory=dict)

    def producer(self, op: ir.Operation, operand: int) -> ir.Value | None:
        """Return the result of a member that an operand of the member `op` is, row by row; None: it is from outside.

        Reshapes between them keep the order of elements, so rows stay rows.
        """
        source = source_of(op.operands[operand])
        owner = defining_op(source)
        if owner is None or owner not in self.members:
            return None
        form = self.members[owner]
        number = len(owner.opview.inputs) + ir.OpResult(source).result_number
        made = form.kind(maps_of(owner)[number])
        return source if self.members[op].kind(maps_of(op)[operand]) == made else None


def source_of(value: ir.Value) -> ir.Value:
    """Return what `value` is a reshape of, through any number of reshapes."""
    while (owner := defining_op(value)) is not None and owner.name in RESHAPES:
        value = owner.operands[0]
    return value


class RowGroups:
    """Groups the operations of one block.

    An operation joins the groups of all its producers, merged into one, where these have as many rows of the same
    length, and where the group as a whole then depends on nothing that depends on it. Groups are contracted to one
    node each in that question.
    """

    def __init__(self, operations: list[ir.Operation], max_length: int):
        self._position = {op: i for i, op in enumerate(operations)}
        self._group: dict[ir.Operation, RowGroup] = {}
        for op in operations:
            self._place(op, max_length)

    def groups(self) -> list[RowGroup]:
        """Return the groups of at least two members, in the order of their first ones."""
        found = {id(group): group for group in self._group.values() if len(group.members) > 1}
        for group in found.values():
            group.members = {op: group.members[op] for op in sorted(group.members, key=self._position.__getitem__)}
        return sorted(found.values(), key=lambda group: self._position[next(iter(group.members))])

    def _place(self, op: ir.Operation, max_length: int) -> None:
        form = row_form(op)
        if form is None or APART in op.attributes:
            return
        owners = (defining_op(source_of(value)) for value in list(op.operands)[: len(op.opview.inputs)])
        joined = list({id(g): g for g in (self._group.get(o) for o in owners if o is not None) if g}.values())
        per_row = row_form(op, scalars=True)
        for choice in (per_row, form):
            if choice is None:
                continue
            fitting = [g for g in joined if g.count == choice.count and choice.length in (1, g.length)]
            while fitting:
                if self._join(op, choice, fitting):
                    return
                fitting.pop(0)
        if form.length <= max_length:
            self._group[op] = RowGroup(form.count, form.length, {op: form})

    def _join(self, op: ir.Operation, form: RowForm, groups: list[RowGroup]) -> bool:
        """Merge the groups and add the operation, if that is legal and `op` reads from each row by row."""
        first = groups[0]
        if any(group.length != first.length for group in groups):
            return False
        union = RowGroup(first.count, first.length, {op: form})
        for group in groups:
            union.members |= group.members
        if all(union.producer(op, i) is None for i in range(len(op.opview.inputs))):
            return False
        if self._depends_on_itself(union):
            return False
        self._group.update(dict.fromkeys(union.members, union))
        return True

    def _depends_on_itself(self, union: RowGroup) -> bool:
        """Return whether a member needs what an operation outside made of another member's result."""
        first = min(map(self._position.__getitem__, union.members))
        pending = list(self._outside(union))
        seen: set[ir.Operation] = set()
        while pending:
            op = pending.pop()
            if op in union.members:
                return True
            if op in seen:
                continue
            group = self._group.get(op)
            nodes = list(group.members) if group is not None else [op]
            seen.update(nodes)
            # What stands before all members needs none of them.
            if max(self._position[node] for node in nodes) > first:
                pending += [] if group is None else self._outside(group)
                pending += [] if group is not None else self._needs(op)
        return False

    def _outside(self, group: RowGroup) -> Iterator[ir.Operation]:
        """Yield the operations whose results the members read, but not row by row from one another."""
        for op in group.members:
            inputs = len(op.opview.inputs)
            inside = {i for i in range(inputs) if group.producer(op, i) is not None}
            # What a result starts with is a constant.
            values = [v for i, v in enumerate(op.operands) if i < inputs and i not in inside]
            yield from self._owners([*values, *_captured(op)])

    def _needs(self, op: ir.Operation) -> Iterator[ir.Operation]:
        yield from self._owners([*op.operands, *_captured(op)])

    def _owners(self, values: Iterable[ir.Value]) -> Iterator[ir.Operation]:
        for value in values:
            owner = defining_op(value)
            if owner is not None and owner in self._position:
                yield owner


def _captured(op: ir.Operation) -> list[ir.Value]:
    """Return the operands of all operations in the regions of `op`, those defined there too."""
    values: list[ir.Value] = []

    def visit(inner: ir.Operation) -> ir.WalkResult:
        values.extend(inner.operands)
        return ir.WalkResult.ADVANCE

    for region in op.regions:
        for block in region.blocks:
            for view in block.operations:
                view.operation.walk(visit)
    return values
