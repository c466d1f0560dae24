"""The machine code of many kernels for one CPU: optimised, selected and assembled together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...compiler import codegen, elf
from ...compiler.stages import llvm_ir
from ...target import Target
from .assembly import functions
from .lowering import Lowered, merged, merged_name
from .session import Session


@dataclass(frozen=True)
class Function:
    """One function for one CPU."""

    assembly: str
    code_bytes: int


def machine_code(session: Session, kernels: Sequence[Lowered], target: Target) -> list[dict[str, Function]]:
    """Return, for each kernel, the functions that compute, by name; their modules are used up.

    Raises CodegenError where LLVM refuses one of them.
    """
    whole = llvm_ir(merged(session, [kernel.module for kernel in kernels]))
    # Labelling has a process of its own anyway, and to start one takes longer than to compile.
    text = codegen.assembly(whole, target, isolate=False)
    found, sizes = functions(text), code_bytes(text, target)
    names = [{name: merged_name(name, number) for name in kernel.loops} for number, kernel in enumerate(kernels)]
    return [
        {name: Function(found[symbol], sizes[symbol]) for name, symbol in symbols.items() if symbol in found}
        for symbols in names
    ]


def code_bytes(assembly: str, target: Target) -> dict[str, int]:
    """Return the size of each function's code, by name."""
    if target.architecture == "aarch64":
        return _counted_bytes(assembly)
    return dict(elf.inspect(codegen.assembled(assembly, target)).function_bytes)


_LINE = re.compile(r"^(?:(?P<label>[\w.$]+):|\t(?P<word>\S+)(?:\t(?P<rest>[^/\n]*))?)", re.MULTILINE)
_INSTRUCTION_BYTES = 4


def _counted_bytes(assembly: str) -> dict[str, int]:
    """Return the sizes for AArch64, where each instruction has four bytes, from the text alone."""
    sizes: dict[str, int] = {}
    starts: dict[str, int] = {}
    place = 0
    for line in _LINE.finditer(assembly):
        label, word = line["label"], line["word"]
        if label is not None:
            starts[label] = place
        elif word == ".p2align":
            power, _, most = (part.strip() for part in f"{line['rest']},,".split(",")[:3])
            padding = -place % (1 << int(power))
            place += padding if not most or padding <= int(most) else 0
        elif word == ".size":
            name = line["rest"].split(",")[0]
            sizes[name] = place - starts[name]
        elif not word.startswith((".", "//")):
            place += _INSTRUCTION_BYTES
    return sizes
