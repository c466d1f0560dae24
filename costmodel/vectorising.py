"""How LLVM's vectoriser divides the turns of a scalar loop: among vectors, vectors of what is left over, and scalars.

What it takes into account is followed rule by rule: the widest element, the turns where they are known, the cost of a
turn by number of lanes, reductions, loads and stores. A loop whose turns leave a rest has up to three loops afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

from .accesses import Accesses
from .machine import Machine

_FEW = 16
"""Turns below which LLVM vectorises only what leaves no rest."""
_SMALL = 20
"""The cost below which the vectoriser interleaves for the sake of the loop's own instructions."""
_MOST = 4
"""Vectors in a turn."""
_LEAST_IN_A_TURN = 16
"""Elements in a turn of the main loop from which what is left over may be vectors, too."""
_COUNTING = 2.0
"""The cost of counting turns: an addition and a comparison."""


@dataclass(frozen=True, slots=True)
class Scalars:
    """A loop as the vectoriser finds it."""

    size: float
    """Operations in a turn."""
    turns: float
    """NaN where not known."""
    accesses: Accesses
    inside: float
    """Copies of the bodies of loops inside that were unrolled whole: accesses count so often."""


@dataclass(frozen=True, slots=True)
class Division:
    """The turns of three loops, of which any may be missing: 0. NaN where not known."""

    lanes: int
    interleaved: int
    turns: float
    """Of the main loop, of `lanes` x `interleaved` elements each."""
    rest_lanes: int
    """Lanes of the loop behind it, 0: none."""
    rest_turns: float
    scalar_turns: float


def divide(loop: Scalars, on: Machine) -> Division | None:
    """Return how a loop is divided; None where it stays as it is."""
    found = loop.accesses
    if not found.widest or found.is_serial:
        return None
    most = on.bits // max(8, found.widest)
    lanes = _lanes(loop, most, on)
    if lanes < 2:
        return None
    many = _interleaved(loop, lanes, on)
    step = lanes * many
    if loop.turns != loop.turns:
        rest_lanes = _best(loop, float(step - 1), lanes // 2, on) if step >= _LEAST_IN_A_TURN else 0
        return Division(lanes, many, loop.turns, rest_lanes if rest_lanes > 1 else 0, loop.turns, loop.turns)
    turns, rest = divmod(loop.turns, step)
    rest_lanes = _best(loop, rest, min(lanes // 2, int(rest)), on) if step >= _LEAST_IN_A_TURN and rest else 0
    if rest_lanes < 2:
        return Division(lanes, many, turns, 0, 0.0, rest)
    return Division(lanes, many, turns, rest_lanes, *divmod(rest, rest_lanes))


def _lanes(loop: Scalars, most: int, on: Machine) -> int:
    """Return the lanes of the main loop, 1 where scalars cost no more."""
    turns = loop.turns
    if turns == turns:
        while most > 1 and (turns < most or (turns < _FEW and turns % most)):
            most //= 2
        return _best(loop, turns, most, on)
    best, least = 1, _cost(loop, 1, on)
    lanes = 2
    while lanes <= most:
        cost = _cost(loop, lanes, on) / lanes
        if cost < least:
            best, least = lanes, cost
        lanes *= 2
    return best


def _best(loop: Scalars, turns: float, most: int, on: Machine) -> int:
    """Return by how many lanes, up to `most`, a number of turns costs least, those left over taken one by one."""
    scalar = _cost(loop, 1, on)
    best, least = 1, turns * scalar
    lanes = 2
    while lanes <= most:
        cost = turns // lanes * _cost(loop, lanes, on) + turns % lanes * scalar
        if cost < least:
            best, least = lanes, cost
        lanes *= 2
    return best


def _cost(loop: Scalars, lanes: int, on: Machine) -> float:
    """Return the cost of a turn of vectors of that many lanes; elements that lie apart are taken one by one."""
    if lanes == 1:
        return loop.size + _COUNTING
    found = loop.accesses
    apart, near = found.strided * loop.inside, found.near * loop.inside
    each = lanes + 2.0 if on.has_gathers else 2.0 * lanes
    return max(1.0, loop.size - apart - near) + _COUNTING + each * apart + 0.75 * lanes * near


def _interleaved(loop: Scalars, lanes: int, on: Machine) -> int:
    """Return how many vectors a turn of the main loop works on."""
    turns, found = loop.turns, loop.accesses
    most = _MOST
    if turns == turns:
        least = _power(min(turns // (lanes * 2), _MOST))
        most = _power(min(turns // lanes, _MOST))
        # More only where as much is left over.
        if most != least and turns % (lanes * most) != turns % (lanes * least):
            most = least
    if found.is_recurrent:
        return most
    cost = _cost(loop, lanes, on)
    if cost >= _SMALL:
        return 1
    small = min(most, _power(_SMALL / cost))
    return max(small, most // max(1, found.stores), most // max(1, found.loads))


def _power(value: float) -> int:
    """Return the largest power of two up to a value, at least 1."""
    return 1 << max(0, int(value).bit_length() - 1)
