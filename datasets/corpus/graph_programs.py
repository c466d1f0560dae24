"""Graphs of the registry as programs of the corpus."""

from __future__ import annotations

import random
from itertools import zip_longest

from ..graph import Graph, Size
from ..graphs import GRAPHS, graph
from .program import Program

_EACH_FAMILY = 8
"""Graphs of each family, at least: those of small families are taken in several sizes."""
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
    turns = (_in_sizes(members) for members in families.values())
    return [name for turn in zip_longest(*turns) for name in turn if name is not None]


def _in_sizes(members: list[Graph]) -> list[str]:
    names = [f"{item.name}:small" for item in members]
    number = 0
    while len(names) < _EACH_FAMILY and any(item.make is not None for item in members):
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
    from ...compiler.encoded import mark_parameters
    from ...compiler.frontend import import_torch

    item = graph(name)
    module, inputs = item.build()
    imported = import_torch(module, inputs, {})
    mark_parameters(imported.module.operation, imported.signature)
    return Program(f"graph {name}", item.family, str(imported.module))
