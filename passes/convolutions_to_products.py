"""Make matrix products of convolutions: the windows of an image as columns, times the kernel as a matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from ..bindings import arith, ir, linalg, scf, tensor
from .base import Pass, PassContext
from .walk import find

BATCHED: Final = {
    "linalg.conv_1d_ncw_fcw": 1,
    "linalg.conv_2d_nchw_fchw": 1,
    "linalg.conv_3d_ncdhw_fcdhw": 1,
    "linalg.conv_2d_ngchw_gfchw": 2,
}
"""The convolutions that are rewritten, and how many dimensions before the channels say which image it is."""


@dataclass(frozen=True)
class ConvolutionsToProducts(Pass):
    """Turn convolutions of known sizes, images channel by channel, into `linalg.matmul` of kernel and columns.

    A column holds what the kernel sees at one place: its channels, and in each the window. Where the kernel is a single
    pixel and skips none, the image itself is the columns. Images of a batch, and groups of channels, follow one another
    in a loop, so that there are columns of one image only at a time. Depthwise convolutions stay: they are no products.
    """

    name: ClassVar[str] = "convolutions-to-products"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite each convolution under `op`."""
        for convolution in find(op, _is_known_convolution):
            _Rewrite(convolution).run()
            ctx.count("convolutions made products")


def _is_known_convolution(op: ir.Operation) -> bool:
    return (
        op.name in BATCHED
        and len(op.results) == 1
        and all(ir.RankedTensorType(operand.type).has_static_shape for operand in op.operands)
        and all(math.prod(ir.RankedTensorType(operand.type).shape) > 0 for operand in op.operands)
        and len({str(ir.RankedTensorType(operand.type).element_type) for operand in op.operands}) == 1
    )


