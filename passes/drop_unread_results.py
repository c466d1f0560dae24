"""Compute nothing that nobody reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import ir, linalg
from .base import Pass, PassContext
from .values import defining_op
from .walk import find


@dataclass(frozen=True)
class DropUnreadResults(Pass):
    """Remove the results of a `linalg.generic` that nobody reads, and what in its body was for them alone.

    A maximum often comes with its index, which softmax has no use for; the maximum alone is a vector reduction. A
    result stays whose previous value another result is computed from.
    """

    name: ClassVar[str] = "drop-unread-results"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Visit every `linalg.generic` on tensors; consumers before producers, so that chains fall at once."""
        for generic in reversed(find(op, lambda inner: inner.name == "linalg.generic" and bool(inner.results))):
            kept = _kept(generic)
            if not kept:
                continue  # Dead as a whole, or about to be: canonicalisation removes it.
            if len(kept) < len(generic.results):
                ctx.count("results dropped", len(generic.results) - len(kept))
                _keep_only(generic, kept)


def _kept(op: ir.Operation) -> list[int]:
    """Return the numbers of the results that are read, or whose previous values those results are computed from."""
    body = op.regions[0].blocks[0]
    inputs = len(op.opview.inputs)
    yielded = list(body.operations[len(body.operations) - 1].operands)
    kept = {number for number, result in enumerate(op.results) if any(True for _ in result.uses)}
    pending = [yielded[number] for number in kept]
    seen: set[ir.Value] = set()
    while pending:
        value = pending.pop()
        if value in seen:
            continue
        seen.add(value)
        if isinstance(value.owner, ir.Block):
            number = ir.BlockArgument(value).arg_number - inputs
            if value.owner == body and number >= 0 and number not in kept:
                kept.add(number)
                pending.append(yielded[number])
        elif (owner := defining_op(value)) is not None:
            pending += owner.operands
            if len(owner.regions):
                return list(range(len(op.results)))  # what a nested region reads is not looked into
    return sorted(kept)


def _keep_only(op: ir.Operation, kept: list[int]) -> None:
    """Replace `op` by one with the results `kept` alone."""
    generic = op.opview
    inputs = len(generic.inputs)
    maps = list(op.attributes["indexing_maps"])
    body = op.regions[0].blocks[0]
    with ir.InsertionPoint(op), op.location:
        new = linalg.GenericOp(
            [op.results[number].type for number in kept],
            list(generic.inputs),
            [op.operands[inputs + number] for number in kept],
            ir.ArrayAttr.get([*maps[:inputs], *(maps[inputs + number] for number in kept)]),
            op.attributes["iterator_types"],
        )
    for name in op.attributes:
        if name.startswith("slipstick."):
            new.operation.attributes[name] = op.attributes[name]
    arguments = list(body.arguments)
    left = [*arguments[:inputs], *(arguments[inputs + number] for number in kept)]
    block = new.regions[0].blocks.append(*[a.type for a in left])
    values = dict(zip(left, block.arguments, strict=True))
    needed = _needed(body, kept)
    with ir.InsertionPoint(block):
        for view in body.operations:
            inner = view.operation
            if inner.name == "linalg.yield":
                with inner.location:
                    linalg.YieldOp([values.get(inner.operands[n], inner.operands[n]) for n in kept])
            elif inner in needed:
                copy = inner.clone()
                for number, operand in enumerate(inner.operands):
                    if operand in values:
                        copy.operands[number] = values[operand]
                values.update(zip(inner.results, copy.results, strict=True))
    for number, result in zip(kept, new.results, strict=True):
        op.results[number].replace_all_uses_with(result)
    op.erase()


def _needed(body: ir.Block, kept: list[int]) -> set[ir.Operation]:
    """Return the operations of the body that the yielded values `kept` are computed from."""
    terminator = body.operations[len(body.operations) - 1]
    pending = [terminator.operands[number] for number in kept]
    found: set[ir.Operation] = set()
    while pending:
        owner = defining_op(pending.pop())
        if owner is not None and owner not in found:
            found.add(owner)
            pending += owner.operands
    return found
