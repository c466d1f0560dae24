"""`index_put` by whole numbers, made of the one form that torch-mlir lowers rightly.

Its own lowering takes negative indices for places, broadcasts wrongly what is put where indices of several dimensions
have unknown sizes, as in the gradient of an embedding of tokens [batch, length], and scatters element by element where
the first dimensions are not indexed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def index_put(x: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False) -> Any:
    """Return `x` with `values` at the places that `indices` name, or added there.

    The indices become some of one dimension, none below zero, for the first dimensions of `x`. NotImplemented for masks
    and for indices that do not stand side by side.
    """
    given = [index for index in indices if index is not None]
    first = next((number for number, index in enumerate(indices) if index is not None), 0)
    count = len(given)
    beside = all(index is not None for index in indices[first : first + count])
    if not given or not beside or any(index.dtype not in (torch.int64, torch.int32) for index in given):
        return NotImplemented
    before, behind = x.shape[:first], x.shape[first + count :]
    common: Sequence[Tensor] = torch.broadcast_tensors(*given)  # type: ignore[no-untyped-call]
    flat = values.expand(*before, *common[0].shape, *behind).reshape(*before, math.prod(common[0].shape), *behind)
    sizes = x.shape[first : first + count]
    places = [_place(index, size).reshape(-1) for index, size in zip(common, sizes, strict=True)]
    put = torch.ops.aten._unsafe_index_put.default
    if first == 0:
        return put(x, places, flat, accumulate)
    indexed = list(range(first, first + count))
    moved = put(x.movedim(indexed, list(range(count))), places, flat.movedim(first, 0), accumulate)
    return moved.movedim(list(range(count)), indexed)


def unsafe_index_put(x: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False) -> Any:
    """Return the same by indices that are not below zero; NotImplemented where they are as `index_put` leaves them."""
    if all(index is not None and index.dim() == 1 and index.dtype != torch.bool for index in indices):
        return NotImplemented
    return torch.ops.aten.index_put.default(x, indices, values, accumulate)


def _place(index: Tensor, size: Any) -> Tensor:
    """Return the places that indices name, which count from the end below zero."""
    return torch.where(index < 0, index + size, index)
