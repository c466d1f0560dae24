"""Emits the decoding of narrow weights at the current insertion point; `kernels/weight_formats.py` defines the formats.

Codes are scalars or fixed vectors of i8 (lm8) or bf16; all that is emitted are integer operations, a select, bitcasts.
"""

from __future__ import annotations

from typing import Final

from ..bindings import arith, ir

WEIGHTS_ATTRIBUTE: Final = "slipstick.weights"
"""On the `linalg.generic` that decodes a matrix of weights: their format, "lm8" or "bf16"."""

_F32_BIAS = 127
_F32_MANTISSA_BITS = 23
_LM8_SHIFT = 20
_BF16_SHIFT = 16
_SIGN = -(1 << 31)
_MAGNITUDE = 0x7F


def code_type(format: str) -> ir.Type:
    """Return the element type that codes of `format` have in memory."""
    return ir.IntegerType.get_signless(8) if format == "lm8" else ir.BF16Type.get()


def has_biases(format: str) -> bool:
    """Tell whether each output channel has an exponent bias, an i32, beside its codes."""
    return format == "lm8"


def code_bits(codes: ir.Value) -> ir.Value:
    """Emit the bits of codes as integers: vectors of bf16 are not shuffled well."""
    if isinstance(_element(codes.type), ir.IntegerType):
        return codes
    return arith.bitcast(_with_element(codes.type, ir.IntegerType.get_signless(16)), codes)


def channel_exponents(biases: ir.Value) -> ir.Value:
    """Emit what lm8's biases, i32, add to the bits of an f32: 2^b, the exponent of a code with E = 0."""
    unbiased = arith.addi(biases, constant_like(biases, _F32_BIAS))
    return arith.shli(unbiased, constant_like(biases, _F32_MANTISSA_BITS))


def decode(format: str, codes: ir.Value, exponents: ir.Value | None) -> ir.Value:
    """Emit the f32 values of codes, or of their bits; `exponents` come from `channel_exponents`, of the same shape."""
    codes = code_bits(codes)
    wide = _with_element(codes.type, ir.IntegerType.get_signless(32))
    floats = _with_element(codes.type, ir.F32Type.get())
    if exponents is None:
        bits = arith.extui(wide, codes)
        return arith.bitcast(floats, arith.shli(bits, constant_like(bits, _BF16_SHIFT)))
    nothing = constant_like(codes, 0)
    is_zero = arith.cmpi(arith.CmpIPredicate.eq, arith.andi(codes, constant_like(codes, _MAGNITUDE)), nothing)
    bits = arith.extsi(wide, codes)
    # The sign is in all bits above the code: one of them ends where f32 has it.
    placed = arith.shli(bits, constant_like(bits, _LM8_SHIFT))
    kept = arith.andi(placed, constant_like(bits, _SIGN | _MAGNITUDE << _LM8_SHIFT))
    return arith.bitcast(floats, arith.addi(kept, arith.select(is_zero, constant_like(bits, 0), exponents)))


def constant_like(like: ir.Value, value: int) -> ir.Value:
    """Emit an integer constant of the type of `like`, an integer or a vector of them."""
    attribute: ir.Attribute = ir.IntegerAttr.get(_element(like.type), value)
    if isinstance(like.type, ir.VectorType):
        attribute = ir.DenseElementsAttr.get_splat(like.type, attribute)
    return arith.ConstantOp(like.type, attribute).result


def _element(type_: ir.Type) -> ir.Type:
    return type_.element_type if isinstance(type_, ir.VectorType) else type_


def _with_element(type_: ir.Type, element: ir.Type) -> ir.Type:
    return ir.VectorType.get(type_.shape, element) if isinstance(type_, ir.VectorType) else element
