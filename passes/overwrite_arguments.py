"""Write results into the arguments that they overwrite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import func, ir, memref
from .base import Pass, PassContext
from .overwrites import noted_overwrites
from .paths import entry_functions
from .prepare_entry import find_entry
from .values import defining_op
from .views import VIEWS


@dataclass(frozen=True)
class OverwriteArguments(Pass):
    """Drop the results that overwrite an argument; those that bufferisation did not put there are copied.

    Which results overwrite which arguments stands in the module attribute `slipstick.overwrites`. Where bufferisation
    computed a result in the argument's own memory, nothing is left to do. Run it between bufferisation and
    deallocation: a returned argument would be cloned for the caller.
    """

    name: ClassVar[str] = "overwrite-arguments"
    anchor: ClassVar[str | None] = "builtin.module"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite return and type of the entry, of every depth; raise where it is not on memrefs or returns twice."""
        try:
            pairs = noted_overwrites(op)
        except ValueError as problem:
            raise ctx.fail(op, str(problem)) from problem
        if not pairs:
            return
        if find_entry(op) is None:
            raise ctx.fail(op, "expected a function named 'main' or exactly one public func.func with a body")
        try:
            entries = entry_functions(op)
        except ValueError as problem:
            raise ctx.fail(op, str(problem)) from problem
        for entry in entries:
            self._overwrite(entry, pairs, ctx)

    def _overwrite(self, entry: func.FuncOp, pairs: list[tuple[int, int]], ctx: PassContext) -> None:
        """Rewrite one function's return and type."""
        returned = list(entry.regions[0].blocks[-1].operations)[-1]
        if len(list(entry.regions[0].blocks)) != 1 or not isinstance(returned, func.ReturnOp):
            raise ctx.fail(entry.operation, "expected a function of one block to overwrite arguments of")
        for argument, result in pairs:
            types = (list(entry.type.inputs)[argument : argument + 1], list(entry.type.results)[result : result + 1])
            if types[0] != types[1] or not types[0] or not isinstance(types[0][0], ir.MemRefType):
                text = f"argument {argument} and result {result}: expected memrefs of one type: bufferise first"
                raise ctx.fail(entry.operation, text)
        self._write(entry, returned, pairs, ctx)
        dropped = {result for _, result in pairs}
        kept = [number for number in range(len(returned.operands_)) if number not in dropped]
        values = [returned.operands_[number] for number in kept]
        with ir.InsertionPoint(returned), returned.location:
            func.ReturnOp(values)
        returned.operation.erase()
        if "res_attrs" in entry.attributes:
            attributes = list(entry.attributes["res_attrs"])
            entry.attributes["res_attrs"] = ir.ArrayAttr.get([attributes[number] for number in kept])
        type_ = ir.FunctionType.get(entry.type.inputs, [value.type for value in values])
        entry.attributes["function_type"] = ir.TypeAttr.get(type_)

    def _write(
        self, entry: func.FuncOp, returned: func.ReturnOp, pairs: list[tuple[int, int]], ctx: PassContext
    ) -> None:
        """Copy in front of the return what does not lie in its argument yet."""
        outside = []
        for argument, result in pairs:
            if returned.operands_[result] == entry.arguments[argument]:
                ctx.count("arguments overwritten in place")
            else:
                outside.append((argument, result))
        if not outside:
            return
        # One copy must not change what the next one reads or what is returned: what may be a view of an argument is put
        # aside first.
        dropped = {result for _, result in pairs}
        read = {result for _, result in outside} | (set(range(len(returned.operands_))) - dropped)
        with ir.InsertionPoint(returned), returned.location:
            for result in sorted(read):
                value = returned.operands_[result]
                if isinstance(value.type, ir.MemRefType) and not _is_own(value):
                    returned.operation.operands[result] = _copy(value)
                    ctx.count("results put aside")
            for argument, result in outside:
                memref.CopyOp(returned.operands_[result], entry.arguments[argument])
                ctx.count("arguments overwritten by a copy")


def _is_own(value: ir.Value) -> bool:
    """Tell whether `value` is surely memory that the function has allocated."""
    while True:
        owner = defining_op(value)
        if owner is None:
            return False
        if owner.name == "memref.alloc":
            return True
        if owner.name not in VIEWS:
            return False
        value = owner.operands[0]


def _copy(value: ir.Value) -> ir.Value:
    type_ = ir.MemRefType(value.type)
    index = ir.IndexType.get()
    sizes = []
    for dim in range(type_.rank):
        if type_.is_dynamic_dim(dim):
            number = ir.Operation.create(
                "arith.constant", [index], attributes={"value": ir.IntegerAttr.get(index, dim)}
            ).result
            sizes.append(memref.DimOp(value, number).result)
    plain = ir.MemRefType.get(type_.shape, type_.element_type)
    fresh: ir.Value = memref.AllocOp(plain, sizes, []).result
    memref.CopyOp(value, fresh)
    return fresh
