"""Turn run-time assertions into a status that the caller reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import arith, cf, func, ir, memref, ub
from .base import Pass, PassContext
from .paths import PATHS_ATTRIBUTE, noted_paths
from .plan_arena import ARENA_ATTRIBUTE
from .prepare_entry import ENTRY_ATTRIBUTE, is_private
from .walk import find

MESSAGES_ATTRIBUTE = "slipstick.assert_messages"


@dataclass(frozen=True)
class AssertsToStatus(Pass):
    """Replace `cf.assert` by an early return with a status.

    Upstream's lowering of an assertion aborts the process.

    The entry, of every depth, gets one more argument, `memref<i64>`. A failed assertion stores its number there (1 and
    up; the texts stand in the module attribute `slipstick.assert_messages`) and returns; the results are then
    undefined. The caller stores 0 before the call. Private functions with assertions get the argument too: who calls
    one returns as well where it finds a status other than 0 after the call. Needs control flow as blocks: run it after
    `convert-scf-to-cf`.
    """

    name: ClassVar[str] = "asserts-to-status"
    anchor: ClassVar[str | None] = "builtin.module"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite the entry function that `prepare-entry` recorded, and what it calls that may fail."""
        if ENTRY_ATTRIBUTE not in op.attributes:
            raise ctx.fail(op, f"expected the attribute {ENTRY_ATTRIBUTE}: run prepare-entry first")
        name, symbols = op.attributes[ENTRY_ATTRIBUTE], ir.SymbolTable(op)
        if not isinstance(name, ir.FlatSymbolRefAttr) or name.value not in symbols:
            raise ctx.fail(op, f"{ENTRY_ATTRIBUTE}: expected the name of a function, found {name}")
        try:
            entries = [symbols[name.value], *(symbols[path] for path in noted_paths(op).values())]
        except (KeyError, ValueError) as problem:
            raise ctx.fail(op, f"{PATHS_ATTRIBUTE}: expected functions of the module: {problem}") from problem
        asserts = find(op, lambda inner: inner.name == "cf.assert")
        calls = _failing_calls(op, asserts, ctx)
        for inner in (*asserts, *calls):
            if _function_of(inner) not in entries and not is_private(_function_of(inner)):
                text = f"'{inner.name}' outside the entry function would end the process: make its function private"
                raise ctx.fail(inner, text)
        failing = {_function_of(inner).name.value: _function_of(inner) for inner in (*asserts, *calls)}
        failing.update((entry.name.value, entry) for entry in entries)
        statuses = {name: _add_status(function) for name, function in failing.items()}
        arenas = {name: _arenas(function) for name, function in failing.items()}
        messages: list[str] = []
        for assertion in asserts:
            message = assertion.attributes["msg"].value
            if message not in messages:
                messages.append(message)
            name = _function_of(assertion).name.value
            _replace(assertion, statuses[name], messages.index(message) + 1, arenas[name])
            ctx.count("assertions replaced")
        for call in calls:
            name = _function_of(call).name.value
            _check(call, statuses[name], arenas[name])
            ctx.count("calls checked")
        op.attributes[MESSAGES_ATTRIBUTE] = ir.ArrayAttr.get([ir.StringAttr.get(m) for m in messages])


def _failing_calls(module: ir.Operation, asserts: list[ir.Operation], ctx: PassContext) -> list[ir.Operation]:
    """Return the calls of functions that may fail: that assert, or call one that may.

    Raises where an assertion or such a call stands in a loop, from which there is no returning.
    """
    every = find(module, lambda inner: inner.name == "func.call")
    failing: set[str] = set()
    found: list[ir.Operation] = []
    left = list(asserts)
    while left:
        op = left.pop()
        if not isinstance(op.parent.opview, func.FuncOp):
            raise ctx.fail(op, f"'{op.name}' inside '{op.parent.name}' would end the process where an assertion fails")
        name = _function_of(op).name.value
        if name not in failing:
            failing.add(name)
            callers = [call for call in every if call.attributes["callee"].value == name]
            found += callers
            left += callers
    return found


def _function_of(op: ir.Operation) -> func.FuncOp:
    return op.parent.opview


def _add_status(function: func.FuncOp) -> ir.Value:
    """Give a function the last argument that takes the status."""
    type_ = function.type
    status_type = ir.MemRefType.get([], ir.IntegerType.get_signless(64))
    with function.location:
        status = function.regions[0].blocks[0].add_argument(status_type, function.location)
    if "arg_attrs" in function.attributes:
        function.arg_attrs = ir.ArrayAttr.get([*function.arg_attrs, ir.DictAttr.get({})])
    function.attributes["function_type"] = ir.TypeAttr.get(
        ir.FunctionType.get([*type_.inputs, status_type], type_.results)
    )
    return status


def _replace(assertion: ir.Operation, status: ir.Value, number: int, arenas: list[ir.Value]) -> None:
    """Branch to a block that stores `number`, frees `arenas` and returns, where `assertion` fails."""
    rest, failed = _split(assertion, arenas)
    with assertion.location:
        with ir.InsertionPoint.at_block_begin(failed):
            memref.store(arith.constant(ir.IntegerType.get_signless(64), number), status, [])
        with ir.InsertionPoint(assertion.block):
            cf.CondBranchOp(assertion.operands[0], [], [], rest, failed)
    assertion.erase()


def _check(call: ir.Operation, status: ir.Value, arenas: list[ir.Value]) -> None:
    """Pass the status to a call, and return where it is set afterwards."""
    rest, failed = _split(call, arenas)
    with call.location, ir.InsertionPoint(call.block):
        again = func.CallOp(
            [result.type for result in call.results], call.attributes["callee"], [*call.operands, status]
        )
        for old, new in zip(call.results, again.results, strict=True):
            old.replace_all_uses_with(new)
        zero = arith.constant(ir.IntegerType.get_signless(64), 0)
        succeeded = arith.cmpi(arith.CmpIPredicate.eq, memref.load(status, []), zero)
        cf.CondBranchOp(succeeded, [], [], rest, failed)
    call.erase()


def _split(op: ir.Operation, arenas: list[ir.Value]) -> tuple[ir.Block, ir.Block]:
    """Move what follows `op` to a block of its own; return that and a new block, which frees `arenas` and returns."""
    block = op.block
    rest = block.create_after()
    operations = list(block.operations)
    position = next(i for i, o in enumerate(operations) if o.operation == op)
    for operation in operations[position + 1 :]:
        rest.append(operation)
    failed = rest.create_after()
    with op.location, ir.InsertionPoint(failed):
        for arena in arenas:
            memref.dealloc(arena)
        func.ReturnOp([ub.PoisonOp(type_).result for type_ in _function_of(op).type.results])
    return rest, failed


def _arenas(function: func.FuncOp) -> list[ir.Value]:
    """Return the blocks of memory that a function takes at its start and gives back at its end."""
    return [op.results[0] for op in find(function.operation, lambda inner: ARENA_ATTRIBUTE in inner.attributes)]
