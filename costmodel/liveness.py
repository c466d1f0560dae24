"""How many vector registers the values of a program need at once, under what LLVM may do with loads and constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from .invariants import Kept
from .lines import Value
from .machine import Machine
from .program import NONE, Loop, Program
from .unrolling import Shape

_LOADS = frozenset({"load", "maskedload", "scalarload", "broadcast", "constant", "mask"})
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


def pressure(
    program: Program, on: Machine, kept: Sequence[Kept] = (), shapes: Sequence[Shape] | None = None
) -> Pressure:
    """Return the pressure of a program's values on a machine's vector registers.

    `kept` are registers that are needed beside them while loops run. `shapes` tell of the program's loops which LLVM
    vectorises: scalars of those are vectors, numbers of whole type too.
    """
    widths = _widths(program, shapes) if shapes is not None else [0] * len(program.loops)
    count = len(program.statements) + 2
    ordered, lazy, folded, masks = ([0] * count for _ in range(4))
    statements = program.statements
    for life in program.lives:
        value = life.value
        kind = value.kind
        width = widths[life.loop] if life.loop != NONE else 0
        if width and kind in ("float", "integer"):
            units = _vectorised(value, width, on)
        elif kind == "integer" and life.constant is not None and life.first >= 0 and value.element != "index":
            # A constant of a loop that is vectorised is a vector as well, once for all copies.
            home = statements[life.first].loop
            units = 1 if home != NONE and widths[home] else 0
        elif kind in ("vector", "mask", "float"):
            # What is the same in all lanes is one register, however many the vector takes.
            is_same = life.splat or (life.begin < len(statements) and statements[life.begin].form.class_ == "broadcast")
            units = int(kind == "vector") if is_same else on.registers_of(value)
        else:
            units = 0
        begin = life.begin
        if (not units and kind != "mask") or (begin < len(statements) and statements[begin].is_folded):
            continue
        end = life.end if life.end > life.begin else life.begin + 1
        if kind == "mask" and on.has_masks:
            masks[life.begin] += 1
            masks[end] -= 1
            continue
        if life.gaps:
            for start, other in life.gaps:
                if end <= other.end and start >= life.first >= 0:
                    for changes in (ordered, lazy) if life.splat else (ordered, lazy, folded):
                        changes[start] -= units
                        changes[other.begin] += units
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
        if not life.splat:
            folded[begin] += units
            folded[end] -= units
    if not on.has_predicates:
        # Masks are made by comparing with 0, 1, 2, ..., which is kept from the first one on.
        made = [number for number, own in enumerate(statements) if own.form.name == "vector.create_mask"]
        if made:
            begin = statements[made[0]].loop
            start = made[0] if begin == NONE else _outermost(program.loops, begin, NONE)
            for changes in (ordered, lazy):
                changes[start] += 1
                for place in made:
                    # The count that it compares with, in all lanes.
                    changes[place] += 1
                    changes[place + 1] -= 1
    if on.isa == "avx512":
        for begin, end in _patterns(program):
            for changes in (ordered, lazy):
                changes[begin] += 1
                changes[end] -= 1
    for own in kept:
        loop = program.loops[own.loop]
        for changes in (ordered, lazy, folded):
            changes[loop.begin] += own.registers
            changes[loop.end] -= own.registers
    return Pressure(*(list(accumulate(changes)) for changes in (ordered, lazy, folded, masks)))


def _patterns(program: Program) -> list[tuple[int, int]]:
    """Return where the patterns of shuffles are kept in registers: from the first to the last loop that has them."""
    found: dict[tuple[str, bool], tuple[int, int]] = {}
    for place, statement in enumerate(program.statements):
        if statement.form.pattern and not statement.is_folded:
            # What is read on the way to being shuffled is read lane by lane apart: by another pattern.
            first = program.lives[statement.operands[0]].begin
            pattern = statement.form.pattern, program.statements[first].form.class_ == "load"
            begin, end = place, place + 1
            if statement.loop != NONE:
                begin = _outermost(program.loops, statement.loop, NONE)
                end = program.loops[statement.loop].end
            known = found.get(pattern)
            found[pattern] = (known[0], max(end, known[1])) if known else (begin, end)
    return list(found.values())


def _widths(program: Program, shapes: Sequence[Shape]) -> list[int]:
    """Return how many elements LLVM works on at once in each loop, 0 where it does not vectorise it or one around."""
    widths = [shape.lanes * shape.interleaved if shape.lanes > 1 else 0 for shape in shapes]
    for number, loop in enumerate(program.loops):
        if loop.parent != NONE and widths[loop.parent] and shapes[number].is_whole:
            widths[number] = widths[loop.parent]
    return widths


def _vectorised(value: Value, width: int, on: Machine) -> int:
    """Return how many registers hold `width` of a scalar that is not an index."""
    if value.element == "index" or (value.bits == 1 and on.has_masks):
        return 0
    return max(1, -(-width * max(8, value.bits if value.bits > 1 else 32) // on.bits))


def _outermost(loops: list[Loop], loop: int, home: int) -> int:
    """Return where the loop begins that is in `home` and holds `loop`."""
    while loops[loop].parent != home and loops[loop].parent != NONE:
        loop = loops[loop].parent
    return loops[loop].begin - 1
