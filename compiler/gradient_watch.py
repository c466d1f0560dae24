"""What a forward pass says of its gradients while torch.export traces it, which sees values only.

What can be expressed in the graph is; what else would change a gradient is refused: nothing is left out in silence.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import torch
from torch._functorch.autograd_function import custom_function_call
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode

from ..errors import GraphError

_GRAD_FN: Final = torch.Tensor.grad_fn.__get__  # type: ignore[union-attr]
_HOOKS: Final = "a hook of the backward pass cannot be compiled: change the gradient in a torch.autograd.Function"


@contextmanager
def watched_gradients() -> Iterator[None]:
    """Let the forward pass that this thread traces have the gradients that it has in torch, or raise GraphError.

    `torch.inference_mode()` means `torch.no_grad()`, a gradient inside the forward pass of which torch keeps no history
    is detached; hooks, also those on saved tensors, and passes that accumulate gradients are refused.
    """
    owner = threading.get_ident()
    enter, push = torch.inference_mode.__enter__, saved_tensors_hooks.__enter__

    def enter_mode(self: Any) -> None:
        if threading.get_ident() != owner:
            enter(self)
            return
        self._inference_mode_context = torch.no_grad() if self.mode else torch.enable_grad()
        self._inference_mode_context.__enter__()

    def enter_hooks(self: Any) -> None:
        # Those of torch's own checkpoints give back what was saved.
        if threading.get_ident() == owner and type(self).__module__ != "torch.utils.checkpoint":
            raise GraphError(_HOOKS)
        push(self)

    torch.inference_mode.__enter__ = enter_mode  # type: ignore[method-assign]
    saved_tensors_hooks.__enter__ = enter_hooks  # type: ignore[method-assign]
    try:
        with _Watch():
            yield
    finally:
        torch.inference_mode.__enter__ = enter  # type: ignore[method-assign]
        saved_tensors_hooks.__enter__ = push  # type: ignore[method-assign]


class _Watch(TorchFunctionMode):
    """Sees the calls by which a forward pass of Python reaches into the backward pass."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if func is torch.Tensor.register_hook:
            raise GraphError(_HOOKS)
        if func is torch.Tensor.backward:
            raise GraphError("Tensor.backward inside a forward pass cannot be compiled: use torch.autograd.grad")
        if func is custom_function_call:
            name = args[0].__qualname__
            raise GraphError(f"the custom function {name} cannot be compiled inside a transform of torch.func")
        if func is torch.autograd.grad and not given.get("create_graph"):
            # Torch keeps no history of these gradients.
            return tuple(None if one is None else one.detach() for one in func(*args, **given))
        found = func(*args, **given)
        return _Node(found) if func == _GRAD_FN and found is not None else found


class _Node:
    """A node of autograd's graph that takes no hooks."""

    def __init__(self, node: Any):
        self._node = node

    def __getattr__(self, name: str) -> Any:
        if name in ("register_hook", "register_prehook"):
            _refuse()
        return getattr(self._node, name)


def _refuse() -> NoReturn:
    raise GraphError(_HOOKS)
