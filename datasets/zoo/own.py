"""Graphs of the modules that are written here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..graph import Family, Graph, Sizes
from .architecture import TOLERANCE

if TYPE_CHECKING:
    import torch

    from ..graph import Built


def own(
    name: str,
    family: Family,
    what: str,
    make: Callable[[Sizes], torch.nn.Module],
    draw: Callable[[Sizes], tuple[torch.Tensor, ...]],
    sizes: Sizes,
    small: Sizes,
    source: str,
    *tags: str,
) -> Graph:
    """Return a graph of a module that `make` makes from sizes, on inputs that `draw` draws."""

    def build() -> Built:
        import torch

        from ..random_weights import unsettle

        torch.manual_seed(0)
        module = unsettle(make(sizes)).eval()
        torch.manual_seed(1)
        return module, draw(sizes)

    return Graph(
        name=name,
        family=family,
        what=f"{name}, random weights: {what}",
        build=build,
        flops=None,
        bytes=None,
        tolerance=TOLERANCE,
        sizes=sizes,
        small_sizes=small,
        make=lambda given: own(name, family, what, make, draw, given, small, source, *tags),
        tags=tags,
        source=source,
    )
