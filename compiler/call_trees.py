"""The trees of arguments and results of a call, as its signature says them."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils import _pytree as pytree

from .signature import ConstantSpec, ScalarSpec, Signature, TensorSpec


def argument_index(signature: Signature) -> list[tuple[bool, int]]:
    """Return for each argument whether it is an input, and its position among the inputs or the state."""
    index: list[tuple[bool, int]] = []
    inputs = state = 0
    for argument in signature.arguments:
        if argument.kind == "input":
            index.append((True, inputs))
            inputs += 1
        else:
            index.append((False, state))
            state += 1
    return index


def flat_inputs(signature: Signature) -> int:
    """Return the number of inputs where positional arguments are the leaves themselves, else -1."""
    spec = signature.in_spec
    if spec is None:
        return -1
    args, kwargs = pytree.tree_unflatten([None] * spec.num_leaves, spec)
    return len(args) if not kwargs and all(arg is None for arg in args) and len(args) == spec.num_leaves else -1


def plain_results(signature: Signature) -> int | None:
    """Return the number of results where these are the native ones as they are, one alone or a tuple; else None."""
    count = len(signature.results)
    native = [result.index if result.kind == "native" else -1 for result in signature.results]
    spec = signature.out_spec
    if native != list(range(len(signature.native_results))) or spec is None:
        return None
    if spec.is_leaf():
        return 1
    return count if count > 1 and spec == pytree.tree_structure((0,) * count) else None


def structure(value: Any) -> str:
    """Return the containers of a tree, with its leaves' types."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {structure(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list):
        inner = ", ".join(structure(item) for item in value)
        return f"({inner})" if isinstance(value, tuple) else f"[{inner}]"
    if isinstance(value, torch.Tensor | TensorSpec):
        return "Tensor"
    if isinstance(value, ScalarSpec):
        return str(value)
    if isinstance(value, ConstantSpec):
        return repr(value.value)
    return type(value).__name__


def from_numpy(value: Any) -> Any:
    """Return a NumPy array as a tensor that shares its memory, any other value as it is."""
    if type(value).__module__ == "numpy" and hasattr(value, "__array_interface__") and hasattr(value, "flags"):
        return torch.from_numpy(value)
    return value
