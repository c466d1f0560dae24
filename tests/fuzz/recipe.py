"""A graph as a recipe: leaves (inputs and parameters) and steps, each one line of torch; and its text as a module.

Values are numbered: leaves first, then steps in order. A step's template names its operands `{0}`, `{1}`, ... and the
sizes that it states `{s0}`, `{s1}`, ...; what else it needs (axes, dtypes) stands in the template itself.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import nn

KINDS: Mapping[str, str] = {
    "normal": "torch.randn({shape}, generator=g, dtype={wide}).to({dtype})",
    # As "normal"; stays so in sets of inputs that have special numbers.
    "plain": "torch.randn({shape}, generator=g, dtype={wide}).to({dtype})",
    "positive": "(torch.rand({shape}, generator=g, dtype={wide}) + 0.25).to({dtype})",
    "halves": "(torch.randint(-8, 9, {shape}, generator=g) / 2).to({dtype})",
    "special": "special({shape}, g).to({dtype})",
    # As "special" without subnormal numbers.
    "special-normal": "special({shape}, g, 1e-30).to({dtype})",
    "integers": "torch.randint(-9, 10, {shape}, generator=g).to({dtype})",
    "counts": "torch.randint(0, 7, {shape}, generator=g).to({dtype})",
    # All that a dtype has: of integers the lowest bits are kept.
    "wide": "torch.randint(-(2**62), 2**62, {shape}, generator=g).to({dtype})",
    "bool": "torch.rand({shape}, generator=g) < 0.5",
    "index": "torch.randint(0, {limit}, {shape}, generator=g).to({dtype})",
    "index-from-behind": "torch.randint(-{limit}, {limit}, {shape}, generator=g).to({dtype})",
}
"""How the numbers of a leaf are drawn, by kind."""


def special_kind(dtype: str) -> str:
    """Return the kind of special numbers that a dtype has.

    torch takes subnormal bfloat16 for zero in its products, where it computes NaN of one by an infinity.
    """
    return "special-normal" if dtype == "bfloat16" else "special"


PRELUDE = '''\
import torch
from torch import nn


def special(shape, g, least=1e-40):
    """Normal numbers among zeros of both signs, infinities, NaN, subnormal and large ones."""
    x = torch.randn(shape, generator=g)
    values = torch.tensor([0.0, -0.0, float("inf"), -float("inf"), float("nan"), least, -least, 1e9, -1e9, 1e-30])
    chosen = values[torch.randint(0, len(values), shape, generator=g)]
    return torch.where(torch.rand(shape, generator=g) < 0.2, chosen, x)


def added_to_half(x, y):
    """A view of a copy, written in place; the copy."""
    x = x.clone()
    x[: x.shape[0] // 2 + 1] += y
    return x


def added_twice(x, y):
    """What is written through one view is read through another."""
    x = x.clone()
    x.view(-1)[::2].add_(1)
    x.add_(y)
    return x.flip(0) + x


def turned_in_place(x):
    """Rows overwritten with others of the same tensor."""
    x = x.clone()
    x[:1] = x[-1:] * 2
    return x
'''


@dataclass(frozen=True)
class Leaf:
    """An input or a parameter: numbers of one kind drawn from a seed of its own."""

    shape: tuple[int, ...]
    dtype: str
    kind: str
    seed: int
    parameter: bool = False
    limit: int = 1
    """Of indices: what they stay below."""

    def text(self) -> str:
        """Return the expression that draws the numbers; it reads `g`, a generator seeded with `seed`."""
        dtype = f"torch.{self.dtype}"
        wide = dtype if self.dtype in ("float32", "float64") else "torch.float32"
        return KINDS[self.kind].format(shape=self.shape, dtype=dtype, wide=wide, limit=self.limit)

    def tensor(self) -> torch.Tensor:
        """Return the numbers."""
        names = {"g": torch.Generator().manual_seed(self.seed), **_namespace()}
        result: torch.Tensor = eval(self.text(), names)
        return result


@dataclass(frozen=True)
class Step:
    """One line: an expression over earlier values."""

    template: str
    operands: tuple[int, ...]
    sizes: tuple[int, ...] = ()

    def text(self, names: Sequence[str]) -> str:
        """Return the expression over `names`, those of all values so far."""
        sizes = {f"s{number}": size for number, size in enumerate(self.sizes)}
        return self.template.format(*(names[operand] for operand in self.operands), **sizes)

    def value(self, values: Sequence[torch.Tensor]) -> Any:
        """Return what the expression makes of values, all that there are so far."""
        text = self.template.format(
            *(f"v{operand}" for operand in self.operands), **{f"s{n}": size for n, size in enumerate(self.sizes)}
        )
        names = {**_namespace(), **{f"v{operand}": values[operand] for operand in self.operands}}
        with torch.no_grad():
            value = eval(text, names)
        if "gelu({0}" in self.template:
            # torch makes NaN of infinity in whole vectors, and leaves it behind them.
            value = torch.where(values[self.operands[0]] == torch.inf, torch.inf, value)
        return value


@dataclass(frozen=True)
class Recipe:
    """A graph: `outputs` are numbers of values; `dynamic` is a size that each call may choose, 0: there is none."""

    leaves: tuple[Leaf, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    dynamic: int = 0

    def module(self) -> nn.Module:
        """Return the module of the recipe's text, with parameters of its own."""
        names = _namespace()
        exec(compile(self.class_text(), "<graph>", "exec"), names)
        made: nn.Module = names["Graph"]()
        return made.eval()

    def inputs(self) -> tuple[torch.Tensor, ...]:
        """Return the example inputs."""
        return tuple(leaf.tensor() for leaf in self.leaves if not leaf.parameter)

    def values(self) -> list[torch.Tensor]:
        """Return all values as torch computes them one by one."""
        found = [leaf.tensor() for leaf in self.leaves]
        for step in self.steps:
            found.append(step.value(found))
        return found

    def class_text(self) -> str:
        """Return the text of the module's class, `Graph`."""
        names = [f"self.p{n}" if leaf.parameter else f"v{n}" for n, leaf in enumerate(self.leaves)]
        inputs = [name for name, leaf in zip(names, self.leaves, strict=True) if not leaf.parameter]
        lines = ["class Graph(nn.Module):"]
        parameters = [(name, leaf) for name, leaf in zip(names, self.leaves, strict=True) if leaf.parameter]
        if parameters:
            lines += ["    def __init__(self):", "        super().__init__()"]
            for name, leaf in parameters:
                lines += [f"        g = torch.Generator().manual_seed({leaf.seed})"]
                lines += [f"        {name} = nn.Parameter({leaf.text()}, requires_grad=False)"]
            lines += [""]
        lines += [f"    def forward({', '.join(['self', *inputs])}):"]
        for step in self.steps:
            text = step.text(names)
            names.append(f"v{len(names)}")
            lines += [f"        {names[-1]} = {text}"]
        lines += [f"        return ({''.join(f'{names[number]}, ' for number in self.outputs)})"]
        return "\n".join(lines) + "\n"

    def source(self) -> str:
        """Return a self-contained program that compiles the graph and compares it with torch."""
        lines = [PRELUDE, "import slipstick", "", "", self.class_text(), "inputs = []"]
        for leaf in self.leaves:
            if not leaf.parameter:
                lines += [f"g = torch.Generator().manual_seed({leaf.seed})", f"inputs.append({leaf.text()})"]
        shapes = ""
        if self.dynamic:
            dims = [
                {n: "torch.export.Dim.AUTO" for n, size in enumerate(leaf.shape) if size == self.dynamic}
                for leaf in self.leaves
                if not leaf.parameter
            ]
            text = ", ".join("{" + ", ".join(f"{n}: {dim}" for n, dim in one.items()) + "}" for one in dims)
            shapes = f", dynamic_shapes=({text},)"
        lines += [
            "module = Graph().eval()",
            f"compiled = slipstick.compile(module, tuple(inputs){shapes})",
            "with torch.no_grad():",
            "    expected = module(*inputs)",
            "for found, wanted in zip(compiled(*inputs), expected):",
            "    print(found, wanted, sep='\\n')",
        ]
        return "\n".join(lines) + "\n"

    def resized(self, old: int, new: int) -> Recipe:
        """Return the recipe with one size replaced by another, wherever it is stated."""

        def change(sizes: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(new if size == old else size for size in sizes)

        leaves = tuple(replace(leaf, shape=change(leaf.shape), limit=change((leaf.limit,))[0]) for leaf in self.leaves)
        steps = tuple(replace(step, sizes=change(step.sizes)) for step in self.steps)
        return replace(self, leaves=leaves, steps=steps)

    def cut(self, number: int, leaf: Leaf) -> Recipe:
        """Return the recipe with a leaf in the place of step `number`."""
        count = len(self.leaves)

        def moved(value: int) -> int:
            if value == count + number:
                return count
            return value + 1 if count <= value < count + number else value

        steps = [step for at, step in enumerate(self.steps) if at != number]
        return Recipe(
            (*self.leaves, leaf),
            tuple(replace(step, operands=tuple(map(moved, step.operands))) for step in steps),
            tuple(map(moved, self.outputs)),
            self.dynamic,
        ).pruned()

    def pruned(self) -> Recipe:
        """Return the recipe without leaves and steps that no output needs."""
        count = len(self.leaves)
        needed = set(self.outputs)
        for number in reversed(range(len(self.steps))):
            if count + number in needed:
                needed.update(self.steps[number].operands)
        kept = [number for number in range(count + len(self.steps)) if number in needed]
        places = {old: new for new, old in enumerate(kept)}
        steps = [self.steps[number - count] for number in kept if number >= count]
        return Recipe(
            tuple(self.leaves[number] for number in kept if number < count),
            tuple(replace(step, operands=tuple(places[o] for o in step.operands)) for step in steps),
            tuple(places[output] for output in self.outputs),
            self.dynamic,
        )


@cache
def _prelude() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(PRELUDE, names)
    return names


def _namespace() -> dict[str, Any]:
    return dict(_prelude())


def random_seed(rng: random.Random) -> int:
    """Return a seed for a leaf."""
    return rng.randrange(1 << 30)
