"""Which operations multiply floats, and which scope of L-Mul each belongs to.

A multiply inside a contraction on tensors or memrefs (`linalg.generic` or a named operation, convolutions included)
belongs to `linear` where one of the factors is a parameter: an argument of the enclosing function or a constant, seen
through transposes, broadcasts, reshapes, slices and casts. Where both factors are computed, it belongs to `attention`.
Every other multiply is `elementwise`; scalars and vectors in loops too, which no longer show what they came from.

Positions and their angles (`passes/lmul_angles.py`) belong to no scope: integer and index arithmetic are never touched.

`op:PATTERN` and `layer:PATTERN` choose by the name of the operation (the multiply's or that of the linalg operation
that holds it) and by the attribute `slipstick.layer`, with the wildcards of shells.
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from ..bindings import ir, linalg
from ..errors import ArgumentError
from ..kernels.lmul import FORMATS, LMul, ScopeClass
from ..kernels.weight_emit import WEIGHTS_ATTRIBUTE
from .base import PassContext
from .layer import LAYER
from .lmul_angles import is_angle_of_position, is_position
from .walk import find

MARK: Final = "slipstick.lmul"
"""The attribute that `lmul-mark` puts on operations: `{mantissa_bits = 4 : i64, rounding = "truncate", ...}`."""

OPEN_BODIES: Final = frozenset({"linalg.generic", "linalg.map", "linalg.reduce"})
"""The linalg operations whose body is part of their text; the bodies of others follow from their names."""

_MULTIPLIES: Final = frozenset({"arith.mulf", "math.fma", "vector.fma"})
_VECTOR_CONTRACTIONS: Final = frozenset({"vector.contract", "vector.outerproduct"})
_VECTOR_REDUCTIONS: Final = frozenset({"vector.reduction", "vector.multi_reduction", "vector.scan"})

_BEFORE_LLVM: Final = "run this pass before the conversion to LLVM"
_TOSA: Final = "lower it with tosa-to-linalg-named or tosa-to-linalg first"
_UNFOLD: Final = "lower it to arith.mulf first"

_LOWER_FIRST: Final = {
    "affine.parallel": "write its product as a loop-carried arith.mulf first",
    "complex.mul": "lower it with convert-complex-to-standard first",
    "linalg.winograd_filter_transform": _UNFOLD,
    "linalg.winograd_input_transform": _UNFOLD,
    "linalg.winograd_output_transform": _UNFOLD,
    "llvm.fmul": _BEFORE_LLVM,
    "llvm.intr.fma": _BEFORE_LLVM,
    "llvm.intr.fmuladd": _BEFORE_LLVM,
    "llvm.intr.matrix.multiply": _BEFORE_LLVM,
    "llvm.intr.vector.reduce.fmul": _BEFORE_LLVM,
    "memref.atomic_rmw": "lower it with memref-expand first",
    "tm_tensor.attention": "lower it with tm-tensor-to-loops first",
    "tosa.conv2d": _TOSA,
    "tosa.conv3d": _TOSA,
    "tosa.depthwise_conv2d": _TOSA,
    "tosa.matmul": _TOSA,
    "tosa.mul": _TOSA,
    "tosa.transpose_conv2d": _TOSA,
    "vector.multi_reduction": "lower it with lower-vector-multi-reduction first",
    "vector.scan": _UNFOLD,
}
"""Operations that multiply floats in a form that the rewrite does not reach, and what to do about it."""

_HIDING_DIALECTS: Final = ("linalg.", "tm_tensor.", "torch.", "tosa.")
"""Where the operations that must be lowered first may be contractions."""

_ATOMIC_MULF: Final = 12
"""arith's AtomicRMWKind for a product of floats."""

_VIEWS: Final = frozenset(
    {
        "arith.extf",
        "arith.truncf",
        "bufferization.to_buffer",
        "bufferization.to_tensor",
        "linalg.broadcast",
        "linalg.copy",
        "linalg.pack",
        "linalg.transpose",
        "linalg.unpack",
        "memref.cast",
        "memref.collapse_shape",
        "memref.expand_shape",
        "memref.reinterpret_cast",
        "memref.subview",
        "memref.transpose",
        "tensor.cast",
        "tensor.collapse_shape",
        "tensor.expand_shape",
        "tensor.extract_slice",
        "tensor.reshape",
    }
)
"""Operations whose result is their first operand's elements, rearranged, repeated or converted."""

_CONSTANTS: Final = frozenset(
    {"arith.constant", "memref.get_global", "ml_program.global_load", "ml_program.global_load_const"}
)


def multiplies(root: ir.Operation) -> list[ir.Operation]:
    """Return the operations under `root`, itself included, that multiply floats, the bodies of named ones included."""
    return find(root, _multiplies_floats)


def mark_multiplies(op: ir.Operation) -> None:
    """Move the mark of a `linalg.generic` to its multiplies: fused, it would reach those of the other body too."""
    if MARK not in op.attributes:
        return
    for multiply in multiplies(op):
        if MARK not in multiply.attributes:
            multiply.attributes[MARK] = op.attributes[MARK]


def advice_to_lower(multiply: ir.Operation) -> str | None:
    """Return what must be done before a multiply in such a form can be rewritten; None where it can."""
    if multiply.name.startswith("torch."):
        return "lower it to linalg first"
    return _LOWER_FIRST.get(multiply.name)


def structured_op(op: ir.Operation) -> ir.Operation | None:
    """Return the innermost linalg operation whose body holds `op`."""
    parent = op.parent
    while parent is not None and not _is_function(parent):
        if parent.name.startswith("linalg."):
            return parent.operation
        parent = parent.parent
    return None


