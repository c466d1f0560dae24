"""Graphs of the registry as programs of the corpus."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from ..graph import Graph, Size
from ..graphs import GRAPHS, graph
from .program import Program

_LEAST = 8
"""Graphs of each family, at least: those of small families are taken in several sizes."""
_TURN: Mapping[str, int] = {"elementwise": 6, "product": 3, "medcalc": 6}
"""How many graphs a family has in each turn, if not one: those that are few kernels."""
_FREE = frozenset(
    {
        *("batch", "tokens", "context", "samples", "rows", "depth", "columns", "shape", "vocabulary", "vocab_size"),
        *(
            "inner",
            "intermediate_size",
            "moe_intermediate_size",
            "d_ff",
            "encoder_ffn_dim",
            "decoder_ffn_dim",
            "across",
        ),
        *("classes", "num_labels", "projection"),
    }
)
"""Sizes that go with any others."""


def graph_names() -> list[str]:
    """Return all graphs in their small forms, those of small families in several sizes; families take turns."""
    families: dict[str, list[Graph]] = {}
    for item in GRAPHS:
        families.setdefault(item.family, []).append(item)
    turns = (_turns(family, members) for family, members in families.items())
    return [name for turn in zip_longest(*turns, fillvalue=()) for names in turn for name in names]


def _turns(family: str, members: Sequence[Graph]) -> list[Sequence[str]]:
    each = _TURN.get(family, 1)
    names = _in_sizes(members, _LEAST * each)
    return [names[start : start + each] for start in range(0, len(names), each)]


def _in_sizes(members: Sequence[Graph], least: int) -> list[str]:
    names = [f"{item.name}:small" for item in members]
    number = 0
    while len(names) < least and any(item.make is not None for item in members):
        item = members[number % len(members)]
        changed = _sizes(item, random.Random(f"{item.name}-{number}"))
        if changed:
            names.append(f"{item.name}:small,{changed}")
        number += 1
    return names


def _sizes(item: Graph, rng: random.Random) -> str:
    """Return other sizes as `graph` takes them, half to three times those of the small form."""

    def other(size: Size) -> str:
        numbers = size if isinstance(size, tuple) else (size,)
        return "+".join(str(max(1, round(number * rng.uniform(0.5, 3)))) for number in numbers)

    sizes = {**item.sizes, **item.small_sizes}
    return ",".join(f"{name}={other(size)}" for name, size in sizes.items() if name in _FREE)


def graph_program(name: str) -> Program:
    """Return a graph of the registry, imported, with its weights as parameters.

    Raises ArgumentError for an unknown name, GraphError where it cannot be imported.
    """
    from ...compiler.frontend import import_torch
    from ...compiler.parameter_marks import mark_parameters

    item = graph(name)
    module, inputs = item.build()
    imported = import_torch(module, inputs, {})
    mark_parameters(imported.module.operation, imported.signature)
    return Program(f"graph {name}", item.family, str(imported.module))
