"""Read only what is used of the descriptors that the entry function is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from ..bindings import ir
from .base import Pass, PassContext

C_INTERFACE: Final = "_mlir_ciface_"
"""What MLIR puts in front of the name of a function to name its C interface."""


@dataclass(frozen=True)
class TrimEntry(Pass):
    """Make functions with a C interface internal, without the arguments that they do not use.

    Runs on `llvm.func`. The C interface takes pointers to descriptors, loads them whole and passes every number in them
    on: for the hundreds of weights of a model that is thousands of arguments, nearly all of them unused, since shapes
    are known, and seconds of compile time. Afterwards the interface loads what is used, number by number, and LLVM
    inlines the function into it.
    """

    name: ClassVar[str] = "trim-entry"
    anchor: ClassVar[str | None] = "builtin.module"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Visit each function that has a C interface and that nothing else calls."""
        functions = {
            view.operation.attributes["sym_name"].value: view.operation
            for view in op.regions[0].blocks[0].operations
            if view.operation.name == "llvm.func" and len(view.operation.regions[0].blocks)
        }
        for name, interface in functions.items():
            inner = functions.get(name.removeprefix(C_INTERFACE)) if name.startswith(C_INTERFACE) else None
            if inner is None:
                continue
            body = interface.regions[0].blocks[0].operations
            call = next(view.operation for view in body if view.operation.name == "llvm.call")
            inner.attributes["linkage"] = ir.Attribute.parse("#llvm.linkage<internal>")
            ctx.count("arguments dropped", _drop_unused(inner, call))
            ctx.count("numbers read", _read_used(interface))


def _drop_unused(function: ir.Operation, call: ir.Operation) -> int:
    """Drop the arguments of a function that it does not use, here and in the one call of it."""
    block = function.regions[0].blocks[0]
    used = [any(True for _ in argument.uses) for argument in block.arguments]
    kept = [value for value, is_used in zip(call.operands, used, strict=True) if is_used]
    attributes = {name: call.attributes[name] for name in call.attributes}
    attributes["operandSegmentSizes"] = ir.DenseI32ArrayAttr.get([len(kept), 0])
    with ir.InsertionPoint(call), call.location:
        again = ir.Operation.create("llvm.call", [r.type for r in call.results], kept, attributes)
    for old, new in zip(call.results, again.results, strict=True):
        old.replace_all_uses_with(new)
    call.erase()
    for number in reversed(range(len(used))):
        if not used[number]:
            block.erase_argument(number)
    if "arg_attrs" in function.attributes:
        left = [a for a, is_used in zip(function.attributes["arg_attrs"], used, strict=True) if is_used]
        function.attributes["arg_attrs"] = ir.ArrayAttr.get(left)
    result = again.results[0].type if again.results else "void"
    inputs = ", ".join(str(argument.type) for argument in block.arguments)
    function.attributes["function_type"] = ir.TypeAttr.get(ir.Type.parse(f"!llvm.func<{result} ({inputs})>"))
    return used.count(False)


def _read_used(interface: ir.Operation) -> int:
    """Load the fields of descriptors one by one where each is used, and return how many."""
    count = 0
    pointer = ir.Type.parse("!llvm.ptr")
    body = [view.operation for view in interface.regions[0].blocks[0].operations]
    # Listed before any is erased: what is erased must not be looked at again.
    for load in [op for op in body if op.name == "llvm.load"]:
        fields = [use.owner.operation for use in load.results[0].uses]
        if any(field.name != "llvm.extractvalue" for field in fields):
            continue
        for field in fields:
            if any(True for _ in field.results[0].uses):
                with ir.InsertionPoint(load), load.location:
                    indices = ir.DenseI32ArrayAttr.get([0, *field.attributes["position"]])
                    structure = ir.TypeAttr.get(load.results[0].type)
                    attributes = {"rawConstantIndices": indices, "elem_type": structure}
                    place = ir.Operation.create("llvm.getelementptr", [pointer], [load.operands[0]], attributes)
                    value = ir.Operation.create("llvm.load", [field.results[0].type], [place.results[0]])
                field.results[0].replace_all_uses_with(value.results[0])
                count += 1
            field.erase()
        load.erase()
    return count
