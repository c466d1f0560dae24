"""Graphs, compiled together in some ways and compared with their references one by one: a verdict on each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from unittest import mock

import slipstick
import torch
from slipstick import LMul
from slipstick.compiler import codegen
from slipstick.compiler.stages import StageLoops
from slipstick.errors import ArgumentError, GraphError, SlipstickError

from .bundle import Bundle, guilty, with_other_inputs
from .compare import Difference, Exact, compare, is_off
from .lmul_reference import Reference
from .pieces import Assembled
from .recipe import Recipe
from .rounding import Rounding
from .verdict import Verdict

NARROW = "haswell"
"""A CPU with AVX2 and no AVX-512."""
BLOCK = 24
"""Seeds in a row whose graphs are compiled together, in the same ways."""


@dataclass(frozen=True)
class Way:
    """How a graph is compiled."""

    lmul: LMul | None = None
    target: str = "host"
    weights: str = "f32"
    opt_level: int = 3
    """How much LLVM does: at 0 and 1 code is made in less time, which is right for the same inputs."""
    threads: int = 1
    """With more than one, each loop that may be is spread over them, however little work it is."""

    def __str__(self) -> str:
        arithmetic = "exact" if self.lmul is None else str(self.lmul)
        threads = "" if self.threads == 1 else f", {self.threads} threads"
        return f"{arithmetic}, {self.target}, {self.weights}, O{self.opt_level}{threads}"

    def options(self) -> dict[str, Any]:
        """Return the options of `slipstick.compile`."""
        return {"lmul": self.lmul, "target": self.target, "weights": self.weights, "threads": self.threads}


Compiler = Callable[..., Any]
"""Compiles a bundle, with the folder of a cache and options of `slipstick.compile`."""


def compiled_by_torch(bundle: Bundle, cache: str, **options: Any) -> slipstick.CompiledModule:
    """Compile the torch module of a bundle."""
    shapes = bundle.dynamic_shapes()
    return slipstick.compile(
        bundle.recipe().module(), bundle.inputs(), dynamic_shapes=shapes, cache_dir=cache, **options
    )


def ways(seed: int) -> tuple[Way, ...]:
    """Return the ways to compile the graph of a seed: exactly for the host, then by chance another one.

    They are the same for all seeds of a block.
    """
    rng = random.Random(seed // BLOCK)
    exact = Way(opt_level=rng.choice((0, 0, 0, 1, 1, 3)))
    kind = rng.random()
    if kind < 0.4:
        return (exact,)
    if kind < 0.6:
        return exact, replace(exact, threads=2)
    target = NARROW if rng.random() < 0.5 else "host"
    if kind < 0.7:
        return exact, replace(exact, target=NARROW)
    mantissa, rounding = rng.choice((1, 3, 4, 4, 7)), rng.choice(("truncate", "rne"))
    lmul = LMul(mantissa, rounding, rng.choice(("ieee", "finite")))  # type: ignore[arg-type]
    return exact, replace(exact, lmul=lmul, target=target, threads=rng.choice((1, 1, 2)))


def check(recipe: Recipe, how: Sequence[Way], cache: str, sets: int = 1) -> Verdict:
    """Compile the graph in each way and compare the results; the first failure counts."""
    return check_all((recipe,), how, cache, sets)[0][0]


def check_all(
    recipes: Sequence[Recipe],
    how: Sequence[Way],
    cache: str,
    sets: int = 1,
    compiler: Compiler = compiled_by_torch,
) -> tuple[list[Verdict], int]:
    """Return a verdict on each graph, and the number of calls compared, each of them of one graph in one way.

    Each is called with so many sets of inputs. What is refused or fails in company is looked at alone; a failure that
    is none alone stays one.
    """
    if any(way.lmul is not None for way in how):
        recipes = [replace(recipe, dynamic=0) for recipe in recipes]  # the reference knows sizes that are known
    run = _Run(Bundle(tuple(recipes)), sets, compiler)
    try:
        verdicts = run.verdicts(how, cache)
    except Exception as error:
        verdict = run.failure(error)
        if len(recipes) == 1:
            return [verdict], 0
        return _apart(recipes, how, cache, sets, compiler, verdict)
    if len(recipes) > 1:
        for number, verdict in enumerate(verdicts):
            if verdict.is_failure:
                (alone,), _ = check_all((recipes[number],), how, cache, sets, compiler)
                is_new = verdict.kind != "suspect" and not alone.is_failure
                verdicts[number] = replace(verdict, text=f"in company: {verdict.text}") if is_new else alone
    return verdicts, run.calls


def _apart(
    recipes: Sequence[Recipe], how: Sequence[Way], cache: str, sets: int, compiler: Compiler, verdict: Verdict
) -> tuple[list[Verdict], int]:
    """Return verdicts on graphs that cannot be compiled together."""
    named = guilty(Bundle(tuple(recipes)), verdict.text)
    half = len(recipes) // 2
    parts = [range(half), range(half, len(recipes))]
    if named is not None:
        parts = [range(named, named + 1), [n for n in range(len(recipes)) if n != named]]  # type: ignore[list-item]
    found, calls = [verdict] * len(recipes), 0
    for part in parts:
        verdicts, more = check_all([recipes[number] for number in part], how, cache, sets, compiler)
        calls += more
        for number, one in zip(part, verdicts, strict=True):
            found[number] = one
    if verdict.is_failure and not any(one.is_failure for one in found):
        found[0] = replace(verdict, text=f"in company: {verdict.text}")
    return found, calls


class _Run:
    """One compilation of graphs and what is compared of it."""

    def __init__(self, bundle: Bundle, sets: int, compiler: Compiler):
        self._bundle = bundle
        self._compiler = compiler
        self._is_alone = len(bundle.recipes) == 1
        self._sets = sets
        self._way: Way | None = None
        self.calls = 0

    def failure(self, error: Exception) -> Verdict:
        """Return the verdict for what came out where nothing should."""
        way = str(self._way)
        if isinstance(error, GraphError):
            return Verdict("refused", str(error), way)
        stranger = "" if isinstance(error, SlipstickError) else " (no error of slipstick)"
        return Verdict("error", f"{type(error).__name__}{stranger}: {error}", way)

    def verdicts(self, how: Sequence[Way], cache: str) -> list[Verdict]:
        """Compile, call, compare."""
        found = [Verdict("right")] * len(self._bundle.recipes)
        native: Any = None
        for way in how:
            self._way = way
            with _as(way):
                if native is None:
                    compiled = native = self._compiler(self._bundle, cache, **way.options())
                else:
                    compiled = native.with_options(**way.options())
            reference = None if way.lmul is None else Reference(compiled, way.lmul)
            for number in range(self._sets):
                bundle = Bundle(tuple(with_other_inputs(recipe, number) for recipe in self._bundle.recipes))
                compared = self._compared(bundle, way, compiled, reference)
                _merge(found, [replace(verdict, inputs=number) for verdict in compared])
            if way.lmul is None:
                _merge(found, self._other_sizes(way, compiled))
        return found

    def _compared(self, bundle: Bundle, way: Way, native: Any, reference: Reference | None) -> list[Verdict]:
        inputs: Sequence[torch.Tensor] = bundle.inputs()
        given = inputs
        values = [recipe.values() for recipe in bundle.recipes]
        results = bundle.parts(native(*inputs))
        expected: list[list[Any]]
        if reference is None:
            pairs = zip(bundle.recipes, values, strict=True)
            expected = [[all_[output] for output in recipe.outputs] for recipe, all_ in pairs]
        else:
            if isinstance(native, Assembled):
                given = native.arguments(inputs)
            expected = bundle.parts(reference(given))
        found = []
        for number, recipe in enumerate(bundle.recipes):
            if way.lmul is not None and way.lmul.specials == "finite" and not all(map(_is_tame, values[number])):
                found.append(Verdict("right"))  # that policy is for finite numbers
                continue
            self.calls += 1

            if reference is None:
                found.append(self._exact_verdict(way, recipe, results[number], expected[number]))
            else:
                run = partial(_first_part, bundle, reference, given)
                found.append(self._lmul_verdict(way, results[number], expected[number], run))
        return found

    def _exact_verdict(self, way: Way, recipe: Recipe, found: list[torch.Tensor], expected: list[Any]) -> Verdict:
        rounding, outputs = Rounding(recipe), recipe.outputs

        def chosen(values: Sequence[Any]) -> list[Any]:
            return [values[output] for output in outputs]

        exact = Exact(lambda: chosen(rounding.wide), chosen(rounding.determined), lambda: chosen(rounding.is_finite))
        difference, moved = compare(found, expected, lambda seed: chosen(rounding.noisy(seed)), exact)
        return _verdict(way, difference, moved, range(len(outputs)))

    def _lmul_verdict(self, way: Way, found: list[torch.Tensor], expected: list[Any], noisy: Any) -> Verdict:
        known = [number for number, one in enumerate(expected) if one is not None]
        if not known:
            return Verdict("unknown", "no reference for L-Mul", str(way))
        one = [value.view(torch.int8) if value.dtype == torch.uint8 else value for value in (found[n] for n in known)]
        wanted = [expected[number] for number in known]
        if not self._is_alone:  # noise would run through all graphs
            return Verdict("suspect" if any(map(is_off, one, wanted)) else "right", "", str(way))
        difference, moved = compare(one, wanted, lambda seed: [noisy(seed)[number] for number in known])
        return _verdict(way, difference, moved, known)

    def _other_sizes(self, way: Way, native: Any) -> list[Verdict]:
        """Call the module with other sizes; it may refuse those."""
        recipes = self._bundle.recipes
        right = [Verdict("right")] * len(recipes)
        if not any(recipe.dynamic for recipe in recipes) or any(map(_has_sized_parameter, recipes)):
            return right
        # torch.export takes it for granted that a size left open is not 1, which is what squeeze asks.
        squeezes = any(".squeeze(" in step.template for recipe in recipes for step in recipe.steps)
        for size in (3,) if squeezes else (3, 0):
            bundle = Bundle(tuple(one.resized(one.dynamic, one.dynamic + size if size else 1) for one in recipes))
            try:
                values = [recipe.values() for recipe in bundle.recipes]
            except (RuntimeError, IndexError):  # torch refuses that size
                continue
            try:
                results = bundle.parts(native(*bundle.inputs()))
            except ArgumentError:
                continue
            for number, recipe in enumerate(bundle.recipes):
                self.calls += 1
                expected = [values[number][output] for output in recipe.outputs]
                verdict = self._exact_verdict(way, recipe, results[number], expected)
                if verdict.is_failure:
                    right[number] = replace(verdict, text=f"another size, {verdict.text}")
        return right


def _verdict(way: Way, difference: Difference | None, moved: bool, numbers: Sequence[int]) -> Verdict:
    """Return the verdict of a comparison of outputs of these numbers."""
    if difference is not None:
        return Verdict("wrong", f"output {numbers[difference.output]}: {difference.text}", str(way))
    return Verdict("unstable" if moved else "right", "by noise" if moved else "", str(way))


def _merge(found: list[Verdict], more: Sequence[Verdict]) -> None:
    """Keep of two verdicts on each graph the worse one."""
    for number, verdict in enumerate(more):
        if not found[number].is_failure and verdict.kind != "right":
            found[number] = verdict


def _has_sized_parameter(recipe: Recipe) -> bool:
    return any(leaf.parameter and recipe.dynamic in (*leaf.shape, leaf.limit) for leaf in recipe.leaves)


def _is_tame(value: torch.Tensor) -> bool:
    """Tell whether numbers are finite, and L-Mul's error makes nothing infinite of them."""
    if not value.dtype.is_floating_point:
        return True
    return bool((value.abs() < torch.finfo(value.dtype).max ** 0.75).all())


@contextmanager
def _as(way: Way) -> Iterator[None]:
    """Have LLVM optimise as much as a way says, and spread small loops, too."""
    text = StageLoops.text

    def spreading(stage: StageLoops) -> str:
        found = text(stage).replace("parallelise-kernels", "parallelise-kernels{min-iterations=2}")
        return found.replace("lower-contractions{parallel=true", "lower-contractions{parallel=true min-work=1")

    compile_object = partial(codegen.compile_object, opt_level=way.opt_level)
    with mock.patch.object(codegen, "compile_object", compile_object), mock.patch.object(StageLoops, "text", spreading):
        yield


def _first_part(bundle: Bundle, reference: Reference, given: Sequence[torch.Tensor], seed: int) -> list[Any]:
    return bundle.parts(reference(given, seed))[0]
