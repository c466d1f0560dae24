"""Packs torch tensors into panels; `kernels/panels.py` says what they are."""

from __future__ import annotations

import torch

from .large_pages import empty_on_large_pages
from .lmul import LMul
from .lmul_torch_bits import BitArithmetic
from .panels import panel_count

_ELEMENTS_AT_ONCE = 1 << 22


def pack_panels(weights: torch.Tensor, axis: int, width: int, lmul: LMul | None = None) -> torch.Tensor:
    """Return the panels of a matrix of weights, f32 or f64: [panels, depth, width], contiguous.

    `axis` is the dimension of `weights` that counts the columns of B, output channels; the other is the depth. With
    `lmul`, of the policy `finite`, elements are what it multiplies. Few elements at a time are in flight, so that
    packing a large matrix takes no second copy of it.
    """
    rows = weights.detach() if axis == 0 else weights.detach().t()
    columns, depth = rows.shape
    panels = empty_on_large_pages((panel_count(columns, width), depth, width), rows.dtype)
    arithmetic = None if lmul is None else BitArithmetic(lmul, weights.dtype)
    step = width * max(1, _ELEMENTS_AT_ONCE // max(1, width * depth))
    for first in range(0, columns, step):
        part = rows[first : first + step]
        if arithmetic is not None:
            part = arithmetic.values(arithmetic.prepare(arithmetic.bits(part.contiguous())))
        target = panels[first // width : panel_count(first + len(part), width)]
        whole = len(part) // width
        if whole:
            target[:whole].copy_(part[: whole * width].reshape(whole, width, depth).transpose(1, 2))
        if whole < len(target):
            rest = part[whole * width :]
            target[whole].zero_()
            target[whole, :, : len(rest)].copy_(rest.t())
    return panels
