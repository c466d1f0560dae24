"""Write into functions what all their calls agree on: constants, and the sizes, strides and offsets of memrefs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import func, ir, memref
from .base import Pass, PassContext
from .calls import Calls, retype
from .values import constant, defining_op, is_strided

_DYNAMIC = ir.ShapedType.get_dynamic_size()
_DYNAMIC_STRIDE = ir.ShapedType.get_dynamic_stride_or_offset()


@dataclass(frozen=True)
class SpecialiseKernels(Pass):
    """Make private functions say what every call of them passes: constants, and memrefs' sizes, strides and offsets.

    LLVM finds the same between procedures, and specialises the code by it. Written here, a function's text holds
    everything that its code depends on, and who reads it alone knows what will become of it. An argument that is a
    constant is read no more, and is left to `drop-unread-arguments`; casts are left to canonicalisation.
    """

    name: ClassVar[str] = "specialise-kernels"
    anchor: ClassVar[str | None] = "builtin.module"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Visit functions until nothing changes: what one is passed, it passes on."""
        found = Calls.of(op)
        waiting = [name for name in found.functions if found.calls.get(name)]
        while waiting:
            name = waiting.pop(0)
            function = found.functions[name]
            if not _specialise(function, found.calls[name], ctx):
                continue
            callees = {ir.FlatSymbolRefAttr(call.attributes["callee"]).value for call in _calls_in(function, found)}
            waiting += [callee for callee in found.functions if callee in callees and callee not in waiting]


def _calls_in(function: func.FuncOp, found: Calls) -> list[ir.Operation]:
    """Return the calls that stand in a function."""
    return [call for calls in found.calls.values() for call in calls if _function_of(call) == function.operation]


def _function_of(op: ir.Operation) -> ir.Operation:
    while op.name != "func.func":
        assert op.parent is not None
        op = op.parent.operation
    return op


def _specialise(function: func.FuncOp, calls: Sequence[ir.Operation], ctx: PassContext) -> bool:
    """Write what the calls agree on into a function; return whether there was anything."""
    block = function.regions[0].blocks[0]
    changed = False
    for number, argument in enumerate(block.arguments):
        passed = [call.operands[number] for call in calls]
        if isinstance(argument.type, ir.MemRefType):
            type_ = _joined([_source(value) for value in passed], argument.type)
            if type_ is not None and type_ != argument.type:
                _retype(function, number, type_, calls)
                ctx.count("memrefs specialised")
                changed = True
        elif any(True for _ in argument.uses) and (attribute := _agreed(passed)) is not None:
            with ir.InsertionPoint.at_block_begin(block), ir.Location.unknown(function.context):
                value = ir.Operation.create("arith.constant", [argument.type], attributes={"value": attribute})
            argument.replace_all_uses_with(value.result)
            ctx.count("constants specialised")
            changed = True
    return changed


def _agreed(passed: Sequence[ir.Value]) -> ir.Attribute | None:
    """Return the constant that all values are; None where they are not."""
    attributes = {constant(value) for value in passed}
    return attributes.pop() if len(attributes) == 1 else None


def _source(value: ir.Value) -> ir.Value:
    """Return what a memref was before casts."""
    while (op := defining_op(value)) is not None and op.name == "memref.cast":
        if not isinstance(op.operands[0].type, ir.MemRefType):
            break
        value = op.operands[0]
    return value


def _joined(passed: Sequence[ir.Value], now: ir.MemRefType) -> ir.MemRefType | None:
    """Return the type of what is known of all memrefs, or now; None where their layouts are no strides."""
    types = {str(value.type): ir.MemRefType(value.type) for value in passed}
    if any(type_.rank != now.rank or not is_strided(type_) for type_ in (*types.values(), now)):
        return None
    if len(types) == 1 and not _is_dynamic(only := next(iter(types.values()))):
        # As it is written: a list of strides may be the identity.
        return only
    layouts = [type_.get_strides_and_offset() for type_ in types.values()]
    strides, offset = now.get_strides_and_offset()
    sizes = [_common({type_.shape[d] for type_ in types.values()}, now.shape[d], _DYNAMIC) for d in range(now.rank)]
    strides = [_common({found[d] for found, _ in layouts}, strides[d], _DYNAMIC_STRIDE) for d in range(now.rank)]
    offset = _common({found for _, found in layouts}, offset, _DYNAMIC_STRIDE)
    if (sizes, strides, offset) == (now.shape, *now.get_strides_and_offset()):
        return now
    return ir.MemRefType.get(sizes, now.element_type, ir.StridedLayoutAttr.get(offset, strides), now.memory_space)


def _common(numbers: set[int], now: int, unknown: int) -> int:
    """Return the number where there is only one, else what is known now."""
    number = next(iter(numbers)) if len(numbers) == 1 else unknown
    return now if number == unknown else number


def _is_dynamic(type_: ir.MemRefType) -> bool:
    strides, offset = type_.get_strides_and_offset()
    return not type_.has_static_shape or _DYNAMIC_STRIDE in (*strides, offset)


def _retype(function: func.FuncOp, number: int, type_: ir.MemRefType, calls: Sequence[ir.Operation]) -> None:
    """Give an argument a type that says more; its readers and its calls see it through casts."""
    argument = function.regions[0].blocks[0].arguments[number]
    before = argument.type
    argument.set_type(type_)
    with ir.InsertionPoint.at_block_begin(function.regions[0].blocks[0]), ir.Location.unknown(function.context):
        cast = memref.CastOp(before, argument)
    argument.replace_all_uses_except(cast.result, cast.operation)
    retype(function)
    for call in calls:
        source = _source(call.operands[number])
        if source.type != type_:
            with ir.InsertionPoint(call), call.location:
                source = memref.cast(type_, source)
        call.operands[number] = source
