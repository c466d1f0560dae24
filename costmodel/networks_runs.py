"""The text networks as models of a split: tokeniser, training, predictions."""

from __future__ import annotations

import numpy as np

from .folds import folds
from .labels import Floats
from .splits import Part
from .training import Examples

_VALID = 10
"""One in so many training programs decides when to stop."""


def networks(examples: Examples, part: Part) -> dict[str, Floats]:
    """Return by kind of network what it predicts of a part's judging rows, on the scale of learning."""
    from .networks import KINDS, encode, parameters, train_network
    from .tokeniser import Tokeniser

    train, test = examples.where(part.train), examples.where(part.test)
    texts = {row["text"] for row in train.rows}
    tokeniser = Tokeniser.train(sorted(texts)[:: max(1, len(texts) // 2000)], "ops+operands", set(examples.targets))
    valid = np.asarray([number == 0 for number in folds_of_programs(train)])
    lengths = {kind: parameters(kind)["tokens"] for kind in KINDS}
    # All texts are read before the first network is trained: processes start before the GPU is in use.
    encoded = {
        length: [encode(tokeniser, [r["text"] for r in own.rows], own.targets, length) for own in (train, test)]
        for length in set(lengths.values())
    }
    found = {}
    for kind in KINDS:
        ids, judged = encoded[lengths[kind]]
        found[kind], _ = train_network(kind, tokeniser.size, ids, train.scaled(), valid, judged)
    return found


def folds_of_programs(examples: Examples) -> list[int]:
    """Return a number for each row that its program decides, `_VALID` of them."""
    rows = [{"program": row["program"], "family": ""} for row in examples.rows]
    return [int(number) for number in folds(rows, _VALID)]
