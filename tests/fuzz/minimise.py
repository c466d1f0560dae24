"""A failing recipe made small: outputs, steps, sizes and kinds of numbers are given up as long as it fails alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from .recipe import Leaf, Recipe


def minimise(recipe: Recipe, fails: Callable[[Recipe], bool], seconds: float = 120.0) -> Recipe:
    """Return the smallest recipe found, within `seconds`, for which `fails` is true, as it is for the one given."""
    deadline = time.monotonic() + seconds
    tried = {recipe}
    found = True
    while found and time.monotonic() < deadline:
        found = False
        for candidate in _smaller(recipe):
            if time.monotonic() > deadline:
                break
            if candidate in tried or not candidate.steps or not _runs(candidate):
                continue
            tried.add(candidate)
            if fails(candidate):
                recipe, found = candidate, True
                break
    return recipe


def _runs(recipe: Recipe) -> bool:
    try:
        recipe.values()
    except Exception:
        return False
    return True


def _smaller(recipe: Recipe) -> Iterator[Recipe]:
    if len(recipe.outputs) > 1:
        for output in recipe.outputs:
            yield replace(recipe, outputs=(output,)).pruned()
    count = len(recipe.leaves)
    tensors = recipe.values()
    for number in reversed(range(len(recipe.steps))):
        for operand in recipe.steps[number].operands:
            if tensors[operand].shape == tensors[count + number].shape:
                yield _bypassed(recipe, count + number, operand)
    for number in range(len(recipe.steps)):
        value = tensors[count + number]
        kind = "bool" if value.dtype.is_floating_point is False and str(value.dtype) == "torch.bool" else "integers"
        kind = "normal" if value.dtype.is_floating_point else kind
        leaf = Leaf(tuple(value.shape), str(value.dtype).removeprefix("torch."), kind, number + 1)
        yield recipe.cut(number, leaf)
    if recipe.dynamic:
        yield replace(recipe, dynamic=0)
    sizes = {size for leaf in recipe.leaves for size in leaf.shape if size > 1}
    for size in sorted(sizes, reverse=True):
        for new in dict.fromkeys((1, 2, 3, size // 2, size - 1)):
            if new < size and size != recipe.dynamic:
                yield recipe.resized(size, new)
    for number, leaf in enumerate(recipe.leaves):
        for plain in (replace(leaf, parameter=False), replace(leaf, kind="normal"), replace(leaf, kind="halves")):
            if plain != leaf and leaf.kind not in ("bool", "index", "index-from-behind", "integers", "counts", "wide"):
                yield replace(recipe, leaves=(*recipe.leaves[:number], plain, *recipe.leaves[number + 1 :]))


def _bypassed(recipe: Recipe, value: int, by: int) -> Recipe:
    """Return the recipe where an earlier value takes the place of `value`."""

    def other(number: int) -> int:
        return by if number == value else number

    steps = tuple(replace(step, operands=tuple(map(other, step.operands))) for step in recipe.steps)
    return replace(recipe, steps=steps, outputs=tuple(map(other, recipe.outputs))).pruned()
