"""Convolutions that see each image at few places, as the gradient by a kernel does: one product for all images."""

from __future__ import annotations

import math
from typing import Final

from ..bindings import ir, linalg, tensor
from .convolution import Convolution, collapsed, expanded, windows
from .values import defining_op

MOST_PLACES: Final = 64
"""With more places an image, a product of one image fills its registers, and its columns stay in the caches."""


def has_few_places(sizes: Convolution) -> bool:
    """Return whether the images of a convolution are better done at once: they are several, their places few.

    Fewer, too, than elements of the window: of layers of a network that is seldom so, of the gradients by their kernels
    always. What is added to has to be the same everywhere.
    """
    start = defining_op(sizes.init)
    places = math.prod(sizes.places)
    return (
        len(sizes.images) == 1
        and sizes.images[0] > 1
        and places <= min(MOST_PLACES, math.prod(sizes.window))
        and start is not None
        and start.name == "linalg.fill"
    )


def all_images(sizes: Convolution) -> ir.Value:
    """Return the result [n, f, o...]: a window of each (n, o...), as it is written, times each filter.

    The first factor is read as it lies, of the second the product packs panels, and what it returns has yet to be put
    in order where windows come first. So they do where a window is longer than a row of the result.
    """
    rows, inner = [sizes.images[0], *sizes.places], [sizes.channels, *sizes.window]
    count = len(sizes.window)
    place, within = range(1, 1 + count), range(2 + count, 2 + 2 * count)
    image, channel = ir.AffineDimExpr.get(0), ir.AffineDimExpr.get(1 + count)
    seen = windows(sizes.image, [*rows, *inner], [image, channel, *sizes.read(place, within)])
    factors = [collapsed(seen, rows, inner), collapsed(sizes.kernel, [sizes.filters], inner)]
    shapes, order = [rows, [sizes.filters]], [0, 1 + count, *place]
    if math.prod(inner) < sizes.filters:
        factors, shapes, order = factors[::-1], shapes[::-1], [1, 0, *range(2, 2 + count)]
    start = defining_op(sizes.init)
    assert start is not None
    into = linalg.fill(start.operands[0], outs=[_empty(sizes, [math.prod(shape) for shape in shapes])])
    product = sizes.product(factors[0], _transposed(sizes, factors[1], [1, 0]), into)
    return _transposed(sizes, expanded(product, *shapes), order)


def _transposed(sizes: Convolution, value: ir.Value, permutation: list[int]) -> ir.Value:
    """Return `value` with dimension `permutation[d]` as dimension d."""
    shape = ir.RankedTensorType(value.type).shape
    empty = _empty(sizes, [shape[dimension] for dimension in permutation])
    result: ir.Value = linalg.transpose(value, outs=[empty], permutation=permutation).result[0]
    return result


def _empty(sizes: Convolution, shape: list[int]) -> ir.Value:
    return tensor.EmptyOp(shape, sizes.type([]).element_type).result
