"""The hottest loop as named numbers: its work, registers, what it hands on, and the longest chain through it."""

from __future__ import annotations

import math

from .liveness import Pressure
from .machine import Machine, work
from .program import Loop, Program
from .unrolling import Shape

FREE = frozenset({"free", "function"})


def registers(name: str, alive: Pressure, begin: int, end: int, found: dict[str, float]) -> None:
    """Give the most registers that are alive at once between two operations, by `NAME.` and what is counted."""
    found[f"{name}.ordered"] = max(alive.ordered[begin:end], default=0)
    found[f"{name}.lazy"] = max(alive.lazy[begin:end], default=0)
    found[f"{name}.folded"] = max(alive.folded[begin:end], default=0)
    found[f"{name}.masks"] = max(alive.masks[begin:end], default=0)


def hot_loop(program: Program, on: Machine, loop: Loop, shape: Shape, alive: Pressure, found: dict[str, float]) -> None:
    """Describe the hottest loop: its work, registers, values handed on, and the longest chain through them."""
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
    carried = [program.lives[number].value for number in loop.carried]
    found["hot.carried"] = sum(on.registers_of(value) for value in carried)
    for number in loop.read:
        life = program.lives[number]
        if life.splat:
            found["hot.splats"] += 1
        elif life.value.kind == "vector":
            found["hot.fixed"] += on.registers_of(life.value)
        elif life.value.kind == "memref":
            found["hot.memrefs"] += 1
    total = 0.0
    for (form, _), count in program.kinds(loop.begin, loop.end).items():
        own = work(form, on)
        if own.key in FREE:
            continue
        pieces = count * own.pieces
        found["h." + ("w" + own.key[1:] if shape.lanes > 1 and own.key[0] == "s" else own.key)] += pieces
        total += pieces
        if own.lanes:
            found["hl." + own.key] += count * own.lanes
    for statement in program.statements[loop.begin : loop.end]:
        if statement.form.class_ == "load" and program.lives[statement.results[0]].uses > 1:
            own = work(statement.form, on)
            # What is read for several operations is a register in each copy of the body.
            if own.key == "v.load" and not statement.is_folded:
                found["hot.loaded"] += own.pieces
    found["hot.work"] = total
    found["hot.apart"] = found["hot.lazy"] + (shape.copies - 1) * found["hot.loaded"]
    found["hot.chain"], found["hot.path"] = _chains(program, loop)


_LATENCY = {"fma": 4.0, "fp": 4.0, "div": 13.0, "sqrt": 18.0, "minmax": 4.0, "ieeeminmax": 8.0, "mul": 5.0}
_LATENCY |= {"load": 6.0, "scalarload": 5.0, "maskedload": 7.0, "broadcast": 3.0, "shuffle": 2.0, "reduce": 16.0}
_LATENCY |= {"convert": 4.0, "width": 3.0, "free": 0.0, "round": 8.0, "cmp": 3.0, "gather": 20.0, "idiv": 15.0}


def _chains(program: Program, loop: Loop) -> tuple[float, float]:
    """Return the latency from turn to turn, and through one turn, in cycles of a typical machine."""
    carried: dict[int, float] = dict.fromkeys(loop.carried, 0.0)
    reached: dict[int, float] = {}
    longest = 0.0
    for statement in program.statements[loop.begin : loop.end]:
        latency = _LATENCY.get(statement.form.class_, 1.0)
        start, through = 0.0, -1.0
        for number in statement.operands:
            if (own := reached.get(number, 0.0)) > start:
                start = own
            if number in carried and carried[number] > through:
                through = carried[number]
        start += latency
        if start > longest:
            longest = start
        for number in statement.results:
            reached[number] = start
            if through >= 0.0:
                carried[number] = through + latency
    return max((carried.get(number, 0.0) for number in loop.yielded), default=0.0), longest
