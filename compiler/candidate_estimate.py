"""How long a candidate takes by counting: what it issues, loads and waits for, and what its tiling moves from where.

Cycles of one core, of which the largest of several bounds is taken at each level, as rooflines do. No constant is of a
particular kernel. Candidates of one nest compare; cycles of different nests do only roughly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..kernels.choice import Choice
from ..kernels.decision import AttentionSchedule, ContractionSchedule, RowsSchedule, SkinnySchedule
from ..kernels.decision_nest import NestSchedule
from ..kernels.epilogue import APART
from ..passes.contraction_dims import CONTRACTIONS
from ..passes.nests import Nest
from ..passes.product_facts import Product, product_of
from ..passes.schedule_contractions import MANY_REGISTERS
from ..target import Target

PORTS = 2
"""Vector multiply-adds in a cycle, and loads."""
ISSUE = 6
"""Instructions in a cycle."""
LATENCY = 4
"""Cycles from a multiply-add to the next one of the same sum."""
LOOP = 3
"""Instructions of a turn of a loop that are not its work."""
TILE = 24
"""Cycles to begin and end the loop of one tile, beside its sums."""
NEAR_BYTES = 48
"""Bytes in a cycle from the second-level cache."""
FAR_BYTES = 5
"""Bytes in a cycle from memory."""
COPY_BYTES = 12
"""Bytes in a cycle of packing."""
INSTRUCTIONS = {"exact": 1, "finite": 2, "ieee": 9}
"""Vector instructions of a multiply and its addition."""


@dataclass(frozen=True)
class Facts:
    """What of a nest and a CPU an estimate needs, read once for all candidates."""

    target: Target
    product: Product | None
    """None for nests that are no products."""
    epilogue: int
    """Operations of the epilogue."""
    weights: bool
    """Whether B is a parameter: packed ahead of all calls, and read from memory."""

    @classmethod
    def of(cls, nest: Nest, target: Target) -> Facts:
        """Read a nest."""
        product = product_of(nest.op) if nest.op.name in CONTRACTIONS else None
        steps = 0 if nest.epilogue is None else len(list(nest.epilogue.regions[0].blocks[0].operations)) - 1
        return cls(target, product, steps, nest.reads_parameter)


def estimate(facts: Facts, choice: Choice) -> float | None:
    """Return cycles, None for a candidate of a kind, or of sizes, that nothing is known of."""
    product = facts.product
    if product is None or not product.rows or not product.columns or not product.depth:
        return None
    match choice.decision:
        case ContractionSchedule() as decision:
            return _packed(facts, product, decision, choice.epilogue)
        case SkinnySchedule() | RowsSchedule() | AttentionSchedule() | NestSchedule():
            return None


def registers_needed(choice: Choice) -> int:
    """Return how many vector registers a packed kernel's sums, row of B and broadcast of A take."""
    decision = choice.decision
    if not isinstance(decision, ContractionSchedule | AttentionSchedule):
        return 0
    wide = decision.tile_columns // decision.vector_length
    return decision.tile_rows * wide + wide + 1


def _packed(facts: Facts, product: Product, own: ContractionSchedule, place: str | None) -> float:
    rows, columns, depth = product.rows or 1, product.columns or 1, product.depth or 1
    size = product.bits // 8
    wide = own.tile_columns // own.vector_length
    panels = -(-columns // own.tile_columns)
    blocks = -(-depth // own.k_block)
    steps = min(own.k_block, depth)
    full, rest = divmod(rows, own.tile_rows)

    def tile(height: int) -> float:
        """Return the cycles of one tile along one block of the depth."""
        near = own.tile_columns * size / NEAR_BYTES if steps * own.tile_columns * size > facts.target.l1d_bytes else 0.0
        step = max(_step(facts, product, height, wide, own), near)
        sums = height * wide
        return steps * step + 2 * sums / PORTS + TILE + LATENCY

    work = panels * blocks * (full * tile(own.tile_rows) + (tile(rest) if rest else 0.0))
    done = rows * columns * facts.epilogue / own.vector_length / PORTS
    apart = 2 * rows * columns * size / NEAR_BYTES if place == APART else 0.0
    far = depth * panels * own.tile_columns * size / FAR_BYTES
    if own.pack_left:
        work += rows * depth * size / COPY_BYTES
    if not facts.weights:
        work += -(-rows // own.m_block) * depth * columns * size / COPY_BYTES
        far = 0.0
    return max(work + done + apart, far)


def _step(facts: Facts, product: Product, height: int, wide: int, own: ContractionSchedule) -> float:
    """Return the cycles of one step of k of a tile."""
    sums = height * wide
    many = facts.target.vector_registers >= MANY_REGISTERS
    issued = sums * INSTRUCTIONS[product.multiply]
    # A broadcast that one vector of B meets is part of the multiply-add.
    broadcasts = height if wide > 1 or not many else 0
    loads = wide + height
    spilled = max(0, sums + wide + 1 - facts.target.vector_registers)
    extra = (LOOP + own.prefetch) / own.k_unroll
    return max(
        issued / PORTS,
        (loads + 2 * spilled) / PORTS,
        (issued + wide + broadcasts + extra + 2 * spilled) / ISSUE,
        LATENCY * math.ceil(INSTRUCTIONS[product.multiply] / 2),
    )
