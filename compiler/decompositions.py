"""What operations of torch are taken apart into before torch-mlir lowers them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def decomposition_table() -> dict[Any, Any]:
    """Return torch-mlir's table, with our own where torch-mlir's lowering is not what torch computes."""
    from torch_mlir.extras.fx_decomp_util import get_decomposition_table

    own = {torch.ops.aten.gelu.default: _gelu, torch.ops.aten.constant_pad_nd.default: _constant_pad}
    return {**get_decomposition_table(), **own}


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
