"""What rounding may do to a graph: its values in float64, runs with noise in them, and results that leave no choice.

Noise is put where a step rounds, and nowhere else. A step rounds if float64 makes something else of operands with
random last places; moves, comparisons, maxima and the like do not, however they are written. Before a step that rounds
its operands move by a part of themselves: a sum whose terms cancel moves by a part of the terms, other sums stay. What
such a step makes moves by a part of itself and, since a formula may cancel inside, of 1 or the greatest beside it,
whichever is less; and by what torch's own result is off in float32 or float64, up to a limit: a normalisation of what
hardly varies multiplies by a great number and subtracts, and there both are off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import torch

from .recipe import Recipe, Step

Values = list[torch.Tensor]

NOISE = {torch.float32: 3e-7, torch.float64: 4e-15, torch.bfloat16: 2.0**-8, torch.float16: 2.0**-10}
"""What rounding may move a value by in one step, relative to itself."""

INSIDE = 0.3
"""How much of the noise is relative to 1 or the greatest value, whichever is less."""

MOST = 64
"""How many times the noise that is what torch is off may be counted."""

ONCE = frozenset({
    "{0} + {1}", "{0} - {1}", "{1} - {0}", "{0} * {1}", "{0} + 1", "1 - {0}", "{0} * 2.5", "{0} / 3", "{0} * -0.125",
    "{0} - 0.5", "{0} + 0.0", "{0} ** 2", "torch.square({0})", "{0}.clone().add_({1})", "{0}.clone().mul_({1})",
    "torch.outer({0}, {1})", "torch.diff({0}, dim=0)",
})  # fmt: skip
"""Steps of one IEEE operation for each element."""


DRAWS = 4
"""How often operands are drawn to see whether a step rounds: few elements may happen to be exact."""

FUSED = "alpha="
"""What marks steps that torch does with one rounding where it can, and others with two: by one, x - 3 x is exact."""

OWN_RANGE = "nan_to_num"
"""What marks steps that make something else of a wider float: the greatest number of its own range."""


def noise(seed: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return what moves floats as one rounding might: by a part of themselves."""
    generator = torch.Generator().manual_seed(seed)
    return lambda value: _scaled(value, generator)


@dataclass(frozen=True)
class Rounding:
    """What rounding may do to a recipe's values."""

    recipe: Recipe

    @cached_property
    def wide(self) -> Values:
        """All values, floats of each step computed in float64 and rounded to what torch makes of it."""
        return self._wide[0]

    @cached_property
    def is_finite(self) -> Values:
        """Which elements of `wide` are finite before they are rounded: in a narrower float they may overflow."""
        return self._wide[1]

    @cached_property
    def _wide(self) -> tuple[Values, Values]:
        found = self._leaves()
        finite = [value.isfinite() for value in found]
        for step in self.recipe.steps:
            value = step.value(found)
            wide = _in_double(step, found)
            if wide is None or wide.shape != value.shape:
                wide = value
            found.append(wide.to(value.dtype))
            finite.append(wide.isfinite())
        return found, finite

    @cached_property
    def rounds(self) -> list[bool]:
        """Whether each step rounds."""
        values = self.recipe.values()
        generator = torch.Generator().manual_seed(0)
        found = []
        for number, step in enumerate(self.recipe.steps):
            made = values[len(self.recipe.leaves) + number]
            draws = (_rounds(step, _replaced(values, step, generator)) for _ in range(DRAWS))
            found.append(made.dtype.is_floating_point and (FUSED in step.template or any(draws)))
        return found

    @cached_property
    def errors(self) -> list[float]:
        """How far torch is off in each step in f32 or f64, of a value or 1, whichever is greater; up to a limit."""
        values = self.recipe.values()
        found = []
        for number, step in enumerate(self.recipe.steps):
            made, wide = values[len(self.recipe.leaves) + number], _in_double(step, values)
            if made.dtype not in (torch.float32, torch.float64) or wide is None or wide.shape != made.shape:
                found.append(0.0)
                continue
            off = (made.double() - wide).abs() / wide.abs().clamp(min=1.0)
            off = off[off.isfinite()]
            found.append(min(float(off.max()) if off.numel() else 0.0, MOST * NOISE[made.dtype]))
        return found

    @cached_property
    def determined(self) -> list[bool]:
        """Whether each value leaves no choice: it is rounded at most once, by an operation that IEEE determines."""
        counts = [0] * len(self.recipe.leaves)
        for step, rounds in zip(self.recipe.steps, self.rounds, strict=True):
            own = 0 if not rounds else 1 if step.template in ONCE else 2
            counts.append(own + max((counts[operand] for operand in step.operands), default=0))
        return [count <= 1 for count in counts]

    def noisy(self, seed: int) -> Values:
        """Return all values of a run with noise."""
        generator = torch.Generator().manual_seed(seed)
        found = self._leaves()
        for step, rounds, error in zip(self.recipe.steps, self.rounds, self.errors, strict=True):
            value = step.value(found)
            if rounds:
                value = _moved(value, step.value(_replaced(found, step, generator)), error, generator)
            found.append(value)
        return found

    def _leaves(self) -> Values:
        return [leaf.tensor() for leaf in self.recipe.leaves]


