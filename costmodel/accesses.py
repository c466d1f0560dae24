"""How a scalar loop without loops inside goes through memory: what decides whether LLVM vectorises it."""

from __future__ import annotations

from dataclasses import dataclass

from .program import Program

_ASSOCIATIVE = frozenset({"minmax", "ieeeminmax", "iminmax", "logic"})


@dataclass(frozen=True, slots=True)
class Accesses:
    """Loads and stores of elements by what the loop's index does to them."""

    contiguous: int
    """The index, or a sum with it, is the last subscript."""
    strided: int
    """It is another subscript."""
    fixed: int
    """It is none."""
    is_recurrent: bool
    """Whether an element, or a value, is read and written turn after turn: a sum, a maximum."""
    is_serial: bool
    """Whether it is one whose order may not change."""
    widest: int
    """The widest element, in bits; 0 without loads and stores."""


def accesses(program: Program, number: int) -> Accesses:
    """Return what loop `number` of a program does to memory."""
    loop = program.loops[number]
    moving = {loop.index}
    counts = {"contiguous": 0, "strided": 0, "fixed": 0}
    read: set[int] = set()
    written: set[int] = set()
    widest = 0
    may_reorder = False
    for statement in program.statements[loop.begin : loop.end]:
        form, operands = statement.form, statement.operands
        class_ = form.class_
        if class_ in ("scalarload", "scalarstore") and operands:
            first = 0 if class_ == "scalarload" else min(1, len(operands) - 1)
            subscripts = operands[first + 1 :]
            if subscripts and subscripts[-1] in moving:
                counts["contiguous"] += 1
            elif moving.intersection(subscripts):
                counts["strided"] += 1
            else:
                counts["fixed"] += 1
                (read if class_ == "scalarload" else written).add(operands[first])
            if form.operand is not None:
                widest = max(widest, form.operand.bits)
        elif class_ in ("int", "mul") and moving.intersection(operands):
            moving.update(statement.results)
        may_reorder = may_reorder or form.is_reassociating or class_ in _ASSOCIATIVE
    is_recurrent = bool(read & written or loop.carried)
    return Accesses(**counts, is_recurrent=is_recurrent, is_serial=is_recurrent and not may_reorder, widest=widest)
