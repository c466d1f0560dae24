"""What LLVM does with loops: which it unrolls whole or in part, which it vectorises, and how large the code becomes.

Three steps of LLVM's -O3 pipeline are followed: loops of few turns are unrolled whole, inner ones first, with loops
in them or not; scalar loops without loops inside are vectorised and interleaved; then what has become small is unrolled
whole, and other loops up to the size of the CPU's loop buffer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .accesses import Accesses, accesses
from .machine import Machine, work
from .program import Kinds, Program

WHOLE = 300
"""Pieces of work up to which LLVM unrolls a loop of known turns whole (-O3's threshold)."""
_FEW = 16
"""Turns below which LLVM vectorises only what leaves no rest."""
_SMALL = 20
"""The cost below which LLVM's vectoriser interleaves for the sake of the loop's own instructions."""
_FREE = frozenset({"free", "function", "x.constant", "s.constant", "v.constant"})
_NO_ACCESSES = Accesses(0, 0, 0, 0, False, False, 0)


@dataclass(slots=True)
class Shape:
    """One loop as LLVM leaves it."""

    size: float
    """Pieces of work in one turn of the text's loop, loops inside as they are left."""
    turns: float
    """NaN where not known."""
    is_leaf: bool
    """Whether no loop is left inside it."""
    copies: float = 1.0
    """How often its body stands in the code, vectorised where `lanes` says so."""
    rest_copies: float = 0.0
    """How often its body stands in the code behind that, for the turns that are left over."""
    is_whole: bool = False
    """Whether no loop is left of it; loops inside may be."""
    lanes: int = 1
    """By which LLVM vectorises it: 1 where it does not."""
    interleaved: int = 1
    rest: float = 0.0
    """Turns that are left over; NaN where not known."""
    accesses: Accesses = _NO_ACCESSES
    inside: float = 1.0
    """Copies of the bodies of loops inside that were unrolled whole."""
    vectors: int = 0
    """Pieces of work on vectors in its body, loops inside that are unrolled included."""

    @property
    def code(self) -> float:
        """Pieces of work of the loop in the code."""
        return self.size * (self.copies + self.rest_copies)


def shapes(program: Program, on: Machine, kinds: Kinds | None = None) -> list[Shape]:
    """Return the shape of each loop; `kinds` are those of the whole program, if they are counted already."""
    found = _bodies(program, program.kinds() if kinds is None else kinds, on)
    calls = [shape.vectors < 0 for shape in found]
    early = [shape.size for shape in found]
    for number in range(len(found) - 1, -1, -1):
        shape, loop = found[number], program.loops[number]
        if shape.is_leaf and not shape.vectors and not calls[number]:
            shape.accesses = accesses(program, number, on.near)
            # What the index does not move is kept in a register, and read and written outside of the loop.
            early[number] = max(1.0, early[number] - shape.accesses.fixed)
            shape.size = max(1.0, shape.size - shape.accesses.fixed)
        is_early = shape.turns * early[number] <= WHOLE
        _leave(shape, on, calls[number], is_early)
        if loop.parent >= 0:
            outer = found[loop.parent]
            outer.size += shape.code * loop.share
            early[loop.parent] += early[number] * (shape.turns if is_early else 1.0) * loop.share
            outer.is_leaf &= shape.is_whole and shape.is_leaf
            if shape.is_whole:
                outer.inside = max(outer.inside, shape.inside * max(1.0, shape.copies))
            outer.vectors += max(0, shape.vectors) + (shape.lanes > 1)
            calls[loop.parent] |= calls[number]
    return found


def _leave(shape: Shape, on: Machine, has_calls: bool, is_early: bool) -> None:
    """Decide what becomes of a loop whose loops inside are decided."""
    if is_early or (shape.turns * shape.size <= WHOLE and not shape.is_leaf):
        shape.copies, shape.is_whole = shape.turns, True
        return
    if not shape.is_leaf or has_calls:
        return
    found = shape.accesses
    if not shape.vectors and found.widest and not found.is_serial:
        lanes = _lanes(shape, on.auto_bits // found.widest)
        if lanes > 1 and _pays(shape, lanes):
            shape.lanes = lanes
            shape.interleaved = _interleaved(shape)
            _vectorise(shape)
            return
    shape.copies, shape.rest = _partly(shape.size, shape.turns, on.loop_buffer)
    shape.rest_copies = float(shape.copies > 1 and shape.rest != 0)
    shape.is_whole = shape.copies == shape.turns


def _lanes(shape: Shape, most: int) -> int:
    """Return by how much LLVM may vectorise: no more than there are turns, and without a rest where they are few."""
    while most > 1 and (shape.turns < most or (shape.turns < _FEW and shape.turns % most)):
        most //= 2
    return most


def _pays(shape: Shape, lanes: int) -> bool:
    """Return whether vectors cost less than scalars, where elements that lie apart are taken one by one."""
    found = shape.accesses
    apart, near = found.strided * shape.inside, found.near * shape.inside
    together = max(1.0, shape.size - apart - near)
    return together + 2 * lanes * apart + 0.75 * lanes * near < lanes * shape.size


def _vectorise(shape: Shape) -> None:
    step = shape.lanes * shape.interleaved
    shape.rest, turns = shape.turns % step, shape.turns // step
    shape.copies = float(shape.interleaved)
    if turns * shape.interleaved * shape.size <= WHOLE:
        shape.copies, shape.is_whole = shape.interleaved * turns, True
    if shape.rest:
        is_short = shape.rest * shape.size <= WHOLE
        shape.rest_copies = shape.rest if is_short else 1.0
        shape.is_whole &= is_short
    if shape.rest != shape.rest:
        shape.rest_copies = 2.0


def _bodies(program: Program, kinds: Kinds, on: Machine) -> list[Shape]:
    """Return the loops with what is in them but not in loops inside; `vectors` is negative where they call."""
    found = [Shape(1.0, loop.trips, True) for loop in program.loops]
    for (form, loop), count in kinds.items():
        if loop < 0:
            continue
        own = work(form, on)
        if own.key in _FREE:
            continue
        shape = found[loop]
        # A call weighs as much as what it hands over, and one.
        shape.size += count * (form.words + 1 if form.words else own.pieces)
        if own.key[0] == "v" and own.key != "view":
            shape.vectors += count * own.pieces
        elif own.key in ("call", "copy", "s.math"):
            shape.vectors -= count << 20
    return found


def _interleaved(shape: Shape) -> int:
    """Return how many vectors LLVM's vectoriser works on in a turn."""
    most = 4
    if shape.turns == shape.turns:
        while most > 1 and shape.turns < shape.lanes * most * 2:
            most //= 2
    if shape.size >= _SMALL:
        return most if shape.accesses.is_recurrent else 1
    return max(1, min(most, 1 << max(0, int(math.log2(_SMALL / shape.size)))))


def _partly(size: float, turns: float, buffer: int) -> tuple[float, float]:
    """Return how often LLVM puts the body of a loop that it does not unroll whole, and the turns that are left over."""
    count = 8
    while count > 1 and (size - 2) * count + 2 > buffer:
        count //= 2
    if turns == turns:
        while count > 1 and count > turns:
            count //= 2
        return float(count), turns % count
    return float(count), math.nan if count > 1 else 0.0


def hottest(program: Program, found: Sequence[Shape], on: Machine) -> int:
    """Return the number of the loop with nothing but operations in it that has most work; -1 without loops."""
    best, most = -1, (-1.0, -1.0)
    for number, shape in enumerate(found):
        if shape.is_leaf and not shape.is_whole:
            rank = (shape.vectors * shape.copies + (shape.lanes > 1) * shape.size, shape.size)
            if rank > most:
                best, most = number, rank
    return best
