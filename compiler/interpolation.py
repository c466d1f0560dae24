"""Linear interpolation between the elements of images: each result is a weighted sum of its neighbours, as in torch.

torch's own decomposition writes `left + (right - left) * weight`, which is NaN where both neighbours are infinite, and
where a difference of finite ones is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor


def interpolations(table: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return a decomposition for each linear interpolation of 1, 2 and 3 dimensions; of bytes it is the table's."""
    aten = torch.ops.aten
    by_factors = (aten.upsample_linear1d.vec, aten.upsample_bilinear2d.vec, aten.upsample_trilinear3d.vec)
    by_sizes = (aten.upsample_linear1d.default, aten.upsample_bilinear2d.default, aten.upsample_trilinear3d.default)
    return {
        **dict.fromkeys(by_sizes, _to_sizes),
        **{operation: _by_factors(table[operation]) for operation in by_factors},
    }


def _by_factors(others: Any) -> Any:
    def interpolated(x: Tensor, size: Any, align_corners: bool, factors: Sequence[float] | None) -> Any:
        if not x.dtype.is_floating_point:
            return others(x, size, align_corners, factors)
        pairs = zip(x.shape[2:], factors or (), strict=True)
        wanted = size or [torch.sym_int(length * factor) for length, factor in pairs]  # type: ignore[no-untyped-call]
        return _interpolated(x, wanted, align_corners, factors or [None] * len(wanted))

    return interpolated


def _to_sizes(x: Tensor, size: Sequence[Any], align_corners: bool, *factors: float | None) -> Any:
    if not x.dtype.is_floating_point:
        return NotImplemented
    return _interpolated(x, size, align_corners, factors or [None] * len(size))


def _interpolated(x: Tensor, size: Sequence[Any], align_corners: bool, factors: Sequence[float | None]) -> Tensor:
    """Return images of `size`, which are `x` [images, planes, ...] interpolated; 16-bit floats in f32, as torch does.

    `factors` are those that the sizes come from, None where they are given by themselves.
    """
    wide = x.dtype if x.dtype == torch.float64 else torch.float32
    axes = len(size)
    below, above, weights = [], [], []
    for number, (old, new, factor) in enumerate(zip(x.shape[2:], size, factors, strict=True)):
        at = _places(old, new, align_corners, factor, wide).reshape(-1, *[1] * (axes - 1 - number))
        below.append(at.to(torch.int64))
        above.append((below[-1] + 1).clamp(max=old - 1))
        weights.append((at - below[-1]).clamp(0.0, 1.0))
    found: list[Tensor] = []
    for corner in product(*zip(below, above, strict=True)):
        found.append(torch.ops.aten._unsafe_index(x, [None, None, *corner]).to(wide))
    for weight in reversed(weights):
        found = [a * (1.0 - weight) + b * weight for a, b in zip(found[::2], found[1::2], strict=True)]
    return found[0].to(x.dtype)


def _places(old: Any, new: Any, align_corners: bool, factor: float | None, dtype: torch.dtype) -> Tensor:
    """Return where each of `new` elements lies among `old` ones: numbers from 0 to `old` - 1."""
    numbers = torch.arange(new).to(dtype)
    if align_corners:
        return numbers * ((old - 1.0) / (new - 1.0) if new > 1 else 0.0)
    step = 1.0 / factor if factor is not None and factor > 0 else old / new
    return ((numbers + 0.5) * step - 0.5).clamp(min=0.0)
