"""Where a buffer is used: through views, in nested regions, by the functions that it is passed to."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..bindings import func, ir
from .views import VIEWS

_ALIASES = VIEWS | {"memref.assume_alignment", "memref.extract_strided_metadata", "memref.memory_space_cast"}
_ACCESSES = frozenset(
    {
        "affine.load",
        "affine.store",
        "affine.vector_load",
        "affine.vector_store",
        "bufferization.clone",
        "memref.atomic_rmw",
        "memref.copy",
        "memref.dim",
        "memref.generic_atomic_rmw",
        "memref.load",
        "memref.prefetch",
        "memref.store",
    }
)
_ACCESSING_DIALECTS = frozenset({"linalg", "tm_tensor", "vector"})


@dataclass
class Uses:
    """What happens to one buffer."""

    operations: list[ir.Operation] = field(default_factory=list)
    """What reads, writes or views it, at any nesting."""
    frees: list[ir.Operation] = field(default_factory=list)
    """The deallocations of it."""
    escapes: bool = False
    """Whether it is returned, yielded, kept, or used in a way that is not known."""


class BufferUses:
    """Follows buffers within the functions of one module."""

    def __init__(self, module: ir.Operation):
        self._symbols = ir.SymbolTable(module)
        self._captured: dict[str, frozenset[int]] = {}

    def of(self, buffer: ir.Value) -> Uses:
        """Return the uses of `buffer` and of all that views it."""
        uses = Uses()
        aliases = [buffer]
        for alias in aliases:
            for use in alias.uses:
                op = use.owner.operation
                if op.name == "memref.dealloc":
                    uses.frees.append(op)
                    continue
                uses.operations.append(op)
                if op.name in _ALIASES:
                    aliases += [result for result in op.results if isinstance(result.type, ir.MemRefType)]
                elif not self._only_accesses(op, use.operand_number):
                    uses.escapes = True
        return uses

    def _only_accesses(self, op: ir.Operation, operand: int) -> bool:
        """Tell whether `op` does no more than read and write the buffer that is its operand of that number."""
        if op.name == "func.call":
            return operand not in self._captured_arguments(op.attributes["callee"].value)
        if op.name == "memref.store" and operand == 0:
            return False
        return op.name in _ACCESSES or op.name.partition(".")[0] in _ACCESSING_DIALECTS

    def _captured_arguments(self, name: str) -> frozenset[int]:
        """Return the numbers of the arguments that function `name` frees, returns or keeps."""
        if name not in self._symbols or not isinstance(self._symbols[name], func.FuncOp):
            return _All()
        function = self._symbols[name]
        if name not in self._captured:
            self._captured[name] = _All()  # for a function that calls itself
            captured = set(range(len(function.type.inputs)))
            if not function.is_external:
                for number, argument in enumerate(function.arguments):
                    if not isinstance(argument.type, ir.MemRefType):
                        captured.discard(number)
                        continue
                    uses = self.of(argument)
                    if not uses.escapes and not uses.frees:
                        captured.discard(number)
            self._captured[name] = frozenset(captured)
        return self._captured[name]


class _All(frozenset[int]):
    """Every argument."""

    def __contains__(self, item: object) -> bool:
        return True
