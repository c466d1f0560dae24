"""The text networks: each learns what tokens tell, the same each time."""

from __future__ import annotations

import numpy as np
import pytest
from slipstick.costmodel.labels import LABELS
from slipstick.costmodel.networks import KINDS, encode, train_network
from slipstick.costmodel.tokeniser import Tokeniser, target_words
from slipstick.target import Target

ROWS, WORDS, LENGTH = 160, 20, 192


def data() -> tuple[np.ndarray, np.ndarray]:
    """Return ids and truths: one label counts a token, the others are missing."""
    rng = np.random.default_rng(0)
    ids = np.zeros((ROWS, LENGTH), np.int64)
    ids[:, :60] = rng.integers(1, WORDS, (ROWS, 60))
    counts = rng.integers(0, 30, ROWS)
    for row, count in enumerate(counts):
        ids[row, :count] = 5
    truth = np.full((ROWS, len(LABELS)), np.nan)
    truth[:, 0] = counts
    return ids, truth


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_learns(kind: str) -> None:
    ids, truth = data()
    valid = np.arange(ROWS) % 8 == 0
    predicted, record = train_network(kind, WORDS, ids[:112], truth[:112], valid[:112], ids[112:])
    error = predicted[:, 0] - truth[112:, 0]
    assert predicted.shape == (48, len(LABELS)) and np.sqrt(np.mean(error**2)) < 0.8 * np.std(truth[112:, 0])
    assert record["kind"] == kind and 0 < len(record["validation"]) <= record["parameters"]["epochs"]


def test_long_texts_lose_their_middle() -> None:
    target = Target.named("znver4")
    text = "func.func @f() {\n" + "".join(f'  "a.b{n}"() : () -> ()\n' for n in range(40)) + "  return\n}\n"
    tokeniser = Tokeniser.train([text], "ops+operands", [target])
    (whole,) = encode(tokeniser, [text], [target], 2000)
    (cut,) = encode(tokeniser, [text], [target], 64)
    head, end = len(tokeniser.ids(target_words(target))), int(np.flatnonzero(whole)[-1]) + 1
    room = 64 - head
    assert cut.tolist() == [*whole[: head + room // 2], *whole[end - (room - room // 2) : end]]
