"""Decide how attention is tiled: the analytical heuristic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import ir
from ..kernels.decision import DECISION_ATTRIBUTE, AttentionSchedule, write_decision
from .base import Pass, PassContext, option
from .fuse_attention import ATTENTION
from .lmul_scope import MARK
from .schedule_contractions import MANY_REGISTERS, multiply_kind
from .vector_registers import check_vector_registers
from .walk import find

_HIGH = 8
"""Rows of a tile of scores that is one vector wide."""


@dataclass(frozen=True)
class ScheduleAttention(Pass):
    """Write a tiling decision on every loop over heads that `fuse-attention` made.

    The register tile of scores fills the vector registers but for a row of keys and one broadcast query: three vectors
    of keys by eight rows of 32 registers, by four of 16. L-Mul that expands in the loop needs half of them for itself.
    A mask that is computed from the places of scores compares 64-bit numbers, two registers and more for each vector
    of scores: there the tile is one vector wide and eight rows high. A decision that is there already is left alone.
    """

    name: ClassVar[str] = "schedule-attention"
    vector_bits: int = option(256, "width of a vector register, in bits")
    vector_registers: int = option(16, "number of vector registers")

    def __post_init__(self) -> None:
        check_vector_registers(self.vector_bits, self.vector_registers)

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Decide for each loop under `op`."""
        for heads in find(
            op, lambda inner: ATTENTION in inner.attributes and DECISION_ATTRIBUTE not in inner.attributes
        ):
            expanding = bool(find(heads, lambda inner: MARK in inner.attributes and multiply_kind(inner) == "ieee"))
            by_place = bool(find(heads, lambda inner: inner.name == "linalg.index"))
            write_decision(heads, self.decide(_keys(heads), expanding, by_place=by_place))
            ctx.count("attention groups scheduled")

    def decide(self, keys: int | None, expanding: bool, *, by_place: bool = False) -> AttentionSchedule:
        """Return the tiling for so many keys, None: any; `expanding`: L-Mul expands in the loop.

        `by_place`: scores are masked by comparing their places.
        """
        vector = self.vector_bits // 32
        many = self.vector_registers >= MANY_REGISTERS
        if by_place and not expanding:
            return AttentionSchedule(_HIGH, vector, vector)
        wide = 3
        # Two vectors of keys where that leaves fewer of them to pad.
        if expanding or (keys is not None and -keys % (2 * vector) < -keys % (3 * vector)):
            wide = 2
        rows = 8 if many else 4
        return AttentionSchedule(rows // 2 if expanding else rows, wide * vector, vector)


def _keys(heads: ir.Operation) -> int | None:
    """Return the number of keys: the columns of the first product of the loop's body."""
    for view in heads.regions[0].blocks[0].operations:
        if view.operation.name == "linalg.matmul":
            return int(ir.ShapedType(view.operation.operands[2].type).get_dim_size(1))
    return None
