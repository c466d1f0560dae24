"""One graph, compiled in some ways and compared with its reference: a verdict."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import slipstick
import torch
from slipstick import LMul
from slipstick.errors import ArgumentError, GraphError, SlipstickError

from .compare import compare, noise
from .lmul_reference import Reference
from .recipe import Recipe
from .scalars import UnsupportedError

NARROW = "haswell"
"""A CPU with AVX2 and no AVX-512."""


@dataclass(frozen=True)
class Way:
    """How a graph is compiled."""

    lmul: LMul | None = None
    target: str = "host"
    weights: str = "f32"

    def __str__(self) -> str:
        arithmetic = "exact" if self.lmul is None else str(self.lmul)
        return f"{arithmetic}, {self.target}, {self.weights}"


@dataclass(frozen=True)
class Verdict:
    """What became of a graph: "right", "unstable" (right within what rounding does to it), "unknown" (right exactly,
    with L-Mul there is no reference), "refused" (not imported), "wrong", "error"; processes add "crash", "hang"."""

    kind: str
    text: str = ""
    way: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether this must not happen."""
        return self.kind not in ("right", "unstable", "refused", "unknown")

    @property
    def sort(self) -> str:
        """What failures of one cause have in common."""
        first = self.text.partition("\n")[0]
        return self.kind if self.kind in ("wrong", "hang") else f"{self.kind} {first[:60]}"


def ways(seed: int) -> tuple[Way, ...]:
    """Return the ways to compile the graph of a seed: exactly for the host, then by chance another one."""
    rng = random.Random(seed)
    kind = rng.random()
    if kind < 0.4:
        return (Way(),)
    target = NARROW if kind < 0.8 else "host"
    if kind < 0.6:
        return Way(), Way(target=target)
    mantissa, rounding = rng.choice((1, 3, 4, 4, 7)), rng.choice(("truncate", "rne"))
    return Way(), Way(LMul(mantissa, rounding, rng.choice(("ieee", "finite"))), target)  # type: ignore[arg-type]


def check(recipe: Recipe, how: tuple[Way, ...], cache: str) -> Verdict:
    """Compile the graph in each way and compare the results; the first failure counts."""
    if any(way.lmul is not None for way in how):
        recipe = replace(recipe, dynamic=0)  # the reference knows sizes that are known
    inputs = recipe.inputs()
    module = recipe.module()
    with torch.no_grad():
        expected = module(*inputs)
    compiled = None
    other = Verdict("right")
    finite = all(bool(one.isfinite().all()) for one in inputs if one.dtype.is_floating_point)
    for way in how:
        if way.lmul is not None and way.lmul.specials == "finite" and not finite:
            continue  # that policy is for finite numbers
        try:
            if compiled is None:
                options: Mapping[str, Any] = {"lmul": way.lmul, "target": way.target, "weights": way.weights}
                compiled = slipstick.compile(
                    module, inputs, dynamic_shapes=_dynamic(recipe), cache_dir=cache, threads=1, **options
                )
                native = compiled
            else:
                native = compiled.with_options(lmul=way.lmul, target=way.target, weights=way.weights)
            verdict = _compare(recipe, way, native, inputs, expected)
        except GraphError as error:
            return Verdict("refused", str(error), str(way))
        except SlipstickError as error:
            return Verdict("error", f"{type(error).__name__}: {error}", str(way))
        except Exception as error:
            return Verdict("error", f"{type(error).__name__} (no error of slipstick): {error}", str(way))
        if verdict.is_failure:
            return verdict
        if verdict.kind != "right":
            other = verdict
    return other


def _dynamic(recipe: Recipe) -> tuple[dict[int, Any], ...] | None:
    if not recipe.dynamic:
        return None
    auto = torch.export.Dim.AUTO
    return tuple(
        {axis: auto for axis, size in enumerate(leaf.shape) if size == recipe.dynamic}
        for leaf in recipe.leaves
        if not leaf.parameter
    )


def _compare(recipe: Recipe, way: Way, native: Any, inputs: Any, expected: Any) -> Verdict:
    if way.lmul is not None:
        reference = Reference(native, way.lmul)
        try:
            expected = reference(inputs)
        except UnsupportedError as error:
            return Verdict("unknown", f"no reference: {error}")
        found = [one.view(torch.int8) if one.dtype == torch.uint8 else one for one in native(*inputs)]
        difference, moved = compare(found, expected, lambda seed: reference(inputs, seed))
    else:
        difference, moved = compare(native(*inputs), expected, lambda seed: _noisy(recipe, seed))
    if difference is not None:
        return Verdict("wrong", f"output {difference.output}: {difference.text}", str(way))
    if recipe.dynamic and way.lmul is None:
        return _other_sizes(recipe, way, native) or Verdict("right")
    return Verdict("unstable" if moved else "right", "by noise" if moved else "", str(way))


def _other_sizes(recipe: Recipe, way: Way, native: Any) -> Verdict | None:
    """Call the module with other sizes; it may refuse those."""
    if any(leaf.parameter and recipe.dynamic in (*leaf.shape, leaf.limit) for leaf in recipe.leaves):
        return None
    # torch.export takes it for granted that a size left open is not 1, which is what squeeze asks.
    squeezes = any(".squeeze(" in step.template for step in recipe.steps)
    for size in (recipe.dynamic + 3,) if squeezes else (recipe.dynamic + 3, 1):
        other = recipe.resized(recipe.dynamic, size)
        inputs = other.inputs()
        try:
            values = other.values()
        except (RuntimeError, IndexError):
            continue
        try:
            found = native(*inputs)
        except ArgumentError:
            continue
        difference, _ = compare(found, [values[output] for output in other.outputs], lambda seed: _noisy(other, seed))  # noqa: B023
        if difference is not None:
            return Verdict("wrong", f"size {size}, output {difference.output}: {difference.text}", str(way))
    return None


def _noisy(recipe: Recipe, seed: int) -> list[torch.Tensor]:
    values = recipe.values(noise(seed))
    return [values[output] for output in recipe.outputs]
