"""Emits the integer sequences of L-Mul at the current insertion point and location of the MLIR bindings.

Operands are f16, bf16, f32 or f64: scalars, vectors (fixed or scalable) or statically shaped tensors of them. Only
integer operations, comparisons, selects and bitcasts are emitted. What they compute is said in `kernels/lmul.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..bindings import arith, ir
from ..errors import ArgumentError
from .lmul import FORMATS, FloatFormat, LMul


@dataclass(frozen=True)
class Proved:
    """What is known of an operand under the policy `finite`: which bounds of its magnitude need no clamp, and more."""

    low: bool = False
    """The magnitude is at least 2^-e: never zero."""
    high: bool = False
    """The magnitude is at most 2^e."""
    nonnegative: bool = False
    """The sign bit is 0, that of a zero too."""
    shrinks: bool = False
    """The magnitude is at most 1/2."""


NOTHING = Proved()


def float_format(type_: ir.Type) -> FloatFormat | None:
    """Return the format of a float type, or of the elements of a shaped type; None where L-Mul does not know it."""
    return FORMATS.get(str(_element(type_)))


def expand(lmul: LMul, x: ir.Value, y: ir.Value, x_proved: Proved = NOTHING, y_proved: Proved = NOTHING) -> ir.Value:
    """Emit the whole product of `x` and `y`, which have one type; the result has it too.

    Raises ArgumentError for operands of another kind or of two types, and for more mantissa bits than the type has.
    """
    if x.type != y.type:
        raise ArgumentError(f"L-Mul: expected operands of one type, found {x.type} and {y.type}")
    if lmul.specials == "ieee":
        return _expand_ieee(lmul, x, y)
    if x == y:  # the signs cancel
        x_proved = y_proved = replace(x_proved, nonnegative=True)
    xbits, ybits = prepare(lmul, x, x_proved), prepare(lmul, y, y_proved)
    return combine(lmul, xbits, fold_offset(lmul, ybits, x.type), x.type)


def prepare(lmul: LMul, x: ir.Value, proved: Proved = NOTHING) -> ir.Value:
    """Emit the bits of `x` as the policy `finite` adds them: truncated or rounded, magnitude clamped, sign kept.

    The result is an integer (or a vector or tensor of integers) as wide as the float. For kernels that pack operands.
    The bounds that are `proved` are not clamped to.
    """
    f = _supported(x.type)
    lmul.check_format(f)
    bits = arith.bitcast(_integers(x.type, f.width), x)
    dropped = lmul.dropped_bits(f)
    if proved.low and proved.high:
        return _shortened(lmul, bits, f)
    if dropped and lmul.rounding == "truncate":
        low, high = constant(bits, f.clamp_low), constant(bits, f.clamp_high)
        bounds = None if proved.low else low, None if proved.high else high
        return clamped(lmul, bits, f, bounds, proved.nonnegative)
    # The sign is shifted out, not masked: LLVM makes `fabs` of that mask, which it scalarises for bf16 vectors.
    one = constant(bits, 1)
    doubled = arith.shli(bits, one)
    if not proved.low:
        doubled = arith.maxui(doubled, constant(bits, f.clamp_low << 1))
    if not proved.high:
        doubled = arith.minui(doubled, constant(bits, f.clamp_high << 1))
    magnitude = arith.shrui(doubled, one)
    if dropped:
        magnitude = _truncated(_nudged(magnitude, dropped), f, dropped)
    return _signed(magnitude, bits, f, proved.nonnegative)


def clamped(
    lmul: LMul, bits: ir.Value, f: FloatFormat, bounds: tuple[ir.Value | None, ir.Value | None], nonnegative: bool
) -> ir.Value:
    """Emit the bits with k mantissa bits, fewer than there are, cut off, the magnitude's within the bounds."""
    low, high = bounds
    magnitude = _truncated(bits, f, lmul.dropped_bits(f))
    if low is not None:
        magnitude = arith.maxsi(magnitude, low)
    if high is not None:
        magnitude = arith.minsi(magnitude, high)
    return _signed(magnitude, bits, f, nonnegative)


def _signed(magnitude: ir.Value, bits: ir.Value, f: FloatFormat, nonnegative: bool) -> ir.Value:
    return magnitude if nonnegative else arith.ori(magnitude, arith.andi(bits, constant(bits, f.sign_mask)))


def _shortened(lmul: LMul, bits: ir.Value, f: FloatFormat) -> ir.Value:
    """Emit the bits with k mantissa bits, sign and all: a magnitude within the clamp carries nowhere near the sign."""
    dropped = lmul.dropped_bits(f)
    if not dropped:
        return bits
    if lmul.rounding == "rne":
        bits = _nudged(bits, dropped)
    return arith.andi(bits, constant(bits, -1 << dropped))


def fold_offset(lmul: LMul, bits: ir.Value, float_type: ir.Type) -> ir.Value:
    """Emit the subtraction of the offset from one operand's prepared bits, whose elements are of `float_type`."""
    return arith.subi(bits, constant(bits, lmul.subtrahend(_supported(float_type))))


def combine(lmul: LMul, xbits: ir.Value, ybits_with_offset: ir.Value, float_type: ir.Type) -> ir.Value:
    """Emit the product of prepared operands, one of them with the offset folded in: one integer addition and a bitcast.

    The addition is of whole words: magnitudes are clamped and cannot carry into the sign, and the signs add modulo 2.
    `float_type` is the result's element type, or a shaped type of it.
    """
    _supported(float_type)
    total = arith.addi(xbits, ybits_with_offset)
    return arith.bitcast(_with_element(total.type, _element(float_type)), total)


