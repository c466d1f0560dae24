"""Many graphs checked in processes of their own: what is common to the fuzzers of graphs."""

from __future__ import annotations

import argparse
import collections
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import slipstick
import torch
from slipstick.compiler.cache import Cache

from .bundle import with_other_inputs
from .check import Way, check
from .minimise import minimise
from .process import new_folder, verdicts
from .recipe import Recipe
from .record import FOLDER, Record
from .verdict import Verdict

SECONDS = 600.0
"""Blocks of graphs that take longer hang, unless the machine has other work."""

Checked = tuple[dict[int, Verdict], int]
"""Verdicts by seed, and the calls compared."""


@dataclass(frozen=True)
class Part:
    """Seeds in blocks, and how those of a block are checked together: with the folder of a cache."""

    blocks: Sequence[Sequence[int]]
    check: Callable[[Sequence[int], str], Checked]
    recipe: Callable[[int], Recipe]
    ways: Callable[[int], tuple[Way, ...]]


def argument_parser(text: str, cases: int) -> argparse.ArgumentParser:
    """Return a parser of the options that all have; `cases` is how many graphs are checked by default."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=text)
    parser.add_argument("--cases", type=int, default=cases, help="graphs to check")
    parser.add_argument("--inputs", type=int, default=5, help="sets of inputs of each graph; the second has NaN in it")
    parser.add_argument("--minutes", type=float, default=0.0, help="end after so long; 0: when all are done")
    parser.add_argument("--failures", type=Path, default=FOLDER, help="folder for what failed, and the record")
    parser.add_argument("--minimise", type=float, default=120.0, help="seconds for making a failure small; 0: leave it")
    return parser


def checked(part: Part, cache: str) -> Iterator[Checked]:
    """Check blocks in processes of their own; what ends one, or has no end, is looked for in halves."""
    for block, found in verdicts(lambda one: part.check(one, cache), part.blocks, SECONDS, at_most=8):
        if not isinstance(found, Verdict):
            yield found
        elif len(block) == 1:
            yield {block[0]: found}, 0
        else:
            half = len(block) // 2
            halves = Part([block[:half], block[half:]], part.check, part.recipe, part.ways)
            parts = list(checked(halves, cache))
            yield from parts
            if not any(verdict.is_failure for one, _ in parts for verdict in one.values()):
                in_company = Verdict(found.kind, f"in company with up to {block[-1]}: {found.text}")
                yield {block[0]: in_company}, 0


def warm_up(cache: str) -> None:
    """Compile something, so that children need not load the same things again and again."""
    native = slipstick.compile(torch.nn.Linear(3, 2).eval(), (torch.ones(2, 3),), cache_dir=cache, threads=1)
    native.with_options(target="haswell")


def run(tool: str, parts: Iterable[Part], options: argparse.Namespace, record: Record) -> int:
    """Check graphs, and write down what fails; return 1 where something did."""
    cache = new_folder()
    counts: collections.Counter[str] = collections.Counter()
    refusals: collections.Counter[str] = collections.Counter()
    start = time.monotonic()
    warm_up(cache)
    try:
        # Nothing is compiled twice: what is put into the cache nobody would take out.
        with mock.patch.object(Cache, "put", lambda *_: None):
            for part, (found, calls) in ((one, found) for one in parts for found in checked(one, cache)):
                more = collections.Counter(verdict.kind for verdict in found.values())
                more.update(graphs=len(found), inputs=calls)
                counts.update(more)
                failures = {}
                for seed, verdict in found.items():
                    if verdict.kind in ("refused", "unknown"):
                        refusals[verdict.text.partition("\n")[0][:100]] += 1
                    if verdict.is_failure:
                        failures[f"seed {seed}"] = f"{verdict.kind} ({verdict.way}): {verdict.text}"
                        _write(options.failures, seed, verdict, _small(part, seed, verdict, cache, options.minimise))
                record.add(tool, more, failures, max(found) + 1)
                rate = counts["graphs"] / (time.monotonic() - start)
                print(f"to seed {max(found)}, {rate:.2f} graphs a second, {dict(counts)}", flush=True)
                if options.minutes and time.monotonic() - start > 60 * options.minutes:
                    break
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    for text, count in refusals.most_common(20):
        print(f"not checked, {count}: {text}")
    print({**counts, "CPU seconds": round(sum(os.times()[:4]))})
    return int(any(counts[kind] for kind in ("wrong", "error", "crash", "hang")))


def _small(part: Part, seed: int, verdict: Verdict, cache: str, seconds: float) -> Recipe:
    """Return a small recipe that fails as that of a seed does, brought through torch."""
    chosen = [way for way in part.ways(seed) if str(way) == verdict.way] or list(part.ways(seed))

    def fails(recipe: Recipe) -> bool:
        ((_, found),) = verdicts(lambda one: check(one, chosen, cache), [recipe], SECONDS)
        return found.is_failure and found.sort == verdict.sort

    recipe = with_other_inputs(part.recipe(seed), verdict.inputs)
    return minimise(recipe, fails, seconds) if seconds else recipe


def _write(folder: Path, seed: int, verdict: Verdict, recipe: Recipe) -> None:
    comment = "\n".join(
        f"# {line}" for line in (f"seed {seed}: {verdict.kind}, {verdict.way}", *verdict.text.splitlines())
    )
    path = folder / f"graph-{seed}.py"
    path.write_text(f"{comment}\n{recipe.source()}\nRECIPE = {recipe!r}\n")
    print(f"seed {seed}: {verdict.kind} ({verdict.way}): {verdict.text[:200]}\n  see {path}", flush=True)
