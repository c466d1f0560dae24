"""Telling from the graph that a mask hides the keys after each query: a causal mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..kernels.attention_parts import MASKED
from .access import Access, Position, looked_through, read
from .calls import Calls
from .scalar_body import Expression, constant_of, expression
from .values import defining_op

_PREDICATES = {1: "ne", 2: "slt", 3: "sle", 4: "sgt", 5: "sge", 6: "ult", 7: "ule", 8: "ugt", 9: "uge"}
_FLIPPED = {"slt": "sgt", "sle": "sge", "sgt": "slt", "sge": "sle"}
_NEGATED = {"slt": "sge", "sle": "sgt", "sgt": "sle", "sge": "slt"}
_MAX_STEPS = 64

Linear = dict[Position, int]
"""A sum of positions, each times a number; the constant stands at the position of no digit."""


@dataclass(frozen=True)
class Causal:
    """A mask that hides from each row the keys beyond row + `offset`; `exact`: and nothing else."""

    offset: int
    exact: bool


def find_causal(mask: Access, row: Position, key: Position, calls: Calls) -> Causal | None:
    """Return which keys an added mask is known to hide; None where that is not known.

    `row` and `key` are the positions that stand for them in `mask`. Hidden is what has a number below -1e38 added. The
    mask may come from outside the function, where all `calls` of it pass the same.
    """
    access, op = _producer(mask, calls)
    if op is None:
        return None
    match expression(op):
        case ("arith.select", condition, ("const", seen), ("const", hidden)):
            if hidden < MASKED <= seen:
                return _exact_if(_bound(_Term(op, access, condition, calls), row, key, True, 0), seen == 0.0)
            if seen < MASKED <= hidden:
                return _exact_if(_bound(_Term(op, access, condition, calls), row, key, False, 0), hidden == 0.0)
    return None


def _exact_if(causal: Causal | None, condition: bool) -> Causal | None:
    # A row that sees no key is the mask's to define.
    exact = condition and causal is not None and causal.offset >= 0
    return causal and Causal(causal.offset, causal.exact and exact)


class _Term:
    """A part of the body of an element-wise operation, at the element `access` of its result."""

    def __init__(self, op: Any, access: Access, expression: Expression, calls: Calls):
        self.op, self.access, self.expression, self._calls = op, access, expression, calls

    def part(self, number: int) -> _Term:
        return _Term(self.op, self.access, self.expression[number], self._calls)

    def _source(self) -> Access | None:
        """Return what a term that reads an element reads."""
        if self.expression[0] == "in":
            return read(self.op, self.access, self.expression[1])
        if self.expression[0] != "tensor.extract" or self.expression[1][0] != "value":
            return None
        places = [_linear(self.part(number)) for number in range(2, len(self.expression))]
        positions = [next(iter(place), ()) for place in places if place in ({}, {next(iter(place or {}), ()): 1})]
        if len(positions) < len(places) or {(): 1} in places:
            return None
        return Access(self.expression[1][1], tuple(positions))

    def resolved(self) -> _Term:
        """Return what is read instead of the reading of it, through views and element-wise operations."""
        term = self
        for _ in range(_MAX_STEPS):
            source = term._source()
            if source is None:
                return term
            access, op = _producer(source, self._calls)
            value = None if op is None else expression(op)
            number = constant_of(access.value)
            if number is not None:
                return _Term(term.op, term.access, ("const", number), self._calls)
            if value is None:
                return term
            term = _Term(op, access, value, self._calls)
        return term


def _producer(access: Access, calls: Calls) -> tuple[Access, Any]:
    """Return the access behind views, copies and calls, and the operation that makes the value."""
    while True:
        inner = looked_through(access) or Access(calls.origin(access.value), access.positions)
        if inner == access:
            return access, defining_op(access.value)
        access = inner


def _bound(term: _Term, row: Position, key: Position, value: bool, depth: int) -> Causal | None:
    """Return what key <= row + offset follows from the term being `value`; exact where the converse follows too."""
    term = term.resolved()
    if depth > _MAX_STEPS:
        return None
    name = term.expression[0]
    if name == "arith.cmpi":
        return _comparison(term, row, key, value)
    if name == "arith.xori" and term.expression[2] in (("const", True), ("const", -1)):
        return _bound(term.part(1), row, key, not value, depth + 1)
    if name != ("arith.andi" if value else "arith.ori"):
        return None
    parts = [term.part(i).resolved() for i in (1, 2)]
    parts = [part for part in parts if part.expression not in _neutral(value)]
    found = [causal for part in parts if (causal := _bound(part, row, key, value, depth + 1)) is not None]
    if not found:
        return None
    least = min(found, key=lambda causal: causal.offset)
    return Causal(least.offset, len(found) == len(parts) and all(causal.exact for causal in found))


def _neutral(value: bool) -> tuple[Expression, ...]:
    """Return the constants of i1 that leave a conjunction (`value`) or a disjunction as it is."""
    return (("const", True), ("const", -1)) if value else (("const", False),)


def _comparison(term: _Term, row: Position, key: Position, value: bool) -> Causal | None:
    predicate = _PREDICATES.get(term.expression[1], "")
    left, right = _linear(term.part(2)), _linear(term.part(3))
    if predicate not in _FLIPPED or left is None or right is None or () in (row, key):
        return None
    if not value:
        predicate = _NEGATED[predicate]
    if predicate in ("sgt", "sge"):
        left, right, predicate = right, left, _FLIPPED[predicate]
    difference = _sum(left, right, -1)
    constant = difference.pop((), 0)
    if difference != {key: 1, row: -1}:
        return None
    return Causal(-constant - (predicate == "slt"), True)


def _sum(left: Linear, right: Linear, times: int) -> Linear:
    total = {position: left.get(position, 0) + times * right.get(position, 0) for position in {*left, *right}}
    return {position: number for position, number in total.items() if number}


def _linear(term: _Term) -> Linear | None:
    """Return an integer term as a sum of positions and a constant."""
    term = term.resolved()
    match term.expression:
        case ("const", int(number)):
            return {(): number} if number else {}
        case ("index", loop):
            position = term.access.positions[loop]
            return {position: 1} if position else {}
        case ("arith.index_cast" | "arith.extsi", _):
            return _linear(term.part(1))
        case ("arith.select", ("arith.cmpi", 2, _, ("const", 0)), _, _):
            # An index below zero counts from the end; positions are not below zero.
            tested = _linear(term.part(1).part(2))
            known = tested is not None and all(number >= 0 for number in tested.values())
            return _linear(term.part(3)) if known else None
        case ("arith.addi" | "arith.subi" as name, _, _):
            left, right = _linear(term.part(1)), _linear(term.part(2))
            if left is None or right is None:
                return None
            return _sum(left, right, 1 if name == "arith.addi" else -1)
    return None
