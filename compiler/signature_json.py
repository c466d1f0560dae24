"""Signatures and forms of calls as JSON, and back."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch.utils import _pytree as pytree

from ..errors import ArgumentError
from .call_form import CallForm
from .signature import (
    Argument,
    ConstantSpec,
    Mutation,
    Range,
    Relation,
    Result,
    ScalarSpec,
    Signature,
    Size,
    Spec,
    SymbolicSize,
    TensorSpec,
)


def signature_to_json(signature: Signature) -> dict[str, Any]:
    """Return what `signature_of` reads; raises `ArgumentError` for values and containers that have no name in files."""
    return {
        "arguments": [[a.name, a.kind, _spec(a.spec), a.native] for a in signature.arguments],
        "results": [_result(result) for result in signature.results],
        "native_results": [_spec(spec) for spec in signature.native_results],
        "mutations": [[m.argument, _result(m.result)] for m in signature.mutations],
        "symbols": {name: [allowed.low, allowed.high] for name, allowed in signature.symbols.items()},
        "relations": [[relation.condition, relation.text] for relation in signature.relations],
        "in_spec": _tree(signature.in_spec),
        "out_spec": _tree(signature.out_spec),
    }


def signature_of(data: dict[str, Any]) -> Signature:
    """Return a signature; raises `ArgumentError` where it has containers that this process does not know."""
    return Signature(
        arguments=tuple(Argument(name, kind, _spec_of(spec), native) for name, kind, spec, native in data["arguments"]),
        results=tuple(_result_of(result) for result in data["results"]),
        native_results=tuple(_spec_of(spec) for spec in data["native_results"]),  # type: ignore[misc]
        mutations=tuple(Mutation(argument, _result_of(result)) for argument, result in data["mutations"]),
        symbols={name: Range(low, high) for name, (low, high) in data["symbols"].items()},
        relations=tuple(Relation(condition, text) for condition, text in data["relations"]),
        in_spec=_tree_of(data["in_spec"]),
        out_spec=_tree_of(data["out_spec"]),
    )


def _size(size: Size) -> int | str:
    return size.expression if isinstance(size, SymbolicSize) else size


def _size_of(data: int | str) -> Size:
    return SymbolicSize(data) if isinstance(data, str) else data


def _spec(spec: Spec) -> dict[str, Any]:
    if isinstance(spec, TensorSpec):
        return {"tensor": spec.dtype, "shape": [_size(size) for size in spec.shape]}
    if isinstance(spec, ScalarSpec):
        return {"number": spec.type, "bits": spec.bits, "size": None if spec.size is None else spec.size.expression}
    return {"constant": _value(spec.value)}


def _spec_of(data: dict[str, Any]) -> Spec:
    if "tensor" in data:
        return TensorSpec(data["tensor"], tuple(_size_of(size) for size in data["shape"]))
    if "number" in data:
        size = None if data["size"] is None else SymbolicSize(data["size"])
        return ScalarSpec(data["number"], data["bits"], size)
    return ConstantSpec(_value_of(data["constant"]))


def _result(result: Result) -> list[Any]:
    return [result.kind, result.index, None if result.size is None else _size(result.size), _value(result.value)]


def _result_of(data: list[Any]) -> Result:
    kind, index, size, value = data
    return Result(kind, index, None if size is None else _size_of(size), _value_of(value))


def _value(value: Any) -> Any:
    """Return a constant as JSON; what JSON has no word for, as a list of its kind and its text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return ["float", value.hex()]
    if isinstance(value, torch.dtype | torch.device | torch.layout | torch.memory_format):
        return [type(value).__name__, str(value).removeprefix("torch.")]
    raise ArgumentError(f"a constant of type {type(value).__name__} cannot be saved")


def _value_of(data: Any) -> Any:
    if not isinstance(data, list):
        return data
    kind, text = data
    if kind == "float":
        return float.fromhex(text)
    return torch.device(text) if kind == "device" else getattr(torch, text)


def _tree(spec: Any) -> str | None:
    if spec is None:
        return None
    try:
        return str(pytree.treespec_dumps(spec))
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ArgumentError(f"a call of these containers cannot be saved: {error}") from None


def _tree_of(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return pytree.treespec_loads(text)
    except (NotImplementedError, KeyError, ValueError) as error:
        raise ArgumentError(
            f"a container of the call is not known here: import what defines it first: {error}"
        ) from None


def form_to_json(form: CallForm) -> dict[str, Any]:
    """Return what `form_of` reads."""
    parameters = form.signature.parameters.values()
    return {
        "parameters": [[one.name, int(one.kind), *_default(one)] for one in parameters],
        "positional": form.positional,
        "keywords": list(form.keywords),
        "names": list(form.names),
    }


def form_of(data: dict[str, Any]) -> CallForm:
    """Return the form of a call."""
    parameters = []
    for name, kind, has_default, known, value in data["parameters"]:
        default = inspect.Parameter.empty if not has_default else _value_of(value) if known else _Unknown()
        parameters.append(inspect.Parameter(name, inspect._ParameterKind(kind), default=default))
    signature = inspect.Signature(parameters)
    return CallForm(signature, data["positional"], tuple(data["keywords"]), list(data["names"]))


class _Unknown:
    """A default that files cannot hold: an argument may be left out, not given as that."""


def _default(parameter: inspect.Parameter) -> tuple[bool, bool, Any]:
    if parameter.default is inspect.Parameter.empty:
        return False, False, None
    try:
        return True, True, _value(parameter.default)
    except ArgumentError:
        return True, False, None
