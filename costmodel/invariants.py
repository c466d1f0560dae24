"""What LLVM takes out of loops: what does not depend on a loop's turn, and so lives through all of it.

A loop that is unrolled whole counts as well: what its copies have in common is computed once and kept. What differs
from copy to copy of an unrolled loop inside takes as many registers as there are copies.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .machine import Machine
from .motion import LOADS, Motion, motion
from .program import NONE, Program
from .unrolling import Shape


@dataclass(frozen=True, slots=True)
class Kept:
    """A value that is kept in registers while a loop runs."""

    loop: int
    registers: int
    is_load: bool


def invariants(program: Program, loops: Sequence[Shape], on: Machine, moved: Motion | None = None) -> list[Kept]:
    """Return what is kept through loops without the text saying so."""
    lives, statements = program.lives, program.statements
    moved = moved or motion(program)
    level: dict[int, tuple[int, int]] = {}
    found: dict[int, Kept] = {}
    masks = moved.masks
    for statement, mask in zip(statements, masks, strict=True):
        home, copies = NONE, 1
        if mask >= 0:
            home, copies = _outermost(program, loops, statement.loop, mask)
        for value in statement.operands if level else ():
            kept = level.get(value)
            if kept is not None and kept[0] != home and value not in found:
                class_ = statements[lives[value].begin].form.class_
                registers = (1 if class_ == "broadcast" else on.registers_of(lives[value].value)) * kept[1]
                if registers:
                    found[value] = Kept(kept[0], registers, class_ in LOADS)
        if home != NONE:
            for value in statement.results:
                level[value] = (home, copies)
    return [*found.values(), *_sums(program, loops, moved)]


def _sums(program: Program, loops: Sequence[Shape], moved: Motion) -> Iterator[Kept]:
    """Yield the elements that loops add to turn after turn, each in a register of its own where all are unrolled."""
    for loop, mask in moved.sums:
        copies, home, inside = 1.0, NONE, loop
        while inside != NONE:
            shape = loops[inside]
            if not mask >> inside & 1:
                home = inside
            elif shape.is_whole and shape.turns == shape.turns:
                copies *= shape.turns
            else:
                break
            inside = program.loops[inside].parent
        if home != NONE and copies > 1:
            yield Kept(home, math.ceil(copies / loops[loop].together), False)


def _outermost(program: Program, loops: Sequence[Shape], loop: int, mask: int) -> tuple[int, int]:
    """Return the outermost loop that a value is taken out of, or NONE, and how many of it there are."""
    home, copies = NONE, 1
    while loop != NONE:
        shape = loops[loop]
        if not mask >> loop & 1:
            home = loop
        elif shape.is_whole and shape.turns == shape.turns:
            # What LLVM puts together is one register for several copies.
            copies *= max(1, math.ceil(shape.turns / shape.together))
        else:
            break
        loop = program.loops[loop].parent
    return home, copies
