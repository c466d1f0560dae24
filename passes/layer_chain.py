"""Find the layers of a decoder in its graph: a chain of equal stretches that hand one value on.

Nothing is annotated: a layer is what repeats. It may read what all layers share (a mask, rotary angles, a slot) and
what is its own (weights, caches); it returns one value that the next layer alone reads, the hidden state, and caches
that it has written into, which the function returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..bindings import ir
from .block_sequence import BlockSequence
from .outline_layers import comparable, share
from .repeats import Repeat, find_repeats, occurrences
from .values import defining_op

LEAST_OPERATIONS = 12
"""A shorter stretch is no layer of a decoder."""
_CANDIDATES = 8


@dataclass(frozen=True)
class Layer:
    """One layer: the operations `start` to before `end` of a block's sequence."""

    start: int
    end: int
    given: ir.Value
    """The hidden state that it reads."""
    hidden: ir.Value
    """The hidden state that it makes."""
    caches: tuple[tuple[ir.Value, ir.Value], ...] = ()
    """What else it returns, each with what it is made of by writing into it: that is what it is without the layer."""


class NoLayers(ValueError):
    """There is no chain of layers. `where` is the operation that is to blame, None where it is the whole function."""

    def __init__(self, text: str, where: ir.Operation | None = None):
        super().__init__(text)
        self.where = where


def find_layers(block: ir.Block, least: int = LEAST_OPERATIONS) -> tuple[BlockSequence, list[Layer]]:
    """Return the operations of `block` and its layers, in the order in which they run.

    What all layers share is moved ahead of them. A layer has at least `least` operations, not counting what is cheap.
    Raises `NoLayers`, with the reason why the best candidate is none.
    """
    while True:
        sequence = BlockSequence.of(block)
        repeats = find_repeats(comparable(sequence), least)
        candidates = [repeat for _, repeat in zip(range(_CANDIDATES), repeats, strict=False)]
        if not candidates:
            raise NoLayers(f"no stretch of at least {least} operations repeats: there are no layers")
        if not share(sequence, candidates[0]):
            break
    problem: NoLayers | None = None
    for candidate in candidates:
        for by in range(candidate.slack + 1):
            try:
                return sequence, _chain(sequence, candidate.rotated(by))
            except NoLayers as found:
                problem = problem or found
    assert problem is not None
    raise problem


def _chain(sequence: BlockSequence, repeat: Repeat) -> list[Layer]:
    """Return the repeat as layers; raise where it is none."""
    starts, length = repeat.starts, repeat.length
    first = sequence.operations[starts[0]]
    if len(starts) < 2:
        raise NoLayers("what repeats occurs once: there are no layers", first)
    everywhere = occurrences(np.asarray(comparable(sequence), dtype=np.int64), starts[0], length)
    if any(after - before != length for before, after in pairwise(starts)):
        raise NoLayers("what repeats does not stand side by side", first)
    if len(everywhere) != len(starts):
        others = [start for start in everywhere if start not in starts]
        text = f"what repeats stands side by side {len(starts)} times of {len(everywhere)}"
        raise NoLayers(text, _operation(sequence, others[0]))
    flow = sequence.data_flow(starts[0], length)
    for start in starts[1:]:
        if sequence.data_flow(start, length) != flow:
            raise NoLayers(
                "what repeats does not read its values in the same way each time", _operation(sequence, start)
            )
    link = _link(sequence, repeat)
    layers = []
    for number, start in enumerate(starts):
        hidden = _result(sequence, start, link[1])
        caches = []
        for place in sequence.results(start, length):
            value = _result(sequence, start, place)
            if value != hidden:
                caches.append((value, _written_into(sequence, value, start, length)))
            elif number + 1 < len(starts):
                _check_readers(sequence, value, starts[number + 1], length)
        given = sequence.arguments(start, length)[link[0]]
        if given.type != hidden.type:
            text = f"a layer takes {given.type} and makes {hidden.type}: a layer cannot be left out"
            raise NoLayers(text, _operation(sequence, start))
        layers.append(Layer(start, start + length, given, hidden, tuple(caches)))
    return layers


def _link(sequence: BlockSequence, repeat: Repeat) -> tuple[int, tuple[int, int]]:
    """Return the argument that is the hidden state of the stretch before, and the place of that in a stretch."""
    links: set[tuple[int, tuple[int, int]]] = set()
    for before, start in pairwise(repeat.starts):
        found = [
            (number, (sequence.places[value][0] - before, sequence.places[value][1]))
            for number, value in enumerate(sequence.arguments(start, repeat.length))
            if repeat.starts[0] <= sequence.places.get(value, (-1, 0))[0]
        ]
        if len(found) != 1:
            text = f"expected one value that a layer hands to the next, the hidden state, found {len(found)}"
            raise NoLayers(text, _operation(sequence, start))
        links.update(found)
    if len(links) != 1 or not 0 <= next(iter(links))[1][0] < repeat.length:
        raise NoLayers(
            "the layers do not hand on their hidden state in the same way", _operation(sequence, repeat.starts[1])
        )
    return links.pop()


def _operation(sequence: BlockSequence, position: int) -> ir.Operation:
    return sequence.operations[position]


def _result(sequence: BlockSequence, start: int, place: tuple[int, int]) -> ir.Value:
    value: ir.Value = sequence.operations[start + place[0]].results[place[1]]
    return value


def _check_readers(sequence: BlockSequence, hidden: ir.Value, start: int, length: int) -> None:
    """Raise where another than the next layer reads the hidden state."""
    for reader in sequence.readers.get(hidden, ()):
        if not start <= reader < start + length:
            raise NoLayers(
                "the hidden state behind a layer is read outside the next layer", _operation(sequence, reader)
            )


def _written_into(sequence: BlockSequence, value: ir.Value, start: int, length: int) -> ir.Value:
    """Return the argument of the function that a layer makes `value` of by inserting slices; raise where it is not.

    Nothing but the function's return may read it outside the layer.
    """
    made = sequence.operations[sequence.places[value][0]]
    source = value
    while (op := defining_op(source)) is not None and op.name in ("tensor.insert_slice", "scf.for"):
        first = 3 if op.name == "scf.for" else 1
        source = op.operands[first + list(op.results).index(source)]
    readers = [
        _operation(sequence, reader) for reader in sequence.readers[value] if not start <= reader < start + length
    ]
    others = [reader for reader in readers if reader.name != "func.return"]
    if op is not None or others:
        text = "a layer makes more than its hidden state and arguments that it writes slices of: it cannot be left out"
        raise NoLayers(text, others[0] if others else made)
    return source
