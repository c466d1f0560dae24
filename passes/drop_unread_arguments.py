"""Pass functions nothing that they do not read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import func, ir
from .base import Pass, PassContext
from .calls import Calls, retype
from .outline_kernels import NOALIAS_ATTRIBUTE


@dataclass(frozen=True)
class DropUnreadArguments(Pass):
    """Remove the arguments of private functions that these do not read, and what is passed for them.

    What only a layer's mask was computed from is then dead where attention needs no mask any more.
    """

    name: ClassVar[str] = "drop-unread-arguments"
    anchor: ClassVar[str | None] = "builtin.module"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Visit every function; what is only passed on to a function that drops it is dropped, too."""
        changed = True
        while changed:
            calls = Calls.of(op)
            dropped = [_drop(function, calls.calls.get(name, ())) for name, function in calls.functions.items()]
            ctx.count("arguments dropped", sum(dropped))
            changed = any(dropped)


def _drop(function: func.FuncOp, calls: Sequence[ir.Operation]) -> int:
    """Remove the unread arguments of a function, here and in its calls; return how many."""
    block = function.regions[0].blocks[0]
    read = [any(True for _ in argument.uses) for argument in block.arguments]
    unread = read.count(False)
    if not unread:
        return 0
    for number in reversed(range(len(read))):
        if not read[number]:
            block.erase_argument(number)
    if "arg_attrs" in function.attributes:
        left = [attributes for attributes, is_read in zip(function.arg_attrs, read, strict=True) if is_read]
        function.attributes["arg_attrs"] = ir.ArrayAttr.get(left)
    if NOALIAS_ATTRIBUTE in function.attributes:
        places = {number: place for place, number in enumerate(n for n, is_read in enumerate(read) if is_read)}
        apart = [places[number] for number in list(function.attributes[NOALIAS_ATTRIBUTE]) if number in places]
        function.attributes[NOALIAS_ATTRIBUTE] = ir.DenseI64ArrayAttr.get(apart, function.context)
    retype(function)
    for call in calls:
        operands = [value for value, is_read in zip(call.operands, read, strict=True) if is_read]
        with ir.InsertionPoint(call), call.location:
            again = func.CallOp(function, operands)
        for name in call.attributes:
            if name != "callee":
                again.operation.attributes[name] = call.attributes[name]
        for old, new in zip(call.results, again.results, strict=True):
            old.replace_all_uses_with(new)
        call.erase()
    return unread
