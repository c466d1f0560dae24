"""The innermost loops of assembly text, and what the register allocator put into them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BLOCK = re.compile(r"^(?:\.L)?(BB\d+_\d+):|^[#/]+ %bb\.\d+:", re.MULTILINE)
_HEADER = re.compile(r"=>\s*This Inner Loop Header")
_MEMBER = re.compile(r"in Loop: Header=(BB\d+_\d+)")
_COMMENT = re.compile(r"#|//")
_VECTOR = re.compile(r"%[xyz]mm\d|\b[dqsvz]\d")
_ON_THE_STACK = re.compile(r"\d+-byte (Folded )?(Spill|Reload)")


@dataclass(frozen=True)
class Loop:
    """The instructions of an innermost loop, one a line, with LLVM's comments."""

    lines: tuple[str, ...]

    def count(self, pattern: str) -> int:
        """Return how many instructions match `pattern` from their mnemonic on."""
        return sum(bool(re.match(pattern, line)) for line in self.lines)

    def stack_traffic(self) -> list[str]:
        """Return the instructions that spill or reload a vector register.

        Pointers are left out: a loop over many streams has more of them than there are general registers.
        """
        return [line for line in self.lines if _ON_THE_STACK.search(line) and _VECTOR.search(line)]


def inner_loops(assembly: str) -> list[Loop]:
    """Return the innermost loops of a module's assembly, as LLVM's comments mark them (asm verbosity on)."""
    found: list[Loop] = []
    for function in re.split(r"^\w+:\s+[#/]+ @", assembly, flags=re.MULTILINE)[1:]:
        blocks: dict[str, list[str]] = {}
        starts = [*_BLOCK.finditer(function)]
        ends = [start.start() for start in starts[1:]] + [len(function)]
        for start, end in zip(starts, ends, strict=True):
            text = function[start.start() : end]
            member = _MEMBER.search(text)
            if _HEADER.search(text) and start[1]:
                blocks[start[1]] = _instructions(text)
            elif member and member[1] in blocks:
                blocks[member[1]] += _instructions(text)
        found += [Loop(tuple(lines)) for lines in blocks.values()]
    return found


def _instructions(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines() if line.startswith("\t"))
    return [line for line in lines if line and not line.startswith(".") and not _COMMENT.match(line)]
