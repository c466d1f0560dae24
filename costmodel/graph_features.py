"""A kernel on tensors as named numbers: its operations, shapes and the decision of its schedule, for one CPU."""

from __future__ import annotations

import math
from collections import defaultdict

from ..target import Target
from .nest import Nest, nest, number
from .words import words

_DIMENSIONS = 3
_ARGUMENTS = 6
_ATTRIBUTES = frozenset(
    {"k_block", "m_block", "vector", "pack_depth", "k_unroll", "prefetch", "mantissa_bits", "register_tile"}
)
_UNROLLED = 64
"""Sizes are also given modulo the vector; remainders of longer loops do not matter."""


def graph_features(text: str, target: Target) -> dict[str, float]:
    """Return the features of one kernel's text for a CPU; those that are zero may be missing."""
    sequence = words(text, numbers="exact")
    program = nest(sequence)
    found: dict[str, float] = defaultdict(float)
    found["words"] = len(sequence)
    _operations(program, found)
    _arguments(program, target, found)
    _attributes(sequence, found)
    return dict(found)


def _operations(program: Nest, found: dict[str, float]) -> None:
    """Count operations, the types they name, and the marks on them."""
    deepest = max((op.depth for op in program.ops), default=0)
    found["depth"] = deepest
    found["operations"] = len(program.ops)
    for op in program.ops:
        found[f"op.{op.name}"] += 1
        for type_ in op.types:
            found[f"type.{type_.kind}.{type_.element}"] += 1
            if type_.kind == "vector":
                found[f"vectors.{math.prod(type_.shape) * type_.bits}"] += 1
    for op in program.ops:
        if op.name.startswith(("linalg.", "arith.", "math.")):
            for word in op.words:
                if word in ("parallel", "reduction", "reassoc", "finite", "ieee", "true", "false"):
                    found[f"word.{word}"] += 1


def _arguments(program: Nest, target: Target, found: dict[str, float]) -> None:
    """Give the shapes of the first function's arguments, and the largest shape of any operation."""
    function = next((op for op in program.ops if op.name.endswith(".func")), None)
    if function is not None:
        for place, type_ in enumerate(function.types):
            if place == _ARGUMENTS:
                break
            for axis, size in enumerate(type_.shape[-_DIMENSIONS:][::-1]):
                found[f"argument{place}.size{axis}"] = size
            found[f"argument{place}.rank"] = len(type_.shape)
            found[f"argument{place}.elements"] = math.log2(max(1, math.prod(type_.shape)))
    shapes = [type_.shape for op in program.ops for type_ in op.types]
    widest = max(shapes, key=math.prod, default=())
    for axis, size in enumerate(widest[-_DIMENSIONS:][::-1]):
        found[f"largest.size{axis}"] = size
        found[f"largest.rest{axis}"] = size % _UNROLLED
    if widest:
        bits = max((type_.bits for op in program.ops for type_ in op.types), default=32)
        lanes = max(1, target.vector_bits // max(8, bits))
        found["largest.vectors"], found["largest.tail"] = widest[-1] // lanes, widest[-1] % lanes
        found["largest.elements"] = math.log2(max(1, math.prod(widest)))


def _attributes(sequence: list[str], found: dict[str, float]) -> None:
    """Give the numbers of decisions and marks, by name."""
    for at, word in enumerate(sequence):
        if word in _ATTRIBUTES and at + 2 < len(sequence) and sequence[at + 1] == "=":
            values = sequence[at + 3 : at + 5] if sequence[at + 2] == "[" else sequence[at + 2 : at + 3]
            for place, value in enumerate(values):
                known = number(value)
                if known is not None:
                    found[f"attribute.{word}.{place}"] = known
        elif word in ("packed", "skinny", "rows", "attention") and sequence[at - 1] == "=":
            found[f"kind.{word}"] = 1.0
