"""Which forms a program is compiled in: exact and L-Mul, formats of weights, ways to fuse."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import get_args

from ...kernels.lmul import LMul, Specials
from .program import Program
from .session import Form

_MANTISSA_BITS = (3, 4, 5, 7)
_NARROW = ("bf16", "lm8")


def forms(program: Program, count: int) -> list[Form]:
    """Return the program as it is and up to `count` other forms, none twice; the same ones for the same name."""
    rng = random.Random(f"forms-{program.name}")
    first = Form(weights=program.weights)
    found = {first: None}
    for _ in range(8 * count):
        if len(found) > count:
            break
        found.setdefault(_other(program, first, rng))
    return list(found)


def _other(program: Program, first: Form, rng: random.Random) -> Form:
    has_products = "matmul" in program.text or "conv_" in program.text
    choice = rng.random()
    if choice < 0.25 and program.text.count("linalg.generic") > 1:
        return Form(
            weights=first.weights, fusion=rng.choice(("none", "none", "no-epilogues" if has_products else "none"))
        )
    if choice < 0.5 and "slipstick.parameter" in program.text and has_products:
        return Form(weights=rng.choice(_NARROW), lmul=_lmul(rng) if rng.random() < 0.3 else None)
    return Form(lmul=_lmul(rng), weights=first.weights)


def _lmul(rng: random.Random) -> LMul:
    specials: Sequence[Specials] = get_args(Specials)
    return LMul(mantissa_bits=rng.choice(_MANTISSA_BITS), specials=rng.choice((*specials, "finite")))


def describe(lmul: LMul | None) -> str:
    """Return the column `lmul`: empty for exact arithmetic."""
    return "" if lmul is None else f"k={lmul.mantissa_bits} {lmul.specials}"
