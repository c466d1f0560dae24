"""MLIR text as named numbers: what the trees and the linear models read."""

from __future__ import annotations

import math
from collections import defaultdict

from ..target import Target
from .nest import Loop, Nest, nest, number
from .pressure import pressure
from .words import words

_DIMENSIONS = 3
_ARGUMENTS = 6
_ATTRIBUTES = frozenset(
    {"k_block", "m_block", "vector", "pack_depth", "k_unroll", "prefetch", "mantissa_bits", "register_tile"}
)
_UNROLLED = 64
"""Sizes are also given modulo the vector; remainders of longer loops do not matter."""


def target_features(target: Target) -> dict[str, float]:
    """Return what is known of a CPU."""
    return {
        "target.vector_bits": target.vector_bits,
        "target.vector_registers": target.vector_registers,
        "target.l1_kib": target.l1d_bytes >> 10,
        "target.l2_kib": target.l2_bytes >> 10,
        "target.aarch64": float(target.architecture == "aarch64"),
        f"cpu.{target.cpu}": 1.0,
    }


def text_features(text: str, target: Target) -> dict[str, float]:
    """Return the features of one kernel's text for a CPU; those that are zero may be missing."""
    sequence = words(text, numbers="exact")
    program = nest(sequence)
    found: dict[str, float] = defaultdict(float)
    found.update(target_features(target))
    found["words"] = len(sequence)
    found["graph"] = float(not any(op.name.startswith("memref.") for op in program.ops))
    _operations(program, found)
    _loops(program, target, found)
    _arguments(program, found)
    _attributes(sequence, found)
    alive = pressure(program)
    found["alive.floats"], found["alive.vectors"], found["alive.others"] = alive.floats, alive.vectors, alive.others
    return dict(found)


def _operations(program: Nest, found: dict[str, float]) -> None:
    """Count operations: all, those in innermost loops, and by the size of the vectors they work on."""
    deepest = max((op.depth for op in program.ops), default=0)
    found["depth"] = deepest
    found["operations"] = len(program.ops)
    for op in program.ops:
        found[f"op.{op.name}"] += 1
        if op.loop >= 0 and program.loops[op.loop].is_innermost:
            found[f"inner.{op.name}"] += 1
        for type_ in op.types:
            found[f"type.{type_.kind}.{type_.element}"] += 1
            if type_.kind == "vector":
                found[f"vectors.{math.prod(type_.shape) * type_.bits}"] += 1
    for op in program.ops:
        if op.name.startswith(("linalg.", "arith.", "math.")):
            for word in op.words:
                if word in ("parallel", "reduction", "reassoc", "finite", "ieee", "true", "false"):
                    found[f"word.{word}"] += 1


def _loops(program: Nest, target: Target, found: dict[str, float]) -> None:
    """Describe the innermost loops: number, turns, how turns divide into vectors; and the three largest one by one."""
    innermost = [loop for loop in program.loops if loop.is_innermost]
    found["loops"], found["loops.inner"] = len(program.loops), len(innermost)
    largest = sorted(innermost, key=lambda loop: loop.begin - loop.end)[:3]
    for place, loop in enumerate(largest):
        lanes = max(1, target.vector_bits // _width(program, loop))
        prefix = f"loop{place}."
        found[prefix + "trips"] = loop.trips
        found[prefix + "vectors"] = loop.trips / lanes
        found[prefix + "rest"] = loop.trips % lanes
        found[prefix + "whole"] = float(loop.trips % (4 * lanes) == 0)
        found[prefix + "operations"] = loop.end - loop.begin
        found[prefix + "turns"] = math.log2(max(1.0, _turns(program, loop)))
        found[prefix + "depth"] = loop.depth
        found[prefix + "bits"] = _width(program, loop)
        for op in program.ops[loop.begin : loop.end]:
            found[f"{prefix}{op.name}"] += 1


def _turns(program: Nest, loop: Loop) -> float:
    total = loop.trips
    while loop.parent >= 0:
        loop = program.loops[loop.parent]
        total *= max(1.0, loop.trips)
    return total


def _width(program: Nest, loop: Loop) -> int:
    """Return the widest element that a loop loads or stores, in bits."""
    widest = 0
    for op in program.ops[loop.begin : loop.end]:
        for type_ in op.types:
            if type_.kind == "memref":
                widest = max(widest, type_.bits)
    return max(8, widest or 32)


def _arguments(program: Nest, found: dict[str, float]) -> None:
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
