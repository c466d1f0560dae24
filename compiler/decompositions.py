"""What operations of torch are taken apart into before torch-mlir lowers them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch._decomp import get_decompositions

from .convolution_gradients import convolution_backward
from .interpolation import interpolations
from .mended_operations import mended_operations


def decomposition_table() -> dict[Any, Any]:
    """Return torch-mlir's table, with our own where torch-mlir's lowering is not what torch computes."""
    from torch_mlir.extras.fx_decomp_util import get_decomposition_table

    aten = torch.ops.aten
    table = get_decomposition_table()
    backward = {operation: how for operation, how in get_decompositions(_backward()).items() if operation not in table}
    own = {aten.gelu.default: _gelu, aten.scatter.src: _scatter, aten.scatter_add.default: _scatter_add}
    own[aten.convolution_backward.default] = convolution_backward
    own[aten.constant_pad_nd.default] = _constant_pad
    return {**table, **backward, **own, **mended_operations(), **interpolations(table)}


def _backward() -> list[Any]:
    """Return the operations of backward graphs that torch itself can take apart."""
    aten = torch.ops.aten
    return [
        aten._log_softmax_backward_data,
        aten._softmax_backward_data,
        aten.addmv,
        aten.elu_backward,
        aten.embedding_dense_backward,
        aten.gelu_backward,
        aten.hardsigmoid_backward,
        aten.hardswish_backward,
        aten.hardtanh_backward,
        aten.leaky_relu_backward,
        aten.mse_loss_backward,
        aten.native_group_norm_backward,
        aten.native_layer_norm_backward,
        aten.nll_loss_backward,
        aten.select_backward,
        aten.sigmoid_backward,
        aten.slice_backward,
        aten.softplus_backward,
        aten.tanh_backward,
        aten.threshold_backward,
        aten.unfold_backward,
    ]


def _gelu(x: Tensor, *, approximate: str = "none") -> Any:
    """Return GELU by its tanh approximation; leave the exact one to torch-mlir.

    torch-mlir's own lowering rounds the square root of 2 / pi to 0.797724: an error of 5e-5.
    """
    if approximate != "tanh" or not x.dtype.is_floating_point:
        return NotImplemented
    inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * (x * x * x))
    return 0.5 * x * (1.0 + torch.tanh(inner))


def _constant_pad(x: Tensor, pad: Sequence[int], value: float = 0) -> Any:
    """Return a padded tensor where some of the padding is negative, which cuts off; leave the rest to torch-mlir.

    torch-mlir's own lowering drops a negative padding beside a positive one. `pad` has the last dimension first, for
    each what is added before and behind.
    """
    if all(not isinstance(width, int) or width >= 0 for width in pad):
        return NotImplemented
    for number in range(len(pad) // 2):
        dimension = x.dim() - 1 - number
        before, behind = (max(0, -width) for width in pad[2 * number : 2 * number + 2])
        x = x.narrow(dimension, before, x.shape[dimension] - before - behind)
    widths = [max(0, width) for width in pad]
    return torch.ops.aten.constant_pad_nd.default(x, widths, value) if any(widths) else x.clone()


def _scatter(x: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Return `x` with `source` at the places that `index` names along `dim`.

    torch-mlir's own lowering brings the process down where the index is an expanded view.
    """
    return _put(x, dim, index, source, accumulate=False)


def _scatter_add(x: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Return `x` plus `source` at the places that `index` names along `dim`: the gradient of a gather."""
    return _put(x, dim, index, source, accumulate=True)


def _put(x: Tensor, dim: int, index: Tensor, source: Tensor, *, accumulate: bool) -> Tensor:
    """Write by indices of all dimensions, where `index` is that of `dim`."""
    if x.dim() == 0:
        return x + source if accumulate else source
    dim %= x.dim()
    places = []
    for number, size in enumerate(index.shape):
        shape = [size if other == number else 1 for other in range(index.dim())]
        places.append(index if number == dim else torch.arange(size).view(shape).expand(index.shape))
    used = source[tuple(slice(size) for size in index.shape)]
    flat = [place.reshape(-1) for place in places]
    put: Tensor = torch.ops.aten._unsafe_index_put.default(x, flat, used.reshape(-1), accumulate)
    return put
