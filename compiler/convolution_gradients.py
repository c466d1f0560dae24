"""The gradients of a convolution, made of convolutions that lower to fast products."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def convolution_backward(
    gradient: Tensor,
    x: Tensor,
    weight: Tensor,
    bias_sizes: Sequence[int] | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
    wanted: Sequence[bool],
) -> Any:
    """Return what of the gradients by input, weight and bias is wanted, None for the rest; or leave it to torch-mlir.

    `x` is [n, c, s...], `weight` [f, c, k...], `gradient` [n, f, o...]. torch-mlir's own lowering makes loops of the
    gradients in one dimension, and multiplies by the zeros that it puts between the gradients of a stride. Left to it
    are groups of channels and sizes that are not known. Of a transposed convolution, for which it has no lowering, the
    gradient by the input alone is made here: a convolution.
    """
    if transposed:
        if list(wanted) != [True, False, False]:
            return NotImplemented
        none = [0] * len(stride)
        return torch.convolution(gradient, weight, None, stride, padding, dilation, False, none, groups), None, None
    sizes = (*gradient.shape, *x.shape, *weight.shape)
    if groups != 1 or any(not isinstance(size, int) or size == 0 for size in sizes):
        return NotImplemented
    space = list(range(2, x.dim()))
    by_input = by_weight = by_bias = None
    if wanted[0]:
        by_input = _by_input(gradient, weight, x.shape[2:], stride, padding, dilation)
    if wanted[1]:
        by_weight = _by_weight(gradient, x, weight.shape[2:], stride, padding, dilation)
    if wanted[2]:
        by_bias = gradient.sum([0, *space])
    return by_input, by_weight, by_bias


def _by_weight(
    gradient: Tensor,
    x: Tensor,
    window: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> Tensor:
    """Return the gradient [f, c, k...]: what the whole gradient, as a kernel, sees of the input at each place."""
    pads = []
    for size, out, width, step, pad, gap in zip(
        x.shape[2:], gradient.shape[2:], window, stride, padding, dilation, strict=True
    ):
        # A stride may leave a rest of the image that no window reaches; it is cut off.
        reached = (out - 1) * step + (width - 1) * gap + 1
        pads.append((pad, reached - size - pad))
    seen = _padded(x, pads).transpose(0, 1)
    none = [0] * len(stride)
    # What strides were is how far apart the kernel's elements lie now, and the other way round.
    found = torch.convolution(seen, gradient.transpose(0, 1), None, dilation, none, stride, False, none, 1)
    return found.transpose(0, 1)


def _by_input(
    gradient: Tensor,
    weight: Tensor,
    space: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> Tensor:
    """Return the gradient [n, c, s...] in a part for each remainder of the stride: transposed convolutions without one.

    Position `i * step + r` of the padded input is met by elements r, r + step, ... of the kernel alone, by each with
    another gradient. So no product has a factor that is known to be zero.
    """
    if any(step > 1 and gap > 1 for step, gap in zip(stride, dilation, strict=True)):
        return _by_transposed(gradient, weight, space, stride, padding, dilation)
    first = [pad // step for pad, step in zip(padding, stride, strict=True)]
    counts = [
        -(-(pad + size) // step) - start for pad, size, step, start in zip(padding, space, stride, first, strict=True)
    ]
    parts = {}
    for remainders in itertools.product(*(range(step) for step in stride)):
        taps = weight
        for dimension, (remainder, step) in enumerate(zip(remainders, stride, strict=True), 2):
            taps = taps[(slice(None),) * dimension + (slice(remainder, None, step),)]
        parts[remainders] = _part(gradient, taps, first, counts, dilation)
    whole = _interleaved(parts, stride)
    for dimension, (pad, size, step, start) in enumerate(zip(padding, space, stride, first, strict=True), 2):
        whole = whole.narrow(dimension, pad - start * step, size)
    return whole


def _part(
    gradient: Tensor, taps: Tensor, first: Sequence[int], counts: Sequence[int], dilation: Sequence[int]
) -> Tensor:
    """Return `counts` sums from `first` on, of gradients times taps [f, c, k...], the later by the earlier."""
    if taps.numel() == 0:
        return gradient.new_zeros([gradient.shape[0], taps.shape[1], *counts])
    pads, cut = [], []
    for width, start, count, gap, out in zip(taps.shape[2:], first, counts, dilation, gradient.shape[2:], strict=True):
        # A transposed convolution pads by `reach` and cuts off the same on both sides: what is left goes before it.
        reach = (width - 1) * gap
        before, behind = reach - start, count + start - out
        both = max(0, min(before, behind, reach))
        pads.append((before - both, behind - both))
        cut.append(reach - both)
    ones, none = [1] * len(cut), [0] * len(cut)
    return torch.convolution(_padded(gradient, pads), taps, None, ones, cut, dilation, True, none, 1)


def _interleaved(parts: dict[tuple[int, ...], Tensor], stride: Sequence[int]) -> Tensor:
    """Return a tensor whose position `i * step + r`, in each dimension of space, is position `i` of part `r`."""
    for number in reversed(range(len(stride))):
        dimension, step = number + 2, stride[number]
        merged = {}
        for front in dict.fromkeys(key[:number] for key in parts):
            row = [parts[*front, remainder] for remainder in range(step)]
            merged[front] = row[0] if step == 1 else torch.stack(row, dimension + 1).flatten(dimension, dimension + 1)
        parts = merged
    return parts[()]


def _by_transposed(
    gradient: Tensor,
    weight: Tensor,
    space: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> Tensor:
    """Return the gradient by the input as one transposed convolution."""
    rest = [
        size - ((out - 1) * step - 2 * pad + gap * (width - 1) + 1)
        for size, out, step, pad, gap, width in zip(
            space, gradient.shape[2:], stride, padding, dilation, weight.shape[2:], strict=True
        )
    ]
    return torch.convolution(gradient, weight, None, stride, padding, dilation, True, rest, 1)


def _padded(x: Tensor, pads: Sequence[tuple[int, int]]) -> Tensor:
    """Return [n, c, s...] with zeros before and behind each dimension of space; what is negative is cut off."""
    widths = [width for pair in reversed(pads) for width in pair]
    return torch.ops.aten.constant_pad_nd.default(x, widths, 0.0) if any(widths) else x
