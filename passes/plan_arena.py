"""Give the intermediate buffers of a call places in one block of memory, planned ahead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import arith, func, ir, memref
from .arena_layout import ALIGNMENT, Lifetime, lay_out
from .base import Pass, PassContext, option
from .buffer_bytes import static_bytes
from .buffer_uses import BufferUses, Uses
from .outline_kernels import NOALIAS_ATTRIBUTE
from .prepare_entry import ENTRY_ATTRIBUTE
from .walk import find

ARENA_ATTRIBUTE = "slipstick.arena"
"""On the allocation of a whole arena."""
WORKSPACE_ATTRIBUTE = "slipstick.workspace_bytes"
"""On the module: the size of the entry's arena in bytes, that of the functions it calls included."""

_PARALLEL = frozenset({"scf.parallel", "scf.forall", "omp.parallel", "omp.wsloop"})


@dataclass(frozen=True)
class PlanArena(Pass):
    """Replace allocations of known size by views of one arena, those that live at different times sharing memory.

    A buffer lives from its first use to its last, through views, loops and calls; where it was freed does not matter.
    What is returned, yielded by control flow or kept stays an allocation, as does what has no static shape.

    A private function gets its memory from its callers, as a last argument: each call is given a part of the caller's
    arena that nothing else lives in at that moment. Functions that may be called from elsewhere, recursively, or in a
    parallel region, where threads would share the part, have an arena of their own for each call; buffers that are
    allocated within a parallel region stay. An arena is one allocation, or, up to `stack-bytes`, on the stack. The
    size of the entry's is kept in the module attribute `slipstick.workspace_bytes`.
    """

    name: ClassVar[str] = "plan-arena"
    anchor: ClassVar[str | None] = "builtin.module"
    stack_bytes: int = option(16384, "size in bytes up to which an arena is on the stack")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Plan all functions, those that are called before their callers."""
        functions = {
            function.name.value: _Function(function)
            for function in op.regions[0].blocks[0].operations
            if isinstance(function, func.FuncOp) and not function.is_external
        }
        uses = BufferUses(op)
        order = _callees_first(functions)
        for function in functions.values():
            for call in function.calls:
                if call.callee in functions:
                    functions[call.callee].callers.append(call)
        entry = op.attributes[ENTRY_ATTRIBUTE].value if ENTRY_ATTRIBUTE in op.attributes else "main"
        referenced = {entry, *(o.attributes["value"].value for o in find(op, lambda o: o.name == "func.constant"))}
        # The uses of all buffers first: rewriting one function changes the calls in others.
        for function in functions.values():
            function.find_buffers(uses)
        position = {name: number for number, name in enumerate(order)}
        for name in order:
            function = functions[name]
            callers = function.callers
            function.borrows = (
                function.is_private
                and name not in referenced
                and len(callers) > 0
                and all(call.is_sequential and position[call.caller] > position[name] for call in callers)
            )
            _plan(function, functions)
            ctx.count("buffers planned", len(function.buffers))
        for name in order:
            self._rewrite(functions[name], functions, ctx)
        size = functions[entry].size if entry in functions else 0
        with op.context:
            op.attributes[WORKSPACE_ATTRIBUTE] = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), size)

    def _rewrite(self, function: _Function, functions: dict[str, _Function], ctx: PassContext) -> None:
        """Emit the arena and what lies in it."""
        if not function.size:
            for buffer in function.buffers:
                buffer.erase()
            return
        op = function.op
        block = op.regions[0].blocks[0]
        with op.location:
            type_ = ir.MemRefType.get([function.size], ir.IntegerType.get_signless(8))
            if function.borrows:
                arena = _append_argument(op, type_)
            elif function.size <= self.stack_bytes:
                with ir.InsertionPoint.at_block_begin(block):
                    arena = memref.alloca(type_, [], [], alignment=ALIGNMENT)
            else:
                with ir.InsertionPoint.at_block_begin(block):
                    allocation = memref.AllocOp(type_, [], [], alignment=ALIGNMENT)
                allocation.operation.attributes[ARENA_ATTRIBUTE] = ir.UnitAttr.get()
                arena = allocation.result
                with ir.InsertionPoint(list(block.operations)[-1]):
                    memref.dealloc(arena)
                ctx.count("arenas allocated")
        for buffer, offset in zip(function.buffers, function.offsets, strict=False):
            buffer.place(arena, offset)
        borrowing = [call for call in function.calls if _borrowed(call, functions)]
        for call, offset in zip(borrowing, function.offsets[len(function.buffers) :], strict=True):
            call.pass_memory(arena, offset, functions[call.callee].size)


@dataclass
class _Call:
    """A call of a function of the module, by its operation and the moment at which it happens."""

    op: ir.Operation
    caller: str
    callee: str
    moment: int
    is_sequential: bool

    def pass_memory(self, arena: ir.Value, offset: int, size: int) -> None:
        """Give the callee `size` bytes of the arena as its last argument."""
        op = self.op
        with ir.InsertionPoint(op), op.location:
            part = _view(arena, offset, ir.MemRefType.get([size], ir.IntegerType.get_signless(8)))
            attributes = {name: op.attributes[name] for name in op.attributes}
            new = ir.Operation.create(
                "func.call", [result.type for result in op.results], [*op.operands, part], attributes
            )
        for old, result in zip(op.results, new.results, strict=True):
            old.replace_all_uses_with(result)
        op.erase()


@dataclass
class _Buffer:
    """An allocation that gets a place in an arena."""

    op: ir.Operation
    uses: Uses
    lifetime: Lifetime

    def place(self, arena: ir.Value, offset: int) -> None:
        """Become a view of the arena."""
        with ir.InsertionPoint(self.op), self.op.location:
            self.op.results[0].replace_all_uses_with(_view(arena, offset, self.op.results[0].type))
        self.erase()

    def erase(self) -> None:
        """Remove the allocation, and its deallocations."""
        for free in self.uses.frees:
            free.erase()
        if not list(self.op.results[0].uses):
            self.op.erase()


class _Function:
    """A function: its allocations, its calls, and the plan of its arena."""

    def __init__(self, op: func.FuncOp):
        self.op = op
        self.name: str = op.name.value
        self.is_private = "sym_visibility" in op.attributes and op.visibility.value == "private"
        self.is_structured = True
        """Whether each region is one block, so that the order of operations is that of time."""
        self.calls: list[_Call] = []
        self.callers: list[_Call] = []
        self.buffers: list[_Buffer] = []
        self.borrows = False
        """Whether callers provide the arena."""
        self.offsets: list[int] = []
        """In bytes, of the buffers, then of the parts for the calls of functions that borrow."""
        self.size = 0
        self._allocations: list[ir.Operation] = []
        self._moments: dict[ir.Operation, tuple[int, int]] = {}
        self._time = 0
        self._number(op.operation, is_sequential=True)
        if not self.is_structured:
            self.calls = [_Call(c.op, c.caller, c.callee, c.moment, False) for c in self.calls]

    def _number(self, op: ir.Operation, *, is_sequential: bool) -> None:
        """Number the operations within `op` in order, and note the allocations and calls."""
        begin = self._time
        is_sequential = is_sequential and op.name not in _PARALLEL
        for region in op.regions:
            blocks = list(region.blocks)
            self.is_structured = self.is_structured and len(blocks) <= 1
            for block in blocks:
                for view in block.operations:
                    inner = view.operation
                    self._time += 1
                    if inner.name == "func.call":
                        callee = inner.attributes["callee"].value
                        self.calls.append(_Call(inner, self.name, callee, self._time, is_sequential))
                    elif inner.name == "memref.alloc" and is_sequential and static_bytes(inner, ALIGNMENT) is not None:
                        self._allocations.append(inner)
                    self._number(inner, is_sequential=is_sequential)
        self._moments[op] = (begin, self._time)

    def find_buffers(self, uses: BufferUses) -> None:
        """Find the allocations that can be planned."""
        if not self.is_structured:
            return
        for op in self._allocations:
            found = uses.of(op.results[0])
            size = static_bytes(op, ALIGNMENT)
            if found.escapes or size is None:
                continue
            spans = [self._span(user, op) for user in found.operations]
            if spans:
                lifetime = Lifetime(max(size, 1), min(first for first, _ in spans), max(last for _, last in spans))
            else:
                lifetime = Lifetime(0, *self._moments[op])
            self.buffers.append(_Buffer(op, found, lifetime))

    def _span(self, op: ir.Operation, allocation: ir.Operation) -> tuple[int, int]:
        """Return first and last moment of what holds `op` in the block of `allocation`: a loop around it repeats it."""
        home = allocation.parent.operation
        while op.parent.operation != home:
            op = op.parent.operation
        return self._moments[op]


def _plan(function: _Function, functions: dict[str, _Function]) -> None:
    """Lay out a function's buffers and the memory of those that it calls."""
    lifetimes = [buffer.lifetime for buffer in function.buffers]
    lifetimes += [
        Lifetime(functions[call.callee].size, call.moment, call.moment)
        for call in function.calls
        if _borrowed(call, functions)
    ]
    function.offsets, function.size = lay_out(lifetimes)