def _rounds(step: Step, values: Values) -> bool:
    """Tell whether a step makes something else of these operands in float64; of float64, in float32 beside it."""
    narrow = ((n, values[n].float()) for n in step.operands if values[n].dtype == torch.float64)
    values = _with(values, narrow)
    return not _is_same(step.value(values), _in_double(step, values))


def _in_double(step: Step, values: Values) -> torch.Tensor | None:
    """Return what a step makes of its operands in float64; None for a step of one dtype alone."""
    if OWN_RANGE in step.template:
        return None
    operands = {number: values[number] for number in step.operands}
    wide = {n: value.double() if value.dtype.is_floating_point else value for n, value in operands.items()}
    with suppress(RuntimeError):
        return step.value(_with(values, wide.items()))
    return None


def _replaced(values: Values, step: Step, generator: torch.Generator) -> Values:
    """Return values with a step's operands moved by a part of themselves."""
    return _with(values, ((number, _scaled(values[number], generator)) for number in set(step.operands)))


def _with(values: Values, changed: Iterable[tuple[int, torch.Tensor]]) -> Values:
    found = list(values)
    for number, value in changed:
        found[number] = value
    return found


def _scaled(value: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    size = NOISE.get(value.dtype)
    return value if size is None else (value.double() * (1 + size * _signs(value, generator))).to(value.dtype)


def _signs(value: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return 2 * torch.rand(value.shape, generator=generator, dtype=torch.float64) - 1


def _moved(value: torch.Tensor, other: torch.Tensor, error: float, generator: torch.Generator) -> torch.Tensor:
    """Return what a step made of moved operands, `other`, moved itself; `value` is what it makes of those unmoved.

    `error` is that of torch, of a value or 1.

    What rounding could make zero is so at times. What is zero in both is no rounding's work, and stays.
    """
    size = NOISE[value.dtype]
    one, wide = value.double(), other.double()
    finite = torch.where(wide.isfinite(), wide.abs(), 0.0)
    greatest = finite.max().clamp(max=1.0) if finite.numel() else 0.0
    least = torch.finfo(value.dtype).smallest_normal * torch.finfo(value.dtype).eps
    reach = size * (finite + INSIDE * greatest) + 2 * least + error * finite.clamp(min=1.0)
    moved = wide + _signs(value, generator) * reach
    could_be_zero = one.abs() <= reach + (wide - one).abs()
    at_times = torch.rand(value.shape, generator=generator) < 0.25
    moved = torch.where(could_be_zero & at_times, 0.0, moved)
    return torch.where(wide.isfinite() & ((one != 0) | (wide != 0)), moved, wide).to(value.dtype)


def _is_same(one: torch.Tensor, wide: torch.Tensor | None) -> bool:
    """Tell whether a step made the same in float64; zeros have no sign here."""
    if wide is None or one.shape != wide.shape:
        return False
    return bool(((one == wide) | (one.isnan() & wide.isnan())).all()) if one.dtype.is_floating_point else True
