"""What a compiled step of an optimiser is made of: operations on lists of tensors, and dynamo's multiply-add."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor

_PREFIX: Final = "aten::_foreach_"
_SCALED: Final = ("addcmul", "addcdiv")
_NAMES: Final = (
    *("abs", "acos", "asin", "atan", "ceil", "cos", "cosh", "erf", "erfc", "exp", "expm1", "floor", "frac", "lgamma"),
    *("log", "log10", "log1p", "log2", "neg", "reciprocal", "round", "rsqrt", "sigmoid", "sign", "sin", "sinh", "sqrt"),
    *("tan", "tanh", "trunc", "add", "sub", "mul", "div", "pow", "lerp", "clamp_max", "clamp_min", *_SCALED),
)
_CALLED: Final = {name: name for name in _NAMES} | {"maximum": "clamp_min", "minimum": "clamp_max"}
"""What is called for each tensor, by the name of the operation on lists: functions of torch that take numbers, too."""


def optimiser_operations() -> dict[Any, Callable[..., Any]]:
    """Return what operations are taken apart into: one on lists of tensors into one for each tensor."""
    found: dict[Any, Callable[..., Any]] = {}
    for full in torch._C._dispatch_get_all_op_names():
        name, _, overload = full.removeprefix(_PREFIX).partition(".")
        # Factors in a tensor would have to be read while the graph is traced.
        in_tensor = name in _SCALED and overload == "Tensor"
        if full.startswith(_PREFIX) and name in _CALLED and not overload.endswith("out") and not in_tensor:
            operation = getattr(getattr(torch.ops.aten, f"_foreach_{name}"), overload or "default")
            found[operation] = _each(getattr(torch, _CALLED[name]), scaled=name in _SCALED)
    if hasattr(torch.ops.prims, "fma"):  # inductor's, which dynamo imports when it meets an optimiser
        found[torch.ops.prims.fma.default] = _multiply_add
    return found


def _each(function: Callable[..., Tensor], *, scaled: bool) -> Callable[..., list[Tensor]]:
    """Return what calls a function for each element of lists; what is no list is for all. `scaled`: the third operand
    is followed by a factor, which the function takes by its name."""

    def apply(*args: Any, **kwargs: Any) -> list[Tensor]:
        if scaled:
            kwargs = {"value": args[3] if len(args) > 3 else kwargs.get("value", kwargs.get("scalars", 1))}
            args = args[:3]
        count = next(len(one) for one in args if isinstance(one, list | tuple))

        def pick(value: Any, number: int) -> Any:
            return value[number] if isinstance(value, list | tuple) else value

        return [
            function(*(pick(one, number) for one in args), **{key: pick(one, number) for key, one in kwargs.items()})
            for number in range(count)
        ]

    return apply


def _multiply_add(a: Tensor | float, b: Tensor | float, c: Tensor) -> Tensor:
    """Return a b + c, which torch rounds twice here, too."""
    return a * b + c