def _borrowed(call: _Call, functions: dict[str, _Function]) -> bool:
    """Tell whether the callee takes memory from the caller."""
    callee = functions.get(call.callee)
    return callee is not None and callee.borrows and callee.size > 0


def _callees_first(functions: dict[str, _Function]) -> list[str]:
    """Return the names so that a function comes after those it calls, as far as calls are not recursive."""
    order: dict[str, None] = {}
    begun: set[str] = set()
    stack: list[tuple[str, Iterator[_Call]]] = []
    for root in functions:
        if root in begun:
            continue
        begun.add(root)
        stack.append((root, iter(functions[root].calls)))
        while stack:
            name, calls = stack[-1]
            for call in calls:
                if call.callee in functions and call.callee not in begun:
                    begun.add(call.callee)
                    stack.append((call.callee, iter(functions[call.callee].calls)))
                    break
            else:
                order[name] = None
                stack.pop()
    return list(order)


def _append_argument(function: func.FuncOp, type_: ir.Type) -> ir.Value:
    """Give a function a last argument that nothing else of the function shares memory with."""
    inputs, results = list(function.type.inputs), list(function.type.results)
    argument = function.regions[0].blocks[0].add_argument(type_, function.location)
    function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get([*inputs, type_], results))
    if "arg_attrs" in function.attributes:
        function.arg_attrs = ir.ArrayAttr.get([*function.arg_attrs, ir.DictAttr.get({})])
    listed = list(function.attributes[NOALIAS_ATTRIBUTE]) if NOALIAS_ATTRIBUTE in function.attributes else []
    function.attributes[NOALIAS_ATTRIBUTE] = ir.DenseI64ArrayAttr.get([*listed, len(inputs)])
    return argument


def _view(arena: ir.Value, offset: int, type_: ir.Type) -> ir.Value:
    """Emit the view of the arena from byte `offset` on as a buffer of that type."""
    return memref.view(type_, arena, arith.constant(ir.IndexType.get(), offset), [])
