"""What a kernel does to the elements of a contraction's result before it stores them, and the code for it.

An epilogue is a function of one sum and of operands that lie beside the result: a bias, a residual, a scale. It is
data, so that kernels with the same epilogue are one kernel:

    operands (COLUMN, FULL)                        a bias [N] and a residual [M, N]
    steps    arith.addf(2, 0), arith.addf(3, 1)    values are numbered: operands, then the sum, then the steps' results
    result   4

It is emitted for vectors of neighbouring columns or for single elements. There are two places for it, a decision:

    "registers"   on the register tile, before it is stored: no traffic at all, but few registers are free there
    "tile"        in a loop over the rows of the tile just stored, still in the first-level cache, with all registers

A third says that the kernel does not do it: "apart", a loop of its own behind the kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from ..bindings import ir, memref, vector

EPILOGUE_ATTRIBUTE: Final = "slipstick.epilogue"
"""On the element-wise `linalg.generic` behind a contraction that its kernel does: the place."""

EpiloguePlace: TypeAlias = Literal["registers", "tile"]
PLACES: Final[tuple[EpiloguePlace, ...]] = get_args(EpiloguePlace)
APART: Final = "apart"
"""The value of the attribute on an epilogue that is not fused."""

Dims: TypeAlias = tuple[int, ...]
"""By which dimensions of the result an operand is indexed, in their order: 0 counts rows, 1 columns."""

SCALAR: Final[Dims] = ()
ROW: Final[Dims] = (0,)
COLUMN: Final[Dims] = (1,)
FULL: Final[Dims] = (0, 1)


@dataclass(frozen=True)
class Step:
    """One operation on scalars of `arith` or `math`, with the numbers of its operands."""

    name: str
    operands: tuple[int, ...]
    attributes: tuple[tuple[str, ir.Attribute], ...]
    type: ir.Type


@dataclass(frozen=True)
class Epilogue:
    """What is stored in place of a sum."""

    operands: tuple[Dims, ...]
    steps: tuple[Step, ...]
    result: int
    place: EpiloguePlace

    def types(self, element: ir.Type) -> list[ir.Type]:
        """Return the types that a kernel has for the operands: strided memrefs, whose columns are contiguous."""
        dynamic, stride = ir.ShapedType.get_dynamic_size(), ir.ShapedType.get_dynamic_stride_or_offset()
        return [
            ir.MemRefType.get(
                [dynamic] * len(dims),
                element,
                ir.StridedLayoutAttr.get(stride, [1 if dim == 1 else stride for dim in dims]),
            )
            for dims in self.operands
        ]

    def emit(self, values: Sequence[ir.Value]) -> ir.Value:
        """Emit the steps for the operands and the sum, which are of one type: scalars or vectors of them."""
        shaped, known = values[-1].type, list(values)
        for step in self.steps:
            attributes = dict(step.attributes)
            type_ = _like(shaped, step.type)
            if step.name == "arith.constant" and isinstance(type_, ir.VectorType):
                attributes["value"] = ir.DenseElementsAttr.get_splat(type_, attributes["value"])
            operands = [known[number] for number in step.operands]
            known.append(ir.Operation.create(step.name, [type_], operands, attributes=attributes).results[0])
        return known[self.result]


def emit_epilogue(
    epilogue: Epilogue,
    operands: Sequence[ir.Value],
    value: ir.Value,
    row: ir.Value,
    column: ir.Value,
    mask: ir.Value | None = None,
) -> ir.Value:
    """Emit what is stored in place of `value`, a sum or a vector of sums, at `row` and from `column` on.

    `operands` are memrefs of `Epilogue.types`; what a vector's `mask` leaves out is not read.
    """
    loaded = [
        _load(operand, dims, value.type, row, column, mask)
        for operand, dims in zip(operands, epilogue.operands, strict=True)
    ]
    return epilogue.emit([*loaded, value])


def _load(
    operand: ir.Value, dims: Dims, type_: ir.Type, row: ir.Value, column: ir.Value, mask: ir.Value | None
) -> ir.Value:
    at = [(row, column)[dim] for dim in dims]
    if not isinstance(type_, ir.VectorType):
        return memref.load(operand, at)
    if 1 not in dims:
        return vector.broadcast(type_, memref.load(operand, at))
    if mask is None:
        return vector.load(type_, operand, at)
    zero = ir.DenseElementsAttr.get_splat(type_, ir.FloatAttr.get(type_.element_type, 0.0))
    nothing = ir.Operation.create("arith.constant", [type_], attributes={"value": zero}).results[0]
    return vector.maskedload(type_, operand, at, mask, nothing)


def _like(shaped: ir.Type, element: ir.Type) -> ir.Type:
    """Return `element`, or a vector of it as long as `shaped` where that is one."""
    return ir.VectorType.get(shaped.shape, element) if isinstance(shaped, ir.VectorType) else element
