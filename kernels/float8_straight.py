"""Matrix products of fp8 operands under a torch graph that is differentiated: what L-Mul in training stands beside.

Forward, both operands of a linear layer and of the two products of attention are rounded to fp8, each with a scale of
its own (`float8.quantise`); products are exact and sums in f32. Gradients are those of the exact product of the
operands as they were before rounding (straight-through): the rule of `slipstick.lmul`, so that the forward passes
differ and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..errors import ArgumentError
from .float8 import DTYPES, Float8, float8_matmul


class Float8Products(TorchFunctionMode):
    """A context in which `linear` and `scaled_dot_product_attention` of torch multiply in `format`.

    Other products are torch's. Raises ArgumentError for another format, and for attention with dropout, with grouped
    heads or with a mask of another type than bool or the queries'.
    """

    def __init__(self, format: Float8):
        super().__init__()
        if format not in DTYPES:
            raise ArgumentError(f"Float8Products: format: expected one of {', '.join(DTYPES)}, found {format!r}")
        self._format = format
        self._replacements: dict[Any, Callable[..., Tensor]] = {
            torch.nn.functional.linear: self._linear,
            torch.nn.functional.scaled_dot_product_attention: self._attention,
        }

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return self._replacements.get(func, func)(*args, **(kwargs or {}))

    def product(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the matrix product of [..., m, k] and [..., k, n]."""
        found: Tensor = _Product.apply(x, y, self._format)  # type: ignore[no-untyped-call]
        return found

    def _linear(self, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        found = self.product(input, weight.t())
        return found if bias is None else found + bias

    def _attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        if dropout_p or enable_gqa:
            raise ArgumentError(
                "Float8Products: attention: expected no dropout and as many heads of keys as of queries"
            )
        scores = self.product(query, key.transpose(-2, -1)) * (scale or 1 / math.sqrt(query.shape[-1]))
        if is_causal:
            attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, -math.inf)
        elif attn_mask is not None:
            if attn_mask.dtype != scores.dtype:
                raise ArgumentError(f"Float8Products: mask: expected bool or {scores.dtype}, found {attn_mask.dtype}")
            scores = scores + attn_mask
        return self.product(scores.softmax(-1), value)


class _Product(torch.autograd.Function):
    """The matrix product of rounded operands, with the gradients of the product of those that were given."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, format: Float8) -> Tensor:
        ctx.save_for_backward(x, y)
        return float8_matmul(x, y, format)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, y = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        gx = (g @ y.transpose(-2, -1)).sum_to_size(x.shape) if wanted[0] else None
        if not wanted[1]:
            return gx, None, None
        if y.dim() == 2:
            # One matrix for all rows: its gradient is one product, not a sum of as many as there are batches.
            return gx, x.flatten(0, -2).t() @ g.flatten(0, -2), None
        return gx, (x.transpose(-2, -1) @ g).sum_to_size(y.shape), None
