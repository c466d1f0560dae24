"""Turn run-time assertions into a status that the caller reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import arith, cf, func, ir, memref, ub
from .base import Pass, PassContext
from .plan_arena import ARENA_ATTRIBUTE
from .prepare_entry import ENTRY_ATTRIBUTE
from .walk import find

MESSAGES_ATTRIBUTE = "slipstick.assert_messages"


@dataclass(frozen=True)
class AssertsToStatus(Pass):
    """Replace `cf.assert` in the entry function by an early return with a status.

    Upstream's lowering of an assertion aborts the process.

    The entry gets one more argument, `memref<i64>`. A failed assertion stores its number there (1 and up; the texts
    stand in the module attribute `slipstick.assert_messages`) and returns; the results are then undefined. The caller
    stores 0 before the call. Needs control flow as blocks: run it after `convert-scf-to-cf`.
    """

    name: ClassVar[str] = "asserts-to-status"
    anchor: ClassVar[str | None] = "builtin.module"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite the entry function that `prepare-entry` recorded."""
        if ENTRY_ATTRIBUTE not in op.attributes:
            raise ctx.fail(op, f"expected the attribute {ENTRY_ATTRIBUTE}: run prepare-entry first")
        name, symbols = op.attributes[ENTRY_ATTRIBUTE], ir.SymbolTable(op)
        if not isinstance(name, ir.FlatSymbolRefAttr) or name.value not in symbols:
            raise ctx.fail(op, f"{ENTRY_ATTRIBUTE}: expected the name of a function, found {name}")
        entry = symbols[name.value]
        block = entry.regions[0].blocks[0]
        asserts = find(op, lambda inner: inner.name == "cf.assert")
        for assertion in asserts:
            if assertion.parent != entry.operation:
                text = "'cf.assert' outside the entry function would end the process: inline its function first"
                raise ctx.fail(assertion, text)
        type_ = entry.type
        status_type = ir.MemRefType.get([], ir.IntegerType.get_signless(64))
        with entry.location:
            status = block.add_argument(status_type, entry.location)
        if "arg_attrs" in entry.attributes:
            entry.arg_attrs = ir.ArrayAttr.get([*entry.arg_attrs, ir.DictAttr.get({})])
        entry.attributes["function_type"] = ir.TypeAttr.get(
            ir.FunctionType.get([*type_.inputs, status_type], type_.results)
        )
        arenas = [o.results[0] for o in find(entry.operation, lambda inner: ARENA_ATTRIBUTE in inner.attributes)]
        messages: list[str] = []
        for assertion in asserts:
            message = assertion.attributes["msg"].value
            if message not in messages:
                messages.append(message)
            self._replace(entry, assertion, status, messages.index(message) + 1, arenas)
            ctx.count("assertions replaced")
        op.attributes[MESSAGES_ATTRIBUTE] = ir.ArrayAttr.get([ir.StringAttr.get(m) for m in messages])

    def _replace(
        self, entry: func.FuncOp, assertion: ir.Operation, status: ir.Value, number: int, arenas: list[ir.Value]
    ) -> None:
        """Branch to a block that stores `number`, frees `arenas` and returns, where `assertion` fails."""
        block = assertion.block
        rest = block.create_after()
        operations = list(block.operations)
        position = next(i for i, o in enumerate(operations) if o.operation == assertion)
        for operation in operations[position + 1 :]:
            rest.append(operation)
        failed = rest.create_after()
        with assertion.location:
            with ir.InsertionPoint(failed):
                memref.store(arith.constant(ir.IntegerType.get_signless(64), number), status, [])
                for arena in arenas:
                    memref.dealloc(arena)
                func.ReturnOp([ub.PoisonOp(type_).result for type_ in entry.type.results])
            with ir.InsertionPoint(block):
                cf.CondBranchOp(assertion.operands[0], [], [], rest, failed)
        assertion.erase()
