"""What is known of the magnitudes that L-Mul's policy `finite` would clamp: read off the IR, nothing assumed.

A range says 2^low <= |v| <= 2^high for every element of a value. It is found from constants, from integers that were
converted, from functions with a bounded image, and through what rearranges, chooses or scales; anything else may be of
any size. A value that is an infinity or a NaN by its construction has no range at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..bindings import ir
from ..kernels.lmul import FORMATS, FloatFormat, LMul
from ..kernels.lmul_emit import NOTHING, Proved
from .base import PassContext
from .lmul_scope import element_type
from .values import constant_lanes, defining_op

_OPEN: Final = math.inf
_MAX_VALUES: Final = 200
"""Values that are looked at for one factor: enough for any expression that a person wrote."""


@dataclass(frozen=True)
class Range:
    """Bounds of a magnitude as powers of two: `low` is -inf where it may be zero, `high` inf without a bound."""

    low: float = -_OPEN
    high: float = _OPEN
    finite: bool = True
    """False where a value is an infinity or a NaN by its construction."""

    def join(self, other: Range) -> Range:
        """Return the range of a value that is one of two."""
        return Range(min(self.low, other.low), max(self.high, other.high), self.finite and other.finite)


ANY: Final = Range()


def prove(multiply: ir.Operation, lmul: LMul, ctx: PassContext) -> tuple[Proved, Proved]:
    """Return which bounds of the two factors of `multiply` need no clamp; a remark says it where there is one.

    Raises at `multiply` where a factor is known to be an infinity or a NaN.
    """
    if lmul.specials != "finite":
        return NOTHING, NOTHING
    f = FORMATS[str(element_type(multiply.results[0].type))]
    ranges = finite_ranges(multiply, lmul, ctx)
    if multiply.name not in ("arith.mulf", "math.fma", "vector.fma"):
        return NOTHING, NOTHING
    factors = list(multiply.operands)[:2]
    proved = [_proved(range_, f, is_nonnegative(factor)) for range_, factor in zip(ranges, factors, strict=True)]
    texts = [
        _text(number, *known)
        for number, known in enumerate(zip(proved, ranges, strict=True))
        if known[0].low or known[0].high
    ]
    if texts:
        ctx.remark(multiply, f"'{multiply.name}' under the policy 'finite': {'; '.join(texts)}")
    return proved[0], proved[1]


def is_nonnegative(value: ir.Value, depth: int = 8) -> bool:
    """Tell whether it is certain that no element of `value` has a sign, not even a zero; NaNs are not asked about.

    Looked at are at most `depth` operations, one behind the other.
    """
    op = defining_op(value)
    if op is None or depth == 0:
        return False
    match op.name:
        case "arith.constant":
            number = constant_lanes(value)
            return number is not None and math.copysign(1, number) > 0
        case "math.absf" | "math.exp" | "math.exp2" | "arith.uitofp":
            return True
        case "math.sqrt" | "math.rsqrt" | "vector.broadcast" | "arith.extf" | "arith.truncf":
            return is_nonnegative(op.operands[0], depth - 1)
        case "arith.mulf" if op.operands[0] == op.operands[1]:
            return True
        case "arith.mulf" | "arith.divf":
            return all(is_nonnegative(operand, depth - 1) for operand in op.operands)
        case "arith.addf":
            return _is_nonnegative_sum(op.operands[0], op.operands[1], depth - 1)
        case "arith.maximumf":
            return any(is_nonnegative(operand, depth - 1) for operand in op.operands)
        case _:
            return False


def _is_nonnegative_sum(one: ir.Value, other: ir.Value, depth: int) -> bool:
    """1 + erf x: one of no sign, and another that has none or is no greater."""
    for start, added in ((one, other), (other, one)):
        if is_nonnegative(start, depth):
            least = constant_lanes(start)
            if is_nonnegative(added, depth) or (least is not None and least >= 2.0 ** magnitude(added).high):
                return True
    return False


def magnitude(value: ir.Value) -> Range:
    """Return the range of a value: a float or a shaped type of floats."""
    known: dict[ir.Value, Range] = {}

    def of(value: ir.Value) -> Range:
        if value not in known:
            # Stands for the value while its own operands are looked at: far back or around a loop, nothing is known.
            known[value] = ANY
            if len(known) <= _MAX_VALUES:
                known[value] = _range(value, of)
        return known[value]

    return of(value)


Of = Callable[[ir.Value], Range]
"""Returns the range of another value."""


def _range(value: ir.Value, of: Of) -> Range:
    if isinstance(value, ir.BlockArgument):
        return _of_body_argument(value, of)
    rule = _RULES.get(value.owner.name)
    return ANY if rule is None else rule(value.owner, of)


def finite_ranges(multiply: ir.Operation, lmul: LMul, ctx: PassContext) -> list[Range]:
    """Return the ranges of the two factors; raise at `multiply` where one is an infinity or a NaN under `finite`."""
    ranges = [magnitude(operand) for operand in list(multiply.operands)[:2]]
    for number, range_ in enumerate(ranges):
        if lmul.specials == "finite" and not range_.finite:
            raise ctx.fail(
                multiply,
                f"'{multiply.name}': operand {number} is an infinity or a NaN, which the policy 'finite' cannot clamp: "
                "use specials=ieee, or leave it out of the scope",
            )
    return ranges


def _proved(range_: Range, f: FloatFormat, nonnegative: bool) -> Proved:
    low, high = range_.low >= -f.clamp_exponent, range_.high <= f.clamp_exponent
    return Proved(low, high, nonnegative, shrinks=range_.high <= -1)


def _text(number: int, proved: Proved, range_: Range) -> str:
    low, high = f"2^{range_.low:.4g}", f"2^{range_.high:.4g}"
    if proved.low and proved.high:
        return f"operand {number} is in [{low}, {high}], not clamped"
    if proved.high:
        return f"operand {number} is at most {high}, clamped from below only"
    return f"operand {number} is at least {low}, clamped from above only"


def _constant(op: ir.Operation, of: Of) -> Range:
    return _of_attribute(op.attributes["value"])


def _global(op: ir.Operation, of: Of) -> Range:
    """Return the range of a constant that bufferisation has made a global."""
    root = op
    while root.parent is not None:
        root = root.parent.operation
    name = ir.FlatSymbolRefAttr(op.attributes["name"]).value
    for other in root.regions[0].blocks[0].operations:
        found = other.operation
        if found.name == "memref.global" and ir.StringAttr(found.attributes["sym_name"]).value == name:
            known = "constant" in found.attributes and "initial_value" in found.attributes
            return _of_attribute(found.attributes["initial_value"]) if known else ANY
    return ANY


def _of_attribute(attribute: ir.Attribute) -> Range:
    if isinstance(attribute, ir.FloatAttr):
        return _of_numbers(np.array([attribute.value]))
    if isinstance(attribute, ir.DenseFPElementsAttr):
        if attribute.is_splat:
            return _of_numbers(np.array([attribute.get_splat_value().value]))
        try:
            return _of_numbers(np.array([float(number) for number in attribute]))
        except TypeError:  # the bindings read no element of bf16 and smaller types
            return ANY
    return ANY


def _of_numbers(numbers: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Range:
    if not np.all(np.isfinite(numbers)):
        return Range(finite=False)
    magnitudes = np.abs(numbers)
    if not magnitudes.size or not magnitudes.min():
        return Range(high=math.log2(magnitudes.max()) if magnitudes.size and magnitudes.max() else -_OPEN)
    return Range(math.log2(magnitudes.min()), math.log2(magnitudes.max()))


def _converted_integer(op: ir.Operation, of: Of) -> Range:
    integer = element_type(op.operands[0].type)
    width = integer.width if isinstance(integer, ir.IntegerType) else 64
    signed = op.name == "arith.sitofp"
    return Range(high=width - 1 if signed else width)


def _bounded_by_one(op: ir.Operation, of: Of) -> Range:
    return Range(high=0.0)


def _same(op: ir.Operation, of: Of) -> Range:
    return of(op.operands[0])


def _widened(op: ir.Operation, of: Of) -> Range:
    """A finite number of a narrow format lies below 2^(bias + 1), whatever it came from."""
    source = of(op.operands[0])
    narrow = FORMATS.get(str(element_type(op.operands[0].type)))
    return source if narrow is None else Range(source.low, min(source.high, narrow.bias + 1), source.finite)


def _choice(op: ir.Operation, of: Of) -> Range:
    one, other = list(op.operands)[-2:]
    return of(one).join(of(other))


def _bounded_choice(op: ir.Operation, of: Of) -> Range:
    """The maximum or minimum of a value and an infinity may be either: only what is certain is passed on."""
    one, other = (of(operand) for operand in op.operands)
    return Range(min(one.low, other.low), max(one.high, other.high), one.finite or other.finite)


def _square_root(op: ir.Operation, of: Of) -> Range:
    inner = of(op.operands[0])
    return Range(inner.low / 2, inner.high / 2, inner.finite)


def _sum(op: ir.Operation, of: Of) -> Range:
    return Range(high=max(of(operand).high for operand in op.operands) + 1)


_RULES: Final = {
    "arith.addf": _sum,
    "arith.constant": _constant,
    "arith.extf": _widened,
    "arith.maximumf": _bounded_choice,
    "arith.maxnumf": _bounded_choice,
    "arith.minimumf": _bounded_choice,
    "arith.minnumf": _bounded_choice,
    "arith.negf": _same,
    "arith.select": _choice,
    "arith.sitofp": _converted_integer,
    "arith.subf": _sum,
    "arith.uitofp": _converted_integer,
    "linalg.fill": _same,
    "linalg.transpose": _same,
    "linalg.broadcast": _same,
    "memref.get_global": _global,
    "memref.collapse_shape": _same,
    "memref.expand_shape": _same,
    "math.absf": _same,
    "math.cos": _bounded_by_one,
    "math.erf": _bounded_by_one,
    "math.sin": _bounded_by_one,
    "math.sqrt": _square_root,
    "math.tanh": _bounded_by_one,
    "tensor.cast": _same,
    "tensor.collapse_shape": _same,
    "tensor.expand_shape": _same,
    "tensor.extract": _same,
    "tensor.extract_slice": _same,
    "tensor.splat": _same,
    "vector.broadcast": _same,
    "vector.extract": _same,
    "vector.shape_cast": _same,
    "vector.shuffle": _choice,
    "vector.transpose": _same,
}


def _of_body_argument(value: ir.BlockArgument, of: Of) -> Range:
    """Return the range of an input of a linalg body: that of the elements it goes over."""
    op = value.owner.owner.operation
    if not op.name.startswith("linalg.") or "operandSegmentSizes" not in op.attributes:
        return ANY
    number = value.arg_number
    if number >= op.attributes["operandSegmentSizes"][0]:
        return ANY
    operand = op.operands[number]
    if isinstance(operand, ir.BlockArgument):
        return of(operand)
    producer = operand.owner
    if producer.name != "linalg.generic":
        return of(operand)
    if any("parallel" not in str(kind) for kind in producer.attributes["iterator_types"]):
        return ANY
    number = ir.OpResult(operand).result_number
    maps = [attribute.value for attribute in producer.attributes["indexing_maps"]]
    if not maps[producer.attributes["operandSegmentSizes"][0] + number].is_permutation:
        return ANY
    yielded = list(producer.regions[0].blocks[0].operations)[-1].operands[number]
    return of(yielded)
