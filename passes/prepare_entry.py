"""Name the function that will be called from outside and state its calling convention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import func, ir
from .base import Pass, PassContext
from .overwrites import marked_overwrites, note_overwrites

ENTRY_ATTRIBUTE = "slipstick.entry"
SIGNATURE_ATTRIBUTE = "slipstick.signature"


@dataclass(frozen=True)
class PrepareEntry(Pass):
    """Mark the entry function for the C interface and record its signature on the module.

    The entry is the function that the module attribute `slipstick.entry` names, or else the function `main`, or else
    the only public function. Its signature, before anything is lowered, is
    kept in the module attribute `slipstick.signature`; its arguments are marked read-only, so that bufferisation
    never writes into a caller's tensors, but for those with the attribute `slipstick.overwritten`: the result that they
    are overwritten with is noted in the module attribute `slipstick.overwrites`.
    """

    name: ClassVar[str] = "prepare-entry"
    anchor: ClassVar[str | None] = "builtin.module"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Raise where there is no single entry function."""
        entry = find_entry(op)
        if entry is None:
            raise ctx.fail(op, "expected a function named 'main' or exactly one public func.func with a body")
        op.attributes[ENTRY_ATTRIBUTE] = ir.FlatSymbolRefAttr.get(entry.name.value)
        op.attributes[SIGNATURE_ATTRIBUTE] = ir.TypeAttr.get(entry.type)
        entry.attributes["llvm.emit_c_interface"] = ir.UnitAttr.get()
        try:
            overwrites = marked_overwrites(entry)
        except ValueError as problem:
            raise ctx.fail(entry.operation, str(problem)) from problem
        note_overwrites(op, overwrites)
        overwritten = {argument for argument, _ in overwrites}
        if entry.arguments:
            attributes = []
            for old, argument in zip(_argument_attributes(entry), entry.arguments, strict=True):
                new = dict(_items(old))
                if isinstance(argument.type, ir.ShapedType):
                    writable = argument.arg_number in overwritten
                    new["bufferization.writable"] = ir.BoolAttr.get(writable)
                attributes.append(ir.DictAttr.get(new))
            entry.arg_attrs = ir.ArrayAttr.get(attributes)


def find_entry(module: ir.Operation) -> func.FuncOp | None:
    """Return the function noted as entry, or `main`, or the only public function that has a body, or None."""
    functions = [f for f in module.regions[0].blocks[0].operations if isinstance(f, func.FuncOp) and not f.is_external]
    named = [f for f in functions if f.name.value == "main"]
    public = public_functions(module)
    noted = module.attributes.get(ENTRY_ATTRIBUTE)
    entry = [f for f in functions if isinstance(noted, ir.FlatSymbolRefAttr) and f.name.value == noted.value]
    for candidates in (entry, named, public):
        if len(candidates) == 1:
            return candidates[0]
    return None


def public_functions(module: ir.Operation) -> list[func.FuncOp]:
    """Return the functions with a body that can be called from outside."""
    functions = [f for f in module.regions[0].blocks[0].operations if isinstance(f, func.FuncOp) and not f.is_external]
    return [f for f in functions if "sym_visibility" not in f.attributes or f.visibility.value == "public"]


def keep_public(module: ir.Operation, name: str) -> None:
    """Make the function `name` public, all others private: those that it does not reach fall to `symbol-dce`."""
    for function in module.regions[0].blocks[0].operations:
        if isinstance(function, func.FuncOp) and not function.is_external:
            visibility = "public" if function.name.value == name else "private"
            function.attributes["sym_visibility"] = ir.StringAttr.get(visibility, module.context)


def is_private(function: func.FuncOp) -> bool:
    """Tell whether nothing outside the module can call the function."""
    return "sym_visibility" in function.attributes and bool(function.visibility.value == "private")


def _argument_attributes(function: func.FuncOp) -> list[ir.DictAttr]:
    if "arg_attrs" not in function.attributes:
        return [ir.DictAttr.get({})] * len(function.arguments)
    return list(function.arg_attrs)


def _items(attributes: ir.DictAttr) -> list[tuple[str, ir.Attribute]]:
    return [(named.name, named.attr) for named in attributes]
