"""Have callers give private functions the memory for their results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from ..bindings import func, ir, memref
from .base import Pass, PassContext
from .prepare_entry import is_private
from .values import constant, defining_op
from .views import VIEWS
from .walk import find

RESULT_ATTRIBUTE: Final = "slipstick.result"
"""On an argument of a private function: fresh memory that takes a result; nothing else reaches it."""


@dataclass(frozen=True)
class ResultsToArguments(Pass):
    """Turn results that a private function allocates into arguments, which every caller allocates.

    So the caller owns all buffers that outlive a call, and can plan them. A result moves where it is a `memref.alloc`
    of the body's block, or that in another shape, and has sizes that are static, constants or arguments; others stay.
    (Upstream's `buffer-results-to-out-params` refuses those, and drops the alignment.) Runs after bufferisation and
    before deallocation.
    """

    name: ClassVar[str] = "results-to-arguments"
    anchor: ClassVar[str | None] = "builtin.module"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite each private function that has one block, and its calls."""
        calls: dict[str, list[ir.Operation]] = {}
        for call in find(op, lambda inner: inner.name == "func.call"):
            calls.setdefault(call.attributes["callee"].value, []).append(call)
        for function in op.regions[0].blocks[0].operations:
            if not isinstance(function, func.FuncOp) or function.is_external or not function.type.results:
                continue
            if is_private(function) and len(function.regions[0].blocks) == 1:
                moved = _movable(function)
                if moved:
                    _rewrite(function, moved, calls.get(function.name.value, []))
                    ctx.count("results moved", len(moved))


@dataclass(frozen=True)
class _Result:
    """A result that a caller can give the memory for."""

    alloc: ir.Operation
    views: tuple[ir.Operation, ...]
    """What makes the result of the allocation, in order."""


def _movable(function: func.FuncOp) -> dict[int, _Result]:
    """Return the results that move, by number."""
    block = function.regions[0].blocks[0]
    found: dict[int, _Result] = {}
    for number, value in enumerate(_return(function).operands):
        views: list[ir.Operation] = []
        op = defining_op(value)
        while op is not None and op.name in VIEWS and len(op.operands) == 1:
            views.insert(0, op)
            op = defining_op(op.operands[0])
        if op is None or op.name != "memref.alloc" or op.block != block:
            continue
        taken = any(result.alloc == op for result in found.values())
        if not taken and all(_is_known_outside(size, block) for size in op.operands):
            found[number] = _Result(op, tuple(views))
    return found


def _is_known_outside(size: ir.Value, block: ir.Block) -> bool:
    return constant(size) is not None or (isinstance(size.owner, ir.Block) and size.owner == block)


def _return(function: func.FuncOp) -> ir.Operation:
    return list(function.regions[0].blocks[0].operations)[-1].operation


def _rewrite(function: func.FuncOp, moved: dict[int, _Result], calls: Sequence[ir.Operation]) -> None:
    block, returned = function.regions[0].blocks[0], _return(function)
    for call in calls:
        _rewrite_call(call, block, moved)
    attributes = list(function.arg_attrs) if "arg_attrs" in function.attributes else []
    attributes = attributes or [ir.DictAttr.get({})] * len(block.arguments)
    for alloc in (result.alloc for result in moved.values()):
        with alloc.location as location:
            argument = block.add_argument(alloc.results[0].type, location)
        alloc.results[0].replace_all_uses_with(argument)
        attributes.append(ir.DictAttr.get({RESULT_ATTRIBUTE: ir.UnitAttr.get()}))
    kept = [value for number, value in enumerate(returned.operands) if number not in moved]
    with ir.InsertionPoint(returned), returned.location:
        func.ReturnOp(kept)
    returned.erase()
    for result in moved.values():
        for view in reversed(result.views):
            if not any(True for _ in view.results[0].uses):
                view.erase()
        result.alloc.erase()
    type_ = ir.FunctionType.get([value.type for value in block.arguments], [value.type for value in kept])
    function.attributes["function_type"] = ir.TypeAttr.get(type_)
    function.arg_attrs = ir.ArrayAttr.get(attributes)
    if "res_attrs" in function.attributes:
        of_results = list(function.attributes["res_attrs"])
        function.attributes["res_attrs"] = ir.ArrayAttr.get(
            [of_result for number, of_result in enumerate(of_results) if number not in moved]
        )


def _rewrite_call(call: ir.Operation, block: ir.Block, moved: dict[int, _Result]) -> None:
    """Allocate the results of a call in front of it and pass them."""
    given = dict(zip(block.arguments, call.operands, strict=True))
    with ir.InsertionPoint(call), call.location:
        fresh: list[ir.Value] = []
        results: dict[int, ir.Value] = {}
        for number, result in moved.items():
            fresh.append(_allocate(result.alloc, given))
            results[number] = fresh[-1]
            for view in result.views:
                copy = view.clone()
                copy.operands[0] = results[number]
                results[number] = copy.results[0]
        kept = [number for number in range(len(call.results)) if number not in moved]
        types = [call.results[number].type for number in kept]
        again = func.CallOp(types, call.attributes["callee"], [*call.operands, *fresh])
    results.update(zip(kept, again.results, strict=True))
    for number, value in results.items():
        call.results[number].replace_all_uses_with(value)
    call.erase()


def _allocate(alloc: ir.Operation, given: dict[ir.Value, ir.Value]) -> ir.Value:
    """Allocate in a caller what `alloc` does in a function whose arguments are `given`."""
    sizes = []
    for size in alloc.operands:
        definition = defining_op(size)
        sizes.append(given[size] if definition is None else definition.clone().results[0])
    alignment = alloc.attributes.get("alignment")
    return memref.AllocOp(alloc.results[0].type, sizes, [], alignment=alignment).result
