"""Random recipes: each step is one that torch itself accepts for the values at hand, since it is run at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from .operations import OPERATIONS
from .recipe import Leaf, Recipe, Step, random_seed, special_kind

MOST_ELEMENTS = 4096
"""A value that holds more is not kept."""

FLOATS = ("float32", "float64", "bfloat16", "float16")
INTEGERS = ("int64", "int32", "int16", "int8", "uint8")
SIZES = (0, 1, 1, 2, 3, 4, 5, 7, 8, 9, 13, 15, 16, 17, 31, 33, 48, 65)

Predicate = Callable[[torch.Tensor], bool]


@dataclass(frozen=True)
class Limits:
    """What recipes may hold."""

    steps: int = 8
    floats: tuple[str, ...] = ("float32",) * 12 + FLOATS
    integers: tuple[str, ...] = ("int64", "int64", "int32", *INTEGERS)
    specials: bool = True
    operations: tuple[str, ...] = ()
    """Names of families; all where there are none."""
    sizes: tuple[int, ...] = ()
    """Of dimensions; some that each recipe chooses where there are none."""


class Builder:
    """A recipe in the making, with the values that torch computes for it."""

    def __init__(self, rng: random.Random, limits: Limits):
        self.rng = rng
        self.limits = limits
        self.leaves: list[Leaf] = []
        self.steps: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = []
        self.tensors: list[torch.Tensor] = []
        self._is_leaf: list[bool] = []
        self.dims = list(limits.sizes) or [rng.choice(SIZES[1:]) for _ in range(rng.randint(2, 4))]
        if not limits.sizes and rng.random() < 0.04:
            self.dims.append(0)
        self.float = rng.choice(limits.floats)
        self.special = limits.specials and rng.random() < 0.15

    def size(self) -> int:
        """Return one of the graph's few sizes, so that values fit each other."""
        return self.rng.choice(self.dims)

    def shape(self, low: int = 0, high: int = 4) -> tuple[int, ...]:
        """Return a shape of `low` to `high` dimensions."""
        rank = self.rng.choice([rank for rank in (0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4) if low <= rank <= high])
        while True:
            shape = tuple(self.size() if self.rng.random() < 0.9 else 1 for _ in range(rank))
            if torch.Size(shape).numel() <= MOST_ELEMENTS // 2:
                return shape
            rank = max(low, rank - 1)
            self.dims.append(min(self.dims) or 2)

    def leaf(
        self, shape: tuple[int, ...], dtype: str = "", kind: str = "", *, limit: int = 1, parameter: bool | None = None
    ) -> int:
        """Add a leaf and return its number."""
        dtype = dtype or self.float
        if not kind:
            kind = self._kind(dtype)
        if parameter is None:
            parameter = self.rng.random() < 0.1
        leaf = Leaf(shape, dtype, kind, random_seed(self.rng), parameter and dtype in FLOATS, limit)
        self.leaves.append(leaf)
        return self._keep(leaf.tensor(), is_leaf=True)

    def _kind(self, dtype: str) -> str:
        if dtype == "bool":
            return "bool"
        if dtype in INTEGERS:
            if dtype == "uint8":
                return self.rng.choice(("counts", "wide"))
            return self.rng.choice(("integers", "integers", "integers", "counts", "counts", "wide"))
        if self.special and self.rng.random() < 0.5:
            return special_kind(dtype)
        return self.rng.choice(("normal", "normal", "normal", "normal", "positive", "halves"))

    def value(self, fits: Predicate) -> int | None:
        """Return the number of a value that fits, late ones rather; None where there is none."""
        found = [number for number, tensor in enumerate(self.tensors) if fits(tensor)]
        if not found:
            return None
        if self.rng.random() < 0.6:
            return found[-1]
        return self.rng.choice(found)

    def any_float(self, low: int = 0, high: int = 6) -> int:
        """Return a float of the graph's dtype with so many dimensions; a new leaf where there is none, or by chance."""
        dtype = getattr(torch, self.float)
        found = self.value(lambda t: t.dtype == dtype and low <= t.dim() <= high)
        if found is None or self.rng.random() < 0.1:
            return self.leaf(self.shape(max(low, 0), min(high, 4)))
        return found

    def any_integer(self, low: int = 0) -> int:
        """Return an integer tensor."""
        found = self.value(lambda t: not t.dtype.is_floating_point and t.dtype != torch.bool and t.dim() >= low)
        if found is None or self.rng.random() < 0.2:
            return self.leaf(self.shape(low), self.rng.choice(self.limits.integers))
        return found

    def any_bool(self) -> int:
        """Return a tensor of truth values."""
        found = self.value(lambda t: t.dtype == torch.bool)
        return self.leaf(self.shape(), "bool") if found is None else found

    def partner(self, number: int, dtype: torch.dtype | None = None) -> int:
        """Return a value that broadcasts with value `number`, of its dtype or of another one."""
        wanted = self.tensors[number]
        dtype = dtype or wanted.dtype

        def fits(tensor: torch.Tensor) -> bool:
            if tensor.dtype != dtype:
                return False
            try:
                return torch.broadcast_shapes(tensor.shape, wanted.shape).numel() <= MOST_ELEMENTS
            except RuntimeError:
                return False

        if self.rng.random() < 0.5:
            found = self.value(lambda t: fits(t) and t is not wanted)
            if found is not None:
                return found
        shape = [size if self.rng.random() < 0.75 else 1 for size in wanted.shape]
        shape = shape[self.rng.choice((0, 0, 0, len(shape) // 2, len(shape))) :]
        return self.leaf(tuple(shape), str(dtype).removeprefix("torch."))

    def add(self, template: str, *operands: int, sizes: Sequence[int] = ()) -> int | None:
        """Add a step if torch can run it and its result is of a fair size; return its number."""
        step = Step(template, operands, tuple(sizes))
        try:
            value = step.value(self.tensors)
        except (RuntimeError, IndexError):  # what torch raises for types, sizes and indices that do not fit
            return None
        if not isinstance(value, torch.Tensor) or value.numel() > MOST_ELEMENTS or value.dim() > 5:
            return None
        if value.dtype.is_complex or (value.dtype.is_floating_point and self._is_wild(value, operands)):
            return None
        self.steps.append((template, operands, tuple(sizes)))
        return self._keep(value, is_leaf=False)

    def _is_wild(self, value: torch.Tensor, operands: Sequence[int]) -> bool:
        """Tell whether finite numbers became infinite or vast: what follows would compare nothing."""
        if not all(self._is_tame(self.tensors[operand]) for operand in operands):
            return False
        return not self._is_tame(value)

    @staticmethod
    def _is_tame(value: torch.Tensor) -> bool:
        return not value.dtype.is_floating_point or bool((value.abs() < 1e4).all())

    def _keep(self, value: torch.Tensor, *, is_leaf: bool) -> int:
        self.tensors.append(value)
        self._is_leaf.append(is_leaf)
        return len(self.tensors) - 1

    def recipe(self) -> Recipe:
        """Return the recipe with all values that nothing uses, and some others, as outputs."""
        order = [n for n, leaf in enumerate(self._is_leaf) if leaf] + [
            n for n, leaf in enumerate(self._is_leaf) if not leaf
        ]
        places = {old: new for new, old in enumerate(order)}
        used = {operand for _, operands, _ in self.steps for operand in operands}
        made = [n for n, leaf in enumerate(self._is_leaf) if not leaf]
        outputs = [n for n in made if n not in used or self.rng.random() < 0.1]
        steps = tuple(Step(t, tuple(places[o] for o in operands), sizes) for t, operands, sizes in self.steps)
        dynamic = 0
        sizes = {size for _, _, stated in self.steps for size in stated}
        candidates = [size for size in self.dims if size > 1 and size not in sizes]
        if candidates and self.rng.random() < 0.15:
            dynamic = self.rng.choice(candidates)
        return Recipe(tuple(self.leaves), steps, tuple(places[o] for o in outputs), dynamic).pruned()


def random_recipe(seed: int, limits: Limits | None = None) -> Recipe:
    """Return the recipe of that seed."""
    limits = limits or Limits()
    rng = random.Random(seed)
    table = {name: entry for name, entry in OPERATIONS.items() if not limits.operations or name in limits.operations}
    names, weights = list(table), [weight for weight, _ in table.values()]
    while True:
        builder = Builder(rng, limits)
        wanted = rng.randint(1, limits.steps)
        for _ in range(4 * wanted):
            if len(builder.steps) >= wanted:
                break
            table[rng.choices(names, weights)[0]][1](builder)
        if builder.steps:
            return builder.recipe()
