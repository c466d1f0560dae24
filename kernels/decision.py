"""Decisions as data: how one contraction, or attention, is tiled, as the attribute `slipstick.decision` in the IR.

    slipstick.decision = {kind = "packed", register_tile = [6, 16], k_block = 256, m_block = 252, vector = 8,
                          pack_depth = 768, pack_left = false, k_unroll = 4, prefetch = 1}
    slipstick.decision = {kind = "skinny", register_tile = [1, 8], vector = 16, prefetch = 512}
    slipstick.decision = {kind = "rows", register_tile = [1, 1024], vector = 16, k_unroll = 8}
    slipstick.decision = {kind = "attention", register_tile = [8, 48], vector = 16}

A policy writes it, a pass applies it; a person may edit it in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from ..bindings import ir

DECISION_ATTRIBUTE = "slipstick.decision"
MAX_TILE_VECTORS = 256
"""Vectors in a register tile; each is an operation in the inner loop."""
MAX_PREFETCH = 64
"""Lines to prefetch in one turn of the inner loop."""
MAX_PREFETCH_BYTES = 1 << 16
"""Bytes of a column that are prefetched ahead."""
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
    """The depth of a block of A, packed or not, a multiple of k_block; None: k_block."""
    k_unroll: int = 1
    """Steps of k in one turn of the inner loop."""
    prefetch: int = 0
    """Cache lines of the next panel of weights that are prefetched in one turn of the inner loop."""
    pack_left: bool = True
    """Whether A is packed, a block at a time; otherwise its rows are read in place."""

    def __post_init__(self) -> None:
        sizes = (self.tile_rows, self.tile_columns, self.k_block, self.m_block, self.vector_length, self.k_unroll)
        if min(sizes) < 1:
            raise ValueError(f"expected sizes of at least 1, found {sizes}")
        if not isinstance(self.pack_left, bool):
            raise ValueError(f"expected true or false for pack_left, found {self.pack_left}")
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
        """The depth of a block of A."""
        return self.k_block if self.pack_depth is None else self.pack_depth


@dataclass(frozen=True)
class SkinnySchedule:
    """How the product of a few rows is tiled, its B read in place, column after column; sizes in elements.

    Each element of the register tile is a vector of partial sums. Raises ValueError for sizes that do not go together.
    """

    tile_rows: int
    tile_columns: int
    vector_length: int
    prefetch: int = 0
    """How many bytes of a column are prefetched ahead of what is read; 0: none."""

    def __post_init__(self) -> None:
        sizes = (self.tile_rows, self.tile_columns, self.vector_length)
        if min(sizes) < 1:
            raise ValueError(f"expected sizes of at least 1, found {sizes}")
        if not 0 <= self.prefetch <= MAX_PREFETCH_BYTES:
            raise ValueError(f"expected 0 to {MAX_PREFETCH_BYTES} bytes to prefetch, found {self.prefetch}")
        if self.vector_length & (self.vector_length - 1):
            raise ValueError(f"expected a power of two as the vector length, found {self.vector_length}")
        if self.tile_rows * self.tile_columns > MAX_TILE_VECTORS:
            found = self.tile_rows * self.tile_columns
            raise ValueError(f"expected at most {MAX_TILE_VECTORS} vectors in the register tile, found {found}")


@dataclass(frozen=True)
class RowsSchedule:
    """How the product of a few rows is tiled, its B read in place, row after row; sizes in elements.

    The sums stay in C: `k_unroll` rows of B are added to `tile_rows` of them, vector by vector, over `tile_columns`
    columns. Raises ValueError for sizes that do not go together.
    """

    tile_rows: int
    tile_columns: int
    vector_length: int
    k_unroll: int

    def __post_init__(self) -> None:
        sizes = (self.tile_rows, self.tile_columns, self.vector_length, self.k_unroll)
        if min(sizes) < 1:
            raise ValueError(f"expected sizes of at least 1, found {sizes}")
        if self.vector_length & (self.vector_length - 1):
            raise ValueError(f"expected a power of two as the vector length, found {self.vector_length}")
        if self.tile_columns % self.vector_length:
            raise ValueError(
                f"expected tile columns in multiples of the vector ({self.vector_length}), found {self.tile_columns}"
            )
        if self.tile_rows * self.k_unroll > MAX_TILE_VECTORS:
            found = self.tile_rows * self.k_unroll
            raise ValueError(f"expected at most {MAX_TILE_VECTORS} products of tile rows and k_unroll, found {found}")


@dataclass(frozen=True)
class AttentionSchedule:
    """How attention is tiled: query rows and keys of a register tile of scores; sizes in elements.

    Raises ValueError for sizes that do not go together.
    """

    tile_rows: int
    tile_columns: int
    vector_length: int

    def __post_init__(self) -> None:
        SkinnySchedule(self.tile_rows, self.tile_columns // max(1, self.vector_length) or 1, self.vector_length)
        if self.tile_columns < 1 or self.tile_columns % self.vector_length:
            raise ValueError(
                f"expected tile columns in multiples of the vector ({self.vector_length}), found {self.tile_columns}"
            )


Schedule: TypeAlias = ContractionSchedule | SkinnySchedule | RowsSchedule
FEW_ROWS: Final = (SkinnySchedule, RowsSchedule)
"""The decisions whose kernels are made for a known number of rows."""

_KINDS: Final[dict[str, tuple[type[Schedule | AttentionSchedule], tuple[str, ...]]]] = {
    "packed": (ContractionSchedule, ("k_block", "m_block", "vector")),
    "skinny": (SkinnySchedule, ("vector",)),
    "rows": (RowsSchedule, ("vector", "k_unroll")),
    "attention": (AttentionSchedule, ("vector",)),
}
"""The class of each kind and the sizes it must have, in its order, beside the register tile."""
_OPTIONAL: Final[dict[str, tuple[tuple[str, int | None], ...]]] = {
    "packed": (("pack_depth", None), ("k_unroll", 1), ("prefetch", 0), ("pack_left", True)),
    "skinny": (("prefetch", 0),),
}
"""The sizes that a kind may leave out, with what is taken then."""


def write_decision(op: ir.Operation, schedule: Schedule | AttentionSchedule) -> None:
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
            fields |= {"pack_left": ir.BoolAttr.get(schedule.pack_left)}
        elif isinstance(schedule, SkinnySchedule):
            fields |= {"prefetch": integer(schedule.prefetch)}
        elif isinstance(schedule, RowsSchedule):
            fields |= {"k_unroll": integer(schedule.k_unroll)}
        kind = next(kind for kind, (type_, _) in _KINDS.items() if type_ is type(schedule))
        op.attributes[DECISION_ATTRIBUTE] = ir.DictAttr.get({"kind": ir.StringAttr.get(kind), **fields})


def read_decision(op: ir.Operation) -> Schedule:
    """Return the decision on a contraction, which has one; raise ValueError with the reason where it is none."""
    schedule = _read(op, ("packed", "skinny", "rows"))
    assert not isinstance(schedule, AttentionSchedule)
    return schedule


def read_attention_decision(op: ir.Operation) -> AttentionSchedule:
    """Return the decision on a loop over heads; raise ValueError with the reason where it is none."""
    schedule = _read(op, ("attention",))
    assert isinstance(schedule, AttentionSchedule)
    return schedule


def _read(op: ir.Operation, kinds: tuple[str, ...]) -> Schedule | AttentionSchedule:
    decision: Any = op.attributes[DECISION_ATTRIBUTE]
    try:
        kind = decision["kind"].value
        known = _KINDS[kind] if kind in kinds else None
        rows, columns = (entry.value for entry in decision["register_tile"])
        sizes = [decision[name].value for name in (known[1] if known else ())]
        sizes += [decision[name].value if name in decision else default for name, default in _OPTIONAL.get(kind, ())]
        if not all(isinstance(size, int | None) for size in (rows, columns, *sizes)):
            raise TypeError("a size that is no integer")
    except (KeyError, TypeError, AttributeError, ValueError) as problem:
        expected = "kind, register_tile = [rows, columns], vector"
        if "packed" in kinds:
            expected += ", k_block and m_block where it is packed, k_unroll where it reads rows"
        raise ValueError(f"{DECISION_ATTRIBUTE}: expected a dictionary of {expected}, found {decision}") from problem
    if known is None:
        expected = " or ".join(f'"{name}"' for name in kinds)
        raise ValueError(f'{DECISION_ATTRIBUTE}: expected kind {expected}, found "{kind}"')
    try:
        return known[0](rows, columns, *sizes)
    except ValueError as problem:
        raise ValueError(f"{DECISION_ATTRIBUTE}: {problem}") from problem
