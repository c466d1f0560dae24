"""Sparse tensors that a forward makes while torch.export traces it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class DenseStandIns(TorchFunctionMode):
    """Makes `torch.sparse_coo_tensor` mean the dense tensor with the same elements, which torch-mlir can import.

    Values at the same place are added, as `coalesce` does. The dense tensor takes the place in sums, in `to_dense` and
    in `torch.sparse.mm`; what only a sparse tensor has, such as `indices()`, it has not.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run `func`, or its stand-in."""
        given = dict(kwargs or {})
        if func is torch.sparse_coo_tensor:
            return _dense(*args, **given)
        if func in (Tensor.coalesce, Tensor.to_dense) and args[0].layout is torch.strided:
            return args[0]
        if func is torch.sparse.mm and args[0].layout is torch.strided:
            return torch.mm(*args, **given)
        return func(*args, **given)


def _dense(indices: Tensor, values: Tensor, size: Any = None, **others: Any) -> Tensor:
    """Return a dense tensor of `size` with `values` [count] at `indices` [dimensions, count], added where they repeat.

    Left to torch, which makes a sparse one: values that are tensors themselves, and sizes that are not given.
    """
    if size is None or values.dim() != 1 or not isinstance(indices, Tensor):
        made: Tensor = torch.sparse_coo_tensor(indices, values, size, **others)
        return made
    zeros = torch.zeros(tuple(size), dtype=others.get("dtype") or values.dtype, device=values.device)
    places = tuple(indices.long().unbind(0))
    return zeros.index_put(places, values.to(zeros.dtype), accumulate=True)
