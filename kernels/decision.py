"""Decisions as data: how one contraction is tiled, as the attribute `slipstick.decision` in the IR.

    slipstick.decision = {kind = "packed", register_tile = [6, 16], k_block = 256, m_block = 252, vector = 8,
                          pack_depth = 768, k_unroll = 4, prefetch = 1}
    slipstick.decision = {kind = "skinny", register_tile = [1, 8], vector = 16}

A policy writes it, a pass applies it; a person may edit it in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from ..bindings import ir

DECISION_ATTRIBUTE = "slipstick.decision"
MAX_TILE_VECTORS = 256
"""Vectors in a register tile; each is an operation in the inner loop."""
MAX_PREFETCH = 64
"""Lines to prefetch in one turn of the inner loop."""
MAX_PANEL_ELEMENTS = 1 << 16
"""Elements of a packed panel of B, which lies on the stack."""
MAX_BLOCK_ELEMENTS = 1 << 27
"""Elements of a packed block of A."""


@dataclass(frozen=True)
class ContractionSchedule:
    """How a matrix product is tiled; sizes in elements. Raises ValueError for sizes that do not go together."""

    tile_rows: int
    tile_columns: int
    k_block: int
    m_block: int
    vector_length: int
    pack_depth: int | None = None
    """The depth that A is packed for at once, a multiple of k_block; None: k_block."""
    k_unroll: int = 1
    """Steps of k in one turn of the inner loop."""
    prefetch: int = 0
    """Cache lines of the next panel of weights that are prefetched in one turn of the inner loop."""

    def __post_init__(self) -> None:
        sizes = (self.tile_rows, self.tile_columns, self.k_block, self.m_block, self.vector_length, self.k_unroll)
        if min(sizes) < 1:
            raise ValueError(f"expected sizes of at least 1, found {sizes}")
        if not 0 <= self.prefetch <= MAX_PREFETCH:
            raise ValueError(f"expected 0 to {MAX_PREFETCH} lines to prefetch, found {self.prefetch}")
        if self.vector_length & (self.vector_length - 1):
            raise ValueError(f"expected a power of two as the vector length, found {self.vector_length}")
        if self.tile_columns % self.vector_length:
            raise ValueError(
                f"expected tile columns in multiples of the vector ({self.vector_length}), found {self.tile_columns}"
            )
        if self.a_depth < 1 or self.a_depth % self.k_block:
            raise ValueError(f"expected pack_depth in multiples of k_block ({self.k_block}), found {self.a_depth}")
        if self.m_block % self.tile_rows:
            raise ValueError(f"expected m_block in multiples of the tile rows ({self.tile_rows}), found {self.m_block}")
        tile_vectors = self.tile_rows * self.tile_columns // self.vector_length
        for what, found, limit in (
            ("vectors in the register tile", tile_vectors, MAX_TILE_VECTORS),
            ("vectors in one turn of the inner loop", tile_vectors * self.k_unroll, 4 * MAX_TILE_VECTORS),
            ("elements in a panel (k_block times tile columns)", self.k_block * self.tile_columns, MAX_PANEL_ELEMENTS),
            ("elements in a block of A (m_block times pack_depth)", self.m_block * self.a_depth, MAX_BLOCK_ELEMENTS),
        ):
            if found > limit:
                raise ValueError(f"expected at most {limit} {what}, found {found}")

    @property
    def a_depth(self) -> int:
        """The depth that A is packed for at once."""
        return self.k_block if self.pack_depth is None else self.pack_depth


@dataclass(frozen=True)
class SkinnySchedule:
    """How the product of a few rows is tiled, its B read in place; sizes in elements.

    Each element of the register tile is a vector of partial sums. Raises ValueError for sizes that do not go together.
    """

    tile_rows: int
    tile_columns: int
    vector_length: int

    def __post_init__(self) -> None:
        sizes = (self.tile_rows, self.tile_columns, self.vector_length)
        if min(sizes) < 1:
            raise ValueError(f"expected sizes of at least 1, found {sizes}")
        if self.vector_length & (self.vector_length - 1):
            raise ValueError(f"expected a power of two as the vector length, found {self.vector_length}")
        if self.tile_rows * self.tile_columns > MAX_TILE_VECTORS:
            found = self.tile_rows * self.tile_columns
            raise ValueError(f"expected at most {MAX_TILE_VECTORS} vectors in the register tile, found {found}")


_OPTIONAL = (("pack_depth", None), ("k_unroll", 1), ("prefetch", 0))
"""What a packed decision may leave out, with what is taken then."""

Schedule: TypeAlias = ContractionSchedule | SkinnySchedule


def write_decision(op: ir.Operation, schedule: Schedule) -> None:
    """Attach `schedule` to `op`."""
    with op.context:
        i64 = ir.IntegerType.get_signless(64)

        def integer(value: int) -> ir.Attribute:
            return ir.IntegerAttr.get(i64, value)

        fields = {
            "register_tile": ir.ArrayAttr.get([integer(schedule.tile_rows), integer(schedule.tile_columns)]),
            "vector": integer(schedule.vector_length),
        }
        if isinstance(schedule, ContractionSchedule):
            fields |= {"k_block": integer(schedule.k_block), "m_block": integer(schedule.m_block)}
            fields |= {"pack_depth": integer(schedule.a_depth)}
            fields |= {"k_unroll": integer(schedule.k_unroll), "prefetch": integer(schedule.prefetch)}
        kind = "packed" if isinstance(schedule, ContractionSchedule) else "skinny"
        op.attributes[DECISION_ATTRIBUTE] = ir.DictAttr.get({"kind": ir.StringAttr.get(kind), **fields})


def read_decision(op: ir.Operation) -> Schedule:
    """Return the decision on `op`, which has one; raise ValueError with the reason where it is no legal decision."""
    decision: Any = op.attributes[DECISION_ATTRIBUTE]
    try:
        kind = decision["kind"].value
        names = {"packed": ("k_block", "m_block", "vector"), "skinny": ("vector",)}.get(kind, ())
        rows, columns = (entry.value for entry in decision["register_tile"])
        sizes = [decision[name].value for name in names]
        if kind == "packed":
            sizes += [decision[name].value if name in decision else default for name, default in _OPTIONAL]
        if not all(isinstance(size, int | None) for size in (rows, columns, *sizes)):
            raise TypeError("a size that is no integer")
    except (KeyError, TypeError, AttributeError, ValueError) as problem:
        expected = "kind, register_tile = [rows, columns], vector, and k_block and m_block where it is packed"
        raise ValueError(f"{DECISION_ATTRIBUTE}: expected a dictionary of {expected}, found {decision}") from problem
    if not names:
        raise ValueError(f'{DECISION_ATTRIBUTE}: expected kind "packed" or "skinny", found "{kind}"')
    try:
        if kind == "skinny":
            return SkinnySchedule(rows, columns, *sizes)
        return ContractionSchedule(rows, columns, *sizes)
    except ValueError as problem:
        raise ValueError(f"{DECISION_ATTRIBUTE}: {problem}") from problem
