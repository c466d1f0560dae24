"""The hottest loop as named numbers: its work, registers, what it hands on, and the longest chain through it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from .chains import chains
from .liveness import Pressure
from .machine import Machine, work
from .motion import Motion
from .ports import bounds
from .program import NONE, Kinds, Program
from .unrolling import Shape

FREE = frozenset({"free", "function"})


def registers(name: str, alive: Pressure, begin: int, end: int, found: dict[str, float]) -> None:
    """Give the most registers that are alive at once between two operations, by `NAME.` and what is counted."""
    found[f"{name}.ordered"] = max(alive.ordered[begin:end], default=0)
    found[f"{name}.lazy"] = max(alive.lazy[begin:end], default=0)
    found[f"{name}.folded"] = max(alive.folded[begin:end], default=0)
    found[f"{name}.masks"] = max(alive.masks[begin:end], default=0)


def hot_loop(
    program: Program,
    on: Machine,
    number: int,
    shapes: Sequence[Shape],
    moved: Motion,
    kinds: Kinds,
    alive: Pressure,
    found: dict[str, float],
) -> None:
    """Describe the hottest loop as LLVM leaves it: its work, registers, values handed on, what bounds it.

    `kinds` are those of the whole program by `moved`.
    """
    loop, shape = program.loops[number], shapes[number]
    registers("hot", alive, loop.begin, loop.end, found)
    found["hot.turns"] = -1.0 if math.isnan(loop.trips) else loop.trips
    found["hot.step"] = loop.step
    found["hot.size"] = shape.size
    found["hot.lanes"] = shape.lanes
    found["hot.interleaved"] = shape.interleaved
    found["hot.copies"] = shape.copies
    found["hot.contiguous"] = shape.accesses.contiguous
    found["hot.near"] = shape.accesses.near
    found["hot.strided"] = shape.accesses.strided
    found["hot.fixed_accesses"] = shape.accesses.fixed
    found["hot.serial"] = shape.accesses.is_serial
    carried = [program.lives[one].value for one in loop.carried]
    found["hot.carried"] = sum(on.registers_of(value) for value in carried)
    for value in loop.read:
        life = program.lives[value]
        if life.splat:
            found["hot.splats"] += 1
        elif life.value.kind == "vector":
            found["hot.fixed"] += on.registers_of(life.value)
        elif life.value.kind == "memref":
            found["hot.memrefs"] += 1
    pieces = _work(program, on, number, shapes, kinds, found)
    for statement in program.statements[loop.begin : loop.end]:
        if statement.form.class_ == "load" and program.lives[statement.results[0]].uses > 1:
            own = work(statement.form, on)
            # What is read for several operations is a register in each copy of the body.
            if own.key == "v.load" and not statement.is_folded:
                found["hot.loaded"] += own.pieces
    found["hot.work"] = sum(pieces.values())
    found["hot.apart"] = found["hot.lazy"] + (shape.copies - 1) * found["hot.loaded"]
    chain, found["hot.path"] = chains(program, number, moved)
    # Vectors that a turn works on have sums of their own.
    found["hot.chain"] = chain * shape.copies / max(1.0, shape.interleaved)
    times = max(1.0, shape.copies)
    bounds({key: count * times for key, count in pieces.items()}, found["hot.chain"], found["hot.path"], on, found)


def _work(
    program: Program, on: Machine, number: int, shapes: Sequence[Shape], kinds: Kinds, found: dict[str, float]
) -> dict[str, float]:
    """Sum up the pieces of work of one copy of a loop's body, by key; loops inside are unrolled."""
    copies, neighbours = _copies(program, number, shapes)
    is_vector = shapes[number].lanes > 1
    pieces: defaultdict[str, float] = defaultdict(float)
    for (form, home), count in kinds.items():
        times = copies.get(home)
        if times is None:
            continue
        own = work(form, on)
        if own.key in FREE or own.key.endswith("constant"):
            continue
        key, operand = own.key, form.operand
        is_data = key[0] == "s" or (key[:2] == "x." and operand is not None and operand.element != "index")
        many = count * own.pieces * times
        if is_data and is_vector:
            key = "w" + key[1:]
        elif is_data and times > 1 and home in neighbours and operand is not None:
            key, many = "q" + key[1:], math.ceil(many * max(8, operand.bits) / on.bits)
        pieces[key] += many
        if own.lanes:
            found["hl." + own.key] += count * own.lanes * times
    for key, many in pieces.items():
        found["h." + key] = many
    return pieces


def _copies(program: Program, number: int, shapes: Sequence[Shape]) -> tuple[dict[int, float], set[int]]:
    """Return how often the bodies of a loop and of those inside stand in one turn, and which are of neighbours."""
    copies, neighbours = {number: 1.0}, set()
    for inside in range(number + 1, len(shapes)):
        parent = program.loops[inside].parent
        if parent == NONE or parent not in copies:
            continue
        shape = shapes[inside]
        copies[inside] = 0.0 if shape.moves else copies[parent] * shape.copies * program.loops[inside].share
        if shape.together > 1 or parent in neighbours:
            neighbours.add(inside)
    return copies, neighbours
