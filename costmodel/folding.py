"""Which reads of memory are no instructions of their own: x86's arithmetic takes one of its operands from there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .lines import Form
from .machine import Machine
from .motion import Motion
from .program import Kinds, Program

_COMMUTES = frozenset({"fma", "minmax", "logic", "int", "iminmax", "mul"})
_SECOND = frozenset({"arith.subf", "arith.divf", "arith.subi"})
"""Operations that take their second operand, not the first, from memory."""
_TAKES = frozenset({"fp", "div", "sqrt", "cmp", "convert", "width", *_COMMUTES})
_FOLDED = frozenset({"load", "scalarload"})


def folded_loads(program: Program, moved: Motion, on: Machine) -> Kinds:
    """Count reads that become operands of what uses them, by form and the loop that they are left in.

    Those are read once, by arithmetic in the same loop that takes no other operand from memory; and scalars that are
    spread over a vector as they are read.
    """
    return Counter(_folded(program, moved)) if on.isa != "aarch64" else Counter()


def _folded(program: Program, moved: Motion) -> Iterator[tuple[Form, int]]:
    taken: set[int] = set()
    statements, homes = program.statements, moved.homes
    for place, statement in enumerate(statements):
        if statement.form.class_ not in _FOLDED or statement.is_folded or not statement.results:
            continue
        life = program.lives[statement.results[0]]
        if life.uses != 1 or life.first < 0 or homes[life.first] != homes[place] or life.first in taken:
            continue
        user = statements[life.first]
        if user.form.class_ == "broadcast" or (
            user.form.class_ in _TAKES and (user.form.name not in _SECOND or user.operands[-1] == statement.results[0])
        ):
            taken.add(life.first)
            yield statement.form, homes[place]
