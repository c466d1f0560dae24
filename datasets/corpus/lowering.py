"""Kernels for one CPU: the text of their loops, and one module of LLVM's dialect with the code of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...bindings import ir
from ...compiler.standalone import FUNCTION
from ...passes.walk import find
from ...target import Target
from .session import Form, Session


@dataclass(frozen=True)
class Lowered:
    """What one kernel became."""

    loops: dict[str, str]
    """The functions that compute, by name: loops, vectors and memrefs, as at the stage "loops"."""
    module: ir.Module
    """The kernel at the stage "llvm"."""


def lower(session: Session, text: str, target: Target) -> Lowered:
    """Lower a kernel's module from the stage "scheduled". Raises IRError where it does not lower."""
    module = prepared(session, text)
    session.bring(module, "loops", target, Form())
    module.operation.verify()
    loops = {
        function.attributes["sym_name"].value: function.get_asm(use_local_scope=True)
        for function in find(module.operation, _computes)
    }
    session.bring(module, "llvm", target, Form())
    return Lowered(loops, module)


def prepared(session: Session, text: str) -> ir.Module:
    """Return a kernel's module with its function as the entry: what can be lowered, compiled and called."""
    module = session.parse(text)
    session.run(module, "builtin.module(prepare-entry)")
    return module


def merged(session: Session, modules: Sequence[ir.Module]) -> ir.Module:
    """Move the code of modules of LLVM's dialect into one; what the number N defines is called `NAME.N` there.

    What they declare, the run time's functions, is declared once.
    """
    with ir.Location.unknown(session.context):
        whole = ir.Module.create()
    declared: set[str] = set()
    for number, module in enumerate(modules):
        operations = [view.operation for view in module.body.operations]
        for operation in operations:
            name = operation.attributes["sym_name"].value
            if _is_declaration(operation):
                if name not in declared:
                    declared.add(name)
                    whole.body.append(operation)
                continue
            ir.SymbolTable.replace_all_symbol_uses(name, merged_name(name, number), module.operation)
            operation.attributes["sym_name"] = ir.StringAttr.get(merged_name(name, number), session.context)
        for operation in operations:
            if not _is_declaration(operation):
                whole.body.append(operation)
    return whole


def merged_name(name: str, number: int) -> str:
    """Return what a function of the module of that number is called in the merged module."""
    return f"{name}.{number}"


def _is_declaration(operation: ir.Operation) -> bool:
    return operation.name == "llvm.func" and not len(operation.regions[0].blocks)


def _computes(op: ir.Operation) -> bool:
    return op.name == "func.func" and op.attributes["sym_name"].value != FUNCTION and bool(len(op.regions[0].blocks))
