"""The loops that a scheduled kernel becomes, as texts: what a cost model reads with least doubt."""

from __future__ import annotations

from ..passes.manager import run_pipeline
from ..passes.walk import find
from ..target import Target
from .build import parse
from .stages import run_stages
from .standalone import FUNCTION


def kernel_loops(text: str, target: Target) -> dict[str, str]:
    """Return the functions of loops, by name, of a kernel's module at the stage "scheduled".

    Nothing is generated or optimised by LLVM. Raises IRError where a pass fails.
    """
    module = parse(text)
    run_pipeline(module, "builtin.module(prepare-entry)", verify="none")
    run_stages(module, until="loops", target=target)
    functions = find(module.operation, lambda op: op.name == "func.func" and bool(len(op.regions[0].blocks)))
    return {
        name: function.get_asm(use_local_scope=True)
        for function in functions
        if (name := function.attributes["sym_name"].value) != FUNCTION
    }
