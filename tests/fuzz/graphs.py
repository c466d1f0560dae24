"""Random graphs against torch, exact and with L-Mul: `make fuzz ARGS="graphs --cases 1000"`.

Each graph is that of a seed, which makes its numbers too; blocks of seeds are compiled together, in the ways of the
block. What fails is made small and written to the folder `--failures`, as a program of its own; what was done is added
to the record there, and the next run takes the seeds behind.
"""

from __future__ import annotations

import argparse
import collections
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

import slipstick
import torch
from slipstick.compiler.cache import Cache

from .bundle import with_other_inputs
from .check import BLOCK, Way, check, check_all, ways
from .grammar import random_recipe
from .minimise import minimise
from .process import new_folder, verdicts
from .recipe import Recipe
from .record import FOLDER, Record
from .verdict import Verdict

SECONDS = 300.0
"""Graphs that take longer hang, unless the machine has other work."""
DYNAMIC = 6
"""Graphs with dynamic sizes that are compiled together: they are refused more often."""

Checked = tuple[dict[int, Verdict], int]
"""Verdicts by seed, and the calls compared."""


def check_seeds(seeds: Sequence[int], cache: str, sets: int = 1) -> Checked:
    """Return the verdicts on the graphs of seeds of one block."""
    recipes = {seed: random_recipe(seed) for seed in seeds}
    dynamic = [seed for seed in seeds if recipes[seed].dynamic]
    groups = [[seed for seed in seeds if not recipes[seed].dynamic]]
    groups += [dynamic[first : first + DYNAMIC] for first in range(0, len(dynamic), DYNAMIC)]
    found: dict[int, Verdict] = {}
    calls = 0
    for group in filter(None, groups):
        group_verdicts, more = check_all([recipes[seed] for seed in group], ways(group[0]), cache, sets)
        found.update(zip(group, group_verdicts, strict=True))
        calls += more
    return found, calls


def check_seed(seed: int, cache: str) -> Verdict:
    """Return the verdict on the graph of a seed."""
    return check_seeds([seed], cache)[0][seed]


def blocks(first: int, count: int) -> list[list[int]]:
    """Return seeds from the first one on, by block."""
    found: dict[int, list[int]] = {}
    for seed in range(first, first + count):
        found.setdefault(seed // BLOCK, []).append(seed)
    return list(found.values())


def checked(seeds: Sequence[Sequence[int]], cache: str, sets: int) -> Iterator[Checked]:
    """Check blocks in processes of their own; what ends one, or has no end, is looked for in halves."""
    for block, found in verdicts(lambda one: check_seeds(one, cache, sets), seeds, SECONDS, at_most=8):
        if not isinstance(found, Verdict):
            yield found
        elif len(block) == 1:
            yield {block[0]: found}, 0
        else:
            half = len(block) // 2
            parts = list(checked([block[:half], block[half:]], cache, sets))
            yield from parts
            if not any(verdict.is_failure for part, _ in parts for verdict in part.values()):
                in_company = Verdict(found.kind, f"in company with up to {block[-1]}: {found.text}")
                yield {block[0]: in_company}, 0


def small_failure(seed: int, verdict: Verdict, cache: str, seconds: float) -> Recipe:
    """Return a small recipe that fails as that of a seed does."""
    chosen = [way for way in ways(seed) if str(way) == verdict.way] or list(ways(seed))

    def fails(recipe: Recipe) -> bool:
        ((_, found),) = verdicts(lambda one: check(one, chosen, cache), [recipe], SECONDS)
        return found.is_failure and found.sort == verdict.sort

    recipe = with_other_inputs(random_recipe(seed), verdict.inputs)
    return minimise(recipe, fails, seconds) if seconds else recipe


def warm_up(cache: str) -> None:
    """Compile something, so that children need not load the same things again and again."""
    native = slipstick.compile(torch.nn.Linear(3, 2).eval(), (torch.ones(2, 3),), cache_dir=cache, threads=1)
    native.with_options(target="haswell")


def main(arguments: list[str] | None = None) -> int:
    """Check graphs; return 1 where one failed."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=1000, help="graphs to check")
    parser.add_argument("--seed", type=int, help="the first graph's seed; by default that behind the last run's")
    parser.add_argument("--inputs", type=int, default=5, help="sets of inputs of each graph; the second has NaN in it")
    parser.add_argument("--minutes", type=float, default=0.0, help="end after so long; 0: when all are done")
    parser.add_argument("--failures", type=Path, default=FOLDER, help="folder for what failed, and the record")
    parser.add_argument("--minimise", type=float, default=120.0, help="seconds for making a failure small; 0: leave it")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    options.failures.mkdir(parents=True, exist_ok=True)
    record = Record(options.failures)
    first = record.next_seed("graphs") if options.seed is None else options.seed
    cache = new_folder()
    counts: collections.Counter[str] = collections.Counter()
    refusals: collections.Counter[str] = collections.Counter()
    start = time.monotonic()
    warm_up(cache)
    try:
        # Nothing is compiled twice: what is put into the cache nobody would take out.
        with mock.patch.object(Cache, "put", lambda *_: None):
            for found, calls in checked(blocks(first, options.cases), cache, options.inputs):
                more = collections.Counter(verdict.kind for verdict in found.values())
                more.update(graphs=len(found), inputs=calls)
                counts.update(more)
                failures = {}
                for seed, verdict in found.items():
                    if verdict.kind in ("refused", "unknown"):
                        refusals[verdict.text.partition("\n")[0][:100]] += 1
                    if verdict.is_failure:
                        failures[f"seed {seed}"] = f"{verdict.kind} ({verdict.way}): {verdict.text}"
                        _write(options.failures, seed, verdict, small_failure(seed, verdict, cache, options.minimise))
                record.add("graphs", more, failures, max(found) + 1)
                rate = counts["graphs"] / (time.monotonic() - start)
                print(f"to seed {max(found)}, {rate:.2f} graphs a second, {dict(counts)}", flush=True)
                if options.minutes and time.monotonic() - start > 60 * options.minutes:
                    break
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    for text, count in refusals.most_common(20):
        print(f"not checked, {count}: {text}")
    print({"seed": first, **counts, "CPU seconds": round(sum(os.times()[:4]))})
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
