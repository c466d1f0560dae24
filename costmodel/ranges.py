"""What integers of a text can be: LLVM folds bounds, comparisons and branches whose outcome follows from sizes.

A range is `(low, high)`, both included. Where a loop of few turns is around, a value may be known turn by turn as well:
LLVM unrolls such a loop, and each copy has its own constants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

MOST_CASES = 4
"""Turns up to which values are followed one by one."""


@dataclass(frozen=True, slots=True)
class Range:
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


def result(name: str, predicate: str, operands: Sequence[Range | None]) -> Range | None:
    """Return what an operation of `arith` on integers makes of its operands; None where that is not known."""
    known = [operand for operand in operands if operand is not None]
    work = _select if name == "arith.select" else _OPERATIONS.get(f"{name} {predicate}".strip())
    if work is None or len(known) < len(operands) or not known:
        return None
    try:
        found = work(*((own.low, own.high) for own in known))
        cases = _cases(work, known)
    except (TypeError, ZeroDivisionError):
        return None
    if cases is None:
        return Range(*found)
    loop = next(own.loop for own in known if own.cases)
    return Range(min(cases), max(cases), loop, cases)


Ends = tuple[int, int]


def _cases(work: Callable[..., Ends], known: Sequence[Range]) -> tuple[int, ...] | None:
    """Return the result turn by turn, where all operands are constants or known by the turns of one loop."""
    loops = {own.loop for own in known if own.cases}
    if len(loops) != 1 or any(not own.cases and own.constant is None for own in known):
        return None
    count = max(len(own.cases) for own in known)
    values = []
    for turn in range(count):
        now = [own.cases[turn] if own.cases else own.low for own in known]
        values.append(work(*((value, value) for value in now))[0])
    return tuple(values)


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
