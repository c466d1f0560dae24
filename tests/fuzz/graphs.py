"""Random graphs against torch, exact and with L-Mul: `make fuzz ARGS="graphs --cases 1000 --seed 1"`.

Each case is a seed: it makes a graph, its numbers and the ways to compile it. What fails is made small and written to
the folder `--failures`, as a program of its own.
"""

from __future__ import annotations

import argparse
import collections
import json
import shutil
import time
from pathlib import Path

import slipstick
import torch

from .check import Verdict, Way, check, ways
from .grammar import random_recipe
from .minimise import minimise
from .process import new_folder, verdicts
from .recipe import Recipe

SECONDS = 300.0
"""A graph that takes longer hangs; a busy machine takes a few."""


def check_seed(seed: int, cache: str) -> Verdict:
    """Return the verdict on the graph of a seed."""
    try:
        return check(random_recipe(seed), ways(seed), cache)
    except Exception as error:
        return Verdict("error", f"the fuzzer itself: {type(error).__name__}: {error}")


def small_failure(seed: int, verdict: Verdict, cache: str, seconds: float) -> Recipe:
    """Return a small recipe that fails as that of a seed does."""
    chosen = [way for way in ways(seed) if str(way) == verdict.way] or list(ways(seed))

    def fails(recipe: Recipe) -> bool:
        ((_, found),) = verdicts(lambda one: check(one, tuple(chosen), cache), [recipe], SECONDS)
        return found.is_failure and found.sort == verdict.sort

    recipe = random_recipe(seed)
    return minimise(recipe, fails, seconds) if seconds else recipe


def warm_up(cache: str) -> None:
    """Compile something, so that children need not load the same things again and again."""
    native = slipstick.compile(torch.nn.Linear(3, 2).eval(), (torch.ones(2, 3),), cache_dir=cache, threads=1)
    native.with_options(target="haswell")


def main(arguments: list[str] | None = None) -> int:
    """Check graphs; return 1 where one failed."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=1000, help="graphs to check")
    parser.add_argument("--seed", type=int, default=1, help="the first graph's seed; the others follow")
    parser.add_argument("--minutes", type=float, default=0.0, help="end after so long; 0: when all are done")
    parser.add_argument("--failures", type=Path, default=Path("build/fuzz"), help="folder for what failed")
    parser.add_argument("--minimise", type=float, default=120.0, help="seconds for making a failure small; 0: leave it")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    options.failures.mkdir(parents=True, exist_ok=True)
    cache = new_folder()
    counts: collections.Counter[str] = collections.Counter()
    refusals: collections.Counter[str] = collections.Counter()
    start = time.monotonic()
    warm_up(cache)
    try:
        seeds = range(options.seed, options.seed + options.cases)
        for seed, verdict in verdicts(lambda seed: check_seed(seed, cache), seeds, SECONDS):
            counts[verdict.kind] += 1
            if verdict.kind in ("refused", "unknown"):
                refusals[verdict.text.partition("\n")[0][:100]] += 1
            if verdict.is_failure:
                _write(options.failures, seed, verdict, small_failure(seed, verdict, cache, options.minimise))
            done = sum(counts.values())
            if done % 50 == 0:
                rate = done / (time.monotonic() - start)
                print(f"{done} graphs, {rate:.2f} a second: {dict(counts)}", flush=True)
            if done % 150 == 0:
                shutil.rmtree(cache, ignore_errors=True)
            if options.minutes and time.monotonic() - start > 60 * options.minutes:
                break
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    last = {"seed": options.seed, "graphs": sum(counts.values()), **counts}
    with (options.failures / "graphs.jsonl").open("a") as file:
        file.write(json.dumps(last) + "\n")
    for text, count in refusals.most_common(20):
        print(f"not checked, {count}: {text}")
    print(last)
    return int(any(counts[kind] for kind in ("wrong", "error", "crash", "hang")))


def _write(folder: Path, seed: int, verdict: Verdict, recipe: Recipe) -> None:
    comment = "\n".join(
        f"# {line}" for line in (f"seed {seed}: {verdict.kind}, {verdict.way}", *verdict.text.splitlines())
    )
    path = folder / f"graph-{seed}.py"
    path.write_text(f"{comment}\n{recipe.source()}\nRECIPE = {recipe!r}\n")
    print(f"seed {seed}: {verdict.kind} ({verdict.way}): {verdict.text[:200]}\n  see {path}", flush=True)


__all__ = ["Way", "main"]

if __name__ == "__main__":
    raise SystemExit(main())