def _expand_ieee(lmul: LMul, x: ir.Value, y: ir.Value) -> ir.Value:
    """Emit the product under the policy `ieee`.

    Each magnitude is turned, modulo 2^(width - 1), so that NaNs come first, then zero, subnormal and normal numbers,
    and infinity is the greatest: the lesser and the greater of two then tell what both operands are, with one test a
    class. (To mask the sign of the bits themselves would be `fabs` to LLVM, which hides the magnitude's sign from
    comparisons and is scalarised for bf16 vectors.) The sum of two finite magnitudes, turned or rounded or not, is
    unsigned and exact in the format's own width.
    """
    f = _supported(x.type)
    lmul.check_format(f)
    xbits, ybits = (arith.bitcast(_integers(x.type, f.width), v) for v in (x, y))

    def const(value: int) -> ir.Value:
        return constant(xbits, value)

    turn, greatest = f.magnitude_mask - f.infinity, const(f.magnitude_mask)
    xturned, yturned = (arith.andi(arith.addi(v, const(turn)), greatest) for v in (xbits, ybits))
    lesser, greater = arith.minsi(xturned, yturned), arith.maxsi(xturned, yturned)
    is_infinite = _equal(greater, greatest)
    is_small = _less(lesser, const(turn + f.smallest_normal))
    # A NaN is less than zero's place; zero itself is one beside an infinity.
    is_nan = _less(arith.addi(lesser, arith.extsi(xbits.type, is_infinite)), const(turn))

    dropped, offset = lmul.dropped_bits(f), lmul.subtrahend(f)
    if dropped:
        # The sign may take part in rounding: it is masked out afterwards and carries nowhere.
        rounded = [_nudged(v, dropped) if lmul.rounding == "rne" else v for v in (xbits, ybits)]
        total = arith.addi(*(_truncated(v, f, dropped) for v in rounded))
    else:
        total, offset = arith.addi(xturned, yturned), offset + 2 * turn

    # Cut to the sum that gives infinity, the difference fits a signed word, negative where the sum is small.
    magnitude = arith.subi(arith.minui(total, const(offset + f.infinity)), const(offset))
    is_small = arith.ori(is_small, _less(magnitude, const(f.smallest_normal)))
    magnitude = arith.select(is_small, const(0), magnitude)
    magnitude = arith.select(is_infinite, const(f.infinity), magnitude)
    sign = arith.andi(arith.xori(xbits, ybits), const(f.sign_mask))
    return arith.bitcast(x.type, arith.select(is_nan, const(f.quiet_nan), arith.ori(magnitude, sign)))


def _truncated(bits: ir.Value, f: FloatFormat, dropped: int) -> ir.Value:
    """Emit the magnitude of `bits` without the `dropped` trailing mantissa bits."""
    return arith.andi(bits, constant(bits, f.magnitude_mask & (-1 << dropped)))


def _nudged(bits: ir.Value, dropped: int) -> ir.Value:
    """Emit an addition after which truncation rounds to nearest, ties to even; `dropped` is at least 1."""
    # Half a unit in the last kept place, less one where that place is even: ties go to even, more goes up.
    odd = arith.andi(arith.shrui(bits, constant(bits, dropped)), constant(bits, 1))
    return arith.addi(arith.addi(bits, constant(bits, (1 << (dropped - 1)) - 1)), odd)


def _equal(x: ir.Value, y: ir.Value) -> ir.Value:
    return arith.cmpi(arith.CmpIPredicate.eq, x, y)


def _less(x: ir.Value, y: ir.Value) -> ir.Value:
    return arith.cmpi(arith.CmpIPredicate.slt, x, y)


def constant(like: ir.Value, value: int) -> ir.Value:
    """Emit an integer constant, a splat where `like` is shaped; `value` is taken modulo the width."""
    type_ = like.type
    element = _element(type_)
    signed = ((value + (1 << (element.width - 1))) & ((1 << element.width) - 1)) - (1 << (element.width - 1))
    attribute: ir.Attribute = ir.IntegerAttr.get(element, signed)
    if isinstance(type_, ir.ShapedType):
        attribute = ir.DenseElementsAttr.get_splat(type_, attribute)
    return arith.ConstantOp(type_, attribute).result


def _supported(type_: ir.Type) -> FloatFormat:
    """Return the format of the elements of a type that L-Mul can be emitted for; raise ArgumentError for others."""
    f = float_format(type_)
    if f is None:
        raise ArgumentError(f"L-Mul: expected elements of {', '.join(FORMATS)}, found {type_}")
    if isinstance(type_, ir.RankedTensorType) and not type_.has_static_shape:
        raise ArgumentError(f"L-Mul: expected a tensor of static shape, found {type_}")
    return f


def _element(type_: ir.Type) -> ir.Type:
    return type_.element_type if isinstance(type_, ir.ShapedType) else type_


def _integers(type_: ir.Type, width: int) -> ir.Type:
    return _with_element(type_, ir.IntegerType.get_signless(width))


def _with_element(type_: ir.Type, element: ir.Type) -> ir.Type:
    """Return `element`, shaped as `type_` is."""
    if isinstance(type_, ir.VectorType):
        return ir.VectorType.get(type_.shape, element, scalable=type_.scalable_dims)
    if isinstance(type_, ir.RankedTensorType):
        return ir.RankedTensorType.get(type_.shape, element, type_.encoding)
    return element
