"""What the register allocator and the selection of instructions made of a function: counted in LLVM's assembly.

Counts are those of the code as it stands, a loop's body once. LLVM marks what the allocator put on the stack with
comments (`32-byte Spill`, `8-byte Reload`, `Folded` where an instruction reads or writes the stack itself).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FUNCTION = re.compile(r"^([\w.$]+):\s+[#/]+ @", re.MULTILINE)
_END = re.compile(r"^\.Lfunc_end\d+:", re.MULTILINE)
_VECTOR = {"x86_64": re.compile(r"%[xyz]mm(\d+)"), "aarch64": re.compile(r"\b[vqzdsh](\d+)\b")}
_SCALAR = {
    "x86_64": re.compile(r"%(?:[re]?([abcd])[xlh]|[re]?([sd]i|bp|sp)l?|(r\d+)[dwb]?)\b"),
    "aarch64": re.compile(r"\b[xw](\d+)\b"),
}
_STACK = {
    "x86_64": re.compile(r"^\tsubq\t\$(\d+), %rsp", re.MULTILINE),
    "aarch64": re.compile(r"^\tsub\tsp, sp, #(\d+)(, lsl #12)?", re.MULTILINE),
}
_SPILL = re.compile(r"(\d+)-byte (?:Folded )?Spill")
_RELOAD = re.compile(r"(\d+)-byte (?:Folded )?Reload")
_BLOCK = re.compile(r"^(?:\.L)?(BB\d+_\d+):|^[#/]+ %bb\.\d+:", re.MULTILINE)
_INNER = re.compile(r"=>\s*This Inner Loop Header")
_MEMBER = re.compile(r"in Loop: Header=(BB\d+_\d+)")
_LOOP = re.compile(r"=>\s*This (?:Inner )?Loop Header")
_VECTOR_BYTES = 16
"""What is spilled in this many bytes or more is a vector; pairs of general registers are told apart by name."""


@dataclass(frozen=True)
class CompiledLabels:
    """Counts of one function in one CPU's assembly."""

    vector_registers: int
    """Vector registers that are named at least once."""
    scalar_registers: int
    """General registers that are named at least once, the stack pointer left out."""
    spills: int
    """Instructions that put a vector register on the stack."""
    reloads: int
    """Instructions that take a vector register from there."""
    scalar_spills: int
    """The same of general registers, those that a function must save for its caller included."""
    stack_bytes: int
    """Bytes by which the stack pointer moves."""
    instructions: int
    """Instructions in the function."""
    vector_instructions: int
    """Those among them that name a vector register."""
    loops: int
    """Loops, of any depth."""


@dataclass(frozen=True)
class Loop:
    """The instructions of a loop without loops inside it, one a line, with LLVM's comments."""

    lines: tuple[str, ...]

    def vector_instructions(self, architecture: str) -> int:
        """Return how many name a vector register."""
        return sum(bool(_VECTOR[architecture].search(_operands(line))) for line in self.lines)


def functions(assembly: str) -> dict[str, str]:
    """Return the text of each function by name."""
    starts = list(_FUNCTION.finditer(assembly))
    found = {}
    for start in starts:
        end = _END.search(assembly, start.end())
        found[start[1]] = assembly[start.start() : end.start() if end else len(assembly)]
    return found


def count(function: str, architecture: str) -> CompiledLabels:
    """Count what stands in one function's assembly for `x86_64` or `aarch64`."""
    vector, scalar = _VECTOR[architecture], _SCALAR[architecture]
    lines = instructions(function)
    codes = [re.split(r"\s[#/]{1,2}\s?", line, maxsplit=1)[0] for line in lines]
    vectors = {found for code in codes for found in vector.findall(_operands(code))}
    scalars = {part for code in codes for found in scalar.finditer(_operands(code)) for part in found.groups() if part}
    of_vectors = [bool(vector.search(_operands(code))) for code in codes]
    spills = [bool(_SPILL.search(line)) for line in lines]
    reloads = [bool(_RELOAD.search(line)) for line in lines]
    return CompiledLabels(
        vector_registers=len(vectors),
        scalar_registers=len(scalars - {"sp"}),
        spills=sum(spill and is_vector for spill, is_vector in zip(spills, of_vectors, strict=True)),
        reloads=sum(reload and is_vector for reload, is_vector in zip(reloads, of_vectors, strict=True)),
        scalar_spills=sum(spill and not is_vector for spill, is_vector in zip(spills, of_vectors, strict=True)),
        stack_bytes=_stack_bytes(function, architecture),
        instructions=len(lines),
        vector_instructions=sum(of_vectors),
        loops=len(_LOOP.findall(function)),
    )


def inner_loops(function: str) -> list[Loop]:
    """Return the innermost loops of a function, as LLVM's comments mark them."""
    blocks: dict[str, list[str]] = {}
    starts = list(_BLOCK.finditer(function))
    ends = [*(start.start() for start in starts[1:]), len(function)][: len(starts)]
    for start, end in zip(starts, ends, strict=True):
        text = function[start.start() : end]
        member = _MEMBER.search(text)
        if _INNER.search(text) and start[1]:
            blocks[start[1]] = instructions(text)
        elif member and member[1] in blocks:
            blocks[member[1]] += instructions(text)
    return [Loop(tuple(lines)) for lines in blocks.values()]


def instructions(function: str) -> list[str]:
    """Return the instructions of a function's assembly, one a line, with LLVM's comments."""
    lines = (line.strip() for line in function.splitlines() if line.startswith("\t"))
    return [line for line in lines if line and line[0] not in ".#" and not line.startswith("//")]


def _operands(code: str) -> str:
    return code.partition("\t")[2]


def _stack_bytes(function: str, architecture: str) -> int:
    found = _STACK[architecture].search(function)
    if found is None:
        return 0
    shifted = architecture == "aarch64" and found[2] is not None
    return int(found[1]) << (12 if shifted else 0)
