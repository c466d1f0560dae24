"""How many values are alive at once: the least number of registers, before anything is unrolled."""

from __future__ import annotations

from dataclasses import dataclass

from .nest import Nest, Op

_FLOATS = frozenset({"f64", "f32", "f16", "bf16"})
_INTEGERS = frozenset({"index", "i64", "i32", "i16", "i8", "i1"})


@dataclass(frozen=True)
class Pressure:
    """Most values alive at one operation, by what holds them."""

    floats: int
    """Scalars of floating point, which vectors will hold."""
    vectors: int
    others: int
    """Integers, indices, pointers."""


def pressure(program: Nest) -> Pressure:
    """Return the pressure of a program's values in order; what a loop reads from outside lives as long as the loop."""
    kinds: list[str] = []
    begins: list[int] = []
    ends: list[int] = []
    for index, op in enumerate(program.ops):
        kind = _kind(op)
        # A use is counted from the definitions that come before it in the text, those of the same operation included.
        for word in op.words:
            if word[0] != "%":
                continue
            if word == "%":
                kinds.append(kind)
                begins.append(index)
                ends.append(index)
            elif word[1:].isdigit():
                value = len(begins) - int(word[1:])
                if value >= 0:
                    ends[value] = max(ends[value], _until(program, index, begins[value]))
    changes = [{"floats": 0, "vectors": 0, "others": 0} for _ in range(len(program.ops) + 2)]
    for kind, begin, end in zip(kinds, begins, ends, strict=True):
        # A result may take the register of an operand that is read for the last time.
        changes[begin][kind] += 1
        changes[max(end, begin + 1)][kind] -= 1
    alive = {"floats": 0, "vectors": 0, "others": 0}
    most = dict(alive)
    for change in changes:
        for kind, by in change.items():
            alive[kind] += by
            most[kind] = max(most[kind], alive[kind])
    return Pressure(**most)


def _until(program: Nest, reader: int, definition: int) -> int:
    """Return the operation up to which a value is alive that `reader` reads."""
    until, loop = reader, program.ops[reader].loop
    while loop >= 0 and program.loops[loop].begin > definition:
        until = max(until, program.loops[loop].end)
        loop = program.loops[loop].parent
    return until


def _kind(op: Op) -> str:
    """Return what an operation's results are, by the last type that it names."""
    shaped = op.types
    if shaped and shaped[-1].kind == "vector":
        return "vectors"
    if shaped:
        return "floats" if op.name == "memref.load" and shaped[-1].element in _FLOATS else "others"
    named = [word for word in op.words if word in _FLOATS or word in _INTEGERS]
    return "floats" if named and named[-1] in _FLOATS else "others"
