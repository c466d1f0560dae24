"""The sizes of a convolution over images stored channel by channel, and the tensors that make a product of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ..bindings import ir, linalg, tensor

BATCHED: Final = {
    "linalg.conv_1d_ncw_fcw": 1,
    "linalg.conv_2d_nchw_fchw": 1,
    "linalg.conv_3d_ncdhw_fcdhw": 1,
    "linalg.conv_2d_ngchw_gfchw": 2,
}
"""The convolutions that become products, and how many dimensions before the channels say which image it is."""


@dataclass(frozen=True)
class Convolution:
    """A convolution of known sizes: image [n..., c, s...], kernel [g..., f, c, k...], result [n..., f, o...].

    With two dimensions in front of the channels, image and group, the kernel has the group's.
    """

    op: ir.Operation
    images: list[int]
    """Sizes of the dimensions in front of the channels."""
    channels: int
    space: list[int]
    filters: int
    window: list[int]
    places: list[int]
    strides: list[int]
    dilations: list[int]

    @classmethod
    def of(cls, op: ir.Operation) -> Convolution:
        """Return the sizes of one of `BATCHED`, whose operands have static shapes."""
        image, kernel, result = (list(ir.RankedTensorType(operand.type).shape) for operand in op.operands)
        leading = BATCHED[op.name]
        kernel = kernel[leading - 1 :]
        strides, dilations = (_numbers(op, name, len(kernel) - 2) for name in ("strides", "dilations"))
        space, places = image[leading + 1 :], result[leading + 1 :]
        return cls(op, result[:leading], kernel[1], space, kernel[0], kernel[2:], places, strides, dilations)

    @property
    def image(self) -> ir.Value:
        """The first operand."""
        return self.op.operands[0]

    @property
    def kernel(self) -> ir.Value:
        """The second operand."""
        return self.op.operands[1]

    @property
    def init(self) -> ir.Value:
        """The tensor that the sums start with."""
        return self.op.operands[2]

    def type(self, shape: Sequence[int]) -> ir.RankedTensorType:
        """Return the type of a tensor of these elements."""
        return ir.RankedTensorType.get(list(shape), ir.RankedTensorType(self.init.type).element_type)

    def read(self, place: Iterable[int], within: Iterable[int]) -> list[ir.AffineExpr]:
        """Return where in space the loops `place`, of the result, and `within`, of the window, read the image."""
        return [
            ir.AffineExpr.get_add(
                ir.AffineExpr.get_mul(ir.AffineDimExpr.get(o), ir.AffineConstantExpr.get(stride)),
                ir.AffineExpr.get_mul(ir.AffineDimExpr.get(k), ir.AffineConstantExpr.get(dilation)),
            )
            for o, k, stride, dilation in zip(place, within, self.strides, self.dilations, strict=True)
        ]

    def product(self, a: ir.Value, b: ir.Value, into: ir.Value) -> ir.Value:
        """Return the product of two matrices, added to `into`, with what is noted on the convolution."""
        product: ir.Value = linalg.matmul(a, b, outs=[into])
        for name in self.op.attributes:
            if name.startswith("slipstick."):
                product.owner.attributes[name] = self.op.attributes[name]
        return product


def windows(image: ir.Value, shape: Sequence[int], read: Sequence[ir.AffineExpr]) -> ir.Value:
    """Return a tensor of `shape`, one loop a dimension, of what each place of `image` named by `read` holds."""
    element = ir.RankedTensorType(image.type).element_type
    loops = len(shape)
    maps = [ir.AffineMap.get(loops, 0, list(read)), ir.AffineMap.get_identity(loops)]
    empty = tensor.EmptyOp(list(shape), element).result
    generic = linalg.GenericOp(
        [empty.type],
        [image],
        [empty],
        ir.ArrayAttr.get([ir.AffineMapAttr.get(m) for m in maps]),
        ir.ArrayAttr.get([ir.Attribute.parse("#linalg.iterator_type<parallel>")] * loops),
    )
    body = generic.regions[0].blocks.append(element, element)
    with ir.InsertionPoint(body):
        linalg.YieldOp([body.arguments[0]])
    value: ir.Value = generic.results[0]
    return value


def collapsed(value: ir.Value, rows: Sequence[int], columns: Sequence[int]) -> ir.Value:
    """Return a tensor [rows..., columns...] as a matrix."""
    if len(rows) == len(columns) == 1:
        return value
    type_ = ir.RankedTensorType(value.type)
    matrix = ir.RankedTensorType.get([math.prod(rows), math.prod(columns)], type_.element_type)
    return tensor.CollapseShapeOp(matrix, value, _groups(rows, columns)).result


def expanded(value: ir.Value, rows: Sequence[int], columns: Sequence[int]) -> ir.Value:
    """Return a matrix as a tensor [rows..., columns...]."""
    shape = [*rows, *columns]
    type_ = ir.RankedTensorType.get(shape, ir.RankedTensorType(value.type).element_type)
    return tensor.ExpandShapeOp(type_, value, _groups(rows, columns), [], shape).result


def _groups(rows: Sequence[int], columns: Sequence[int]) -> list[list[int]]:
    return [list(range(len(rows))), list(range(len(rows), len(rows) + len(columns)))]


def _numbers(op: ir.Operation, name: str, count: int) -> list[int]:
    """Return an attribute of one number for each dimension of space; 1 where it is not there."""
    if name not in op.attributes:
        return [1] * count
    return [int(value) for value in ir.DenseIntElementsAttr(op.attributes[name])]
