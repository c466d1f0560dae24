"""Other decisions for a kernel: what could have been decided, legal for its kind, tiles that spill among them."""

from __future__ import annotations

import random

from ...kernels.choice import Choice
from ...kernels.decision import DECISION_ATTRIBUTE, ContractionSchedule
from ...kernels.panels import PANELS
from ...kernels.weight_emit import WEIGHTS_ATTRIBUTE
from ...passes.candidates import candidates
from ...passes.contraction_dims import CONTRACTIONS
from ...passes.nests import Nest, nests
from ...passes.values import defining_op
from ...target import Target
from .session import Session


def variants(session: Session, text: str, count: int, rng: random.Random, target: Target) -> list[str]:
    """Return up to `count` texts of the kernel with other decisions for the CPU; none without a decision."""
    if not count or DECISION_ATTRIBUTE not in text:
        return []
    module = session.parse(text)
    decided = nests(module.operation)
    if len(decided) != 1:
        return []
    nest = decided[0]
    now, *others = candidates(nest, target, beyond=True)
    space = [choice for choice in others if not _reads_panels(nest) or _has_width_of(choice, now)]
    found: dict[str, None] = {}
    for choice in rng.sample(space, len(space)):
        if len(found) == count:
            break
        nest.write(choice)
        found.setdefault(str(module.operation.get_asm(use_local_scope=True)))
    return list(found)


def _reads_panels(nest: Nest) -> bool:
    """Return whether B has been packed, which settles the width of the tiles."""
    maker = defining_op(nest.op.operands[1]) if nest.op.name in CONTRACTIONS else None
    return (
        maker is not None
        and WEIGHTS_ATTRIBUTE in maker.attributes
        and maker.attributes[WEIGHTS_ATTRIBUTE].value == PANELS
    )


def _has_width_of(choice: Choice, now: Choice) -> bool:
    one, other = choice.decision, now.decision
    if not isinstance(one, ContractionSchedule) or not isinstance(other, ContractionSchedule):
        return False
    return one.tile_columns == other.tile_columns
