"""Loops that only copy memory, or fill it with zeros: LLVM makes a call of `memcpy` or `memset` of each."""

from __future__ import annotations

from .program import NONE, Program, Statement

_LOADS = frozenset({"load", "scalarload"})
_STORES = frozenset({"store", "scalarstore"})
_FREE = frozenset({"constant", "free", "loop", "view", "int", "mul", "address", "width"})


def transfers(program: Program) -> dict[int, int]:
    """Return loops that become one call, with how many bytes that moves; loops inside of them are not named.

    What is read and written must lie together, in the same order; loops around count as well where what they add
    follows on.
    """
    found: dict[int, int] = {}
    for number in range(len(program.loops) - 1, -1, -1):
        loop = program.loops[number]
        if loop.trips != loop.trips or loop.trips < 1:
            continue
        accesses = _accesses(program, loop.begin, loop.end)
        if not accesses:
            continue
        inside = [one for one in found if program.loops[one].parent == number]
        if loop.is_innermost:
            size = max(1, accesses[0].form.operand.lanes) if accesses[0].form.operand is not None else 0
        elif len(inside) == 1 and loop.end == program.loops[inside[0]].end:
            size = found[inside[0]]
        else:
            continue
        if size and all(_distance(one, loop.index) * int(loop.step) == size for one in accesses):
            for one in inside:
                del found[one]
            found[number] = int(size * loop.trips)
    bits = {one: _bits(_accesses(program, program.loops[one].begin, program.loops[one].end)[0]) for one in found}
    return {one: count * bits[one] // 8 for one, count in found.items()}


def _bits(statement: Statement) -> int:
    operand = statement.form.operand
    return 0 if operand is None else operand.bits


def _accesses(program: Program, begin: int, end: int) -> list[Statement]:
    """Return the write of a loop, and the read before it, if there is nothing else in it."""
    found: list[Statement] = []
    read = NONE
    for statement in program.statements[begin:end]:
        class_ = statement.form.class_
        if class_ in _LOADS and not found:
            found.append(statement)
            read = statement.results[0]
        elif class_ in _STORES and len(statement.operands) > 1 and all(one.form.class_ in _LOADS for one in found):
            value = statement.operands[0]
            begins = program.lives[value].begin
            is_zero = begins < len(program.statements) and program.statements[begins].form.is_zero
            if value != read and (found or not is_zero):
                return []
            found.append(statement)
        elif class_ not in _FREE:
            return []
    return found if found and found[-1].form.class_ in _STORES else []


def _distance(statement: Statement, index: int) -> int:
    """Return by how many elements a loop's index moves a read or write; 0 where that is not plain."""
    first = 2 if statement.form.class_ in _STORES else 1
    subscripts, strides = statement.operands[first:], statement.form.strides
    if len(strides) != len(subscripts):
        return 0
    return sum(stride for one, stride in zip(subscripts, strides, strict=True) if one == index)
