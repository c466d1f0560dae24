"""Loop-level MLIR as named numbers: pieces of work, registers alive, loops as LLVM leaves them, for one CPU."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..target import Target
from .fills import fills
from .folding import folded_loads
from .hot_loop import FREE, hot_loop, registers
from .invariants import invariants
from .lines import Form
from .liveness import Pressure, pressure
from .machine import Machine, Work, machine, work
from .motion import motion
from .program import Kinds, Program
from .program_reader import read
from .unrolling import Shape, hottest, shapes

_INLINE = 8
"""Vectors up to which a copy is no call; twice as many of zeros."""


def loop_features(text: str, target: Target) -> dict[str, float]:
    """Return the features of one function's text for a CPU; those that are zero may be missing."""
    on = machine(target)
    program = read(text)
    found: dict[str, float] = defaultdict(float)
    found["statements"] = len(program.statements)
    moved = motion(program)
    kinds = moved.kinds(program)
    loops = shapes(program, on, kinds, moved)
    kept = invariants(program, loops, on, moved)
    alive = pressure(program, on, kept, loops)
    found["kept"] = sum(own.registers for own in kept)
    found["kept.loads"] = sum(own.registers for own in kept if own.is_load)
    registers("all", alive, 0, len(program.statements), found)
    _loops(program, loops, on, found)
    weights = _weights(program, loops)
    _transfers(program, loops, weights, on, found)
    _work(program, kinds, on, weights, alive, found)
    for (form, loop), count in folded_loads(program, moved, on).items():
        _take(form, work(form, on), count, weights[loop], on, found)
    _values(program, on, found)
    hot = hottest(program, loops, on)
    if hot >= 0:
        hot_loop(program, on, hot, loops, moved, kinds, alive, found)
    stores = fills(program)
    if stores:
        # Nothing of its work and loops is left in the code: a call, or a few stores of whole vectors.
        size = _filled(program)
        pieces = math.ceil(size * 8 / on.bits)
        is_call = pieces > 2 * _INLINE or not pieces
        return {
            "statements": found["statements"],
            "u.fill": stores if is_call else 0.0,
            "u.fill.stores": 0.0 if is_call else pieces,
            "fill.bytes": size,
            "fill.stores": min(64.0, pieces),
        }
    if _is_tail_call(program):
        return {"statements": found["statements"], "u.tail": 1.0}
    return dict(found)


def _is_tail_call(program: Program) -> bool:
    """Return whether a function hands its arguments to another and nothing else: a jump."""
    calls = [own for own in program.statements if own.form.class_ not in FREE]
    return (
        len(calls) == 1
        and calls[0].form.class_ == "call"
        and calls[0].operands == list(range(len(program.lives)))[: len(calls[0].operands)]
    )


def _filled(program: Program) -> float:
    """Return how many bytes a function of nothing but stores writes, 0 where that is not known."""
    size = 0.0
    for statement in program.statements:
        operand = statement.form.operand
        if statement.form.class_ in ("store", "scalarstore") and operand is not None:
            loop, own = statement.loop, operand.lanes * operand.bits / 8
            while loop >= 0:
                own *= program.loops[loop].trips
                loop = program.loops[loop].parent
            size += own
    return size if size == size else 0.0


@dataclass(frozen=True)
class Copies:
    """How often an operation stands in the code, as LLVM unrolls and vectorises."""

    narrow: float
    """As the text has it."""
    wide: float
    """On as many elements as LLVM works on at once."""
    side_by_side: bool
    """Whether the narrow ones are of neighbours in memory, which LLVM may put together."""

    @cached_property
    def all(self) -> float:
        """Both."""
        return self.narrow + self.wide


_ONCE = Copies(1.0, 0.0, False)
_NEVER = Copies(0.0, 0.0, False)


