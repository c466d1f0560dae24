"""Other decisions for a kernel: what a schedule could have been, legal for its kind."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...kernels.decision import (
    DECISION_ATTRIBUTE,
    ContractionSchedule,
    RowsSchedule,
    Schedule,
    read_decision,
    write_decision,
)
from ...passes.walk import find
from .session import Session

_PACKED: dict[str, Sequence[int]] = {
    "tile_rows": (1, 2, 3, 4, 5, 6, 8, 10, 12, 14),
    "k_unroll": (1, 2, 4, 8),
    "k_block": (64, 128, 256, 384),
    "prefetch": (0, 1, 2, 4),
}
_SKINNY: dict[str, Sequence[int]] = {
    "tile_rows": (1, 2, 4, 6, 8),
    "tile_columns": (1, 2, 3, 4, 6, 8),
    "prefetch": (0, 512, 2048, 8192),
}
_MOST = 64
"""Vectors in one turn of an inner loop, unless the heuristic takes more: code that is longer is compiled slowly."""
_ROWS: dict[str, Sequence[int]] = {"tile_rows": (1, 2, 4, 8), "k_unroll": (1, 2, 4, 8)}


def variants(session: Session, text: str, count: int, rng: random.Random) -> list[str]:
    """Return up to `count` texts of the kernel with other decisions, none twice; none where it has no decision."""
    if not count or DECISION_ATTRIBUTE not in text:
        return []
    module = session.parse(text)
    decided = find(module.operation, lambda op: DECISION_ATTRIBUTE in op.attributes and op.name.startswith("linalg."))
    if len(decided) != 1:
        return []
    found: dict[str, None] = {}
    original = read_decision(decided[0])
    for _ in range(4 * count):
        schedule = _other(original, rng)
        if schedule is None or len(found) == count:
            continue
        write_decision(decided[0], schedule)
        found.setdefault(module.operation.get_asm(use_local_scope=True))
    found.pop(text, None)
    return list(found)


def _other(schedule: Schedule, rng: random.Random) -> Schedule | None:
    """Return the schedule with some of its sizes changed, None where these do not go together."""
    choices = _PACKED if isinstance(schedule, ContractionSchedule) else _SKINNY
    choices = _ROWS if isinstance(schedule, RowsSchedule) else choices
    sizes = {name: rng.choice(choices[name]) for name in rng.sample(sorted(choices), rng.randint(1, len(choices)))}
    if isinstance(schedule, ContractionSchedule):
        rows, k_block = sizes.get("tile_rows", schedule.tile_rows), sizes.get("k_block", schedule.k_block)
        sizes["m_block"] = -(-schedule.m_block // rows) * rows
        sizes["pack_depth"] = -(-schedule.a_depth // k_block) * k_block
    changes: dict[str, Any] = dict(sizes)
    try:
        changed = replace(schedule, **changes)
    except ValueError:
        return None
    return changed if _turn_vectors(changed) <= max(_MOST, _turn_vectors(schedule)) else None


def _turn_vectors(schedule: Schedule) -> int:
    """Return how many vectors one turn of the inner loop works on."""
    if isinstance(schedule, ContractionSchedule):
        return schedule.tile_rows * schedule.tile_columns // schedule.vector_length * schedule.k_unroll
    return schedule.tile_rows * (schedule.k_unroll if isinstance(schedule, RowsSchedule) else schedule.tile_columns)
