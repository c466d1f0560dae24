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
        if func is torch.sparse_coo_tensor and _is_plain(*args, **given):
            return _dense(*args, **given)
        if func in (Tensor.coalesce, Tensor.to_dense) and args[0].layout is torch.strided:
            return args[0]
        if func is torch.sparse.mm and args[0].layout is torch.strided:
            return torch.mm(*args, **given)
        return func(*args, **given)


def _is_plain(indices: Any, values: Any, size: Any = None, **_: Any) -> bool:
    """Tell whether the elements are numbers and the size is given; the rest is left to torch, which makes it sparse."""
    tensors = isinstance(indices, Tensor) and isinstance(values, Tensor)
    return tensors and values.dim() == 1 and size is not None


def _dense(indices: Tensor, values: Tensor, size: Any, **others: Any) -> Tensor:
    """Return a dense tensor of `size`: `values` [count] at `indices` [dimensions, count], added where they repeat."""
    zeros = torch.zeros(tuple(size), dtype=others.get("dtype") or values.dtype, device=values.device)
    places = tuple(indices.long().unbind(0))
    return zeros.index_put(places, values.to(zeros.dtype), accumulate=True)
