"""Custom functions of autograd, kept whole while torch.export traces a module whose gradients are wanted.

torch.export takes a `torch.autograd.Function` apart into the operations of its forward pass. Differentiating those is
not what torch does, which calls the function's own backward pass: that of a straight-through estimator is no derivative
of rounding. While `kept_functions` is in force, each call becomes one operation of the exported graph; running that
operation calls the function again, so that whoever differentiates the graph goes through its backward pass.
"""

from __future__ import annotations

import inspect
import itertools
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch._ops import HigherOrderOperator
from torch.autograd.function import _SingleLevelFunction
from torch.fx.experimental.proxy_tensor import (
    ProxyTorchDispatchMode,
    disable_proxy_modes_tracing,
    get_proxy_mode,
    track_tensor_tree,
)
from torch.utils import _pytree as pytree
from torch.utils.checkpoint import CheckpointFunction

from ..errors import GraphError
from .graph_errors import innermost_line


def _apply(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a custom function, as `Function.apply` does in the end."""
    return super(_SingleLevelFunction, function).apply(*args, **kwargs)


@dataclass(frozen=True, eq=False)
class AppliedFunction:
    """One call of a custom function: which, and what it was given besides tensors and sizes."""

    function: type[torch.autograd.Function]
    given: tuple[Any, ...]
    """The leaves of its arguments; `None` where a tensor or a size was, at `places`."""
    places: tuple[int, ...]
    tree: pytree.TreeSpec

    def run(self, operands: tuple[Any, ...]) -> Any:
        """Call the function, as autograd records it, with the tensors and sizes of this time."""
        leaves = list(self.given)
        for place, operand in zip(self.places, operands, strict=True):
            leaves[place] = operand
        args, kwargs = pytree.tree_unflatten(leaves, self.tree)
        return _apply(self.function, *args, **kwargs)

    def record(self, number: int, operands: tuple[Any, ...], mode: ProxyTorchDispatchMode) -> Any:
        """Add the call to the graph that `mode` traces; return its results there."""
        tracer: Any = mode.tracer
        proxies = [tracer.unwrap_proxy(operand) for operand in operands]
        proxy = tracer.create_proxy("call_function", CUSTOM_FUNCTION, (number, *proxies), {})
        # What it does inside, such as changes of the gradient mode, is not part of the graph.
        with disable_proxy_modes_tracing(), torch._C.DisableTorchFunction():
            results = self.run(operands)
        return track_tensor_tree(results, proxy, constant=None, tracer=tracer)


class _CustomFunction(HigherOrderOperator):
    """The operation `custom_function(number, *operands)`: the call of that number, traced or done."""

    def __init__(self) -> None:
        super().__init__("slipstick_custom_function")  # type: ignore[no-untyped-call]

    def __call__(self, number: int, *operands: Any) -> Any:
        mode = get_proxy_mode()
        # Below autograd, where gradients are traced, what the function does is what is recorded.
        if mode is None or not mode.pre_dispatch:
            return _CALLS[number].run(operands)
        return _CALLS[number].record(number, operands, mode)


CUSTOM_FUNCTION = _CustomFunction()
_NUMBERS = itertools.count()
_CALLS: weakref.WeakValueDictionary[int, AppliedFunction] = weakref.WeakValueDictionary()


@contextmanager
def kept_functions(calls: list[AppliedFunction]) -> Iterator[None]:
    """Let custom functions that this thread traces become operations; their calls are added to `calls`.

    The operations can be run while their calls are alive.
    """
    owner = threading.get_ident()

    def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
        mode = get_proxy_mode() if threading.get_ident() == owner else None
        if mode is None or not mode.pre_dispatch:
            return _apply(cls, *args, **kwargs)
        if cls is CheckpointFunction:
            raise GraphError("torch.utils.checkpoint: expected use_reentrant=False, which has gradients by name")
        leaves, tree = pytree.tree_flatten((args, kwargs))
        places = tuple(place for place, leaf in enumerate(leaves) if _is_operand(leaf))
        given = tuple(None if _is_operand(leaf) else leaf for leaf in leaves)
        call = AppliedFunction(cls, given, places, tree)
        calls.append(call)
        number = next(_NUMBERS)
        _CALLS[number] = call
        return call.record(number, tuple(leaves[place] for place in places), mode)

    # `Function.apply` looks it up here at each call, also where somebody has kept `apply` itself.
    _SingleLevelFunction.apply = classmethod(apply)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del _SingleLevelFunction.apply  # type: ignore[attr-defined]


def untraceable(calls: Sequence[AppliedFunction], error: BaseException) -> GraphError | None:
    """Return what to say of an error that a custom function raised, in its forward or its backward pass."""
    passes: dict[Any, str] = {}
    for call in calls:
        for name in ("forward", "setup_context", "backward", "vjp"):
            own = getattr(call.function, name)
            if own is not getattr(torch.autograd.Function, name):
                passes[inspect.unwrap(own).__code__] = f"{call.function.__qualname__}.{name}"
    traceback = error.__traceback__
    while traceback is not None:
        found = passes.get(traceback.tb_frame.f_code)
        if found is not None:
            text = str(error).strip().split("\n")[0] or type(error).__name__
            return GraphError(f"the custom function {found}{innermost_line(error)} cannot be traced: {text}")
        traceback = traceback.tb_next
    return None


def _is_operand(value: Any) -> bool:
    return isinstance(value, torch.Tensor | torch.SymInt | torch.SymFloat | torch.SymBool)
