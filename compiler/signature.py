"""What a compiled function takes and returns: names, kinds, dtypes, symbolic dimensions, mutations and aliases."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import CodeType
from typing import Any, Literal, TypeAlias

Kind = Literal["parameter", "buffer", "constant", "input"]


@dataclass(frozen=True)
class SymbolicSize:
    """A number that is known at run time only: an expression over symbols, in Python: `s0`, `2*s0 + 1`."""

    expression: str

    @property
    def symbols(self) -> frozenset[str]:
        """The symbols in it."""
        return _names(self.expression)

    def evaluate(self, symbols: Mapping[str, int]) -> int | float | bool:
        """Return the number, given the value of every symbol in it."""
        number: int | float | bool = _evaluate(self.expression, symbols)
        return number

    def __str__(self) -> str:
        return self.expression


Size: TypeAlias = int | SymbolicSize


@dataclass(frozen=True)
class TensorSpec:
    """A tensor: its dtype by torch's name (`float32`) and its sizes."""

    dtype: str
    shape: tuple[Size, ...]

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class ScalarSpec:
    """A number passed by value: `int`, `float` or `bool`, `bits` wide in the native function."""

    type: Literal["int", "float", "bool"]
    bits: int = 64
    size: SymbolicSize | None = None
    """The symbol that it is in the sizes of tensors."""

    def __str__(self) -> str:
        return self.type if self.bits == 64 else f"{self.type}{self.bits}"


@dataclass(frozen=True)
class ConstantSpec:
    """A value that the graph was specialised to; a call must give an equal one."""

    value: Any

    def __str__(self) -> str:
        return f"{self.value!r}"


Spec: TypeAlias = TensorSpec | ScalarSpec | ConstantSpec


@dataclass(frozen=True)
class Argument:
    """An argument of the graph."""

    name: str
    """The path in the module for state (`layers.0.fc1.weight`), that in the call for inputs (`x`, `past[0][1]`)."""
    kind: Kind
    spec: Spec
    native: int | None
    """Its position among the native function's arguments; `None`: the native code does not need it."""


ResultKind = Literal["native", "argument", "size", "constant", "written"]


@dataclass(frozen=True)
class Result:
    """Where one leaf of the results comes from.

    `native`: result number `index` of the native function, a fresh tensor or a number. `argument`: the very object
    that is argument number `index` (an input handed through, a parameter, a mutated input). `size`: the number `size`,
    worked out from the inputs' dimensions. `constant`: `value`. `written`, of a mutation only: the native function has
    put it where it belongs; number `index` of the function's results in MLIR, behind those that are returned.
    """

    kind: ResultKind
    index: int = 0
    size: Size | None = None
    value: Any = None


@dataclass(frozen=True)
class Mutation:
    """Argument number `argument` is overwritten with a result: by the native function, or after the call."""

    argument: int
    result: Result


@dataclass(frozen=True)
class Range:
    """The sizes a symbol may take, both ends included; `high` is `None` where there is no limit."""

    low: int
    high: int | None

    def __str__(self) -> str:
        return f"{self.low} or more" if self.high is None else f"{self.low} to {self.high}"

    def __contains__(self, size: int) -> bool:
        return self.low <= size and (self.high is None or size <= self.high)


@dataclass(frozen=True)
class Relation:
    """A condition between sizes that the graph relies on, e.g. `s0 % 2 == 0`."""

    condition: str
    """In Python, over symbols and `a<argument>_<dimension>`."""
    text: str
    """The same for a reader."""

    def holds(self, symbols: Mapping[str, int]) -> bool:
        """Tell whether it holds for these values of the symbols."""
        return bool(_evaluate(self.condition, symbols))


@dataclass(frozen=True)
class Signature:
    """The whole calling convention of a compiled graph, from the caller's trees down to the native function."""

    arguments: tuple[Argument, ...]
    results: tuple[Result, ...]
    """One for each leaf of the result tree."""
    native_results: tuple[TensorSpec | ScalarSpec, ...]
    mutations: tuple[Mutation, ...] = ()
    symbols: Mapping[str, Range] = field(default_factory=dict)
    relations: tuple[Relation, ...] = ()
    in_spec: Any = None
    """The tree of `(args, kwargs)` as exported (a torch TreeSpec); `None`: positional arguments, one for each input."""
    out_spec: Any = None
    """The tree of the results (a torch TreeSpec); `None`: one result is the value, several are a tuple."""

    @property
    def inputs(self) -> tuple[Argument, ...]:
        """The arguments that a call gives, in the order of the leaves of `(args, kwargs)`."""
        return tuple(argument for argument in self.arguments if argument.kind == "input")

    @property
    def native_arguments(self) -> tuple[Argument, ...]:
        """The arguments of the native function, in its order."""
        native = [argument for argument in self.arguments if argument.native is not None]
        return tuple(sorted(native, key=lambda argument: argument.native or 0))

    def __str__(self) -> str:
        inputs = ", ".join(f"{argument.name}: {argument.spec}" for argument in self.inputs)
        results = ", ".join(self._result_text(result) for result in self.results)
        return f"({inputs}) -> ({results})"

    def _result_text(self, result: Result) -> str:
        if result.kind == "native":
            return str(self.native_results[result.index])
        if result.kind == "argument":
            return self.arguments[result.index].name
        return str(result.size) if result.kind == "size" else repr(result.value)


# What torch's size expressions may call; nothing else is in reach of them.
_FUNCTIONS: dict[str, Any] = {
    "__builtins__": {},
    "math": math,
    "abs": abs,
    "float": float,
    "int": int,
    "max": max,
    "min": min,
    "round": round,
    "Max": max,
    "Min": min,
    "Mod": lambda a, b: a % b,
    "PythonMod": lambda a, b: a % b,
    "FloorDiv": lambda a, b: a // b,
}


@cache
def _compiled(expression: str) -> CodeType:
    return compile(expression.strip(), "<size>", "eval")


def _names(expression: str) -> frozenset[str]:
    return frozenset(_compiled(expression).co_names) - _FUNCTIONS.keys()


def _evaluate(expression: str, symbols: Mapping[str, int]) -> Any:
    return eval(_compiled(expression), {**_FUNCTIONS, **symbols})
