"""Which programs a corpus is made of: names that every process turns into the same programs."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from ...errors import ArgumentError
from .graph_programs import graph_program
from .program import Program
from .random_elementwise import elementwise
from .random_products import batch_product, product
from .random_rows import rows

GENERATORS: dict[str, Callable[[int], Program]] = {
    "elementwise": elementwise,
    "rows": rows,
    "product": product,
    "batch-product": batch_product,
}
"""Families of random programs, by name."""
GRAPH = "graph "
"""What the names of generators begin with that are graphs of the registry."""
_SHARES = {"elementwise": 0.4, "rows": 0.36, "product": 0.14, "batch-product": 0.1}
TARGETS = ("znver4", "skylake-avx512", "haswell", "neoverse-v2")


@dataclass(frozen=True)
class Plan:
    """What a corpus holds; the same plan gives the same rows. Raises ArgumentError for what cannot be."""

    programs: int
    seed: int = 0
    targets: tuple[str, ...] = TARGETS
    schedules: int = 2
    """Other schedules of each kernel that has a decision, for each target."""
    graphs: tuple[str, ...] = ()
    """Graphs of the registry, ahead of the random programs."""

    def __post_init__(self) -> None:
        for name, least in (("programs", 0), ("seed", 0), ("schedules", 0)):
            if getattr(self, name) < least:
                raise ArgumentError(f"{name}: expected at least {least}, found {getattr(self, name)}")
        if not self.programs and not self.graphs:
            raise ArgumentError("programs: expected at least 1 without graphs, found 0")
        if not self.targets:
            raise ArgumentError("targets: expected at least one CPU, found none")

    def tasks(self) -> list[tuple[str, int]]:
        """Return generators and seeds of the programs, in the order of the corpus."""
        rng = random.Random(self.seed)
        names = rng.choices(list(_SHARES), list(_SHARES.values()), k=self.programs)
        return [*((GRAPH + name, 0) for name in self.graphs), *((name, rng.randrange(1 << 40)) for name in names)]

    def json(self) -> dict[str, Any]:
        """Return the plan for the manifest."""
        return {**asdict(self), "targets": list(self.targets), "graphs": list(self.graphs)}


def program(task: tuple[str, int]) -> Program:
    """Return the program of a task of a plan. Raises what building and importing a graph raises."""
    generator, seed = task
    if generator.startswith(GRAPH):
        return graph_program(generator.removeprefix(GRAPH))
    return GENERATORS[generator](seed)
