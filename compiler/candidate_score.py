"""How good a candidate is by what the cost model predicts of its kernel: cycles for the same work."""

from __future__ import annotations

from ..costmodel.predictor import Predicted
from ..kernels.choice import Choice
from ..kernels.decision import AttentionSchedule, ContractionSchedule, RowsSchedule, SkinnySchedule
from ..kernels.decision_nest import NestSchedule
from ..passes.contraction_dims import CONTRACTIONS
from ..passes.nests import Nest
from ..passes.product_facts import product_of

TIME = "seconds"
"""A quantity of models that predict time itself."""


def score(nest: Nest, choice: Choice, predicted: Predicted) -> float | None:
    """Return a number that is the less the faster the kernel is predicted to be; None where the model says too little.

    Numbers of candidates of one kind compare: the predicted time, or the cycles of a turn of the hottest loop for the
    work that a turn does, with what tiles waste at the edges.
    """
    found = predicted.predictions
    if TIME in found:
        return found[TIME].value
    if "cycles" not in found:
        return None
    return found["cycles"].value / max(1.0, work_of_a_turn(choice)) * waste(nest, choice)


def work_of_a_turn(choice: Choice) -> float:
    """Return how many elements of work one turn of the innermost loop does."""
    decision = choice.decision
    if isinstance(decision, NestSchedule):
        return decision.vector_bits / 32 * decision.interleave * (2 if decision.pair else 1)
    tile = decision.tile_rows * decision.tile_columns
    match decision:
        case ContractionSchedule():
            return tile * decision.k_unroll
        case SkinnySchedule():
            return tile * decision.vector_length
        case RowsSchedule():
            return decision.tile_rows * decision.vector_length * decision.k_unroll
        case AttentionSchedule():
            return tile


def waste(nest: Nest, choice: Choice) -> float:
    """Return how much more is computed than is needed, because tiles do not divide the sizes: 1 for none."""
    decision = choice.decision
    if isinstance(decision, NestSchedule | AttentionSchedule) or nest.op.name not in CONTRACTIONS:
        return 1.0
    product = product_of(nest.op)
    found = 1.0
    for size, tile in ((product.rows, decision.tile_rows), (product.columns, _columns(choice))):
        if size and tile:
            found *= -(-size // tile) * tile / size
    return found


def _columns(choice: Choice) -> int:
    decision = choice.decision
    return decision.tile_columns if isinstance(decision, ContractionSchedule | SkinnySchedule) else 1
