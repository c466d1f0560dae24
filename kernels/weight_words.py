"""Emits the decoding of a whole register of narrow weights at a time, for kernels that decode each of them once.

To widen codes one by one costs a shuffle for each vector of f32. Here a register of codes is taken as it stands: as
vectors of 16-bit *words*, each the upper half of an f32, then as f32 whose lower halves are zero. So neighbours in
memory come out in different vectors, the *parts*:

    bf16   2 parts: part p holds codes 2 i + p of the register in its lane i
    lm8    4 parts: part p holds codes 4 i + p

The other operand is brought into the same order by `deinterleaved`, once for many weights.

lm8 may be decoded with `UNIT_BIAS`: each value as if its channel's bias were -15, that is divided by 2^(b + 15), which
`channel_scale` makes up for once a sum. Values are then zero or from 2^-15 to 1.875, their exponent 112 + E: a
constant whose bits E does not touch, so that no channel's exponent needs to be held or added. A power of two changes no
digit, so that products and sums are the same but for where f32 ends: |x| times a weight below 2^-126 or above the
largest f32 before it is scaled. A zero is positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..bindings import arith, ir, vector
from .weight_emit import constant_like

UNIT_BIAS: Final = -15
"""The bias of a channel whose largest magnitude is between 1 and 2."""

_PARTS: Final = {"bf16": 2, "lm8": 4}
_F32_BIAS = 127
_F32_MANTISSA_BITS = 23
_BF16_MANTISSA_BITS = 7
_SHIFT = 4
"""From a code in the upper byte of a word to the place of bf16's exponent and mantissa."""
_SIGN = 0x8000
_MAGNITUDE = 0x07F0


def parts_of(format: str | None) -> int:
    """Return how many vectors of f32 a register of codes holds; None, f32 or f64 themselves: one."""
    return 1 if format is None else _PARTS[format]


def channel_scale(biases: ir.Value) -> ir.Value:
    """Emit 2^(b + 15), f32, for lm8's biases b, i32: what a sum of values decoded with `UNIT_BIAS` is multiplied by."""
    exponents = arith.addi(biases, constant_like(biases, _F32_BIAS - UNIT_BIAS))
    return arith.bitcast(ir.F32Type.get(), arith.shli(exponents, constant_like(biases, _F32_MANTISSA_BITS)))


def word_exponents(biases: ir.Value) -> ir.Value:
    """Emit what lm8's biases, i32, add to the bits of a word, i16: 2^b, the exponent of a code with E = 0."""
    exponents = arith.addi(biases, constant_like(biases, _F32_BIAS))
    bits = arith.shli(exponents, constant_like(biases, _BF16_MANTISSA_BITS))
    return arith.trunci(ir.IntegerType.get_signless(16), bits)


def decode_words(format: str, codes: ir.Value, exponents: ir.Value | None = None) -> list[ir.Value]:
    """Emit the words, vectors of i16, of a register of codes.

    `exponents` come from `word_exponents`, as a vector of as many words; lm8 without them is decoded with `UNIT_BIAS`.
    """
    i16 = ir.IntegerType.get_signless(16)
    length: int = codes.type.shape[0]
    if format == "bf16":
        return [arith.bitcast(ir.VectorType.get([length], i16), codes)]
    pairs = vector.bitcast(ir.VectorType.get([length // 2], i16), codes)
    eight = constant_like(pairs, 8)
    return [_decode_upper(half, exponents) for half in (arith.shli(pairs, eight), pairs)]


def widen_words(words: Sequence[ir.Value]) -> list[ir.Value]:
    """Emit the parts, vectors of f32, of the words of a register of codes."""
    length: int = words[0].type.shape[0] // 2
    i32, f32 = (
        ir.VectorType.get([length], ir.IntegerType.get_signless(32)),
        ir.VectorType.get([length], ir.F32Type.get()),
    )
    pairs = [vector.bitcast(i32, value) for value in words]
    even = [arith.shli(value, constant_like(value, 16)) for value in pairs]
    odd = [arith.andi(value, constant_like(value, -1 << 16)) for value in pairs]
    return [arith.bitcast(f32, value) for value in (*even, *odd)]


def deinterleaved(vectors: Sequence[ir.Value]) -> list[ir.Value]:
    """Emit, of n consecutive vectors, n a power of two, n vectors: lane i of number p is element n i + p."""
    if len(vectors) == 1:
        return list(vectors)
    length = vectors[0].type.shape[0]
    pairs = list(zip(vectors[::2], vectors[1::2], strict=True))
    even, odd = (
        deinterleaved([vector.ShuffleOp(a, b, list(range(side, 2 * length, 2))).result for a, b in pairs])
        for side in (0, 1)
    )
    return [value for both in zip(even, odd, strict=True) for value in both]


def _decode_upper(pairs: ir.Value, exponents: ir.Value | None) -> ir.Value:
    """Emit the words of the codes in the upper bytes."""
    placed = arith.shrsi(pairs, constant_like(pairs, _SHIFT))
    bits = arith.andi(placed, constant_like(pairs, (_SIGN | _MAGNITUDE) - (1 << 16)))
    magnitude = arith.andi(pairs, constant_like(pairs, _MAGNITUDE << _SHIFT))
    nothing = constant_like(pairs, 0)
    is_zero = arith.cmpi(arith.CmpIPredicate.eq, magnitude, nothing)
    if exponents is None:
        # Zeros lose their sign, which no sum shows: so the two constants take one operation.
        unit = constant_like(pairs, (UNIT_BIAS + _F32_BIAS) << _BF16_MANTISSA_BITS)
        return arith.select(is_zero, nothing, arith.ori(bits, unit))
    return arith.addi(bits, arith.select(is_zero, nothing, exponents))
