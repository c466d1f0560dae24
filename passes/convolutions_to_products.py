"""Make matrix products of convolutions: the windows of an image as columns, times the kernel as a matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import arith, ir, scf, tensor
from .base import Pass, PassContext
from .convolution import BATCHED, Convolution, collapsed, expanded, windows
from .convolution_all_images import all_images, has_few_places
from .walk import find


@dataclass(frozen=True)
class ConvolutionsToProducts(Pass):
    """Turn convolutions of known sizes, images channel by channel, into `linalg.matmul` of kernel and columns.

    A column holds what the kernel sees at one place: its channels, and in each the window. Where the kernel is a single
    pixel and skips none, the image itself is the columns. Images of a batch, and groups of channels, follow one another
    in a loop, so that there are columns of one image only at a time. The columns of all images make one product where
    each has few places: so it is with the gradient by a kernel, whose images are the channels, and whose places are
    those of the kernel. Depthwise convolutions stay: they are no products.
    """

    name: ClassVar[str] = "convolutions-to-products"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite each convolution under `op`."""
        for convolution in find(op, _is_known_convolution):
            sizes = Convolution.of(convolution)
            with ir.InsertionPoint(convolution), convolution.location:
                result = all_images(sizes) if has_few_places(sizes) else _OneByOne(sizes).run()
            convolution.results[0].replace_all_uses_with(result)
            convolution.erase()
            ctx.count("convolutions made products")


def _is_known_convolution(op: ir.Operation) -> bool:
    return (
        op.name in BATCHED
        and len(op.results) == 1
        and all(ir.RankedTensorType(operand.type).has_static_shape for operand in op.operands)
        and all(math.prod(ir.RankedTensorType(operand.type).shape) > 0 for operand in op.operands)
        and len({str(ir.RankedTensorType(operand.type).element_type) for operand in op.operands}) == 1
    )


class _OneByOne:
    """The product of each image and group on its own, in place in the result of all."""

    def __init__(self, sizes: Convolution):
        self.sizes = sizes

    def run(self) -> ir.Value:
        return self._over_images(0, [], self.sizes.init)

    def _over_images(self, level: int, numbers: list[ir.Value | int], init: ir.Value) -> ir.Value:
        """Return all images' results, in a loop where there are several."""
        if level == len(self.sizes.images):
            return self._one(numbers, init)
        if self.sizes.images[level] == 1:
            return self._over_images(level + 1, [*numbers, 0], init)
        bounds = (arith.constant(ir.IndexType.get(), value) for value in (0, self.sizes.images[level], 1))
        loop = scf.ForOp(*bounds, [init])
        with ir.InsertionPoint(loop.body):
            result = self._over_images(level + 1, [*numbers, loop.induction_variable], loop.inner_iter_args[0])
            scf.YieldOp([result])
        value: ir.Value = loop.results[0]
        return value

    def _one(self, numbers: list[ir.Value | int], init: ir.Value) -> ir.Value:
        """Return the tensor of all results with that of one image and group in its place."""
        sizes = self.sizes
        image = self._slice(sizes.image, numbers, [sizes.channels, *sizes.space])
        kernel = self._slice(sizes.kernel, numbers[1:], [sizes.filters, sizes.channels, *sizes.window])
        mine = self._slice(init, numbers, [sizes.filters, *sizes.places])
        columns = collapsed(self._columns(image), [sizes.channels, *self._unit_window()], sizes.places)
        matrix = collapsed(kernel, [sizes.filters], [sizes.channels, *sizes.window])
        into = collapsed(mine, [sizes.filters], sizes.places)
        product = sizes.product(matrix, columns, into)
        return self._inserted(expanded(product, [sizes.filters], sizes.places), init, numbers)

    def _columns(self, image: ir.Value) -> ir.Value:
        """Return what the kernel sees: [c, k..., o...]; the image itself where that is the same."""
        if not self._unit_window():
            return image
        sizes, count = self.sizes, len(self.sizes.window)
        within, place = range(1, 1 + count), range(1 + count, 1 + 2 * count)
        shape = [sizes.channels, *sizes.window, *sizes.places]
        return windows(image, shape, [ir.AffineDimExpr.get(0), *sizes.read(place, within)])

    def _unit_window(self) -> list[int]:
        """Return the window, or nothing where it is one pixel that skips none."""
        sizes = self.sizes
        plain = all(size == 1 for size in (*sizes.window, *sizes.strides)) and sizes.space == sizes.places
        return [] if plain else sizes.window

    def _slice(self, value: ir.Value, numbers: Sequence[ir.Value | int], shape: Sequence[int]) -> ir.Value:
        """Return the part of a tensor that belongs to one image and group, without those dimensions."""
        if not numbers:
            return value
        static, dynamic = _offsets(numbers, len(shape))
        shapes = [1] * len(numbers) + list(shape)
        type_ = self.sizes.type(shape)
        return tensor.ExtractSliceOp(type_, value, dynamic, [], [], static, shapes, [1] * len(shapes)).result

    def _inserted(self, value: ir.Value, into: ir.Value, numbers: Sequence[ir.Value | int]) -> ir.Value:
        static, dynamic = _offsets(numbers, 1 + len(self.sizes.places))
        shapes = [1] * len(numbers) + [self.sizes.filters, *self.sizes.places]
        return tensor.InsertSliceOp(value, into, dynamic, [], [], static, shapes, [1] * len(shapes)).result


def _offsets(numbers: Sequence[ir.Value | int], rest: int) -> tuple[list[int], list[ir.Value]]:
    dynamic = [number for number in numbers if not isinstance(number, int)]
    unknown = ir.ShapedType.get_dynamic_stride_or_offset()
    static = [number if isinstance(number, int) else unknown for number in numbers]
    return static + [0] * rest, dynamic