class _Rewrite:
    """One convolution: image [n..., c, s...], kernel [g..., f, c, k...], result [n..., f, o...].

    With two dimensions in front of the channels, image and group, the kernel has the group's.
    """

    def __init__(self, op: ir.Operation):
        self.op = op
        self.image, self.kernel, self.init = op.operands
        self.leading = BATCHED[op.name]
        self.element = ir.RankedTensorType(self.init.type).element_type
        result = list(ir.RankedTensorType(self.init.type).shape)
        kernel = list(ir.RankedTensorType(self.kernel.type).shape)[self.leading - 1 :]
        self.images, self.filters, self.places = result[: self.leading], kernel[0], result[self.leading + 1 :]
        self.channels, self.window = kernel[1], kernel[2:]
        self.space = list(ir.RankedTensorType(self.image.type).shape)[self.leading + 1 :]
        self.strides, self.dilations = (_numbers(op, name, len(self.window)) for name in ("strides", "dilations"))

    def run(self) -> None:
        with ir.InsertionPoint(self.op), self.op.location:
            result = self._over_images(0, [], self.init)
        self.op.results[0].replace_all_uses_with(result)
        self.op.erase()

    def _over_images(self, level: int, numbers: list[ir.Value | int], init: ir.Value) -> ir.Value:
        """Return all images' results, in a loop where there are several."""
        if level == len(self.images):
            return self._one(numbers, init)
        if self.images[level] == 1:
            return self._over_images(level + 1, [*numbers, 0], init)
        bounds = (arith.constant(ir.IndexType.get(), value) for value in (0, self.images[level], 1))
        loop = scf.ForOp(*bounds, [init])
        with ir.InsertionPoint(loop.body):
            result = self._over_images(level + 1, [*numbers, loop.induction_variable], loop.inner_iter_args[0])
            scf.YieldOp([result])
        value: ir.Value = loop.results[0]
        return value

    def _one(self, numbers: list[ir.Value | int], init: ir.Value) -> ir.Value:
        """Return the tensor of all results with that of one image and group in its place."""
        depth, place_count = self.channels * math.prod(self.window), math.prod(self.places)
        image = self._slice(self.image, numbers, [self.channels, *self.space])
        kernel = self._slice(self.kernel, numbers[1:], [self.filters, self.channels, *self.window])
        mine = self._slice(init, numbers, [self.filters, *self.places])
        columns = self._collapsed(self._columns(image), [self.channels, *self._unit_window()], self.places)
        matrix = self._collapsed(kernel, [self.filters], [self.channels, *self.window])
        into = self._collapsed(mine, [self.filters], self.places)
        assert ir.RankedTensorType(columns.type).shape == [depth, place_count]
        product = linalg.matmul(matrix, columns, outs=[into])
        for name in self.op.attributes:
            if name.startswith("slipstick."):
                product.owner.attributes[name] = self.op.attributes[name]
        shape = [self.filters, *self.places]
        groups = [[0], list(range(1, len(shape)))]
        result = tensor.ExpandShapeOp(self._type(shape), product, groups, [], shape).result
        return self._inserted(result, init, numbers)

    def _columns(self, image: ir.Value) -> ir.Value:
        """Return what the kernel sees: [c, k..., o...]; the image itself where that is the same."""
        if not self._unit_window():
            return image
        count = len(self.window)
        loops = 1 + 2 * count
        place = [ir.AffineDimExpr.get(1 + count + d) for d in range(count)]
        within = [ir.AffineDimExpr.get(1 + d) for d in range(count)]
        read = [
            ir.AffineExpr.get_add(
                ir.AffineExpr.get_mul(o, ir.AffineConstantExpr.get(stride)),
                ir.AffineExpr.get_mul(k, ir.AffineConstantExpr.get(dilation)),
            )
            for o, k, stride, dilation in zip(place, within, self.strides, self.dilations, strict=True)
        ]
        maps = [
            ir.AffineMap.get(loops, 0, [ir.AffineDimExpr.get(0), *read]),
            ir.AffineMap.get_identity(loops),
        ]
        shape = [self.channels, *self.window, *self.places]
        empty = tensor.EmptyOp(shape, self.element).result
        generic = linalg.GenericOp(
            [empty.type],
            [image],
            [empty],
            ir.ArrayAttr.get([ir.AffineMapAttr.get(m) for m in maps]),
            ir.ArrayAttr.get([ir.Attribute.parse("#linalg.iterator_type<parallel>")] * loops),
        )
        body = generic.regions[0].blocks.append(self.element, self.element)
        with ir.InsertionPoint(body):
            linalg.YieldOp([body.arguments[0]])
        value: ir.Value = generic.results[0]
        return value

    def _unit_window(self) -> list[int]:
        """Return the window, or nothing where it is one pixel that skips none."""
        plain = all(size == 1 for size in (*self.window, *self.strides)) and self.space == self.places
        return [] if plain else self.window

    def _collapsed(self, value: ir.Value, rows: Sequence[int], columns: Sequence[int]) -> ir.Value:
        """Return a tensor [rows..., columns...] as a matrix."""
        if len(rows) == len(columns) == 1:
            return value
        groups = [list(range(len(rows))), list(range(len(rows), len(rows) + len(columns)))]
        return tensor.CollapseShapeOp(self._type([math.prod(rows), math.prod(columns)]), value, groups).result

    def _slice(self, value: ir.Value, numbers: Sequence[ir.Value | int], shape: Sequence[int]) -> ir.Value:
        """Return the part of a tensor that belongs to one image and group, without those dimensions."""
        if not numbers:
            return value
        static, dynamic = _offsets(numbers, len(shape))
        sizes = [1] * len(numbers) + list(shape)
        return tensor.ExtractSliceOp(self._type(shape), value, dynamic, [], [], static, sizes, [1] * len(sizes)).result

    def _inserted(self, value: ir.Value, into: ir.Value, numbers: Sequence[ir.Value | int]) -> ir.Value:
        static, dynamic = _offsets(numbers, 1 + len(self.places))
        sizes = [1] * len(numbers) + [self.filters, *self.places]
        return tensor.InsertSliceOp(value, into, dynamic, [], [], static, sizes, [1] * len(sizes)).result

    def _type(self, shape: Sequence[int]) -> ir.RankedTensorType:
        return ir.RankedTensorType.get(list(shape), self.element)


def _offsets(numbers: Sequence[ir.Value | int], rest: int) -> tuple[list[int], list[ir.Value]]:
    dynamic = [number for number in numbers if not isinstance(number, int)]
    unknown = ir.ShapedType.get_dynamic_stride_or_offset()
    static = [number if isinstance(number, int) else unknown for number in numbers]
    return static + [0] * rest, dynamic


def _numbers(op: ir.Operation, name: str, count: int) -> list[int]:
    """Return an attribute of one number for each dimension of space; 1 where it is not there."""
    if name not in op.attributes:
        return [1] * count
    return [int(value) for value in ir.DenseIntElementsAttr(op.attributes[name])]
