"""Which programs a corpus is made of: names that every process turns into the same programs."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...errors import ArgumentError
from .generators import GENERATORS
from .graph_programs import graph_program
from .graph_texts import read_graphs
from .program import Program

GRAPH = "graph "
"""What the names of generators begin with that are graphs of the registry."""
SHARES: Mapping[str, float] = {
    "elementwise": 12,
    "rows": 5,
    "norm": 4,
    "reduction": 7,
    "permutation": 14,
    "gather": 11,
    "convolution": 2,
    "pooling": 11,
    "product": 4,
    "few-rows": 3,
    "batch-product": 3,
    "narrow-product": 3,
    "epilogue": 3,
    "attention": 2,
    "gated": 2,
}
"""How many programs of each family, of all: so that each has about as many rows; those of long code have more each."""
TARGETS = ("znver4", "skylake-avx512", "haswell", "neoverse-v2")


@dataclass(frozen=True)
class Plan:
    """What a corpus holds; the same plan gives the same rows. Raises ArgumentError for what cannot be."""

    programs: int
    seed: int = 0
    targets: tuple[str, ...] = TARGETS
    schedules: int = 2
    """Other schedules of each kernel that has a decision, for each target."""
    forms: int = 2
    """Other forms of each program: L-Mul, weights, fusion."""
    graphs: tuple[str, ...] = ()
    """Graphs of the registry, spread evenly among the random programs."""
    families: tuple[str, ...] = tuple(GENERATORS)
    """Families of random programs."""

    def __post_init__(self) -> None:
        for name, least in (("programs", 0), ("seed", 0), ("schedules", 0), ("forms", 0)):
            if getattr(self, name) < least:
                raise ArgumentError(f"{name}: expected at least {least}, found {getattr(self, name)}")
        if not self.programs and not self.graphs:
            raise ArgumentError("programs: expected at least 1 without graphs, found 0")
        unknown = set(self.families) - set(GENERATORS)
        if unknown or not self.families:
            known = ", ".join(GENERATORS)
            raise ArgumentError(f"families: expected some of {known}, found {', '.join(sorted(unknown)) or 'none'}")
        if not self.targets:
            raise ArgumentError("targets: expected at least one CPU, found none")

    def tasks(self) -> list[tuple[str, int]]:
        """Return generators and seeds of the programs, in the order of the corpus."""
        rng = random.Random(self.seed)
        names = rng.choices(self.families, [SHARES[name] for name in self.families], k=self.programs)
        random_ones = [(name, rng.randrange(1 << 31)) for name in names]
        found: list[tuple[str, int]] = []
        # Whoever stops early has some of everything.
        for number, name in enumerate(self.graphs):
            found.append((GRAPH + name, 0))
            found += random_ones[_share(number, self) : _share(number + 1, self)]
        return found if self.graphs else random_ones

    def json(self) -> dict[str, Any]:
        """Return the plan for the manifest."""
        return {**asdict(self), **{name: list(getattr(self, name)) for name in ("targets", "graphs", "families")}}


def program(task: tuple[str, int], graph_texts: Path | None = None) -> Program:
    """Return the program of a task of a plan; graphs from the file `graph_texts` where it has them.

    Raises what building and importing a graph raises, ArgumentError for a file that is none of graphs.
    """
    generator, seed = task
    if generator.startswith(GRAPH):
        name = generator.removeprefix(GRAPH)
        written = read_graphs(graph_texts).get(name) if graph_texts else None
        return written or graph_program(name)
    return GENERATORS[generator](seed)


def _share(number: int, plan: Plan) -> int:
    """Return how many random programs stand before the graph of that number."""
    return number * plan.programs // len(plan.graphs)
