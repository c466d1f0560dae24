"""All families of kernels, and random graphs, in guarded memory: `make fuzz ARGS="bounds --cases 100 --seed 1"`.

Each is compiled, called as usual and called twice more with every array at a page that must not be touched, once its
end and once its beginning. The results must be the same to the bit: reads of what was never written would show as NaN.
"""

from __future__ import annotations

import argparse
import collections
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import slipstick
import torch
from slipstick import SlipstickError

from .check import NARROW
from .grammar import random_recipe
from .guarded import compile_guarded
from .kernels import Form, Kernel, forms, kernels
from .process import new_folder, verdicts
from .verdict import Verdict

SECONDS = 300.0
EXACT = Form("exact")
TARGETS = ("host", NARROW)


@dataclass(frozen=True)
class Case:
    """A kernel, or the random graph of a seed, in one form for one CPU."""

    name: str
    target: str
    kernel: Kernel | None = None
    form: Form = EXACT
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.name}, {self.form.name}, {self.target}"


def cases(targets: Sequence[str] = TARGETS) -> list[Case]:
    """Return all kernels in all their forms."""
    return [Case(k.name, target, k, form) for target in targets for k in kernels() for form in forms(k)]


def check_bounds(case: Case, cache: str) -> Verdict:
    """Run a case; memory that must not be touched ends the process."""
    module: torch.nn.Module
    if case.kernel is not None:
        module, inputs = case.kernel.module(), case.kernel.arguments()
    else:
        recipe = random_recipe(case.seed)
        module, inputs = recipe.module(), recipe.inputs()
    options = {"lmul": case.form.lmul, "weights": case.form.weights, "pack_weights": case.form.pack_weights}
    try:
        usual = slipstick.compile(module, inputs, target=case.target, threads=1, cache_dir=cache, **options)
        guarded = compile_guarded(module, inputs, target=case.target, cache_dir=cache, **options)
    except SlipstickError as error:
        return Verdict("refused", f"{type(error).__name__}: {error}")
    expected = _leaves(usual(*_copies(inputs)))
    for at_end in (True, False):
        found = _leaves(guarded.called(_copies(inputs), at_end))
        if not all(map(_same, found, expected)):
            return Verdict("wrong", f"other results where arrays {'end' if at_end else 'begin'} at a page")
    return Verdict("right")


def _copies(inputs: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    return tuple(one.clone() for one in inputs)


def _leaves(results: Any) -> list[torch.Tensor]:
    return [results] if isinstance(results, torch.Tensor) else list(results)


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and bool(((one == other) | ((one != one) & (other != other))).all())


def main(arguments: list[str] | None = None) -> int:
    """Run all kernels, then random graphs; return 1 where one failed."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=0, help="random graphs, besides the kernels")
    parser.add_argument("--seed", type=int, default=1, help="the first graph's seed")
    parser.add_argument("--only", default="", help="kernels whose case has this text in it")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    cache = new_folder()
    slipstick.compile(torch.nn.Linear(3, 2).eval(), (torch.ones(2, 3),), cache_dir=cache, threads=1)
    chosen = [case for case in cases() if options.only in str(case)]
    for seed in range(options.seed, options.seed + options.cases):
        chosen.append(Case(f"graph {seed}", TARGETS[seed % 2], seed=seed))
    counts: collections.Counter[str] = collections.Counter()
    try:
        for case, verdict in verdicts(lambda case: check_bounds(case, cache), chosen, SECONDS):
            counts[verdict.kind] += 1
            if verdict.is_failure:
                print(f"{case}: {verdict.kind}: {verdict.text}", flush=True)
            if sum(counts.values()) % 20 == 0:
                print(f"{sum(counts.values())} of {len(chosen)}: {dict(counts)}", flush=True)
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    print(dict(counts))
    return int(any(counts[kind] for kind in ("wrong", "error", "crash", "hang")))


if __name__ == "__main__":
    raise SystemExit(main())
