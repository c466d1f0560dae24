"""Fuse element-wise producers into their consumers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from ..bindings import ir, linalg
from ..kernels.epilogue import EPILOGUE_ATTRIBUTE
from .base import Pass, PassContext
from .lmul_scope import MARK, mark_multiplies
from .values import defining_op
from .walk import find

CASTS = frozenset({"arith.extf", "arith.sitofp", "arith.uitofp", "arith.extsi", "arith.extui"})
CHEAP = CASTS | {
    "arith.addf",
    "arith.addi",
    "arith.andi",
    "arith.cmpf",
    "arith.cmpi",
    "arith.constant",
    "arith.index_cast",
    "arith.maximumf",
    "arith.minimumf",
    "arith.mulf",
    "arith.muli",
    "arith.negf",
    "arith.ori",
    "arith.select",
    "arith.subf",
    "arith.subi",
    "arith.truncf",
    "arith.trunci",
    "arith.xori",
    "linalg.yield",
}


APART: Final = "slipstick.apart"
"""On a `linalg.generic`: a decision that it is fused with nothing, neither as a producer nor as a reader."""


@dataclass(frozen=True)
class FuseElementwise(Pass):
    """Fuse `linalg.generic` producers without reductions into the `linalg.generic` that reads them.

    A producer with one reader is fused where that repeats no work: the reader visits each of its elements once, or
    its body is cheap. A producer with several readers is fused into all of them if it only casts or copies. Named
    contractions and reshapes are never touched (upstream's `linalg-fuse-elementwise-ops` would generalise
    contractions and pull element-wise work into their inner loop). Nor is what carries the attribute `slipstick.apart`.
    """

    name: ClassVar[str] = "fuse-elementwise"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Fuse until nothing is left to fuse; each consumer is visited in program order, so chains fuse in one go."""
        for consumer in find(op, lambda inner: inner.name == "linalg.generic"):
            current = consumer
            while (candidate := _candidate(current)) is not None:
                current = _fuse(current, candidate)
                ctx.count("producers fused")


@dataclass(frozen=True)
class _Candidate:
    operand: int
    producer: ir.Operation
    dims: tuple[ir.AffineExpr, ...]  # each loop of the producer, as an expression of the consumer's loops


def _candidate(consumer: ir.Operation) -> _Candidate | None:
    """Return an input of `consumer` whose producer can be fused, or None."""
    if not consumer.results or APART in consumer.attributes or _has_nested_regions(consumer):
        return None
    if EPILOGUE_ATTRIBUTE in consumer.attributes:
        return None  # has the form that a kernel wants
    generic = consumer.opview
    maps = _maps(consumer)
    for number in range(len(generic.inputs)):
        producer = defining_op(consumer.operands[number])
        if producer is None or producer.name != "linalg.generic" or APART in producer.attributes:
            continue
        dims = _loops_of_producer(producer, maps[number])
        if dims is None or producer.block != consumer.block or not _worthwhile(producer, maps[number]):
            continue
        candidate = _Candidate(number, producer, dims)
        if _keeps_sizes(consumer, candidate):
            return candidate
    return None


def _keeps_sizes(consumer: ir.Operation, candidate: _Candidate) -> bool:
    """Return whether the operands left after fusion still say how often each loop runs.

    The size of a reduction loop may stand in the producer's result alone: a sum over what reads no tensor.
    """
    maps = _maps(consumer)
    loops: int = maps[0].n_dims
    left = maps[: candidate.operand] + maps[candidate.operand + 1 :] + _fused_maps(candidate, loops)
    return len({e.position for m in left for e in m.results if isinstance(e, ir.AffineDimExpr)}) == loops


def _fused_maps(candidate: _Candidate, loops: int) -> list[ir.AffineMap]:
    """Return the maps of the producer's inputs in terms of the consumer's loops, of which there are `loops`."""
    dims = ir.AffineMap.get(loops, 0, list(candidate.dims))
    inputs = _maps(candidate.producer)[: len(candidate.producer.opview.inputs)]
    return [ir.AffineMap.get(loops, 0, [e.compose(dims) for e in m.results]) for m in inputs]


def _has_nested_regions(op: ir.Operation) -> bool:
    """Return whether the body holds control flow, which inlining does not look into."""
    return any(len(inner.operation.regions) for inner in op.regions[0].blocks[0].operations)


def _loops_of_producer(producer: ir.Operation, read: ir.AffineMap) -> tuple[ir.AffineExpr, ...] | None:
    """Return the producer's loops as expressions of the consumer's, which reads its result through `read`."""
    if len(producer.results) != 1 or "reduction" in str(producer.attributes["iterator_types"]):
        return None
    if _has_nested_regions(producer):
        return None
    generic = producer.opview
    body = producer.regions[0].blocks[0]
    if any(True for _ in body.arguments[len(generic.inputs)].uses):
        return None  # reads what the output held before
    written = _maps(producer)[-1]
    if written.n_dims != len(written.results):
        return None
    dims: list[ir.AffineExpr | None] = [None] * written.n_dims
    for position, expression in enumerate(written.results):
        if not isinstance(expression, ir.AffineDimExpr):
            return None
        dims[expression.position] = read.results[position]
    if any(d is None for d in dims):
        return None
    uses_index = any(o.operation.name == "linalg.index" for o in body.operations)
    if uses_index and not all(isinstance(d, ir.AffineDimExpr) for d in dims):
        return None
    return tuple(d for d in dims if d is not None)


