"""Read only what is used of the descriptors that the entry function is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from ..bindings import ir
from .base import Pass, PassContext
from .values import defining_op

C_INTERFACE: Final = "_mlir_ciface_"
"""What MLIR puts in front of the name of a function to name its C interface."""
FROM_ARRAY: Final = "_packed"
"""What is put behind that name where the interface takes its arguments in an array."""


@dataclass(frozen=True)
class TrimEntry(Pass):
    """Make functions with a C interface internal, and let them read no more than what they use.

    Runs on `llvm.func`. The C interface takes pointers to descriptors, loads them whole and passes every number in them
    on: for the hundreds of weights of a model that is thousands of arguments, nearly all of them unused, since shapes
    are known, and seconds of compile time. Afterwards, where all arguments are pointers and nothing is returned, the
    interface takes one array of these pointers instead, is called `_mlir_ciface_NAME_packed`, and passes the array on;
    the function loads from it, before the one call that reads it or else at its beginning. LLVM's time for a call of
    hundreds of arguments grows with their square. Of an interface that takes or returns numbers, the arguments stay,
    and it loads what the function uses, number by number.
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
            call, dropped = _drop_unused(inner, call)
            ctx.count("arguments dropped", dropped)
            pointer = ir.Type.parse("!llvm.ptr")
            arguments = interface.regions[0].blocks[0].arguments
            if _returned(interface) == "void" and all(argument.type == pointer for argument in arguments):
                ctx.count("numbers read", _take_array(interface, inner, call))
                interface.attributes["sym_name"] = ir.StringAttr.get(f"{name}{FROM_ARRAY}")
            else:
                ctx.count("numbers read", _read_used(interface))


def _drop_unused(function: ir.Operation, call: ir.Operation) -> tuple[ir.Operation, int]:
    """Drop the arguments of a function that it does not use, here and in the one call of it; return that call."""
    block = function.regions[0].blocks[0]
    used = [any(True for _ in argument.uses) for argument in block.arguments]
    again = _call_with(call, [value for value, is_used in zip(call.operands, used, strict=True) if is_used])
    for number in reversed(range(len(used))):
        if not used[number]:
            block.erase_argument(number)
    if "arg_attrs" in function.attributes:
        left = [a for a, is_used in zip(function.attributes["arg_attrs"], used, strict=True) if is_used]
        function.attributes["arg_attrs"] = ir.ArrayAttr.get(left)
    _set_type(function)
    return again, used.count(False)


def _call_with(call: ir.Operation, operands: Sequence[ir.Value]) -> ir.Operation:
    """Replace a call by one with other operands."""
    attributes = {name: call.attributes[name] for name in call.attributes}
    attributes["operandSegmentSizes"] = ir.DenseI32ArrayAttr.get([len(operands), 0])
    with ir.InsertionPoint(call), call.location:
        again = ir.Operation.create("llvm.call", [r.type for r in call.results], operands, attributes)
    for old, new in zip(call.results, again.results, strict=True):
        old.replace_all_uses_with(new)
    call.erase()
    return again


def _returned(function: ir.Operation) -> str:
    """Return the text of the type that a function returns."""
    return str(function.attributes["function_type"]).removeprefix("!llvm.func<").split(" (", 1)[0]


def _set_type(function: ir.Operation) -> None:
    """Give a function the type that the arguments of its body say."""
    inputs = ", ".join(str(argument.type) for argument in function.regions[0].blocks[0].arguments)
    type_ = ir.Type.parse(f"!llvm.func<{_returned(function)} ({inputs})>")
    function.attributes["function_type"] = ir.TypeAttr.get(type_)


def _take_array(interface: ir.Operation, inner: ir.Operation, call: ir.Operation) -> int:
    """Let both functions take the array of the interface's arguments; return how many numbers `inner` reads."""
    outer_block, block = (function.regions[0].blocks[0] for function in (interface, inner))
    outer = list(outer_block.arguments)
    parameters = list(block.arguments)
    pointer = ir.Type.parse("!llvm.ptr")
    array = block.add_argument(pointer, inner.location)
    start = block.operations[0].operation
    for parameter, value in zip(parameters, call.operands, strict=True):
        users = [use.owner.operation for use in parameter.uses]
        lone = len(users) == 1 and users[0].name == "llvm.call" and users[0].parent.operation == inner
        with ir.InsertionPoint(users[0] if lone else start), inner.location:
            parameter.replace_all_uses_with(_read_again(value, outer, array))
    words = outer_block.add_argument(pointer, interface.location)
    _call_with(call, [words])
    for view in reversed(list(outer_block.operations)):
        op = view.operation
        if op.name in ("llvm.extractvalue", "llvm.load") and not any(True for _ in op.results[0].uses):
            op.erase()
    for number, argument in enumerate(outer):
        for use in list(argument.uses):
            user = use.owner.operation
            with ir.InsertionPoint(user), user.location:
                user.operands[use.operand_number] = _load(words, pointer, [number], pointer)
    for function, count in ((interface, len(outer)), (inner, len(parameters))):
        for number in reversed(range(count)):
            function.regions[0].blocks[0].erase_argument(number)
        if "arg_attrs" in function.attributes:
            del function.attributes["arg_attrs"]
        _set_type(function)
    return len(parameters)


def _read_again(value: ir.Value, arguments: list[ir.Value], array: ir.Value) -> ir.Value:
    """Emit what `value` is, an argument of the interface or what it reads of a descriptor, as read from the array."""
    pointer = array.type
    op = defining_op(value)
    if op is None:
        return _load(array, pointer, [arguments.index(value)], pointer)
    if op.name == "llvm.extractvalue":
        descriptor = defining_op(op.operands[0])
        assert descriptor is not None
        at = _read_again(descriptor.operands[0], arguments, array)
        return _load(at, descriptor.results[0].type, [0, *op.attributes["position"]], value.type)
    return _load(_read_again(op.operands[0], arguments, array), value.type, [0], value.type)


def _load(base: ir.Value, structure: ir.Type, indices: list[int], type_: ir.Type) -> ir.Value:
    """Emit the load of a field of a structure in memory, at the pointer `base`."""
    attributes = {"rawConstantIndices": ir.DenseI32ArrayAttr.get(indices), "elem_type": ir.TypeAttr.get(structure)}
    place = ir.Operation.create("llvm.getelementptr", [base.type], [base], attributes)
    return ir.Operation.create("llvm.load", [type_], [place.results[0]]).results[0]


def _read_used(interface: ir.Operation) -> int:
    """Load the fields of descriptors one by one where each is used, and return how many."""
    count = 0
    body = [view.operation for view in interface.regions[0].blocks[0].operations]
    # Listed before any is erased: what is erased must not be looked at again.
    for load in [op for op in body if op.name == "llvm.load"]:
        fields = [use.owner.operation for use in load.results[0].uses]
        if any(field.name != "llvm.extractvalue" for field in fields):
            continue
        for field in fields:
            if any(True for _ in field.results[0].uses):
                with ir.InsertionPoint(load), load.location:
                    indices = [0, *field.attributes["position"]]
                    value = _load(load.operands[0], load.results[0].type, indices, field.results[0].type)
                field.results[0].replace_all_uses_with(value)
                count += 1
            field.erase()
        load.erase()
    return count