def _weights(program: Program, loops: Sequence[Shape]) -> list[Copies]:
    """Return the copies of operations in each loop; those in none are the last."""
    of_loop: list[Copies] = []
    for number, shape in enumerate(loops):
        parent = program.loops[number].parent
        outer = of_loop[parent] if parent >= 0 else _ONCE
        share = program.loops[number].share
        if shape.moves:
            own = _NEVER
        elif shape.lanes > 1:
            wide = shape.copies + shape.middle_copies
            own = Copies(outer.all * shape.rest_copies * share, outer.all * wide * share, False)
        else:
            times = (shape.copies + shape.rest_copies) * share
            neighbours = shape.is_whole and shape.together > 1
            own = Copies(
                outer.narrow * times, outer.wide * times, neighbours or (outer.side_by_side and shape.is_whole)
            )
        of_loop.append(own)
    return [*of_loop, _ONCE]


def _split(form: Form, work: Work, copies: Copies, on: Machine) -> Iterator[tuple[str, float]]:
    """Yield the features of what an operation is in the code, and how often it is that.

    `u.w.` where it is made a vector, `u.q.` where some are put together, else as it is.
    """
    operand = form.operand
    is_data = work.key[0] == "s" or (work.key[:2] == "x." and operand is not None and operand.element != "index")
    if not is_data or work.key.endswith("constant"):
        yield work.used, copies.all
        return
    if copies.wide:
        yield f"u.w.{form.class_}", copies.wide
    if copies.narrow:
        if copies.side_by_side and copies.narrow > 1 and operand is not None:
            yield f"u.q.{form.class_}", math.ceil(copies.narrow * max(8, operand.bits) / on.bits)
        else:
            yield work.used, copies.narrow


def _work(
    program: Program, kinds: Kinds, on: Machine, weights: Sequence[Copies], alive: Pressure, found: dict[str, float]
) -> None:
    """Sum up pieces of work by class: as the text has them, and as often as they are expected in the code."""
    total = expected = 0.0
    for (form, loop), count in kinds.items():
        own, copies = work(form, on), weights[loop]
        key = own.key
        if key in FREE:
            continue
        pieces, weight = count * own.pieces, copies.all
        found[own.counted] += pieces
        found[own.weighted] += pieces * weight
        if key[0] in "sx":
            for name, times in _split(form, own, copies, on):
                found[name] += pieces * times
        else:
            found[own.used] += pieces * weight
        if own.lanes:
            found[own.by_lane] += count * own.lanes * weight
        if own.halves:
            found["halves"] += count * own.halves * weight
        if key[0] == "v" or key[0] == "s":
            total += pieces
            expected += pieces * weight
        if form.is_strided:
            found["strided"] += count
        if form.is_dynamic:
            found["dynamic"] += count
            found["u.dynamic"] += count * weight
        if form.words:
            found["u.words"] += count * form.words * weight
        if form.is_reassociating:
            found["reassociating"] += count
        if form.class_ in ("math", "other"):
            found["op." + form.name] += pieces * weight
    found["pieces"], found["expected"] = total, expected
    if any(form.class_ == "math" for form, _ in kinds):
        _calls(program, weights, alive, found)


def _transfers(
    program: Program, loops: Sequence[Shape], weights: Sequence[Copies], on: Machine, found: dict[str, float]
) -> None:
    """Count calls of `memcpy` and `memset`, and those that move so little that they are a few vectors instead."""
    for number, shape in enumerate(loops):
        parent = program.loops[number].parent
        if shape.moves and (parent < 0 or not loops[parent].moves):
            times = weights[parent].all if parent >= 0 else 1.0
            pieces = math.ceil(shape.moves * 8 / on.bits)
            if pieces > _INLINE:
                found["u.transfer"] += times
            else:
                found["u.few"] += times * pieces
            found["transfer.bytes"] = max(found["transfer.bytes"], shape.moves)


def _take(form: Form, own: Work, count: int, copies: Copies, on: Machine, found: dict[str, float]) -> None:
    """Count reads that are operands of arithmetic apart from those that are instructions."""
    pieces = own.pieces * count
    for name, times in _split(form, own, copies, on) if own.key[0] in "sx" else [(own.used, copies.all)]:
        found[name] -= pieces * times
        found["u.f" + name[1:]] += pieces * times


