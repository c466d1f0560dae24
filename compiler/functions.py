"""Functions, and methods of modules, as modules, which is what torch.export takes."""

from __future__ import annotations

import contextlib
import inspect
import types
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def function_module(function: Callable[..., Any]) -> torch.nn.Module:
    """Return a module that does what `function` does when it is called.

    A method of a module becomes a module with the same parameters, buffers and submodules under the same names.
    Modules that a function reads as variables around it, as in `lambda x: model(x)`, are submodules under the names of
    the variables.
    """
    owner = getattr(function, "__self__", None)
    if isinstance(owner, torch.nn.Module) and isinstance(function, types.MethodType):
        return _with_forward(owner, function.__func__)
    return _FunctionModule(function)


def called_name(module: torch.nn.Module) -> str:
    """Return what texts call a module: its class, or the name of the function that it stands for."""
    return module.name if isinstance(module, _FunctionModule) else type(module).__name__


class _FunctionModule(torch.nn.Module):
    def __init__(self, function: Callable[..., Any]):
        super().__init__()
        for name, value in _variables(function).items():
            if isinstance(value, torch.nn.Module) and not hasattr(self, name):
                self.add_module(name, value)
        self.training = any(module.training for module in self.children())
        self.name = str(getattr(function, "__name__", type(function).__name__))
        # Of this object, not of the class: torch.export and the form of calls go by its signature.
        vars(self)["forward"] = function if isinstance(function, types.FunctionType) else _as_function(function)


def _as_function(called: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of Python for what can be called: an object, a partial application, a function in C."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return called(*args, **kwargs)

    with contextlib.suppress(TypeError, ValueError):  # Most functions in C do not tell theirs.
        vars(call)["__signature__"] = inspect.signature(called)
    return call


def _with_forward(owner: torch.nn.Module, forward: Callable[..., Any]) -> torch.nn.Module:
    """Return a module that shares everything with `owner` but its hooks, which calling a method does not run."""
    twin: torch.nn.Module = object.__new__(type(owner))
    vars(twin).update(vars(owner))
    for name in _HOOKS:
        vars(twin)[name] = OrderedDict()
    vars(twin)["forward"] = types.MethodType(forward, twin)
    return twin


def _variables(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the variables around a function that it reads, by name."""
    try:
        found = inspect.getclosurevars(inspect.unwrap(function))
    except TypeError:  # no function of Python
        return {}
    return {**found.globals, **found.nonlocals}
