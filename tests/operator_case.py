"""A case of an operation of torch: a function and how its inputs are made, written as texts.

An input is `DTYPE[SIZES]DOMAIN`, such as `f32[n,5]`, `i64[4]<7`, `bool[2,3]`:

    DTYPE   f64 f32 f16 bf16 i64 i32 i16 i8 u8 bool; T stands for each dtype that a table names beside the case
    SIZES   numbers; `n` is a dynamic size: the case is compiled with 3 for it, and called with 3 and with 6
    DOMAIN  none: floats of a normal distribution, integers from -9 to 9; `+`: positive, floats from 0.1 to 3, integers
            from 1 to 9; `u`: floats from -0.95 to 0.95; `d`: distinct values in a random order; `0`: some of the values
            are 0; `<7`: integers from 0 to 6
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

DTYPES = {
    "f64": torch.float64,
    "f32": torch.float32,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "i64": torch.int64,
    "i32": torch.int32,
    "i16": torch.int16,
    "i8": torch.int8,
    "u8": torch.uint8,
    "bool": torch.bool,
}
FLOATS = "f32 f64 f16 bf16"
WIDE = "f32 f64"
INTEGERS = "i64 i32 i8 u8"
NUMBERS = "f32 f64 f16 bf16 i64 i32 i8"
_SPEC = re.compile(r"(\w+)\[([\w,]*)\](\+|u|d|0|<\d+)?")


@dataclass(frozen=True)
class Case:
    """One case: `run` of the inputs, which are called `operation` in the table of coverage."""

    operation: str
    number: int
    run: Callable[..., Any]
    inputs: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.operation}-{self.number}-{'-'.join(self.inputs)}"

    @property
    def dynamic(self) -> bool:
        """Whether a size is dynamic."""
        return any("n" in _SPEC.fullmatch(one)[2] for one in self.inputs)

    def arguments(self, size: int = 3) -> tuple[Tensor, ...]:
        """Inputs, the same each time, with `size` for the dynamic size."""
        generator = torch.Generator().manual_seed(sum(map(ord, str(self))))
        return tuple(_tensor(one, size, generator) for one in self.inputs)

    def dynamic_dims(self) -> list[tuple[int, ...]]:
        """The dynamic dimensions of each input."""
        sizes = [_SPEC.fullmatch(one)[2].split(",") for one in self.inputs]
        return [tuple(dim for dim, size in enumerate(one) if size == "n") for one in sizes]


class Cases(nn.Module):
    """Several cases in one module; returns a list of what each returns."""

    def __init__(self, cases: Sequence[Case]):
        super().__init__()
        self.cases = list(cases)

    def forward(self, inputs):
        return [case.run(*given) for case, given in zip(self.cases, inputs, strict=True)]


class Table:
    """Collects cases: `table("cumsum", lambda x: x.cumsum(0), "T[3,5]", of="f32 i64")` adds one for each dtype."""

    def __init__(self) -> None:
        self.cases: list[Case] = []

    def __call__(self, operation: str, run: Callable[..., Any], *inputs: str, of: str = "f32") -> None:
        for dtype in of.split():
            given = tuple(re.sub(r"\bT\b", dtype, one) for one in inputs)
            number = sum(case.operation == operation for case in self.cases)
            self.cases.append(Case(operation, number, run, given))

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)


def _tensor(spec: str, size: int, generator: torch.Generator) -> Tensor:
    name, sizes, domain = _SPEC.fullmatch(spec).groups()
    dtype = DTYPES[name]
    shape = [size if one == "n" else int(one) for one in sizes.split(",") if one]
    if domain == "d":
        order = torch.randperm(math.prod(shape), generator=generator).reshape(shape)
        return order.to(dtype) if not dtype.is_floating_point else (order - order.numel() // 2).to(dtype) / 4
    if domain and domain[0] == "<":
        return torch.randint(0, int(domain[1:]), shape, generator=generator).to(dtype)
    if dtype == torch.bool:
        return torch.randint(0, 2, shape, generator=generator).bool()
    if dtype.is_floating_point:
        if domain == "+":
            return (torch.rand(shape, generator=generator) * 2.9 + 0.1).to(dtype)
        if domain == "u":
            return (torch.rand(shape, generator=generator) * 1.9 - 0.95).to(dtype)
        values = torch.randn(shape, generator=generator)
    else:
        low = 1 if domain == "+" else 0 if dtype == torch.uint8 else -9
        values = torch.randint(low, 10, shape, generator=generator)
    if domain == "0":
        values = values * torch.randint(0, 2, shape, generator=generator)
    return values.to(dtype)
