"""The longest chains of operations that wait for each other: through one turn of a loop, and from turn to turn."""

from __future__ import annotations

from .motion import Motion
from .program import Loop, Program, Statement

_LATENCY = {"fma": 4.0, "fp": 4.0, "div": 13.0, "sqrt": 18.0, "minmax": 4.0, "ieeeminmax": 8.0, "mul": 5.0}
_LATENCY |= {"load": 6.0, "scalarload": 5.0, "maskedload": 7.0, "broadcast": 3.0, "shuffle": 2.0, "reduce": 16.0}
_LATENCY |= {"convert": 4.0, "width": 3.0, "round": 8.0, "cmp": 3.0, "gather": 20.0, "idiv": 15.0}
_LATENCY |= dict.fromkeys(("free", "store", "scalarstore", "view", "constant", "address"), 0.0)
_WRITES = frozenset({"store", "scalarstore"})
_READS = frozenset({"load", "scalarload"})
_ACCESSES = _READS | _WRITES
_Place = tuple[int, ...]
"""A memref and subscripts, as numbers of values."""


def chains(program: Program, number: int, moved: Motion) -> tuple[float, float]:
    """Return the latency from turn to turn of a loop, and through one turn, in cycles of a typical machine.

    Loops inside are unrolled whole: what they hand from turn to turn takes as long as all their turns. What is written
    to memory and read from the same place goes through a register.
    """
    own = _Chains(program, moved)
    loop = program.loops[number]
    own.turn(loop.begin, loop.end)
    path = own.longest
    before = own.hand_on(number)
    # Only what a register holds all the time is known from turn to turn.
    inside = {number, *(other for other, one in enumerate(program.loops) if loop.begin < one.begin < loop.end)}
    for place in [one for one in own.stored if moved.homes[own.writers[one]] in inside]:
        del own.stored[place]
    if not before and not own.stored:
        return 0.0, path
    places = dict(own.stored)
    own.turn(loop.begin, loop.end)
    after = own.hand_on(number)
    grown = [last - first for first, last in zip(before, after, strict=True)]
    grown += [own.stored[place] - when for place, when in places.items()]
    return max(grown, default=0.0), path


class _Chains:
    def __init__(self, program: Program, moved: Motion) -> None:
        self._program, self._moved = program, moved
        self._loops = {loop.begin - 1: number for number, loop in enumerate(program.loops)}
        self._reached = [0.0] * len(program.lives)
        """When each value is there, 0 for one from outside."""
        self.stored: dict[_Place, float] = {}
        """When what was written last to a place is there."""
        self.writers: dict[_Place, int] = {}
        """The operation that wrote it."""
        self.longest = 0.0

    def turn(self, begin: int, end: int) -> None:
        """Go through operations once."""
        reached, stored, statements = self._reached, self.stored, self._program.statements
        longest, at = self.longest, begin
        while at < end:
            statement = statements[at]
            class_ = statement.form.class_
            if class_ == "loop":
                self.longest = longest
                at = self._whole(self._loops[at], statement)
                longest = self.longest
                continue
            start, latency = 0.0, _LATENCY.get(class_, 1.0)
            for number in statement.operands:
                if reached[number] > start:
                    start = reached[number]
            if class_ in _ACCESSES:
                if class_ in _WRITES:
                    place = tuple(statement.operands[1:])
                    stored[place], self.writers[place] = start, at
                elif stored:
                    when = stored.get(tuple(statement.operands))
                    if when is not None:
                        start, latency = max(start, when), 0.0
            start += latency
            if start > longest:
                longest = start
            for number in statement.results:
                reached[number] = start
            at += 1
        self.longest = longest

    def hand_on(self, number: int) -> list[float]:
        """Let the next turn of a loop begin with what this one made; return when that is there."""
        loop = self._program.loops[number]
        found = [self._reached[value] for value in loop.yielded[: len(loop.carried)]]
        self._give(loop.carried, found)
        varies = self._moved.varies
        for place in [one for one in self.stored if any(varies[value] >> number & 1 for value in one)]:
            # The next turn is at another place.
            del self.stored[place]
        return found

    def _whole(self, number: int, statement: Statement) -> int:
        """Go through all turns of a loop inside; return where it ends."""
        loop = self._program.loops[number]
        count = len(loop.carried)
        starts = statement.operands[len(statement.operands) - count :]
        self._give(loop.carried, [self._reached[start] for start in starts])
        self.turn(loop.begin, loop.end)
        before = self.hand_on(number)
        places = dict(self.stored)
        left = loop.trips - 1.0
        if left > 0.0 and (before or places):
            self.turn(loop.begin, loop.end)
            after = self.hand_on(number)
            self._give(loop.carried, [first + left * (last - first) for first, last in zip(before, after, strict=True)])
            for place, first in places.items():
                self.stored[place] = first + left * (self.stored[place] - first)
            self.longest = max((self.longest, *self._reached_of(loop), *self.stored.values()))
        self._give(loop.results, self._reached_of(loop))
        return loop.end

    def _reached_of(self, loop: Loop) -> list[float]:
        return [self._reached[value] for value in loop.carried]

    def _give(self, values: list[int], when: list[float]) -> None:
        for value, own in zip(values, when, strict=False):
            self._reached[value] = own
