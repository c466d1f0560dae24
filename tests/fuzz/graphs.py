"""Random graphs against torch, exact and with L-Mul: `make fuzz ARGS="graphs --cases 1000"`.

Each graph is that of a seed, which makes its numbers too; blocks of seeds are compiled together, in the ways of the
block. What fails is made small and written to the folder `--failures`, as a program of its own; what was done is added
to the record there, and the next run takes the seeds behind.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .campaign import Checked, Part, argument_parser, run
from .check import BLOCK, check_all, ways
from .grammar import random_recipe
from .record import Record
from .verdict import Verdict

DYNAMIC = 6
"""Graphs with dynamic sizes that are compiled together: they are refused more often."""


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


def main(arguments: list[str] | None = None) -> int:
    """Check graphs; return 1 where one failed."""
    parser = argument_parser(__doc__ or "", cases=1000)
    parser.add_argument("--seed", type=int, help="the first graph's seed; by default that behind the last run's")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    options.failures.mkdir(parents=True, exist_ok=True)
    record = Record(options.failures)
    first = record.next_seed("graphs") if options.seed is None else options.seed
    print(f"seeds from {first} on", flush=True)
    part = Part(
        blocks(first, options.cases),
        lambda seeds, cache: check_seeds(seeds, cache, options.inputs),
        random_recipe,
        ways,
    )
    return run("graphs", [part], options, record)


if __name__ == "__main__":
    raise SystemExit(main())
