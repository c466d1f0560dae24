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
from .lines import Form
from .machine import Machine, Work, work
from .motion import Motion, motion
from .program import Kinds, Program
from .transfers import transfers
from .vectorising import Scalars, divide

WHOLE = 300
"""Pieces of work up to which LLVM unrolls a loop of known turns whole (-O3's threshold)."""
_SIMULATED = 10
"""Turns up to which LLVM looks at what becomes constant if it unrolls, and takes up to four times as much for it."""
_MOST_BOOST = 4.0
_TRANSFER = 5.0
"""What a call of `memcpy` weighs."""
_COUNTING = 2.0
"""What counts turns in a body, but once however often that is unrolled."""
_FREE = frozenset({"free", "function", "x.constant", "s.constant", "v.constant"})
_SEVERAL = {"minmax": 2, "ieeeminmax": 2}
_MEMORY = {"load": 1, "scalarload": 1, "store": 2, "scalarstore": 2}
_COUNTED = frozenset({"view", "x.address", "x.int", "x.mul", "x.width"})
"""Arithmetic on indices, which becomes constant where a loop is unrolled whole."""
_NO_ACCESSES = Accesses(0, 0, 0, 0, 0, 0, 0, False, False, 0)


@dataclass(slots=True)
class Shape:
    """One loop as LLVM leaves it."""

    size: float
    """Pieces of work in one turn of the text's loop and one for counting turns, loops inside as they are left."""
    turns: float
    """NaN where not known."""
    is_leaf: bool
    """Whether no loop is left inside it."""
    copies: float = 1.0
    """How often its body stands in the code, vectorised where `lanes` says so."""
    middle_copies: float = 0.0
    """How often it stands behind that for shorter vectors."""
    rest_copies: float = 0.0
    """How often its body stands in the code behind that, for the turns that are left over."""
    is_whole: bool = False
    """Whether no loop is left of it; loops inside may be."""
    lanes: int = 1
    """By which LLVM vectorises it: 1 where it does not."""
    interleaved: int = 1
    rest: float = 0.0
    """Turns that are left over; NaN where not known."""
    left: float = 1.0
    """How many loops are left of it."""
    accesses: Accesses = _NO_ACCESSES
    inside: float = 1.0
    """Copies of the bodies of loops inside that were unrolled whole."""
    vectors: int = 0
    """Pieces of work on vectors in its body, loops inside that are unrolled included."""
    together: int = 1
    """How many copies of its body, where no loop is left, LLVM puts together as vectors."""
    moves: int = 0
    """Bytes that are copied or filled by the call that has become of it; 0: none has."""
    counted: float = 0.0
    """Pieces of work in its body that become constant where it is unrolled whole."""

    @property
    def code(self) -> float:
        """Pieces of work of the loop in the code."""
        times = self.copies + self.middle_copies + self.rest_copies
        if self.is_whole:
            return math.ceil(times / self.together) * max(1.0, self.size - 1.0 - self.counted)
        return times * (self.size - 1.0) + self.left * (1.0 + _COUNTING)


