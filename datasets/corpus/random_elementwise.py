"""Random element-wise programs: expressions over tensors, rows and numbers that are broadcast."""

from __future__ import annotations

import random

from .program import Program, Writer, element, size, tensor

_BINARY = ("arith.addf", "arith.subf", "arith.mulf", "arith.divf", "arith.maximumf", "arith.minimumf")
_UNARY = ("math.absf", "arith.negf", "math.sqrt", "math.exp", "math.tanh", "math.erf", "math.log", "math.rsqrt")
_RARE = ("math.sin", "math.cos", "math.log1p", "math.expm1", "math.floor")
_COMPARISONS = ("olt", "ogt", "oeq", "une")


def elementwise(seed: int) -> Program:
    """Return one element-wise program: 1 to 3 dimensions, 1 to 4 inputs, 1 to 14 operations."""
    rng = random.Random(f"elementwise-{seed}")
    type_ = "f64" if rng.random() < 0.15 else "f32"
    rank = rng.choice((1, 2, 2, 3))
    shape = [size(rng, 1, 64) for _ in range(rank - 1)] + [size(rng, 4, 4096)]
    writer = Writer()
    inputs = [operand(writer, rng, shape, type_) for _ in range(rng.randint(1, 4))]
    body, result = expression(rng, [f"%i{n}" for n in range(len(inputs))], rng.randint(1, 14), type_)
    empty = writer.emit(f"tensor.empty() : {tensor(shape, type_)}")
    output = (empty, tensor(shape, type_), identity(rank))
    value = writer.generic(inputs, output, ["parallel"] * rank, body, result)
    return Program(f"random-elementwise-{seed}", "random-elementwise", writer.text(value, tensor(shape, type_)), seed)


def operand(writer: Writer, rng: random.Random, shape: list[int], type_: str) -> tuple[str, str, str]:
    """Return an input of the whole shape, or of a trailing or a leading part of it that is broadcast."""
    rank = len(shape)
    dims = list(range(rank))
    kind = rng.random()
    if kind < 0.2:
        dims = dims[-1:]
    elif kind < 0.28 and rank > 1:
        dims = dims[:1]
    of_type = tensor([shape[dim] for dim in dims], type_)
    argument = writer.argument([shape[dim] for dim in dims], type_)
    return argument, of_type, f"({_names(range(rank))}) -> ({_names(dims)})"


def expression(rng: random.Random, values: list[str], count: int, type_: str) -> tuple[list[str], str]:
    """Return the lines of a random expression over all `values` with some `count` operations more, and its result."""
    lines: list[str] = []
    unread = list(values)
    known = list(values)

    def emit(text: str, result_type: str = type_) -> str:
        name = f"%e{len(lines)}"
        lines.append(f"{name} = {text}")
        if result_type == type_:
            known.append(name)
            unread.append(name)
        return name

    def take() -> str:
        value = unread.pop(rng.randrange(len(unread))) if unread and rng.random() < 0.8 else rng.choice(known)
        if value in unread:
            unread.remove(value)
        return value

    for _ in range(count):
        kind = rng.random()
        if kind < 0.5:
            emit(f"{rng.choice(_BINARY)} {take()}, {take()} : {type_}")
        elif kind < 0.65:
            number = emit(f"arith.constant {rng.uniform(-4, 4):e} : {type_}", "constant")
            emit(f"{rng.choice(_BINARY)} {take()}, {number} : {type_}")
        elif kind < 0.9:
            emit(f"{rng.choice(_UNARY if rng.random() < 0.85 else _RARE)} {take()} : {type_}")
        else:
            left, right = take(), rng.choice(known)
            condition = emit(f"arith.cmpf {rng.choice(_COMPARISONS)}, {left}, {right} : {type_}", "i1")
            emit(f"arith.select {condition}, {take()}, {rng.choice(known)} : {type_}")
    while len(unread) > 1:
        emit(f"{rng.choice(_BINARY)} {unread.pop(0)}, {unread.pop(0)} : {type_}")
    return lines, (unread or known)[-1]


def identity(rank: int) -> str:
    """Return the map of an operand that is read in order."""
    return f"({_names(range(rank))}) -> ({_names(range(rank))})"


def _names(dims: range | list[int]) -> str:
    return ", ".join(f"d{dim}" for dim in dims)


__all__ = ["element", "elementwise", "expression", "identity", "operand"]
