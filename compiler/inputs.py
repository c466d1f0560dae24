"""Checking a call's inputs against a signature, and working out the sizes of one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor

from ..errors import ArgumentError
from .runtime import NativeFunction, descriptor_tail
from .signature import Argument, ConstantSpec, ScalarSpec, Signature, SymbolicSize, TensorSpec

_PLANS = 256
"""How many combinations of input shapes are remembered."""
_PLAIN = (torch.Tensor, torch.nn.Parameter)
_LIMITS = {"bool": 1}


@dataclass(frozen=True)
class Plan:
    """What follows from the inputs' sizes alone."""

    tails: tuple[tuple[int, ...] | None, ...]
    """For each input the descriptor behind the pointers; `None` for what is no tensor."""
    symbols: Mapping[str, int]


@dataclass(frozen=True)
class Copy:
    """The contiguous copy that native code is given of a tensor that is not contiguous."""

    tensor: torch.Tensor
    contiguous: torch.Tensor
    written: bool
    """Whether native code overwrites it: then it must be copied back."""


class Inputs:
    """The inputs of a signature: checks the leaves of a call and turns them into native arguments."""

    def __init__(self, signature: Signature):
        self._signature = signature
        self._inputs = signature.inputs
        self._numbers = [n for n, argument in enumerate(signature.arguments) if argument.kind == "input"]
        self._dtypes = [getattr(torch, a.spec.dtype) if isinstance(a.spec, TensorSpec) else None for a in self._inputs]
        self._written = {m.argument for m in signature.mutations if m.result.kind == "written"}
        self._plans: dict[tuple[Any, ...], Plan] = {}

    def __len__(self) -> int:
        return len(self._inputs)

    def plan(self, leaves: Sequence[Any]) -> Plan:
        """Return the plan for these leaves; raises `ArgumentError` naming the argument, expected and found."""
        if len(leaves) != len(self._inputs):
            raise ArgumentError(f"expected {len(self._inputs)} arguments {self._signature}, found {len(leaves)}")
        key: list[Any] = []
        for argument, dtype, leaf in zip(self._inputs, self._dtypes, leaves, strict=True):
            if dtype is not None:
                plain = type(leaf) in _PLAIN and leaf.dtype is dtype and leaf.is_cpu and leaf.layout is torch.strided
                if not plain:
                    _check_tensor(argument, dtype, leaf)
                key.append(leaf.shape)
            else:
                key.append(_check_value(argument, leaf))
        sizes = tuple(key)
        plan = self._plans.get(sizes)
        if plan is None:
            plan = self._make(sizes)
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            self._plans[sizes] = plan
        return plan

    def native(
        self, function: NativeFunction, template: list[Any], leaves: Sequence[Any], plan: Plan, copies: list[Copy]
    ) -> list[tuple[int, int, tuple[int, ...]]]:
        """Fill numbers into `template` and return the tensors as `NativeFunction` takes them.

        Contiguous copies of inputs that are not contiguous are put into `copies`, which must live until the call is
        over.
        """
        tensors: list[tuple[int, int, tuple[int, ...]]] = []
        for number, argument, leaf, tail in zip(self._numbers, self._inputs, leaves, plan.tails, strict=True):
            if argument.native is None:
                continue
            position = function.position(argument.native)
            if tail is None:
                template[position] = leaf
                continue
            if not leaf.is_contiguous() or leaf.is_neg():
                copy = Copy(leaf, leaf.detach().resolve_neg().contiguous(), number in self._written)
                copies.append(copy)
                leaf = copy.contiguous
            tensors.append((position, leaf.data_ptr(), tail))
        return tensors

    def _make(self, sizes: tuple[Any, ...]) -> Plan:
        """Check sizes against the signature; raises `ArgumentError`."""
        symbols: dict[str, int] = {}
        origin: dict[str, str] = {}
        values: dict[str, int] = {}
        later: list[tuple[str, SymbolicSize, int]] = []
        for argument, number, found in zip(self._inputs, self._numbers, sizes, strict=True):
            spec = argument.spec
            if isinstance(spec, ScalarSpec):
                values[f"a{number}"] = found
                if spec.size is not None:
                    self._size(argument.name, spec.size, found, symbols, origin, later)
            if not isinstance(spec, TensorSpec):
                continue
            if len(found) != len(spec.shape):
                raise ArgumentError(
                    f"{argument.name}: expected rank {len(spec.shape)} ({spec}), found rank {len(found)} {list(found)}"
                )
            for dim, (expected, size) in enumerate(zip(spec.shape, found, strict=True)):
                values[f"a{number}_{dim}"] = size
                where = f"{argument.name}: dimension {dim}"
                if isinstance(expected, SymbolicSize):
                    self._size(where, expected, size, symbols, origin, later)
                elif expected != size:
                    raise ArgumentError(f"{where}: expected {expected}, found {size}")
        for where, expression, size in later:
            self._solve(where, expression, size, symbols)
        for symbol, allowed in self._signature.symbols.items():
            if symbol in symbols and symbols[symbol] not in allowed:
                raise ArgumentError(f"{origin.get(symbol, symbol)}: expected {allowed}, found {symbols[symbol]}")
        for relation in self._signature.relations:
            names = {**symbols, **values}
            if not relation.holds(names):
                shown = ", ".join(
                    f"{a.name}: {list(s) if isinstance(s, torch.Size) else s}"
                    for a, s in zip(self._inputs, sizes, strict=True)
                    if not isinstance(a.spec, ConstantSpec)
                )
                raise ArgumentError(f"sizes of the inputs: expected {relation.text}, found {shown}")
        tails = tuple(
            descriptor_tail(size) if isinstance(argument.spec, TensorSpec) else None
            for argument, size in zip(self._inputs, sizes, strict=True)
        )
        return Plan(tails, symbols)

    @staticmethod
    def _size(
        where: str,
        expected: SymbolicSize,
        size: int,
        symbols: dict[str, int],
        origin: dict[str, str],
        later: list[tuple[str, SymbolicSize, int]],
    ) -> None:
        """Bind a symbol, or compare with what it is bound to; an expression waits until its symbols are known."""
        symbol = expected.expression
        if not symbol.isidentifier():
            later.append((where, expected, size))
        elif symbol not in symbols:
            symbols[symbol] = size
            origin[symbol] = where
        elif symbols[symbol] != size:
            raise ArgumentError(f"{where}: expected {symbols[symbol]} (as {origin[symbol]}), found {size}")

    @staticmethod
    def _solve(where: str, expression: SymbolicSize, size: int, symbols: dict[str, int]) -> None:
        """Compare a size with an expression; one symbol that is not known yet is worked out from it first."""
        unknown = expression.symbols - symbols.keys()
        if len(unknown) == 1:
            (symbol,) = unknown
            offset = expression.evaluate({**symbols, symbol: 0})
            slope = expression.evaluate({**symbols, symbol: 1}) - offset
            if slope:
                symbols[symbol] = int((size - offset) // slope)
        if expression.symbols <= symbols.keys():
            wanted = expression.evaluate(symbols)
            if wanted != size:
                expected = f"{expression}" if unknown else f"{wanted} ({expression})"
                raise ArgumentError(f"{where}: expected {expected}, found {size}")


def _check_tensor(argument: Argument, dtype: torch.dtype, leaf: Any) -> None:
    """Raise `ArgumentError` unless `leaf` is a plain dense tensor of `dtype` on the CPU."""
    what = argument.name
    if not isinstance(leaf, torch.Tensor):
        raise ArgumentError(f"{what}: expected a tensor {argument.spec}, found {_shown(leaf)}")
    if isinstance(leaf, FakeTensor):
        raise ArgumentError(f"{what}: expected a tensor with data, found a FakeTensor")
    if leaf.device.type != "cpu":
        raise ArgumentError(f"{what}: expected a tensor on the CPU, found one on {leaf.device}")
    if leaf.layout != torch.strided:
        raise ArgumentError(f"{what}: expected a dense tensor, found layout {str(leaf.layout).removeprefix('torch.')}")
    if leaf.dtype != dtype:
        found = str(leaf.dtype).removeprefix("torch.")
        raise ArgumentError(f"{what}: expected dtype {str(dtype).removeprefix('torch.')}, found {found}")
    if type(leaf) not in _PLAIN and type(leaf).__torch_function__ is not torch._C._disabled_torch_function_impl:
        raise ArgumentError(f"{what}: expected a plain torch.Tensor, found the subclass {type(leaf).__name__}")


def _check_value(argument: Argument, leaf: Any) -> Any:
    """Return what the sizes depend on in an argument that is no tensor; raise `ArgumentError` for a wrong one."""
    spec = argument.spec
    if isinstance(spec, ConstantSpec):
        value = spec.value
        same = leaf is value or (type(leaf) is type(value) and (leaf == value or (leaf != leaf and value != value)))
        if not same:
            raise ArgumentError(f"{argument.name}: the graph was compiled for {_shown(value)}, found {_shown(leaf)}")
        return None
    assert isinstance(spec, ScalarSpec)
    if spec.type == "float":
        if isinstance(leaf, float | int) and not isinstance(leaf, bool):
            return None
    elif spec.type == "bool":
        if isinstance(leaf, bool):
            return None
    elif isinstance(leaf, int) and not isinstance(leaf, bool):
        low, high = -(1 << (spec.bits - 1)), 1 << spec.bits if spec.bits < 64 else 1 << 63
        if not low <= leaf < high:
            raise ArgumentError(f"{argument.name}: expected {low} to {high - 1}, found {leaf}")
        return leaf
    raise ArgumentError(f"{argument.name}: expected {spec}, found {_shown(leaf)}")


def _shown(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor {str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    text = repr(value)
    return text if len(text) <= 60 else f"a value of type {type(value).__name__}"
