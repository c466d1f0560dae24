"""Prompts of any lengths: token ids, checked, as lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch

from ..errors import ArgumentError

Prompts: TypeAlias = Sequence[Sequence[int]] | Sequence[torch.Tensor] | torch.Tensor
"""A list of token ids for each row; or ids int64 [rows, tokens], which an attention mask may go with."""


def read_prompts(prompts: Prompts, attention_mask: torch.Tensor | None, vocabulary: int) -> list[list[int]]:
    """Return the token ids of each row, those that the mask leaves out (where it is 0) gone.

    Raises `ArgumentError` where there is no row, a row has no token, or something is no id below `vocabulary`.
    """
    if isinstance(prompts, torch.Tensor):
        rows = _from_tensor(prompts, attention_mask)
    elif attention_mask is not None:
        raise ArgumentError("attention_mask: expected ids in one tensor with it, found lists, whose lengths say all")
    elif isinstance(prompts, str | bytes) or not isinstance(prompts, Sequence):
        raise ArgumentError(f"prompts: expected lists of token ids or a tensor, found {type(prompts).__name__}")
    else:
        rows = [_row(number, row) for number, row in enumerate(prompts)]
    if not rows:
        raise ArgumentError("prompts: expected at least one, found none")
    for number, row in enumerate(rows):
        if not row:
            raise ArgumentError(f"prompts[{number}]: expected at least one token, found none")
        for token in row:
            if not 0 <= token < vocabulary:
                raise ArgumentError(f"prompts[{number}]: expected token ids from 0 to {vocabulary - 1}, found {token}")
    return rows


def _row(number: int, row: object) -> list[int]:
    if isinstance(row, torch.Tensor):
        if row.dim() != 1 or row.is_floating_point() or row.dtype == torch.bool:
            raise ArgumentError(f"prompts[{number}]: expected integers of one dimension, found {_tensor(row)}")
        return [int(token) for token in row.tolist()]
    if isinstance(row, str | bytes) or not isinstance(row, Sequence):
        raise ArgumentError(f"prompts[{number}]: expected a list of token ids, found {type(row).__name__}")
    for token in row:
        if not isinstance(token, int) or isinstance(token, bool):
            raise ArgumentError(f"prompts[{number}]: expected integers, found {token!r}")
    return list(row)


def _from_tensor(ids: torch.Tensor, mask: torch.Tensor | None) -> list[list[int]]:
    if ids.dim() != 2 or ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool:
        raise ArgumentError(f"prompts: expected integers [rows, tokens], found {_tensor(ids)}")
    if mask is None:
        mask = torch.ones_like(ids)
    if not isinstance(mask, torch.Tensor) or mask.shape != ids.shape:
        found = _tensor(mask) if isinstance(mask, torch.Tensor) else type(mask).__name__
        raise ArgumentError(f"attention_mask: expected the shape of the ids, {list(ids.shape)}, found {found}")
    return [row[kept != 0].tolist() for row, kept in zip(ids, mask, strict=True)]


def _tensor(tensor: torch.Tensor) -> str:
    return f"a tensor {str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"