def shapes(program: Program, on: Machine, kinds: Kinds | None = None, moved: Motion | None = None) -> list[Shape]:
    """Return the shape of each loop; `kinds` are those of the whole program by `moved`, if they are counted already."""
    moved = moved or motion(program)
    found = _bodies(program, moved, moved.kinds(program) if kinds is None else kinds, on)
    calls = [shape.vectors < 0 for shape in found]
    for number, moves in transfers(program).items():
        _call(program, found, number, moves)
        calls[number] = True
    early = [shape.size for shape in found]
    for number in range(len(found) - 1, -1, -1):
        shape, loop = found[number], program.loops[number]
        if shape.is_leaf and not shape.vectors and not calls[number]:
            shape.accesses = accesses(program, number, on.near, moved.homes)
        is_early = _is_small(early[number], shape.turns) or (loop.is_innermost and _is_boosted(shape))
        own = shape.accesses
        if is_early and own.contiguous and not (own.strided or own.near or own.is_recurrent):
            shape.together = max(1, on.bits // max(8, own.widest))
        if shape.moves:
            early[number], is_early = _TRANSFER, True
        else:
            _leave(shape, early[number], on, calls[number], is_early)
        if loop.parent >= 0:
            outer = found[loop.parent]
            outer.size += shape.code * loop.share
            # Of a loop that is unrolled, nothing counts turns; of one that stays, what does is not shared by copies.
            once = (
                shape.turns * max(1.0, early[number] - 1.0 - shape.counted) if is_early else early[number] + _COUNTING
            )
            early[loop.parent] += once * loop.share
            outer.is_leaf &= shape.is_whole and shape.is_leaf
            if shape.is_whole:
                outer.inside = max(outer.inside, shape.inside * max(1.0, shape.copies))
            # Only what has no loop inside when the vectoriser comes is vectorised.
            outer.vectors += max(0, shape.vectors) + (not is_early)
            calls[loop.parent] |= calls[number]
    return found


def _is_small(size: float, turns: float) -> bool:
    return turns * size + _COUNTING < WHOLE


def _is_boosted(shape: Shape) -> bool:
    """Return whether a loop is unrolled for the sake of what becomes constant in it."""
    if not shape.turns <= _SIMULATED:
        return False
    rolled, unrolled = shape.size + _COUNTING, max(1.0, shape.size - 1.0 - shape.counted)
    return shape.turns * unrolled < WHOLE * min(_MOST_BOOST, rolled / unrolled)


def _leave(shape: Shape, early: float, on: Machine, has_calls: bool, is_early: bool) -> None:
    """Decide what becomes of a loop whose loops inside are decided; `early`: its size before anything is a vector."""
    if is_early or (not shape.is_leaf and _is_small(shape.size, shape.turns)):
        shape.copies, shape.is_whole, shape.left = shape.turns, True, 0.0
        return
    if not shape.is_leaf or has_calls:
        return
    if not shape.vectors:
        scalars = Scalars(early - 1.0, shape.turns, shape.accesses, shape.inside)
        division = divide(scalars, on)
        if division is not None:
            shape.lanes, shape.interleaved = division.lanes, division.interleaved
            # What is taken element by element is two operations for each.
            apart = 0.0 if on.has_gathers else shape.accesses.strided * shape.inside * (2.0 * division.lanes - 1.0)
            size = 1.0 + (shape.size - 1.0 + apart) * division.interleaved
            copies, shape.is_whole = _left(size, division.turns, on, False)
            shape.copies = copies * division.interleaved
            shape.rest = division.scalar_turns
            shape.left = float(not shape.is_whole)
            for turns, name in ((division.rest_turns, "middle_copies"), (division.scalar_turns, "rest_copies")):
                if turns != 0 and (division.rest_lanes or name == "rest_copies"):
                    copies, is_whole = _left(shape.size, turns, on, False)
                    setattr(shape, name, copies)
                    shape.left += not is_whole
            shape.is_whole = not shape.left
            return
    shape.copies, shape.is_whole = _left(shape.size, shape.turns, on, True)
    shape.left = float(not shape.is_whole)
    if shape.left and shape.copies > 1 and shape.turns != shape.turns:
        # Turns that are known are left by a branch among the copies instead, wherever they end.
        shape.rest, shape.rest_copies = math.nan, 1.0
        shape.left += 1.0


def _left(size: float, turns: float, on: Machine, at_run_time: bool) -> tuple[float, bool]:
    """Return how often the body of a loop without loops inside stands in the code, and whether no loop is left.

    `size`: of a turn, one for counting included. `at_run_time`: whether turns that are not known may be unrolled.
    """
    if turns == 1 or _is_small(size, turns):
        return turns, True
    most = max(0.0, (on.unrolled - _COUNTING) // size)
    if turns != turns:
        return (float(min(8, 1 << int(most).bit_length() >> 1)) if at_run_time and most >= 2 else 1.0), False
    count = int(min(most, turns))
    while count > 1 and turns % count:
        count -= 1
    if count < 2:
        # No divisor: by a power of two, and what is left over behind it.
        count = min(8, 1 << int(most).bit_length() >> 1) if most >= 2 else 1
    return float(count), count >= turns


def _bodies(program: Program, moved: Motion, kinds: Kinds, on: Machine) -> list[Shape]:
    """Return the loops with what is in them but not in loops inside; `vectors` is negative where they call."""
    found = []
    for number, loop in enumerate(program.loops):
        count = moved.addresses[number]
        spared = 0 if on.isa == "aarch64" else moved.offsets[number]
        found.append(Shape(1.0 + count - spared, loop.trips, True, counted=float(count - spared)))
    viewed: set[int] = set()
    for (form, place), count in kinds.items():
        if place < 0:
            continue
        own = work(form, on)
        if own.key in _FREE:
            if form.name == "arith.bitcast" and form.result is not None:
                # Between integers and floating point it is an operation to LLVM, though none in the code.
                found[place].size += count * -(-form.result.lanes * form.result.bits // on.bits)
            continue
        shape = found[place]
        if own.key == "view":
            # Views of one step of a loop mostly share their offset.
            count = int(place not in viewed)
            viewed.add(place)
        shape.size += count * _size(form, own, on)
        if own.key in _COUNTED and (form.operand is None or form.operand.element == "index" or own.key == "view"):
            shape.counted += count
        elif _MEMORY.get(form.class_) == 2 and on.isa != "aarch64":
            # Where the loop is unrolled whole, a write is at a constant distance from others.
            shape.counted += count
        if own.key[0] == "v" and own.key != "view":
            shape.vectors += count * own.pieces
        elif own.key in ("call", "copy", "s.math"):
            shape.vectors -= count << 20
    return found


def _call(program: Program, found: list[Shape], number: int, moves: int) -> None:
    """Make a call of a loop and of all loops inside."""
    last = program.loops[number].end
    for inside in range(number, len(found)):
        if program.loops[inside].begin < last:
            found[inside] = Shape(_TRANSFER, 1.0, True, is_whole=True, left=0.0, moves=moves)


def _size(form: Form, own: Work, on: Machine) -> int:
    """Return what LLVM's unroller takes an operation for."""
    if form.words:
        # A call weighs as much as what it hands over, and one.
        return form.words + 1
    if on.isa != "aarch64" and form.class_ in _MEMORY:
        # However wide; a write to where a register says takes two.
        return _MEMORY[form.class_]
    return own.pieces * _SEVERAL.get(form.class_, 1)


def hottest(program: Program, found: Sequence[Shape], on: Machine) -> int:
    """Return the number of the loop with nothing but operations in it that has most work; -1 without loops."""
    best, most = -1, (-1.0, -1.0)
    for number, shape in enumerate(found):
        if shape.is_leaf and not shape.is_whole:
            # Calls count as none: `vectors` is negative where there are some.
            rank = (max(0, shape.vectors) * shape.copies + (shape.lanes > 1) * shape.size, shape.size)
            if rank > most:
                best, most = number, rank
    return best
