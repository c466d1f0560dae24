"""What integers of a text can be: LLVM folds bounds, comparisons and branches whose outcome follows from sizes.

A range is `(low, high)`, both included. Where a loop of few turns is around, a value may be known turn by turn as well:
LLVM unrolls such a loop, and each copy has its own constants.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, cast

MOST_CASES = 4
"""Turns up to which values are followed one by one."""


class Range(NamedTuple):
    """What an integer can be."""

    low: int
    high: int
    loop: int = -1
    """The loop whose turns `cases` are of; -1: none."""
    cases: tuple[int, ...] = ()

    @property
    def constant(self) -> int | None:
        """The value where there is only one."""
        return self.low if self.low == self.high else None


def exactly(value: int) -> Range:
    """Return the range of a constant."""
    return Range(value, value)


def turns(loop: int, first: int, step: int, count: int) -> Range:
    """Return the range of a loop's index."""
    values = tuple(first + step * turn for turn in range(count)) if 1 < count <= MOST_CASES else ()
    return Range(first, first + step * (count - 1), loop if values else -1, values)


Ends = tuple[int, int]
Fold = Callable[..., Ends]
"""What an operation makes of the ends of its operands' ranges."""


def fold(name: str, predicate: str) -> Fold | None:
    """Return what is known of an operation of `arith` on integers; None for one that is not followed."""
    return _select if name == "arith.select" else _OPERATIONS.get(f"{name} {predicate}".strip())


@lru_cache(maxsize=1 << 14)
def result(work: Fold | None, operands: tuple[Range | None, ...]) -> Range | None:
    """Return what an operation makes of its operands; None where that is not known.

    Subscripts of a kernel, and of its other schedules, come again and again: answers are remembered.
    """
    if work is None or not operands:
        return None
    loop, count, is_followed = -1, 0, True
    for own in operands:
        if own is None:
            return None
        if own.cases:
            is_followed = is_followed and loop in (-1, own.loop)
            loop, count = own.loop, max(count, len(own.cases))
        elif own.low != own.high:
            is_followed = False
    known = cast(tuple[Range, ...], operands)
    try:
        found = work(*[own[:2] for own in known])
        if count and is_followed:
            # Turn by turn, where all operands are constants or known by the turns of one loop.
            now = [own.cases or (own.low,) * count for own in known]
            cases = tuple([work(*[(value, value) for value in values])[0] for values in zip(*now, strict=True)])
            return Range(min(cases), max(cases), loop, cases)
    except (TypeError, ZeroDivisionError):
        return None
    return Range(*found)


def _select(condition: Ends, one: Ends, other: Ends) -> Ends:
    if condition[0] == condition[1]:
        return one if condition[0] else other
    return min(one[0], other[0]), max(one[1], other[1])


def _multiplied(one: Ends, other: Ends) -> Ends:
    ends = [a * b for a in one for b in other]
    return min(ends), max(ends)


def _remainder(one: Ends, other: Ends) -> Ends:
    by = other[0]
    if by != other[1] or by <= 0 or one[0] < 0:
        raise TypeError("only remainders by a positive constant are known")
    return (one[0] % by, one[1] % by) if one[0] // by == one[1] // by else (0, by - 1)


def _less(one: Ends, other: Ends) -> Ends:
    return int(one[1] < other[0]), int(one[0] < other[1])


def _equal(one: Ends, other: Ends) -> Ends:
    overlap = one[0] <= other[1] and other[0] <= one[1]
    return int(one[0] == one[1] == other[0] == other[1]), int(overlap)


def _not(ends: Ends) -> Ends:
    return 1 - ends[1], 1 - ends[0]


def _bits(one: Ends, other: Ends) -> Ends:
    if max(one[1], other[1]) > 1 or min(one[0], other[0]) < 0:
        raise TypeError("only truth values are known")
    return one[0] & other[0], one[1] & other[1]


_OPERATIONS: dict[str, Callable[..., Ends]] = {
    "arith.addi": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "arith.subi": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "arith.muli": _multiplied,
    "arith.minsi": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "arith.maxsi": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    "arith.ceildivsi": lambda a, b: (-(-a[0] // b[1]), -(-a[1] // b[0])),
    "arith.floordivsi": lambda a, b: (a[0] // b[1], a[1] // b[0]),
    "arith.remsi": _remainder,
    "arith.andi": _bits,
    "arith.index_cast": lambda a: a,
    "arith.cmpi slt": _less,
    "arith.cmpi sgt": lambda a, b: _less(b, a),
    "arith.cmpi sle": lambda a, b: _not(_less(b, a)),
    "arith.cmpi sge": lambda a, b: _not(_less(a, b)),
    "arith.cmpi eq": _equal,
    "arith.cmpi ne": lambda a, b: _not(_equal(a, b)),
}
for _name in ("minsi", "maxsi", "ceildivsi", "remsi"):
    _OPERATIONS[f"arith.{_name[:-2]}ui"] = _OPERATIONS[f"arith.{_name}"]
for _name in ("divsi", "divui"):
    _OPERATIONS[f"arith.{_name}"] = _OPERATIONS["arith.floordivsi"]
for _name in ("lt", "gt", "le", "ge"):
    _OPERATIONS[f"arith.cmpi u{_name}"] = _OPERATIONS[f"arith.cmpi s{_name}"]
