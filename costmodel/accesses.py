"""How a scalar loop without loops inside goes through memory: what decides whether LLVM vectorises it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from .program import Program, Statement

_ASSOCIATIVE = frozenset({"minmax", "ieeeminmax", "iminmax", "logic"})
_FAR = 1 << 20
"""A stride that is not known."""


@dataclass(frozen=True, slots=True)
class Accesses:
    """Loads and stores of elements by how far the loop's index moves them from turn to turn."""

    contiguous: int
    """By one element."""
    near: int
    """By a few, so that vectors are read whole and sorted."""
    strided: int
    """By more: element by element."""
    strided_loads: int
    """Those among them that read."""
    fixed: int
    """Not at all."""
    loads: int
    """Those that move and read."""
    stores: int
    """Those that move and write."""
    is_recurrent: bool
    """Whether an element, or a value, is read and written turn after turn: a sum, a maximum."""
    is_serial: bool
    """Whether it is one whose order may not change."""
    widest: int
    """The widest element, in bits; 0 without loads and stores."""


def accesses(program: Program, number: int, near: int, homes: Sequence[int] | None = None) -> Accesses:
    """Return what loop `number` of a program does to memory; strides up to `near` are near.

    `homes` say what loop each operation is left in: its own unless it is taken out of that.
    """
    loop = program.loops[number]
    moving = {loop.index: max(1, int(loop.step)) if isfinite(loop.step) else 1}
    counts = {"contiguous": 0, "near": 0, "strided": 0, "fixed": 0}
    loads = stores = strided_loads = 0
    read: set[int] = set()
    written: set[int] = set()
    widest = 0
    may_reorder = False
    for place, statement in enumerate(program.statements[loop.begin : loop.end], loop.begin):
        form, operands = statement.form, statement.operands
        class_ = form.class_
        if class_ in ("scalarload", "scalarstore") and operands:
            first = 0 if class_ == "scalarload" else min(1, len(operands) - 1)
            kind = _kind(operands[first + 1 :], form.strides, moving, near)
            if kind == "near" and class_ == "scalarstore":
                # What lies between must stay as it is.
                kind = "strided"
            counts[kind] += 1
            if kind != "fixed":
                loads += class_ == "scalarload"
                strided_loads += kind == "strided" and class_ == "scalarload"
                stores += class_ == "scalarstore"
            else:
                (read if class_ == "scalarload" else written).add(operands[first])
            if form.operand is not None and (kind != "fixed" or homes is None or homes[place] == number):
                widest = max(widest, form.operand.bits)
        elif class_ in ("int", "mul", "address", "scalarload", "width") and any(one in moving for one in operands):
            stride = _moved(program, statement, moving)
            moving.update(dict.fromkeys(statement.results, stride))
        may_reorder = may_reorder or form.is_reassociating or class_ in _ASSOCIATIVE
    is_recurrent = bool(read & written or loop.carried)
    return Accesses(
        **counts,
        strided_loads=strided_loads,
        loads=loads,
        stores=stores,
        is_recurrent=is_recurrent,
        is_serial=is_recurrent and not may_reorder,
        widest=widest,
    )


def _kind(subscripts: list[int], strides: tuple[int, ...], moving: dict[int, int], near: int) -> str:
    moved = [(moving[one], place) for place, one in enumerate(subscripts) if one in moving]
    if not moved:
        return "fixed"
    if len(strides) != len(subscripts):
        return "contiguous" if moved == [(1, len(subscripts) - 1)] else "strided"
    stride = abs(sum(by * (strides[place] or _FAR) for by, place in moved))
    return "contiguous" if stride == 1 else "near" if 0 < stride <= near else "strided"


def _moved(program: Program, statement: Statement, moving: dict[int, int]) -> int:
    """Return by how much a turn moves the result of arithmetic with what a turn moves."""
    form, operands = statement.form, statement.operands
    by = [moving.get(one, 0) for one in operands]
    if form.class_ == "address":
        return sum(one * factor for one, factor in zip(by, form.strides, strict=False)) or _FAR
    if form.class_ == "mul":
        known = [program.lives[one].constant for one, moved in zip(operands, by, strict=True) if not moved]
        return next((max(by) * abs(one) for one in known if one), _FAR)
    return sum(by) or _FAR
