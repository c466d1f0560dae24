"""One kernel for one CPU: the text of its loops, and its assembly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...bindings import ir
from ...compiler import codegen, elf
from ...compiler.build import parse
from ...compiler.stages import llvm_ir, run_stages
from ...compiler.standalone import FUNCTION
from ...passes.manager import run_pipeline
from ...passes.walk import find
from ...target import Target


@dataclass(frozen=True)
class Lowered:
    """What one kernel became."""

    loops: dict[str, str]
    """The functions that compute, by name: loops, vectors and memrefs, as at the stage "loops"."""
    assembly: str
    code_bytes: Mapping[str, int]
    """The size of each function's code."""


def lower(text: str, target: Target) -> Lowered:
    """Lower a kernel's module from the stage "scheduled" and generate assembly.

    Raises IRError where it does not lower, CodegenError where LLVM refuses.
    """
    module = prepared(text)
    run_stages(module, until="loops", target=target)
    loops = {
        function.attributes["sym_name"].value: function.get_asm(use_local_scope=True)
        for function in find(module.operation, _computes)
    }
    run_stages(module, until="llvm", target=target)
    obj, assembly = codegen.object_and_assembly(llvm_ir(module), target)
    return Lowered(loops, assembly, elf.inspect(obj).function_bytes)


def prepared(text: str) -> ir.Module:
    """Return a kernel's module with its function as the entry: what can be lowered, compiled and called."""
    module = parse(text)
    run_pipeline(module, "builtin.module(prepare-entry)")
    return module


def _computes(op: ir.Operation) -> bool:
    return op.name == "func.func" and op.attributes["sym_name"].value != FUNCTION and bool(len(op.regions[0].blocks))
