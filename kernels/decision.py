"""Decisions as data: how one contraction, or attention, is tiled, as the attribute `slipstick.decision` in the IR.

    slipstick.decision = {kind = "packed", register_tile = [6, 16], k_block = 256, m_block = 252, vector = 8}
    slipstick.decision = {kind = "skinny", register_tile = [1, 8], vector = 16}
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

    def __post_init__(self) -> None:
        sizes = (self.tile_rows, self.tile_columns, self.k_block, self.m_block, self.vector_length)
        if min(sizes) < 1:
            raise ValueError(f"expected sizes of at least 1, found {sizes}")
        if self.vector_length & (self.vector_length - 1):
            raise ValueError(f"expected a power of two as the vector length, found {self.vector_length}")
        if self.tile_columns % self.vector_length:
            raise ValueError(
                f"expected tile columns in multiples of the vector ({self.vector_length}), found {self.tile_columns}"
            )
        if self.m_block % self.tile_rows:
            raise ValueError(f"expected m_block in multiples of the tile rows ({self.tile_rows}), found {self.m_block}")
        tile_vectors = self.tile_rows * self.tile_columns // self.vector_length
        for what, found, limit in (
            ("vectors in the register tile", tile_vectors, MAX_TILE_VECTORS),
            ("elements in a panel (k_block times tile columns)", self.k_block * self.tile_columns, MAX_PANEL_ELEMENTS),
            ("elements in a block (m_block times k_block)", self.m_block * self.k_block, MAX_BLOCK_ELEMENTS),
        ):
            if found > limit:
                raise ValueError(f"expected at most {limit} {what}, found {found}")


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


Schedule: TypeAlias = ContractionSchedule | SkinnySchedule


_FIELDS: Final = {"packed": ("k_block", "m_block", "vector"), "skinny": ("vector",), "attention": ("vector",)}
"""For each kind of decision, its fields besides the register tile."""


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
        kinds = {ContractionSchedule: "packed", SkinnySchedule: "skinny", AttentionSchedule: "attention"}
        kind = kinds[type(schedule)]
        op.attributes[DECISION_ATTRIBUTE] = ir.DictAttr.get({"kind": ir.StringAttr.get(kind), **fields})


def read_decision(op: ir.Operation) -> Schedule:
    """Return the decision on `op`, which has one; raise ValueError with the reason where it is no legal decision."""
    schedule = _read(op, ("packed", "skinny"))
    assert not isinstance(schedule, AttentionSchedule)
    return schedule


def read_attention_decision(op: ir.Operation) -> AttentionSchedule:
    """Return the decision on a loop over heads; raise ValueError with the reason where it is no legal one."""
    schedule = _read(op, ("attention",))
    assert isinstance(schedule, AttentionSchedule)
    return schedule


def _read(op: ir.Operation, kinds: tuple[str, ...]) -> Schedule | AttentionSchedule:
    decision: Any = op.attributes[DECISION_ATTRIBUTE]
    try:
        kind = decision["kind"].value
        names = _FIELDS[kind] if kind in kinds else ()
        rows, columns = (entry.value for entry in decision["register_tile"])
        sizes = [decision[name].value for name in names]
        if not all(isinstance(size, int) for size in (rows, columns, *sizes)):
            raise TypeError("a size that is no integer")
    except (KeyError, TypeError, AttributeError, ValueError) as problem:
        expected = "kind, register_tile = [rows, columns], vector"
        if "packed" in kinds:
            expected += ", and k_block and m_block where it is packed"
        raise ValueError(f"{DECISION_ATTRIBUTE}: expected a dictionary of {expected}, found {decision}") from problem
    if not names:
        expected = " or ".join(f'"{name}"' for name in kinds)
        raise ValueError(f'{DECISION_ATTRIBUTE}: expected kind {expected}, found "{kind}"')
    try:
        if kind == "attention":
            return AttentionSchedule(rows, columns, *sizes)
        if kind == "skinny":
            return SkinnySchedule(rows, columns, *sizes)
        return ContractionSchedule(rows, columns, *sizes)
    except ValueError as problem:
        raise ValueError(f"{DECISION_ATTRIBUTE}: {problem}") from problem
