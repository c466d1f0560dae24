"""Outline loop nests into functions, so that what repeats is compiled once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import func, ir
from .base import Pass, PassContext
from .layer import LAYER
from .results_to_arguments import RESULT_ATTRIBUTE
from .values import constant, defining_op
from .views import VIEWS
from .walk import captured, find

NOALIAS_ATTRIBUTE = "slipstick.noalias"
PARALLEL_ATTRIBUTE = "slipstick.parallel_loops"


@dataclass(frozen=True)
class OutlineKernels(Pass):
    """Move each linalg operation and `scf.forall` on memrefs into a function of its own; equal functions become one.

    LLVM's passes take more than linear time in the size of a function, and the layers of a network repeat. Operations
    that hold a `cf.assert` stay where they are: a failed assertion returns from the entry function. Arguments whose
    memory no other argument reaches while it is written are listed in the function's attribute `slipstick.noalias`.
    """

    name: ClassVar[str] = "outline-kernels"
    anchor: ClassVar[str | None] = "builtin.module"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Outline all such operations without results, those within an `scf.forall` together with it."""
        found: list[ir.Operation] = []

        def collect(inner: ir.Operation) -> ir.WalkResult:
            linalg_op = inner.name.startswith("linalg.") and inner.operands and inner.regions
            if (linalg_op or inner.name == "scf.forall") and not inner.results:
                found.append(inner)
                return ir.WalkResult.SKIP
            return ir.WalkResult.ADVANCE

        op.walk(collect, ir.WalkOrder.PRE_ORDER)
        kernels: dict[str, str] = {}
        for operation in found:
            if not find(operation, lambda inner: inner.name == "cf.assert"):
                self._outline(op.regions[0].blocks[0], operation, kernels)
                ctx.count("operations outlined")
        ctx.count("kernels", len(kernels))

    def _outline(self, body: ir.Block, op: ir.Operation, kernels: dict[str, str]) -> None:
        outside = list(dict.fromkeys(captured(op)))
        arguments = [value for value in outside if not is_constant(value)]
        # Location and layer are left out: the same code from two places of the source is one kernel.
        with ir.Location.unknown(op.context):
            with ir.InsertionPoint(body):
                function = func.FuncOp("slipstick_kernel", ([v.type for v in arguments], []), visibility="private")
            entry = function.add_entry_block()
            inside = dict(zip(arguments, entry.arguments, strict=True))
            with ir.InsertionPoint(entry):
                for value in outside:
                    if is_constant(value):
                        inside[value] = value.owner.clone().results[0]
                clone = op.clone()
                for inner in find(clone, lambda o: LAYER in o.attributes):
                    del inner.attributes[LAYER]
                replace_operands(clone, inside)
                func.ReturnOp([])
        private = _private_arguments(op, arguments)
        function.attributes[PARALLEL_ATTRIBUTE] = ir.IntegerAttr.get(
            ir.IntegerType.get_signless(64, op.context), _leading_parallel_loops(op)
        )
        function.attributes[NOALIAS_ATTRIBUTE] = ir.DenseI64ArrayAttr.get(private, op.context)
        text = function.operation.get_asm(print_generic_op_form=True, use_local_scope=True)
        if text in kernels:
            name = kernels[text]
            function.erase()
        else:
            name = kernels[text] = f"slipstick_kernel_{len(kernels)}"
            function.attributes["sym_name"] = ir.StringAttr.get(name, op.context)
        with ir.InsertionPoint(op), op.location:
            func.CallOp([], ir.FlatSymbolRefAttr.get(name), arguments)
        op.erase()


def _leading_parallel_loops(op: ir.Operation) -> int:
    """Return how many of the outer loops that `op` becomes are parallel, but for those of one iteration, which go."""
    if op.name == "scf.forall":
        view = op.opview
        bounds = zip(view.staticLowerBound, view.staticUpperBound, view.staticStep, strict=True)
        return sum(ir.ShapedType.get_dynamic_size() in bound or bound[1] - bound[0] > bound[2] for bound in bounds)
    if op.name != "linalg.generic":
        # The named element-wise forms have parallel loops only, one for each dimension of the output.
        elementwise = op.name in ("linalg.fill", "linalg.transpose", "linalg.broadcast")
        return sum(size != 1 for size in ir.MemRefType(op.operands[-1].type).shape) if elementwise else 0
    count = 0
    once = _run_once(op)
    for number, kind in enumerate(op.attributes["iterator_types"]):
        if "parallel" not in str(kind):
            break
        count += number not in once
    return count


def _run_once(op: ir.Operation) -> set[int]:
    """Return the numbers of the loops of a `linalg.generic` that are known to run once."""
    found = set()
    for operand, mapping in zip(op.operands, op.attributes["indexing_maps"], strict=True):
        if not isinstance(operand.type, ir.MemRefType):
            continue
        for size, place in zip(ir.MemRefType(operand.type).shape, mapping.value.results, strict=True):
            if size == 1 and isinstance(place, ir.AffineDimExpr):
                found.add(place.position)
    return found


def is_constant(value: ir.Value) -> bool:
    """Return whether an `arith.constant` makes `value`."""
    return constant(value) is not None


def replace_operands(op: ir.Operation, values: dict[ir.Value, ir.Value]) -> None:
    """Replace the values that `op` and what is nested in it read."""
    for inner in find(op, lambda _: True):
        for number, operand in enumerate(inner.operands):
            if operand in values:
                inner.operands[number] = values[operand]


def _private_arguments(op: ir.Operation, arguments: list[ir.Value]) -> list[int]:
    """Return the positions of the memrefs whose memory no other argument reaches while it is written."""
    roots = {i: _root(v) for i, v in enumerate(arguments) if isinstance(v.type, ir.MemRefType)}
    written = [_root(output) for output in _outputs(op)]
    # Arguments of a function may share memory with one another, which matters where one of them is written, unless it
    # is there to take a result.
    if any(root is None or not _is_fresh(root) for root in written) or any(r is None for r in roots.values()):
        return []
    known = [root for root in roots.values() if root is not None]
    return [i for i, root in roots.items() if known.count(root) == 1]


def _is_fresh(root: ir.Value) -> bool:
    """Tell whether a root is an allocation, or an argument that stands for an allocation of the caller."""
    if defining_op(root) is not None:
        return True
    function = root.owner.owner.opview
    return "arg_attrs" in function.attributes and RESULT_ATTRIBUTE in function.arg_attrs[root.arg_number]


def _outputs(op: ir.Operation) -> list[ir.Value]:
    """Return the memrefs that `op` writes, for a loop those that the operations in it write."""
    if op.name == "scf.forall":
        inner = find(op, lambda o: o != op and bool(o.operands) and o.name.startswith(("linalg.", "memref.copy")))
        return [value for o in inner if o.name not in ("linalg.yield", "linalg.index") for value in _outputs(o)]
    # The named forms call their outputs by different names; all have them last.
    return list(getattr(op.opview, "outputs", None) or getattr(op.opview, "inits", None) or [op.operands[-1]])


def _root(value: ir.Value) -> ir.Value | None:
    """Return the allocation or entry argument that `value` is a view of, or None where that cannot be told."""
    while True:
        owner = defining_op(value)
        if owner is None:
            return value if isinstance(value.owner.owner.opview, func.FuncOp) else None
        if owner.name in ("memref.alloc", "memref.alloca", "memref.get_global"):
            return value
        if owner.name not in VIEWS:
            return None
        value = owner.operands[0]
