"""What a forward reads through `tensor.data` while torch.export traces it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_READ = torch.Tensor.data.__get__  # type: ignore[attr-defined]


class DataReads(TorchFunctionMode):
    """Makes `tensor.data` mean `tensor.detach()`.

    The tracer does not see a read of `.data`: what comes of it would be taken for a constant without a value. The two
    differ in what autograd notices of later writes alone.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run `func`, or its stand-in."""
        if func == _READ:
            return args[0].detach()
        return func(*args, **(kwargs or {}))
