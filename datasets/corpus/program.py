"""One program of the corpus, and how random ones are written: linalg on tensors, as it leaves torch-mlir."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Program:
    """A module at the stage "linalg" and where it comes from."""

    name: str
    """Unique. All kernels of a program, whatever their schedule, fall on one side of a split."""
    family: str
    text: str
    seed: int = 0
    weights: str = "f32"
    """The format of its weights in the first of its forms."""


@dataclass
class Writer:
    """Writes a function `main` on ranked tensors, one operation after another, and returns its text."""

    arguments: list[tuple[str, str, bool]] = field(default_factory=list)
    """Name, type, whether it is a parameter."""
    lines: list[str] = field(default_factory=list)
    count: int = 0

    def argument(self, shape: Sequence[int], element: str, parameter: bool = False) -> str:
        """Add an argument; return its name."""
        name = f"%a{len(self.arguments)}"
        self.arguments.append((name, tensor(shape, element), parameter))
        return name

    def emit(self, operation: str) -> str:
        """Add an operation with one result; return its name."""
        self.count += 1
        self.lines.append(f"%v{self.count} = {operation}")
        return f"%v{self.count}"

    def filled(self, shape: Sequence[int], element: str, value: str) -> str:
        """Return a tensor full of one number, e.g. `0.0` or `0xFF800000`."""
        type_ = tensor(shape, element)
        constant = self.emit(f"arith.constant {value} : {element}")
        empty = self.emit(f"tensor.empty() : {type_}")
        return self.emit(f"linalg.fill ins({constant} : {element}) outs({empty} : {type_}) -> {type_}")

    def generic(
        self,
        inputs: Sequence[tuple[str, str, str]],
        output: tuple[str, str, str],
        iterators: Sequence[str],
        body: Sequence[str],
        result: str,
    ) -> str:
        """Add a `linalg.generic`. Operands are name, type and map; the body reads `%i0`, ... and `%o`."""
        maps = ", ".join(f"affine_map<{operand[2]}>" for operand in (*inputs, output))
        names, types = ", ".join(o[0] for o in inputs), ", ".join(o[1] for o in inputs)
        ins = f"ins({names} : {types}) " if inputs else ""
        parameters = ", ".join(f"%i{number}: {element(o[1])}" for number, o in enumerate(inputs))
        parameters = f"{parameters}, %o: {element(output[1])}" if inputs else f"%o: {element(output[1])}"
        kinds = ", ".join(f'"{kind}"' for kind in iterators)
        inner = "\n".join([f"^bb0({parameters}):", *body, f"linalg.yield {result} : {element(output[1])}"])
        return self.emit(
            f"linalg.generic {{indexing_maps = [{maps}], iterator_types = [{kinds}]}} "
            f"{ins}outs({output[0]} : {output[1]}) {{\n{inner}\n}} -> {output[1]}"
        )

    def text(self, result: str, type_: str) -> str:
        """Return the module."""
        parameters = ", ".join(
            f"{name}: {of_type}{' {slipstick.parameter}' if parameter else ''}"
            for name, of_type, parameter in self.arguments
        )
        body = "\n".join([*self.lines, f"return {result} : {type_}"])
        return f"module {{\nfunc.func @main({parameters}) -> {type_} {{\n{body}\n}}\n}}\n"


def tensor(shape: Sequence[int], element_type: str) -> str:
    """Return a type's text, e.g. `tensor<4x8xf32>`."""
    return f"tensor<{''.join(f'{size}x' for size in shape)}{element_type}>"


def element(type_: str) -> str:
    """Return the element type of a tensor type's text."""
    return type_.removeprefix("tensor<").removesuffix(">").rpartition("x")[2]


def size(rng: random.Random, low: int, high: int) -> int:
    """Return a size from a range, evenly in its logarithm; half of the time a multiple of 8, as models have them."""
    value = round(low * math.pow(high / low, rng.random()))
    if rng.random() < 0.5 and value >= 8:
        value = value // 8 * 8
    return value
