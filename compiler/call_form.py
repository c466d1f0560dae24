"""How a call is written: from the arguments a caller gives to the tree of inputs that the graph was exported with."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from ..errors import ArgumentError
from .functions import called_name


@dataclass(frozen=True)
class CallForm:
    """The form of the exported call: how many positional arguments, which keywords, and how `forward` names them."""

    signature: inspect.Signature
    """Of the original `forward`, without `self`."""
    positional: int
    keywords: tuple[str, ...]
    names: list[str]
    """A name for each leaf of the inputs, e.g. `x`, `past[0][1]`."""

    @classmethod
    def of_module(cls, module: torch.nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> CallForm:
        """Return the form of the call `module(*args, **kwargs)`; raises `ArgumentError` where `forward` refuses it."""
        signature = inspect.signature(module.forward)
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"{called_name(module)}.forward: {error}") from None
        return cls(signature, len(args), tuple(kwargs), _leaf_names(signature, args, kwargs))

    @classmethod
    def of_program(cls, program: ExportedProgram) -> CallForm:
        """Return the form that an exported program was traced with."""
        spec = program.call_spec.in_spec
        args, kwargs = pytree.tree_unflatten([_Leaf()] * spec.num_leaves, spec)
        call = program.module_call_graph[0].signature
        names = list(getattr(call, "forward_arg_names", None) or [])
        kind = inspect.Parameter
        rest = [name for name in names if name not in kwargs]
        rest += [f"args_{i}" for i in range(len(rest), len(args))]
        parameters = [kind(name, kind.POSITIONAL_OR_KEYWORD) for name in rest[: len(args)]]
        parameters += [kind(name, kind.KEYWORD_ONLY) for name in kwargs]
        signature = inspect.Signature(parameters)
        return cls(signature, len(args), tuple(kwargs), _leaf_names(signature, args, kwargs))

    def normalise(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the call in the exported form; raises `ArgumentError` for missing, unknown or unexpected arguments."""
        if len(args) == self.positional and tuple(kwargs) == self.keywords:
            return args, dict(kwargs)
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"{error}; expected {self}") from None
        bound.apply_defaults()
        given = dict(_flatten(self.signature, bound.arguments))
        wanted = self._wanted()
        for name in wanted:
            if name not in given:
                raise ArgumentError(f"{name}: missing; expected {self}")
        for name, value in given.items():
            if name not in wanted and not self._is_default(name, value):
                raise ArgumentError(
                    f"{name}: not among the arguments that the graph was compiled with; expected {self}"
                )
        count = self.positional
        return tuple(given[name] for name in wanted[:count]), {name: given[name] for name in wanted[count:]}

    def argument_names(self) -> list[str]:
        """Return the names of the exported arguments, positional ones first."""
        return self._wanted()

    def _wanted(self) -> list[str]:
        """Return the names of the exported arguments, positional ones first."""
        positional = [name for name, _ in _positional_names(self.signature, self.positional)]
        return [*positional, *self.keywords]

    def _is_default(self, name: str, value: Any) -> bool:
        parameter = self.signature.parameters.get(name)
        if parameter is None:
            return False
        default = parameter.default
        if value is default:
            return True
        simple = (bool, int, float, str, type(None))
        return isinstance(value, simple) and type(value) is type(default) and value == default

    def __str__(self) -> str:
        names = [name for name, _ in _positional_names(self.signature, self.positional)]
        return f"({', '.join([*names, *(f'{name}=' for name in self.keywords)])})"


class _Leaf:
    """Stands for a leaf while names are made."""


def _positional_names(signature: inspect.Signature, count: int) -> list[tuple[str, inspect.Parameter]]:
    """Return the name of each of `count` positional arguments; those of `*rest` are `rest[0]`, `rest[1]`, ..."""
    names: list[tuple[str, inspect.Parameter]] = []
    for parameter in signature.parameters.values():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            first = len(names)
            names += [(f"{parameter.name}[{index - first}]", parameter) for index in range(first, count)]
        elif parameter.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD):
            names.append((parameter.name, parameter))
    return names[:count]


def _flatten(signature: inspect.Signature, arguments: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return bound arguments by name, those of `*rest` and `**rest` one by one."""
    flat: list[tuple[str, Any]] = []
    for name, value in arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            flat += [(f"{name}[{index}]", item) for index, item in enumerate(value)]
        elif kind is inspect.Parameter.VAR_KEYWORD:
            flat += list(value.items())
        else:
            flat.append((name, value))
    return flat


def _leaf_names(signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[str]:
    names = [name for name, _ in _positional_names(signature, len(args))]
    paths, _ = pytree.tree_flatten_with_path((args, dict(kwargs)))
    result = []
    for path, _ in paths:
        key: Any = path[1]
        name = names[key.idx] if isinstance(key, pytree.SequenceKey) else str(key.key)
        result.append(name + pytree.keystr(tuple(path[2:])))
    return result
