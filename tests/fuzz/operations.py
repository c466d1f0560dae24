"""The families of operations that recipes are made of: each adds a step or a few to a builder, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import operations_integers as integers
from . import operations_layers as layers
from . import operations_numbers as numbers
from . import operations_shapes as shapes
from . import operations_writes as writes

if TYPE_CHECKING:
    from .grammar import Builder

OPERATIONS: dict[str, tuple[float, Callable[[Builder], object]]] = {
    "unary": (3, numbers.unary),
    "binary": (4, numbers.binary),
    "scalar": (2, numbers.scalar),
    "compare": (1.5, numbers.compare),
    "where": (1.5, numbers.where),
    "reduce": (3, numbers.reduce),
    "softmax": (1.5, numbers.softmax),
    "cast": (0.7, numbers.cast),
    "running": (0.7, numbers.running),
    "order": (0.5, numbers.order),
    "transpose": (1.5, shapes.transpose),
    "reshape": (1.5, shapes.reshape),
    "slice": (1.5, shapes.slice_),
    "join": (1.5, shapes.join),
    "expand": (0.7, shapes.expand),
    "pad": (0.5, shapes.pad),
    "turn": (0.5, shapes.turn),
    "write": (0.5, shapes.write),
    "integer": (1.2, integers.binary),
    "bits": (0.7, integers.bits),
    "logic": (0.7, integers.logic),
    "divide": (0.7, integers.divide),
    "count": (0.5, integers.count),
    "gather": (1, integers.gather),
    "embedding": (0.7, integers.embedding),
    "matmul": (2.5, layers.matmul),
    "linear": (2.5, layers.linear),
    "attention": (0.8, layers.attention),
    "norm": (1.5, layers.norm),
    "convolution": (0.7, layers.convolution),
    "pool": (0.5, layers.pool),
    "in place": (1, writes.in_place),
    "put": (1, writes.put),
    "masked": (0.7, writes.masked),
    "mixed": (1, writes.mixed),
    "product": (1, layers.product),
    "loss": (0.5, layers.loss),
    "moved": (0.7, shapes.moved),
    "extreme": (0.7, numbers.extreme),
    "made": (0.4, shapes.made),
}
"""Weight and function by name."""
