"""Graphs put together from operations imported before: `make fuzz ARGS="assembled --cases 2000"`.

A world is a few sizes, a dtype and the pieces that random recipes over these are made of; its graphs are drawn from its
pieces. They are compiled together, called and compared as those of `graphs`, and cost a fraction of them.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import slipstick
import torch

from .bundle import Bundle
from .campaign import SECONDS, Checked, Part, argument_parser, run
from .check import BLOCK, Way, check_all, ways
from .grammar import FLOATS, SIZES, Builder, Limits, random_recipe
from .pieces import Assembled, Piece, Pieces, Type, import_pieces, pieces_of, type_of
from .process import verdicts
from .recipe import Recipe
from .record import Record
from .verdict import Verdict

GRAPHS = 1 << 20
"""Seeds of a world: the graph of seed `world * GRAPHS + n` is its n-th."""


@dataclass(frozen=True)
class Source:
    """A step as a recipe had it: its piece, and the kind of numbers and limit of each operand that must be a leaf."""

    piece: Piece
    kinds: tuple[tuple[str, int] | None, ...]


@dataclass(frozen=True)
class World:
    """Sizes, a dtype and the steps that graphs are made of."""

    seed: int
    count: int = 250
    """Of steps."""

    @cached_property
    def limits(self) -> Limits:
        """What its recipes may hold."""
        rng = random.Random(f"world {self.seed}")
        sizes = tuple(rng.choice(SIZES[2:]) for _ in range(3))
        if rng.random() < 0.04:
            sizes = (*sizes, 0)
        return Limits(sizes=sizes, floats=(rng.choice(("float32",) * 5 + FLOATS),))

    @property
    def pieces(self) -> list[Piece]:
        """Its pieces."""
        return list(dict.fromkeys(source.piece for source in self.sources))

    @cached_property
    def sources(self) -> list[Source]:
        """Its steps."""
        found: dict[Source, None] = {}
        number = 0
        while len(found) < self.count:
            recipe = random_recipe(self.seed * GRAPHS + number, self.limits)
            for step, piece in zip(recipe.steps, pieces_of(recipe), strict=True):
                leaves = (recipe.leaves[o] if o < len(recipe.leaves) else None for o in step.operands)
                kinds = tuple((leaf.kind, leaf.limit) if leaf and _must_stay(leaf.kind) else None for leaf in leaves)
                found[Source(piece, kinds)] = None
            number += 1
        return list(found)

    @cached_property
    def readers(self) -> dict[Type, list[tuple[Source, int]]]:
        """The steps that may read a value of a type, and as which operand."""
        found = defaultdict(list)
        for source in self.sources:
            for place, (type_, kind) in enumerate(zip(source.piece.operands, source.kinds, strict=True)):
                if kind is None and f"{{{place}}}" in source.piece.template:
                    found[type_].append((source, place))
        return found

    def graph(self, seed: int) -> Recipe:
        """Return the graph of a seed of this world."""
        rng = random.Random(f"world {self.seed} graph {seed % GRAPHS}")
        while True:
            builder = Builder(rng, self.limits)
            wanted = rng.randint(2, self.limits.steps)
            for _ in range(3 * wanted):
                if len(builder.steps) < wanted:
                    self._add(builder)
            if builder.steps:
                return replace(builder.recipe(), dynamic=0)

    def _add(self, b: Builder) -> None:
        value = b.value(lambda t: type_of(t) in self.readers) if b.tensors and b.rng.random() < 0.9 else None
        source, place = b.rng.choice(self.sources), -1
        if value is not None:
            source, place = b.rng.choice(self.readers[type_of(b.tensors[value])])
        operands = []
        for number, (type_, kind) in enumerate(zip(source.piece.operands, source.kinds, strict=True)):
            if number == place and value is not None:
                operands.append(value)
            else:
                operands.append(_operand(b, type_, kind))
        b.add(source.piece.template, *operands, sizes=source.piece.sizes)


def _must_stay(kind: str) -> bool:
    return kind == "plain" or kind.startswith("index")


def _operand(b: Builder, type_: Type, kind: tuple[str, int] | None) -> int:
    """Return a value of a type, one there is rather; a new leaf where it must be one."""
    shape, dtype = type_
    if kind is not None:
        return b.leaf(shape, dtype, kind[0], limit=kind[1])
    found = b.value(lambda t: type_of(t) == type_) if b.rng.random() < 0.8 else None
    return b.leaf(shape, dtype) if found is None else found


class _Checker:
    """Checks graphs of a world, whose pieces are imported."""

    def __init__(self, world: World, pieces: Pieces, sets: int):
        self._world = world
        self._pieces = pieces
        self._sets = sets

    def __call__(self, seeds: Sequence[int], cache: str) -> Checked:
        """Return the verdicts on the graphs of seeds of one block."""
        recipes = {seed: self._world.graph(seed) for seed in seeds}
        refusals = {seed: self._pieces.refusal(recipe) for seed, recipe in recipes.items()}
        found = {seed: Verdict("refused", text) for seed, text in refusals.items() if text}
        kept = [seed for seed in seeds if seed not in found]
        kept_recipes = [recipes[seed] for seed in kept]
        calls = 0
        if kept:
            kept_verdicts, calls = check_all(kept_recipes, one_way(seeds[0]), cache, self._sets, self._compiled)
            found.update(zip(kept, kept_verdicts, strict=True))
        return found, calls

    def _compiled(self, bundle: Bundle, cache: str, **options: Any) -> Assembled:
        recipe = bundle.recipe()
        return Assembled(slipstick.compile(self._pieces.module(recipe), cache_dir=cache, **options), recipe)


def one_way(seed: int) -> tuple[Way, ...]:
    """Return the way to compile the graph of a seed: the last that `ways` tells, each compilation being what costs."""
    return ways(seed)[-1:]


def _parts(first: int, cases: int, options: Any) -> Iterator[Part]:
    for seed in range(first, first + -(-cases // options.graphs)):
        world = World(seed, options.pieces)
        ((_, pieces),) = verdicts(lambda world: import_pieces(world.pieces), [world], SECONDS)
        if isinstance(pieces, Verdict):
            verdict = pieces
            failed = {seed * GRAPHS: replace(verdict, text=f"import of the pieces: {verdict.text}")}
            yield Part([[seed * GRAPHS]], lambda seeds, cache, failed=failed: (failed, 0), world.graph, one_way)
            continue
        print(f"world {seed}: {len(world.pieces)} pieces, {len(pieces.refused)} refused", flush=True)
        numbers = range(seed * GRAPHS, seed * GRAPHS + min(options.graphs, cases))
        blocks = [numbers[at : at + BLOCK] for at in range(0, len(numbers), BLOCK)]
        cases -= len(numbers)
        yield Part(blocks, _Checker(world, pieces, options.inputs), world.graph, one_way)


def main(arguments: list[str] | None = None) -> int:
    """Check graphs; return 1 where one failed."""
    parser = argument_parser(__doc__ or "", cases=2400)
    parser.add_argument("--seed", type=int, help="the first world's seed; by default that behind the last run's")
    parser.add_argument("--graphs", type=int, default=1200, help="graphs of a world")
    parser.add_argument("--pieces", type=int, default=250, help="steps of a world that graphs are made of")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    options.failures.mkdir(parents=True, exist_ok=True)
    record = Record(options.failures)
    first = -(-record.next_seed("assembled") // GRAPHS) if options.seed is None else options.seed
    return run("assembled", _parts(first, options.cases, options), options, record)


if __name__ == "__main__":
    raise SystemExit(main())