def _calls(program: Program, weights: Sequence[Copies], alive: Pressure, found: dict[str, float]) -> None:
    """Sum up the registers that are alive across calls of the C library, which keeps none of them on x86-64."""
    for number, statement in enumerate(program.statements):
        operand = statement.form.operand
        if statement.form.class_ == "math" and operand is not None:
            calls = operand.lanes * weights[statement.loop].all
            found["calls"] += calls
            found["calls.alive"] += alive.folded[number] * calls


def _values(program: Program, on: Machine, found: dict[str, float]) -> None:
    """Describe values: constants that vectors hold, memrefs, and the sizes of vectors in registers."""
    splats = memrefs = integers = narrow = largest = 0
    for life in program.lives:
        value = life.value
        kind = value.kind
        if life.splat:
            splats += 1
        elif kind == "memref":
            memrefs += life.uses > 0
        elif kind == "integer":
            integers += life.constant is None and life.uses > 0
        if kind == "vector":
            largest = max(largest, on.registers_of(value))
            narrow += value.lanes * value.bits < on.bits
    found.update(splats=splats, memrefs=memrefs, integers=integers, narrow=narrow, largest=largest)


def _loops(program: Program, loops: Sequence[Shape], on: Machine, found: dict[str, float]) -> None:
    """Describe the loops that are left, and the largest of them."""
    found["loops"] = len(loops)
    found["loops.whole"] = sum(shape.is_whole for shape in loops)
    found["loops.leaves"] = sum(shape.is_leaf and not shape.is_whole for shape in loops)
    found["loops.auto"] = sum(shape.lanes > 1 for shape in loops)
    for shape in loops:
        found["access.contiguous"] += shape.accesses.contiguous
        found["access.near"] += shape.accesses.near
        found["access.strided"] += shape.accesses.strided
        found["access.fixed"] += shape.accesses.fixed
        found["access.recurrent"] += shape.accesses.is_recurrent
        found["access.serial"] += shape.accesses.is_serial
        if shape.lanes > 1:
            turns = (shape.copies + shape.middle_copies) * shape.inside
            copies = shape.lanes * turns
            # Addresses take 64 bits: as many instructions as those need registers.
            found["l.gathered"] += shape.accesses.strided_loads * copies
            found["u.gathers"] += shape.accesses.strided_loads * math.ceil(shape.lanes * 64 / on.bits) * turns
            found["l.scattered"] += (shape.accesses.strided - shape.accesses.strided_loads) * copies
            found["l.sorted"] += shape.accesses.near * copies
            found["u.reduced"] += shape.accesses.is_recurrent * shape.lanes
    found["loops.unknown"] = sum(shape.turns != shape.turns for shape in loops)
    found["loops.depth"] = max((loop.depth for loop in program.loops), default=0)
    left = [shape for shape in loops if not shape.is_whole]
    found["loops.left"] = sum(shape.left for shape in loops)
    found["loops.code"] = sum(shape.code for loop, shape in zip(program.loops, loops, strict=True) if loop.parent < 0)
    for place, shape in enumerate(sorted((s for s in left if s.is_leaf), key=lambda s: -s.code)[:2]):
        prefix = f"leaf{place}."
        found[prefix + "size"] = shape.size
        found[prefix + "turns"] = -1.0 if math.isnan(shape.turns) else shape.turns
        found[prefix + "lanes"] = shape.lanes
        found[prefix + "interleaved"] = shape.interleaved
        found[prefix + "copies"] = shape.copies
        found[prefix + "middle"] = shape.middle_copies
        found[prefix + "rests"] = shape.rest_copies
        found[prefix + "rest"] = -1.0 if math.isnan(shape.rest) else shape.rest
        found[prefix + "vectors"] = -1.0 if math.isnan(shape.turns) else shape.turns / shape.lanes
