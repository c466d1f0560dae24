"""How many vector registers the values of a program need at once, under what LLVM may do with loads and constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from .invariants import Kept
from .machine import Machine
from .program import NONE, Loop, Program

_LOADS = frozenset({"load", "maskedload", "scalarload", "broadcast", "constant"})
_FOLDED = frozenset({"load", "broadcast", "scalarload"})


@dataclass(frozen=True)
class Pressure:
    """Vector registers, [operations] each."""

    ordered: Sequence[int]
    """As the text has it."""
    lazy: Sequence[int]
    """With loads, broadcasts and constants made where they are used first."""
    folded: Sequence[int]
    """With loads and constants as operands in memory, where they are used once."""
    masks: Sequence[int]


def pressure(program: Program, on: Machine, kept: Sequence[Kept] = ()) -> Pressure:
    """Return the pressure of a program's values on a machine's vector registers.

    `kept` are registers that are needed beside them while loops run.
    """
    count = len(program.statements) + 2
    ordered, lazy, folded, masks = ([0] * count for _ in range(4))
    statements = program.statements
    for life in program.lives:
        value = life.value
        kind = value.kind
        if kind not in ("vector", "mask", "float"):
            continue
        end = life.end if life.end > life.begin else life.begin + 1
        if kind == "mask" and on.has_masks:
            masks[life.begin] += 1
            masks[end] -= 1
            continue
        units = on.registers_of(value)
        ordered[life.begin] += units
        ordered[end] -= units
        begin = life.begin
        class_ = statements[begin].form.class_ if begin < len(statements) else "free"
        if class_ in _LOADS and life.first > begin:
            home = statements[life.first].loop
            if home == life.loop:
                begin = life.first
            elif class_ == "constant":
                # A constant is made in front of the loop that reads it.
                begin = _outermost(program.loops, home, life.loop)
            if class_ in _FOLDED and life.uses == 1 and home == life.loop:
                lazy[begin] += units
                lazy[end] -= units
                continue
        lazy[begin] += units
        lazy[end] -= units
        if not life.is_splat:
            folded[begin] += units
            folded[end] -= units
    for own in kept:
        loop = program.loops[own.loop]
        for changes in (ordered, lazy, folded):
            changes[loop.begin] += own.registers
            changes[loop.end] -= own.registers
    return Pressure(*(list(accumulate(changes)) for changes in (ordered, lazy, folded, masks)))


def _outermost(loops: list[Loop], loop: int, home: int) -> int:
    """Return where the loop begins that is in `home` and holds `loop`."""
    while loops[loop].parent != home and loops[loop].parent != NONE:
        loop = loops[loop].parent
    return loops[loop].begin - 1
