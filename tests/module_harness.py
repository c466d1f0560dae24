"""Modules compiled and compared with torch eager: what the tests of `slipstick.compile`'s calls share."""

from __future__ import annotations

import inspect

import slipstick
import torch
from torch import nn


def compiled(module, *args, kwargs=None, **options):
    """Compile a module for the arguments of a call."""
    return slipstick.compile(module, args, kwargs, **options)


def function(forward):
    """Return a module whose forward is a plain function."""

    class Function(nn.Module):
        pass

    Function.forward = lambda self, *args, **kwargs: forward(*args, **kwargs)
    Function.forward.__signature__ = _with_self(forward)
    return Function().eval()


def _with_self(forward):
    signature = inspect.signature(forward)
    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return signature.replace(parameters=[first, *signature.parameters.values()])


def same(found, expected):
    """Compare whole trees: containers, types, dtypes, shapes and values."""
    assert torch.utils._pytree.tree_structure(found) == torch.utils._pytree.tree_structure(expected)
    for a, b in zip(torch.utils._pytree.tree_leaves(found), torch.utils._pytree.tree_leaves(expected), strict=True):
        if isinstance(b, torch.Tensor):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6, equal_nan=True)
        else:
            assert type(a) is type(b) and a == b


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out, self.norm = nn.Linear(8, 24), nn.Linear(8, 8), nn.LayerNorm(8)

    def forward(self, x, mask=None):
        b, s, _ = x.shape
        q, k, v = (t.view(b, s, 2, 4).transpose(1, 2) for t in self.qkv(self.norm(x)).chunk(3, -1))
        scores = q @ k.transpose(-1, -2) / 2
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None, :], float("-inf"))
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, s, 8)
        return self.out(y) + x, s
