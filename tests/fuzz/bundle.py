"""Many graphs as one module: compiled at once, compared one by one.

Most of what a small graph's compilation takes is there for any graph, however small. So graphs are compiled together,
and taken apart only where something is refused or fails: what fails in company is looked at alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from .recipe import Leaf, Recipe, special_kind

_FLOATS = ("normal", "positive", "halves")
_STEP = 7_368_787
"""Between the seeds of one leaf in two sets of inputs."""


@dataclass(frozen=True)
class Bundle:
    """Graphs whose leaves, steps and outputs stand one graph after the other in one recipe."""

    recipes: tuple[Recipe, ...]

    def recipe(self) -> Recipe:
        """Return the one recipe; which sizes are dynamic it does not say."""
        leaves = [leaf for recipe in self.recipes for leaf in recipe.leaves]
        steps, outputs, first = [], [], 0
        for recipe in self.recipes:
            places = [first + number for number in range(len(recipe.leaves))]
            first += len(recipe.leaves)
            for step in recipe.steps:
                steps.append(replace(step, operands=tuple(places[operand] for operand in step.operands)))
                places.append(len(leaves) + len(steps) - 1)
            outputs += [places[output] for output in recipe.outputs]
        return Recipe(tuple(leaves), tuple(steps), tuple(outputs))

    def inputs(self) -> tuple[torch.Tensor, ...]:
        """Return the example inputs of all graphs."""
        return tuple(value for recipe in self.recipes for value in recipe.inputs())

    def dynamic_shapes(self) -> tuple[dict[int, Any], ...] | None:
        """Return the dimensions that calls may choose, by input; None where there are none."""
        if not any(recipe.dynamic for recipe in self.recipes):
            return None
        auto = torch.export.Dim.AUTO
        return tuple(
            {axis: auto for axis, size in enumerate(leaf.shape) if recipe.dynamic and size == recipe.dynamic}
            for recipe in self.recipes
            for leaf in recipe.leaves
            if not leaf.parameter
        )

    def parts(self, results: Sequence[Any]) -> list[list[Any]]:
        """Return the results of each graph."""
        found, first = [], 0
        for recipe in self.recipes:
            found.append(list(results[first : first + len(recipe.outputs)]))
            first += len(recipe.outputs)
        return found

    def graph_at(self, line: int) -> int | None:
        """Return which graph a line of the module's text belongs to; None for one that is no step."""
        text = self.recipe().class_text().splitlines()
        step = line - 2 - next(n for n, one in enumerate(text) if one.lstrip().startswith("def forward"))
        for number, recipe in enumerate(self.recipes):
            if 0 <= step < len(recipe.steps):
                return number
            step -= len(recipe.steps)
        return None


def guilty(bundle: Bundle, text: str) -> int | None:
    """Return which graph a message is about; None where it names no line of one."""
    line = re.search(r"\(<graph>:(\d+)", text)
    return None if line is None else bundle.graph_at(int(line[1]))


def with_other_inputs(recipe: Recipe, number: int) -> Recipe:
    """Return the recipe with its set of inputs of that number, 0 being its own; parameters stay as they are.

    Set 1 has infinities, NaN, zeros and subnormal numbers among its floats.
    """

    def other(leaf: Leaf) -> Leaf:
        if leaf.parameter or not number:
            return leaf
        kind = special_kind(leaf.dtype) if number == 1 and leaf.kind in _FLOATS else leaf.kind
        return replace(leaf, seed=(leaf.seed + number * _STEP) % (1 << 30), kind=kind)

    return replace(recipe, leaves=tuple(map(other, recipe.leaves)))
