"""The graphs that speed is measured on. Listing them imports neither torch nor transformers; building one does."""

from __future__ import annotations

import difflib

from ..errors import ArgumentError
from .graph import Graph
from .graphs_decode import DECODES, MORE_DECODES
from .graphs_elementwise import ELEMENTWISE
from .graphs_models import ENCODERS, MORE_MODELS, PREFILLS
from .graphs_products import PRODUCTS

__all__ = ["CORE", "MORE", "Graph", "graph"]

CORE: tuple[Graph, ...] = (*PRODUCTS, *ELEMENTWISE, *ENCODERS, *PREFILLS, *DECODES)
"""The core suite: what claims of speed are made on."""
MORE: tuple[Graph, ...] = (*MORE_MODELS, *MORE_DECODES)
"""Further models, by name only."""


def graph(name: str) -> Graph:
    """Return the graph of that name, of the core suite or the others. Raises ArgumentError that lists near names."""
    graphs = {candidate.name: candidate for candidate in (*CORE, *MORE)}
    if name in graphs:
        return graphs[name]
    near = difflib.get_close_matches(name, graphs, n=5, cutoff=0.5) or list(graphs)
    raise ArgumentError(f"graph: expected a graph of the suite such as {', '.join(near)}; found {name!r}")