def _worthwhile(producer: ir.Operation, read: ir.AffineMap) -> bool:
    names = [o.operation.name for o in producer.regions[0].blocks[0].operations]
    readers = sum(1 for _ in producer.results[0].uses)
    if readers > 1:
        return len(names) <= 2 and all(name in CASTS or name == "linalg.yield" for name in names)
    loops = [e.position for e in read.results if isinstance(e, ir.AffineDimExpr)]
    plain = all(isinstance(e, ir.AffineDimExpr | ir.AffineConstantExpr) for e in read.results)
    once = plain and len(loops) == len(set(loops)) == read.n_dims
    return once or all(name in CHEAP for name in names)


def _fuse(consumer: ir.Operation, candidate: _Candidate) -> ir.Operation:
    """Replace `consumer` by an operation that computes the producer's body in place of reading its result."""
    producer = candidate.producer
    mark_multiplies(producer)
    mark_multiplies(consumer)
    maps = _maps(consumer)
    inputs = len(consumer.opview.inputs)
    producer_inputs = len(producer.opview.inputs)
    at = candidate.operand
    operands = (
        [*consumer.operands][:at] + [*producer.operands][:producer_inputs] + [*consumer.operands][at + 1 : inputs]
    )
    outputs = [*consumer.operands][inputs:]
    new_maps = maps[:at] + _fused_maps(candidate, maps[at].n_dims) + maps[at + 1 :]
    # One operand read through one map is one input, however many bodies read it.
    unique: list[tuple[ir.Value, ir.AffineMap]] = []
    slots: list[int] = []
    for pair in zip(operands, new_maps[: len(operands)], strict=True):
        if pair not in unique:
            unique.append(pair)
        slots.append(unique.index(pair))
    with ir.InsertionPoint(consumer), consumer.location:
        fused = linalg.GenericOp(
            [result.type for result in consumer.results],
            [value for value, _ in unique],
            outputs,
            ir.ArrayAttr.get([ir.AffineMapAttr.get(m) for m in [*(m for _, m in unique), *maps[inputs:]]]),
            consumer.attributes["iterator_types"],
        )
        arguments = [ir.ShapedType(v.type).element_type for v in [*(v for v, _ in unique), *outputs]]
        block = fused.regions[0].blocks.append(*arguments)
        for name in consumer.attributes:
            if name.startswith("slipstick.") and name != MARK:
                fused.operation.attributes[name] = consumer.attributes[name]
    body_inputs = [block.arguments[slot] for slot in slots]
    with ir.InsertionPoint(block):
        value = _inline(producer, body_inputs[at : at + producer_inputs], candidate.dims)[0]
        arguments = [
            *body_inputs[:at],
            value,
            *body_inputs[at + producer_inputs :],
            *list(block.arguments)[len(unique) :],
        ]
        with consumer.location:
            linalg.YieldOp(_inline(consumer, arguments, None))
    for old, new in zip(consumer.results, fused.results, strict=True):
        old.replace_all_uses_with(new)
    consumer.erase()
    if not any(True for _ in producer.results[0].uses):
        producer.erase()
    return fused.operation


def _inline(op: ir.Operation, arguments: Sequence[ir.Value], dims: Sequence[ir.AffineExpr] | None) -> list[ir.Value]:
    """Clone the body of `op` at the insertion point with `arguments` for its block arguments; return what it yields.

    `dims` says which loop each loop of `op` has become; None: they are the same.
    """
    body = op.regions[0].blocks[0]
    values: dict[ir.Value, ir.Value] = dict(zip(body.arguments, arguments, strict=False))
    for inner in body.operations:
        operation = inner.operation
        if operation.name == "linalg.yield":
            return [values.get(operand, operand) for operand in operation.operands]
        if operation.name == "linalg.index" and dims is not None:
            with operation.location:
                loop = dims[operation.attributes["dim"].value].position
                values[operation.results[0]] = linalg.IndexOp(loop).result
            continue
        copy = operation.clone()
        for number, operand in enumerate(operation.operands):
            if operand in values:
                copy.operands[number] = values[operand]
        values.update(zip(operation.results, copy.results, strict=True))
    raise AssertionError("a linalg body ends with linalg.yield")


def _maps(op: ir.Operation) -> list[ir.AffineMap]:
    return [attribute.value for attribute in op.attributes["indexing_maps"]]
