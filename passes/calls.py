"""What calls pass to the functions of a module."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..bindings import func, ir
from .prepare_entry import is_private
from .walk import find

Slot: TypeAlias = tuple[str, int]
"""An argument of a function: the function's name, and the argument's number."""


@dataclass(frozen=True)
class Calls:
    """The functions of a module that nothing but direct calls in it can call, and these calls."""

    functions: Mapping[str, func.FuncOp]
    calls: Mapping[str, Sequence[ir.Operation]]

    @classmethod
    def of(cls, module: ir.Operation) -> Calls:
        """Return those of a module."""
        bodies = [f for f in module.regions[0].blocks[0].operations if isinstance(f, func.FuncOp) and not f.is_external]
        functions = {f.name.value: f for f in bodies if is_private(f)}
        calls: dict[str, list[ir.Operation]] = defaultdict(list)
        if functions:
            for op in find(module, lambda inner: inner.name in ("func.call", "func.constant")):
                if op.name == "func.call":
                    calls[ir.FlatSymbolRefAttr(op.attributes["callee"]).value].append(op)
                else:
                    functions.pop(ir.FlatSymbolRefAttr(op.attributes["value"]).value, None)
        return cls(functions, calls)

    @classmethod
    def around(cls, op: ir.Operation) -> Calls:
        """Return those of the module that `op` is or is in; of none, there are none."""
        current: ir.Operation | None = op.operation
        while current is not None and current.name != "builtin.module":
            current = None if current.parent is None else current.parent.operation
        return cls({}, {}) if current is None else cls.of(current)

    def slots(self, value: ir.Value) -> list[Slot]:
        """Return the arguments that `value` is passed as, once for each call and operand."""
        found = []
        for use in value.uses:
            user = use.owner.operation
            if user.name == "func.call":
                callee = ir.FlatSymbolRefAttr(user.attributes["callee"]).value
                if callee in self.functions:
                    found.append((callee, int(use.operand_number)))
        return found

    def argument(self, slot: Slot) -> ir.Value:
        """Return the argument itself."""
        name, number = slot
        return self.functions[name].arguments[number]

    def passed(self, slot: Slot) -> list[ir.Value]:
        """Return what each call passes as an argument."""
        name, number = slot
        return [call.operands[number] for call in self.calls[name]]

    def origin(self, value: ir.Value) -> ir.Value:
        """Return what an argument stands for where each call of its function passes the same; else `value` itself."""
        while isinstance(value, ir.BlockArgument):
            owner = value.owner.owner.operation
            name = str(owner.attributes["sym_name"].value) if owner.name == "func.func" else ""
            passed = set(self.passed((name, value.arg_number))) if name in self.functions else set()
            if len(passed) != 1:
                break
            value = passed.pop()
        return value

    def retype(self, slot: Slot, type_: ir.Type) -> ir.Value:
        """Give an argument another type; the caller of this changes what is passed. Return the argument."""
        name, number = slot
        function = self.functions[name]
        argument = function.arguments[number]
        argument.set_type(type_)
        retype(function)
        return argument


def retype(function: func.FuncOp) -> None:
    """Give a function the type that the arguments of its body and its results say."""
    inputs = [value.type for value in function.regions[0].blocks[0].arguments]
    function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(inputs, function.type.results))
