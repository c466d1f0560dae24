"""The nests of a module that carry a decision, with what is decided together: what policies are asked about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..bindings import ir, new_context
from ..costmodel.canonical import canonical_hash
from ..kernels.choice import Choice, read_choice, write_choice
from ..kernels.decision import DECISION_ATTRIBUTE
from ..kernels.epilogue import EPILOGUE_ATTRIBUTE
from ..target import Target
from .base import PassContext
from .contraction_dims import CONTRACTIONS
from .fuse_attention import ATTENTION
from .lmul_scope import MARK
from .nest_text import standalone_module
from .parameter_values import parameter_values
from .walk import captured, find

STAGE = "rewritten"
"""Where a nest on its own stands: it has its decision, what schedules leaves that alone."""


@dataclass(frozen=True, eq=False)
class Nest:
    """One operation with a decision, and the epilogue behind it if it has one."""

    op: ir.Operation
    epilogue: ir.Operation | None = None
    parameters: frozenset[ir.Value] = frozenset()
    """The values of the module that are parameters of the model."""

    @cached_property
    def choice(self) -> Choice:
        """What is decided now. Raises ValueError where that is illegal."""
        place = None if self.epilogue is None else self.epilogue.attributes[EPILOGUE_ATTRIBUTE]
        return Choice(read_choice(self.op), None if place is None else ir.StringAttr(place).value)

    def write(self, choice: Choice) -> None:
        """Decide otherwise."""
        write_choice(self.op, choice.decision)
        if self.epilogue is not None and choice.epilogue is not None:
            self.epilogue.attributes[EPILOGUE_ATTRIBUTE] = ir.StringAttr.get(choice.epilogue, self.op.context)
        self.__dict__.pop("choice", None)

    @cached_property
    def text(self) -> str:
        """A module with the nest as its function `kernel`, at the stage "rewritten", as it was decided first."""
        ops = [self.op] if self.epilogue is None else [self.op, self.epilogue]
        parameters = [value for op in ops for value in captured(op) if value in self.parameters]
        return str(standalone_module(ops, STAGE, parameters).operation.get_asm(use_local_scope=True))

    @cached_property
    def key(self) -> str:
        """A hash of the nest without its decision: equal for nests that may share one."""
        with self.op.context as context:
            module = ir.Module.parse(self.text, context)
        for op in find(module.operation, lambda inner: DECISION_ATTRIBUTE in inner.attributes):
            del op.attributes[DECISION_ATTRIBUTE]
        for op in find(module.operation, lambda inner: EPILOGUE_ATTRIBUTE in inner.attributes):
            op.attributes[EPILOGUE_ATTRIBUTE] = ir.UnitAttr.get(context)
        return canonical_hash(module.operation.get_asm(use_local_scope=True))

    @property
    def is_static(self) -> bool:
        """Whether all sizes are known, so that it can be measured on its own."""
        return "?" not in "".join(str(value.type) for op in (self.op, self.epilogue) if op for value in op.operands)

    @property
    def reads_parameter(self) -> bool:
        """Whether a product reads a parameter as B."""
        return self.op.name in CONTRACTIONS and self.op.operands[1] in self.parameters

    @cached_property
    def description(self) -> str:
        """One line for people, such as `matmul 128x768x3072 f32, weights, epilogue of 4`."""
        parts = [_described(self.op)]
        if self.reads_parameter:
            parts.append("weights")
        marks = find(self.op, lambda inner: MARK in inner.attributes)
        if marks:
            parts.append(f"L-Mul {marks[0].attributes[MARK]['specials'].value}")
        if self.epilogue is not None:
            parts.append(f"epilogue of {len(self.epilogue.regions[0].blocks[0].operations) - 1}")
        return ", ".join(parts)


def nests(root: ir.Operation) -> list[Nest]:
    """Return the nests under `root`, on tensors, that have a decision; inner loops of attention belong to it."""
    found: list[Nest] = []
    parameters = frozenset(parameter_values(root))

    def visit(op: ir.Operation) -> ir.WalkResult:
        if op.name == "scf.forall" or op.name == "linalg.generic" or op.name in CONTRACTIONS:
            if DECISION_ATTRIBUTE in op.attributes and op.results:
                found.append(Nest(op, _epilogue(op) if op.name in CONTRACTIONS else None, parameters))
            return ir.WalkResult.SKIP
        return ir.WalkResult.ADVANCE

    root.walk(visit, ir.WalkOrder.PRE_ORDER)
    return found


def checked_nests(root: ir.Operation, ctx: PassContext) -> list[Nest]:
    """Return what `nests` does; raise where a decision is illegal."""
    found = nests(root)
    for nest in found:
        try:
            _ = nest.choice
        except ValueError as problem:
            raise ctx.fail(nest.op, str(problem)) from problem
    return found


def key_for(nest: Nest, target: Target) -> str:
    """Return the key of a nest on a CPU."""
    return f"{nest.key}-{target.key().rpartition('-')[2][:8]}"


def _epilogue(op: ir.Operation) -> ir.Operation | None:
    users = [use.owner.operation for use in op.results[0].uses]
    is_epilogue = len(users) == 1 and EPILOGUE_ATTRIBUTE in users[0].attributes and users[0].block == op.block
    return users[0] if is_epilogue and users[0].operands[-1] == op.results[0] else None


def _described(op: ir.Operation) -> str:
    if op.name in CONTRACTIONS:
        left, right, result = (ir.ShapedType(value.type) for value in op.operands)
        depth = math.prod(left.shape) // max(1, math.prod(result.shape[:-1])) if left.has_static_shape else "?"
        return f"{op.name.removeprefix('linalg.')} {_shape(result)}, depth {depth}, {right.element_type}"
    if ATTENTION in op.attributes:
        products = find(op, lambda inner: inner.name == "linalg.matmul")
        return f"attention of {_count(op)}, {_shape(ir.ShapedType(products[0].operands[2].type))}"
    result = ir.ShapedType(op.results[0].type)
    operations = sum(len(_body(inner)) - 1 for inner in find(op, lambda inner: inner.name == "linalg.generic"))
    what = "rows" if op.name == "scf.forall" else "elementwise"
    return f"{what} {_shape(result)} {result.element_type}, {operations} operations"


def _body(op: ir.Operation) -> Sequence[ir.Operation]:
    return list(op.regions[0].blocks[0].operations)


def _count(loop: ir.Operation) -> int:
    return int(loop.opview.staticUpperBound[0])


def _shape(type_: ir.ShapedType) -> str:
    dynamic = ir.ShapedType.get_dynamic_size()
    return "x".join("?" if size == dynamic else str(size) for size in type_.shape) or "1"


def with_choice(text: str, choice: Choice) -> str:
    """Return a nest's module, as `Nest.text`, with another choice; raises ValueError where it holds no single nest."""
    with new_context():
        module = ir.Module.parse(text)
        found = nests(module.operation)
        if len(found) != 1:
            raise ValueError(f"expected a module of one nest, found {len(found)}")
        found[0].write(choice)
        return str(module.operation.get_asm(use_local_scope=True))
