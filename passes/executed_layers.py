"""Which layers SkipDecode runs at a depth."""

from __future__ import annotations


def executed_layers(layers: int, warmup: int, depth: int) -> tuple[int, ...]:
    """Return the layers, from 0, that run of `layers` at `depth`: the first `warmup`, then the top `depth - warmup`.

    The set of a smaller depth is a part of that of a greater one. Expects `warmup` <= `depth` <= `layers`.
    """
    return (*range(warmup), *range(layers - (depth - warmup), layers))
