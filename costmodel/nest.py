"""The loops of a text and what stands in them: a program read back from its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

_LOOPS = frozenset({"scf.for", "scf.parallel", "scf.forall", "scf.while", "affine.for", "affine.parallel"})
_ELEMENT_BITS = {"f64": 64, "i64": 64, "index": 64, "f32": 32, "i32": 32, "f16": 16, "bf16": 16, "i16": 16, "i8": 8}
_BOOLEAN_BITS = 1


@dataclass(frozen=True)
class Type:
    """A type in a text: `tensor`, `memref` or `vector` with its dimensions, 0 for one that is not known."""

    kind: str
    shape: tuple[int, ...]
    element: str

    @property
    def bits(self) -> int:
        """The size of an element."""
        return _ELEMENT_BITS.get(self.element, _BOOLEAN_BITS)


@dataclass
class Op:
    """One operation."""

    name: str
    depth: int
    """Loops around it."""
    loop: int
    """The number of the innermost loop around it; -1: none."""
    words: list[str] = field(default_factory=list)
    """What follows its name, up to the next operation or region."""

    @cached_property
    def types(self) -> list[Type]:
        """The shaped types that it names, in order."""
        return list(_types(self.words))


@dataclass
class Loop:
    """One loop."""

    parent: int
    depth: int
    trips: float
    """Turns, 1 where the bounds are not known."""
    begin: int
    """The number of the first operation in it."""
    end: int = 0
    """The number of the first operation behind it."""
    is_innermost: bool = True


@dataclass
class Nest:
    """Operations in order and their loops."""

    ops: list[Op]
    loops: list[Loop]


def nest(sequence: list[str]) -> Nest:
    """Return the nest that words of scheme `ops+operands` with exact numbers describe."""
    ops: list[Op] = []
    loops: list[Loop] = []
    around: list[int | None] = []
    """For each open region, the number of the loop that it is the body of; None where it is of no loop."""
    current: list[int] = []
    for word in sequence:
        if word == "{":
            opener = ops[-1] if ops else None
            if opener is not None and opener.name in _LOOPS:
                if current:
                    loops[current[-1]].is_innermost = False
                loops.append(Loop(current[-1] if current else -1, len(current) + 1, trips(opener.words), len(ops)))
                current.append(len(loops) - 1)
                around.append(len(loops) - 1)
            else:
                around.append(None)
        elif word == "}":
            closed = around.pop() if around else None
            if closed is not None:
                loops[closed].end = len(ops)
                current.pop()
        elif word[0] == ":" and len(word) > 1:
            ops.append(Op(word[1:], len(current), current[-1] if current else -1))
        elif ops:
            ops[-1].words.append(word)
    return Nest(ops, loops)


def number(word: str) -> int | float | None:
    """Return the number that an exact word is, None where it is none."""
    if word[0] != "⟨" or word == "⟨⟩":
        return None
    text = word[1:-1]
    try:
        return int(text)
    except ValueError:
        return float(text)


def trips(words: list[str]) -> float:
    """Return how often a loop turns whose operation has these words: `= LOW to HIGH step STEP`, or `in SIZES`."""
    if "to" in words:
        at = words.index("to")
        low, high = number(words[at - 1]), number(words[at + 1]) if at + 1 < len(words) else None
        step: int | float | None = 1
        if "step" in words[at:] and words.index("step", at) + 1 < len(words):
            step = number(words[words.index("step", at) + 1])
        if low is not None and high is not None and step:
            return max(0.0, -((low - high) // step))
    if "in" in words:
        total = 1.0
        for word in words[words.index("in") + 1 :]:
            size = number(word)
            if size is None:
                break
            total *= size
        return total
    return 1.0


def _types(words: list[str]) -> Iterator[Type]:
    for at, word in enumerate(words):
        if word in ("tensor", "memref", "vector") and at + 1 < len(words) and words[at + 1] == "<":
            shape = []
            for size in words[at + 2 :]:
                if size == "?":
                    shape.append(0)
                elif (known := number(size) if size[0] == "⟨" else None) is not None:
                    shape.append(int(known))
                elif size not in "[]":
                    yield Type(word, tuple(shape), size)
                    break
