"""What a C library takes and returns, worked out from a module's signature."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..errors import ArgumentError
from .encoded import native_arguments
from .signature import Argument, SymbolicSize, TensorSpec

if TYPE_CHECKING:
    from .compiled import CompiledModule

ALIGNMENT: Final = 64
"""Of each tensor in the file of weights, in bytes."""

TYPES: Final = {
    "float64": "double",
    "float32": "float",
    "float16": "uint16_t",
    "bfloat16": "uint16_t",
    "int64": "int64_t",
    "int32": "int32_t",
    "int16": "int16_t",
    "int8": "int8_t",
    "uint8": "uint8_t",
    "bool": "uint8_t",
}
"""The type in C of an element; half and bfloat are given as their bits."""

_WORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
arguments count error found model results status sum
"""
_RESERVED = frozenset(_WORDS.split())
"""Words of C, of C++ as far as Python has them too (`keyword`), and names that the glue uses."""


@dataclass(frozen=True)
class StateTensor:
    """A tensor in the file of weights."""

    name: str
    native: int
    """The number of its argument of native code."""
    shape: tuple[int, ...]
    offset: int
    bytes: int


@dataclass(frozen=True)
class InputTensor:
    """An input: a pointer to its first element, row-major."""

    name: str
    """In C."""
    native: int | None
    type: str
    shape: tuple[str, ...]
    """Sizes, as expressions in C over the dynamic sizes."""
    written: bool
    """Whether native code overwrites it."""
    text: str
    """For readers: the name and type that the module has."""


@dataclass(frozen=True)
class ResultTensor:
    """A result: memory of its own, which the caller gives back."""

    type: str
    rank: int
    text: str


@dataclass(frozen=True)
class CInterface:
    """The interface of a library."""

    name: str
    target: str
    entry: str
    """The symbol of native code."""
    sizes: tuple[tuple[str, int, int | None], ...]
    """The dynamic sizes: name, least and greatest."""
    inputs: tuple[InputTensor, ...]
    results: tuple[ResultTensor, ...]
    state: tuple[StateTensor, ...]
    arguments: int
    """How many native code takes, without results and status."""
    messages: tuple[str, ...]


def interface_of(module: CompiledModule, name: str, state: Sequence[StateTensor]) -> CInterface:
    """Return the interface; raises `ArgumentError` for a module that has none in C."""
    signature, artifact = module.signature, module._built.artifact
    if (module.options.threads or 1) > 1:
        raise ArgumentError("save_library: expected a module compiled with threads=1: a library starts no threads")
    if not artifact.takes_array or module._weights.inputs:
        raise ArgumentError("save_library: expected a module that takes and returns tensors alone")
    if any(mutation.result.kind != "written" for mutation in signature.mutations):
        raise ArgumentError("save_library: expected a module whose writes to its inputs native code does itself")
    if any(result.kind == "argument" for result in signature.results):
        raise ArgumentError("save_library: expected a module that hands no input or parameter through")
    written = {mutation.argument for mutation in signature.mutations}
    taken: set[str] = set()
    inputs = []
    for number, argument in enumerate(signature.arguments):
        if argument.kind != "input" or not isinstance(argument.spec, TensorSpec):
            if number in written:
                raise ArgumentError(
                    f"save_library: {argument.kind} {argument.name} is overwritten; weights are constant"
                )
            continue
        inputs.append(_input(argument, argument.spec, number in written, taken))
    sizes = tuple((symbol, allowed.low, allowed.high) for symbol, allowed in signature.symbols.items())
    results = []
    for spec in signature.native_results:
        assert isinstance(spec, TensorSpec)
        results.append(ResultTensor(_type(spec), len(spec.shape), str(spec)))
    native = native_arguments(signature.native_arguments, artifact.encoded, artifact.packed)
    return CInterface(
        name,
        str(module.target),
        module._entry,
        sizes,
        tuple(inputs),
        tuple(results),
        tuple(state),
        len(native),
        artifact.messages,
    )


def _input(argument: Argument, spec: TensorSpec, written: bool, taken: set[str]) -> InputTensor:
    name = re.sub(r"\W+", "_", argument.name).strip("_") or "input"
    if name in _RESERVED or keyword.iskeyword(name) or name[0].isdigit() or re.fullmatch(r"s\d+", name):
        name = f"input_{name}"
    while name in taken:
        name += "_"
    taken.add(name)
    shape = tuple(_size(size.expression) if isinstance(size, SymbolicSize) else str(size) for size in spec.shape)
    return InputTensor(name, argument.native, _type(spec), shape, written, f"{argument.name}: {spec}")


def _type(spec: TensorSpec) -> str:
    found = TYPES.get(spec.dtype)
    if found is None:
        raise ArgumentError(f"save_library: tensors of {spec.dtype} have no type in C")
    return found


def _size(expression: str) -> str:
    """Return a size as an expression in C; sums and products of symbols and numbers alone are written the same."""
    if not re.fullmatch(r"[\w\s+*()-]+", expression) or "**" in expression:
        raise ArgumentError(f"save_library: the size {expression} has no expression in C")
    return expression
