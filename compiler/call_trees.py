"""The trees of arguments and results of a call, as its signature says them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree

from ..errors import ArgumentError
from .signature import ConstantSpec, ScalarSpec, Signature, TensorSpec

if TYPE_CHECKING:
    from .call_form import CallForm


def call_leaves(
    signature: Signature, form: CallForm | None, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Sequence[Any]:
    """Return the leaves of a call in the order of the signature's inputs; `form` is None for a function of MLIR.

    Raises `ArgumentError`, naming the argument, for a call of another structure.
    """
    if form is None:
        if kwargs:
            raise ArgumentError(f"{next(iter(kwargs))}: MLIR functions take positional arguments only")
        return [from_numpy(value) for value in args]
    args, kwargs = form.normalise(args, kwargs)
    leaves, spec = pytree.tree_flatten((args, kwargs))
    if spec != signature.in_spec:
        raise ArgumentError(_structure_error(signature, form, args, kwargs))
    return leaves


def _structure_error(signature: Signature, form: CallForm, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """Say which argument is built of other containers than the graph was compiled for."""
    expected_args, expected_kwargs = pytree.tree_unflatten([a.spec for a in signature.inputs], signature.in_spec)
    wanted = [*expected_args, *expected_kwargs.values()]
    for name, value, want in zip(form.argument_names(), [*args, *kwargs.values()], wanted, strict=True):
        if pytree.tree_structure(value) != pytree.tree_structure(want):
            return f"{name}: expected {structure(want)}, found {structure(value)}"
    found = pytree.tree_structure((args, kwargs))
    return f"expected arguments of the structure {signature.in_spec}, found {found}"


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
