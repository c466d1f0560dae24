"""What LLVM takes out of loops: what does not depend on a loop's turn, and so lives through all of it.

A loop that is unrolled whole counts as well: what its copies have in common is computed once and kept. What differs
from copy to copy of an unrolled loop inside takes as many registers as there are copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .machine import Machine
from .program import NONE, Program
from .unrolling import Shape

_STAYS = frozenset({"function", "loop", "branch", "call", "copy", "prefetch", "store", "maskedstore", "scalarstore"})
_STAYS |= frozenset({"constant", "alloca", "gather"})
_LOADS = frozenset({"load", "maskedload", "scalarload"})
_STORES = {"store": 1, "maskedstore": 0, "scalarstore": 1, "gather": 0, "call": 0, "copy": 1}
"""Where a memref stands among the operands of an operation that writes to it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A value that is kept in registers while a loop runs."""

    loop: int
    registers: int
    is_load: bool


def invariants(program: Program, loops: Sequence[Shape], on: Machine) -> list[Kept]:
    """Return what is kept through loops without the text saying so."""
    lives, statements = program.lives, program.statements
    varies = [0] * len(lives)
    roots = list(range(len(lives)))
    for number, loop in enumerate(program.loops):
        for value in (loop.index, *loop.carried, *loop.results):
            if value != NONE:
                varies[value] |= 1 << number
    written, may_alias = _written(program, roots)
    level: dict[int, tuple[int, int]] = {}
    found: dict[int, Kept] = {}
    for statement in statements:
        class_, operands, results = statement.form.class_, statement.operands, statement.results
        mask = 0
        for value in operands:
            mask |= varies[value]
        if mask:
            for value in results:
                varies[value] |= mask
        inside = statement.loop
        home, copies = NONE, 1
        if inside != NONE and class_ not in _STAYS and results:
            if class_ not in _LOADS or (not may_alias and operands and roots[operands[0]] not in written):
                home, copies = _outermost(program, loops, inside, mask)
            elif class_ in _LOADS:
                # What is in memory may change from turn to turn.
                for value in results:
                    varies[value] |= _around(program, inside)
        for value in operands if level else ():
            kept = level.get(value)
            if kept is not None and kept[0] != home and value not in found:
                registers = on.registers_of(lives[value].value) * kept[1]
                if registers:
                    is_load = statements[lives[value].begin].form.class_ in _LOADS
                    found[value] = Kept(kept[0], registers, is_load)
        if home != NONE:
            for value in results:
                level[value] = (home, copies)
    return list(found.values())


def _written(program: Program, roots: list[int]) -> tuple[set[int], bool]:
    """Note the memref that each view is of; return those written, and whether others may be the same."""
    written: set[int] = set()
    noalias: set[int] = set()
    allocated: set[int] = set()
    for statement in program.statements:
        class_ = statement.form.class_
        if class_ == "function":
            noalias.update(statement.form.noalias)
        elif class_ == "view" and statement.operands:
            for value in statement.results:
                roots[value] = roots[statement.operands[0]]
        elif class_ == "alloca":
            allocated.update(statement.results)
        elif class_ in _STORES and len(statement.operands) > _STORES[class_]:
            written.add(roots[statement.operands[_STORES[class_]]])
    return written, bool(written - noalias - allocated)


def _outermost(program: Program, loops: Sequence[Shape], loop: int, mask: int) -> tuple[int, int]:
    """Return the outermost loop that a value is taken out of, or NONE, and how many of it there are."""
    home, copies = NONE, 1
    while loop != NONE:
        shape = loops[loop]
        if not mask >> loop & 1:
            home = loop
        elif shape.is_whole and shape.turns == shape.turns:
            copies *= max(1, int(shape.turns))
        else:
            break
        loop = program.loops[loop].parent
    return home, copies


def _around(program: Program, loop: int) -> int:
    mask = 0
    while loop != NONE:
        mask |= 1 << loop
        loop = program.loops[loop].parent
    return mask
