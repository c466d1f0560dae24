"""Arrays of a function's own that LLVM makes registers: all reads and writes of them are at constant places.

Their writes are no operations then, and what is read is what was written. Arrays that are handed on, viewed, or
accessed in pieces of different sizes stay in memory, as does what one turn of a loop leaves for the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .program import NONE, Program

_FIRST = {"load": 1, "scalarload": 1, "store": 2, "scalarstore": 2}
"""Where the subscripts begin among the operands of a read or write; the array is in front of them."""
_Place = tuple[int | None, ...]


@dataclass(slots=True)
class _Cell:
    """What is written to one place of an array, and read from there."""

    writes: list[int] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)


def promote(program: Program) -> None:
    """Let what is read from such arrays be what was written there; writes and reads are folded then."""
    arrays = {own.results[0] for own in program.statements if own.form.name == "memref.alloca" and own.results}
    if not arrays:
        return
    replaced: dict[int, int] = {}
    for cell in _cells(program, arrays):
        sources = [_source(program, cell, read) for read in cell.reads]
        if NONE in sources:
            continue
        for read, write in zip(cell.reads, sources, strict=True):
            _forward(program, read, program.statements[write].operands[0], replaced)
        for place in (*cell.reads, *cell.writes):
            program.statements[place].is_folded = True
        for write in cell.writes:
            program.lives[program.statements[write].operands[0]].uses -= 1
    if replaced:
        for statement in program.statements:
            statement.operands = [_last(replaced, one) for one in statement.operands]
        for loop in program.loops:
            loop.yielded = [_last(replaced, one) for one in loop.yielded]


def _cells(program: Program, arrays: set[int]) -> Iterable[_Cell]:
    """Return the cells of the arrays that LLVM can take apart."""
    cells: dict[int, dict[_Place, _Cell]] = {array: {} for array in arrays}
    lanes: dict[int, int] = {}
    for place, statement in enumerate(program.statements):
        used = arrays.intersection(statement.operands)
        if not used:
            continue
        first = _FIRST.get(statement.form.class_, 0)
        array = statement.operands[first - 1] if first and len(statement.operands) >= first else NONE
        where = tuple(program.lives[one].constant for one in statement.operands[first:])
        operand = statement.form.operand
        size = operand.lanes if operand is not None else 0
        if (
            used != {array}
            or None in where
            or statement.operands.count(array) > 1
            or lanes.setdefault(array, size) != size
        ):
            arrays = arrays - used
            continue
        cell = cells[array].setdefault(where, _Cell())
        (cell.reads if first == 1 else cell.writes).append(place)
    return [cell for array in sorted(arrays) for cell in cells[array].values()]


def _source(program: Program, cell: _Cell, read: int) -> int:
    """Return the write that a read reads what it wrote; NONE where that depends on turns of loops."""
    before = [write for write in cell.writes if write < read]
    if not before:
        return NONE
    write, loop = before[-1], program.statements[read].loop
    while loop != program.statements[write].loop:
        if loop == NONE or any(program.loops[loop].begin <= own < program.loops[loop].end for own in cell.writes):
            return NONE
        loop = program.loops[loop].parent
    return write


def _forward(program: Program, read: int, value: int, replaced: dict[int, int]) -> None:
    """Let a value that was written live as long as what is read."""
    statement = program.statements[read]
    value = _last(replaced, value)
    own, life = program.lives[value], program.lives[statement.results[0]]
    replaced[statement.results[0]] = value
    own.uses += life.uses
    own.end = max(own.end, life.end)
    loop = statement.loop
    while loop not in (own.loop, NONE):
        program.loops[loop].read.add(value)
        own.end = max(own.end, program.loops[loop].end)
        loop = program.loops[loop].parent


def _last(replaced: dict[int, int], value: int) -> int:
    while value in replaced:
        value = replaced[value]
    return value