def in_scope(multiply: ir.Operation, scope: str) -> bool:
    """Return whether a multiply belongs to a part of `scope`, which `LMul` describes.

    One that cannot be told before it is lowered belongs to each of the classes.
    """
    if not any(_in_part(multiply, part) for part in scope.split("+")):
        return False
    return not is_angle_of_position(multiply) and not is_position(multiply)


def _in_part(multiply: ir.Operation, part: str) -> bool:
    kind, colon, pattern = part.partition(":")
    holder = structured_op(multiply)
    if not colon:
        return part == "all" or multiply.name.startswith(_HIDING_DIALECTS) or scope_of(multiply) == part
    if kind == "op":
        return any(op is not None and fnmatchcase(op.name, pattern) for op in (multiply, holder))
    return any(
        op is not None and LAYER in op.attributes and fnmatchcase(op.attributes[LAYER].value, pattern)
        for op in (multiply, holder)
    )


def scope_of(multiply: ir.Operation) -> ScopeClass:
    """Return the scope that a multiply belongs to."""
    holder = structured_op(multiply)
    if holder is None or not (linalg.isa_contraction_op(holder) or linalg.isa_convolution_op(holder)):
        return "elementwise"
    inputs = list(holder.operands)[: holder.attributes["operandSegmentSizes"][0]]
    return "linear" if any(_is_parameter(value) for value in inputs if _is_float(value.type)) else "attention"


def read_mark(op: ir.Operation, ctx: PassContext) -> LMul:
    """Return the configuration that the mark of `op` says; raise where the mark is no configuration."""
    mark = op.attributes[MARK]
    try:
        if not isinstance(mark, ir.DictAttr):
            raise ArgumentError(f"expected a dictionary, found {mark}")
        fields = {}
        for named in mark:
            if not isinstance(named.attr, (ir.IntegerAttr, ir.StringAttr)):
                raise ArgumentError(f"expected an integer or a string in '{named.name}', found {named.attr}")
            fields[named.name] = named.attr.value
        unknown = sorted(fields.keys() - {"mantissa_bits", "offset", "rounding", "scope", "specials"})
        if unknown:
            raise ArgumentError(f"no such entry: '{unknown[0]}'")
        # The scope says what the operation is; the rewrite is the same.
        return replace(LMul(**fields), scope="all")
    except ArgumentError as error:
        raise ctx.fail(op, f"'{op.name}': attribute '{MARK}' is no configuration of L-Mul: {error}") from error


def check_format(op: ir.Operation, type_: ir.Type, lmul: LMul, ctx: PassContext) -> None:
    """Raise at `op` where floats of `type_` have fewer mantissa bits than `lmul` is to keep, or are not known."""
    element = str(element_type(type_))
    if element not in FORMATS:
        known = ", ".join(FORMATS)
        raise ctx.fail(
            op,
            f"'{op.name}' multiplies {element}, L-Mul only {known}: "
            "widen it with arith-emulate-unsupported-floats first",
        )
    try:
        lmul.check_format(FORMATS[element])
    except ArgumentError as error:
        raise ctx.fail(op, f"'{op.name}': {error}") from error


def element_type(type_: ir.Type) -> ir.Type:
    """Return the element type of a shaped type, another type itself."""
    return type_.element_type if isinstance(type_, ir.ShapedType) else type_


def _multiplies_floats(op: ir.Operation) -> bool:
    name = op.name
    if name in _MULTIPLIES:
        return True
    if name in _VECTOR_CONTRACTIONS:
        return _is_float(op.results[0].type)
    if name in _VECTOR_REDUCTIONS:
        return str(op.attributes["kind"]) == "#vector.kind<mul>" and _is_float(op.results[0].type)
    if name == "memref.atomic_rmw":
        return int(op.attributes["kind"]) == _ATOMIC_MULF
    if name == "affine.parallel":
        return any(int(kind) == _ATOMIC_MULF for kind in op.attributes["reductions"])
    if name.startswith("torch.aten."):
        return True
    return name in _LOWER_FIRST and any(_is_float(value.type) for value in op.results)


def _is_float(type_: ir.Type) -> bool:
    element = element_type(type_)
    return isinstance(element, (ir.FloatType, ir.ComplexType))


def _is_parameter(value: ir.Value) -> bool:
    """Return whether `value` is a function's argument or a constant, seen through what only rearranges or converts."""
    while not isinstance(value, ir.BlockArgument):
        producer = value.owner
        if producer.name in _CONSTANTS:
            return True
        if producer.name not in _VIEWS and not _is_rearrangement(producer):
            return False
        value = producer.operands[0]
    block = value.owner
    return _is_function(block.owner) and block == block.region.blocks[0]


def _is_rearrangement(op: ir.Operation) -> bool:
    """Return whether `op` is a `linalg.generic` that yields its one input, converted at most, or decodes weights."""
    if WEIGHTS_ATTRIBUTE in op.attributes:
        return True
    if op.name != "linalg.generic" or list(op.attributes["operandSegmentSizes"]) != [1, 1]:
        return False
    body = op.regions[0].blocks[0]
    value = list(body.operations)[-1].operands[0]
    while not isinstance(value, ir.BlockArgument) and value.owner.name in ("arith.extf", "arith.truncf"):
        value = value.owner.operands[0]
    return isinstance(value, ir.BlockArgument) and value == body.arguments[0]


def _is_function(op: ir.Operation) -> bool:
    return "function_type" in op.attributes
