"""The pass that takes what a loop over rows computes from each element of a vector, row after row, out of the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from ..bindings import ir, linalg, memref
from .base import Pass, PassContext, option
from .results_to_arguments import RESULT_ATTRIBUTE
from .values import defining_op, trip_count
from .walk import find

_VIEWS: Final = frozenset({"memref.subview", "memref.collapse_shape", "memref.expand_shape", "memref.cast"})
_WRITERS: Final = frozenset({"memref.store", "memref.copy", "vector.store", "vector.transfer_write", "func.call"})


@dataclass(frozen=True)
class HoistPreparations(Pass):
    """Compute what depends on an element of a vector alone once, before an `scf.forall`, and not in each of its turns.

    The vector is read by a `linalg.generic` of one loop within the `scf.forall`, as the weight of a normalisation is
    for each row: L-Mul truncates, clamps and takes the offset off its elements. A buffer of the results takes its
    place where nothing else of the body reads the element, where at least `operations` are saved for each, and where
    the `scf.forall` has at least `rows` turns. The vector must be an argument of the function, and the `scf.forall`
    must write to allocations and results only.
    """

    name: ClassVar[str] = "hoist-preparations"
    operations: int = option(3, "operations on an element from which on it is worth the buffer")
    rows: int = option(4, "turns from which on it is worth the buffer")
    bytes: int = option(65536, "size of the greatest buffer")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Look at every `scf.forall` under `op`."""
        for forall in find(op, lambda inner: inner.name == "scf.forall"):
            if self._turns(forall) < self.rows or not _writes_to_new_memory(forall):
                continue
            bodies = forall.regions[0].blocks[0].operations
            prepared: dict[tuple[ir.Value, str], ir.Value] = {}
            for generic in [o.operation for o in bodies if o.operation.name == "linalg.generic"]:
                for number in range(generic.attributes["operandSegmentSizes"][0]):
                    if self._hoist(forall, generic, number, prepared):
                        ctx.count("preparations hoisted")

    def _turns(self, forall: ir.Operation) -> int:
        bounds = (forall.attributes[f"static{name}"] for name in ("LowerBound", "UpperBound", "Step"))
        turns = 1
        for lower, upper, step in zip(*bounds, strict=True):
            dynamic = ir.ShapedType.get_dynamic_size()
            turns *= trip_count(*(None if number == dynamic else number for number in (lower, upper, step))) or 0
        return turns

    def _hoist(
        self,
        forall: ir.Operation,
        generic: ir.Operation,
        number: int,
        prepared: dict[tuple[ir.Value, str], ir.Value],
    ) -> bool:
        """Hoist what is made of input `number` alone; tell whether anything was."""
        vector = generic.operands[number]
        type_ = vector.type
        if not _is_argument(vector) or type_.rank != 1 or not type_.has_static_shape:
            return False
        identity = ir.AffineMapAttr.get(ir.AffineMap.get_identity(1))
        if generic.attributes["indexing_maps"][number] != identity or type_.layout != identity:
            return False
        element = generic.regions[0].blocks[0].arguments[number]
        chain = _made_of(element)
        if chain is None:
            return False
        result = chain[-1].results[0]
        made = [op for op in chain if op.name != "arith.constant"]
        size = type_.shape[0] * -(-_width(result.type) // 8)
        if len(made) < self.operations or size > self.bytes:
            return False
        key = (vector, "\n".join(op.name + str(op.attributes) for op in chain))
        if key not in prepared:
            prepared[key] = _computed_before(forall, vector, element, chain)
        generic.operands[number] = prepared[key]
        element.set_type(result.type)
        result.replace_all_uses_with(element)
        for op in reversed(made):
            op.erase()
        return True


def _made_of(element: ir.Value) -> list[ir.Operation] | None:
    """Return what makes one value of `element` and constants that all others use: in order, that value's last."""
    block = element.owner
    known, ops = {element}, []
    for op in (o.operation for o in block.operations):
        constants_too = [defining_op(v) for v in op.operands if v not in known]
        is_pure = op.name.startswith(("arith.", "math.")) and len(op.results) == 1
        if not is_pure or len(constants_too) == len(op.operands):
            continue
        if all(c is not None and c.name == "arith.constant" for c in constants_too):
            ops += [c for c in constants_too if c is not None and c not in ops]
            ops.append(op)
            known.add(op.results[0])
    made = [op for op in ops if op.name != "arith.constant"]
    inside = set(made)
    results = [op for op in made if any(use.owner.operation not in inside for use in op.results[0].uses)]
    if len(results) != 1 or results[0] != made[-1]:
        return None
    return None if any(use.owner.operation not in inside for use in element.uses) else ops


def _computed_before(forall: ir.Operation, vector: ir.Value, element: ir.Value, chain: list[ir.Operation]) -> ir.Value:
    """Emit a buffer before `forall`, and the loop that fills it with what the chain makes of each element."""
    result = chain[-1].results[0].type
    type_ = ir.MemRefType.get(vector.type.shape, result)
    with ir.InsertionPoint(forall), chain[-1].location:
        buffer = memref.alloc(type_, [], [], alignment=64)
        maps = ir.ArrayAttr.get([ir.AffineMapAttr.get(ir.AffineMap.get_identity(1))] * 2)
        kinds = ir.ArrayAttr.get([ir.Attribute.parse("#linalg.iterator_type<parallel>")])
        loop = linalg.GenericOp([], [vector], [buffer], maps, kinds)
        body = loop.regions[0].blocks.append(vector.type.element_type, result)
        with ir.InsertionPoint(body):
            clones = {element: body.arguments[0]}
            for op in chain:
                clone = op.clone()
                for i, operand in enumerate(op.operands):
                    clone.operands[i] = clones.get(operand, operand)
                clones[op.results[0]] = clone.results[0]
            linalg.YieldOp([clones[chain[-1].results[0]]])
    with ir.InsertionPoint.after(forall), chain[-1].location:
        memref.dealloc(buffer)
    return buffer


def _is_argument(value: ir.Value) -> bool:
    return isinstance(value, ir.BlockArgument) and value.owner.owner.operation.name == "func.func"


def _writes_to_new_memory(forall: ir.Operation) -> bool:
    """Tell whether nothing that the loop writes may be an argument of the function."""
    for op in find(forall, lambda inner: inner.name.startswith("linalg.") or inner.name in _WRITERS):
        if op.name == "linalg.yield":
            continue
        if "operandSegmentSizes" not in op.attributes:
            return False
        for output in list(op.operands)[op.attributes["operandSegmentSizes"][0] :]:
            root, source = output, defining_op(output)
            while source is not None and source.name in _VIEWS:
                root, source = source.operands[0], defining_op(source.operands[0])
            is_new = source is not None and source.name in ("memref.alloc", "memref.alloca")
            if not is_new and not _is_result(root):
                return False
    return True


def _is_result(value: ir.Value) -> bool:
    """Tell whether a value is an argument that stands for a result: memory that the caller gives for it alone."""
    if not _is_argument(value):
        return False
    function = value.owner.owner
    return "arg_attrs" in function.attributes and RESULT_ATTRIBUTE in function.arg_attrs[value.arg_number]


def _width(type_: ir.Type) -> int:
    return int(type_.width)
