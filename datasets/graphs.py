"""The registry: every graph by name, and the suites. Listing imports neither torch nor transformers; building does."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from ..errors import ArgumentError
from .graph import Graph
from .graphs_decode import DECODES, MORE_DECODES
from .graphs_elementwise import ELEMENTWISE
from .graphs_medcalc import MEDCALC
from .graphs_models import ENCODERS, MORE_MODELS, PREFILLS
from .graphs_peft import PEFT
from .graphs_products import PRODUCTS
from .local import is_folder, local
from .zoo import ZOO

__all__ = ["CORE", "GRAPHS", "MORE", "PEFT", "SUITES", "Graph", "graph"]

CORE: tuple[Graph, ...] = (*PRODUCTS, *ELEMENTWISE, *ENCODERS, *PREFILLS, *DECODES)
"""The core suite: what claims of speed are made on."""
MORE: tuple[Graph, ...] = (*MORE_MODELS, *MORE_DECODES, *ZOO)
"""The zoo: further models."""
GRAPHS: tuple[Graph, ...] = (*CORE, *MORE, *PEFT, *MEDCALC)
"""All graphs."""


def _of(*families: str) -> tuple[Graph, ...]:
    return tuple(found for found in CORE if found.family in families)


SUITES: dict[str, tuple[Graph, ...]] = {
    "core": CORE,
    "products": _of("product"),
    "elementwise": _of("elementwise"),
    "models": _of("encoder", "prefill", "decode"),
    "prefill": _of("prefill"),
    "decode": _of("decode"),
    "zoo": MORE,
    "peft": PEFT,
    "medcalc": MEDCALC,
}
"""The graphs that are measured together; those from `products` to `decode` are parts of the core suite."""

_BY_NAME = {found.name: found for found in GRAPHS}
_BY_WORKLOAD = {found.workload: found for found in reversed(GRAPHS) if found.workload}


def graph(name: str) -> Graph:
    """Return the graph of that name, or the first of a workload, in its own sizes or in those behind a colon.

    `opt-125m-prefill-1x128`, `opt-125m-prefill:tokens=64,layers=2`, `gelu:small`; a name with a slash is the folder of
    a local model, `./opt-125m:tokens=64`. Raises ArgumentError that lists near names, or what is wrong with the sizes.
    """
    base, colon, sizes = name.partition(":")
    found = local(Path(base)) if is_folder(base) else _BY_NAME.get(base) or _BY_WORKLOAD.get(base)
    if found is None:
        near = difflib.get_close_matches(base, [*_BY_NAME, *_BY_WORKLOAD], n=5, cutoff=0.5) or list(_BY_NAME)[:5]
        raise ArgumentError(f"graph: expected one that `list` shows, such as {', '.join(near)}; found {base!r}")
    return found.variant(sizes) if colon else found


def select(
    family: str | None = None, tag: str | None = None, suite: str | None = None, graphs: Iterable[Graph] = GRAPHS
) -> list[Graph]:
    """Return the graphs that have this family, this tag and stand in this suite, as far as these are given.

    Raises ArgumentError for one that no graph has.
    """
    found = list(graphs if suite is None else SUITES.get(suite, ()))
    for what, wanted, known in (
        ("suite", suite, set(SUITES)),
        ("family", family, {one.family for one in GRAPHS}),
        ("tag", tag, {one for found in GRAPHS for one in found.tags}),
    ):
        if wanted is not None and wanted not in known:
            raise ArgumentError(f"{what}: expected one of {', '.join(sorted(known))}; found {wanted!r}")
    return [one for one in found if family in (None, one.family) and (tag is None or tag in one.tags)]
