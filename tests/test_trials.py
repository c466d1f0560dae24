"""Which candidates are measured next, after what was measured of others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from slipstick.compiler.decision_table import DecisionTable, Measured
from slipstick.compiler.ranking import Ranking
from slipstick.compiler.trials import Trials, tried
from slipstick.kernels.choice import Choice
from slipstick.kernels.decision import ContractionSchedule


def choice(rows: int, unroll: int = 4, place: str | None = "tile") -> Choice:
    """Return a decision for tiles so many rows high."""
    schedule = ContractionSchedule(rows, 32, 64, 8 * rows, 16, 64, unroll, 1, pack_left=False)
    return Choice(schedule, place)


SPACE = [choice(8), *(choice(rows, unroll) for rows in (4, 6) for unroll in (2, 4, 8)), choice(8, 4, "registers")]
GAINS = np.asarray([0.0, -0.03, -0.04, -0.05, -0.01, -0.02, -0.025, 0.05])


def test_what_would_be_taken_unmeasured_comes_first() -> None:
    assert Trials(SPACE, GAINS).following(1) == [SPACE[3]]


def test_a_pair_begins_with_what_comes_alone() -> None:
    both = Trials(SPACE, GAINS).following()
    assert len(both) == 2 and both[0] == SPACE[3] and both[1] != both[0]


def test_what_is_alike_is_judged_alike() -> None:
    """Where one tile of four rows is much slower than predicted, those of four rows have to wait."""
    slow, fast = Trials(SPACE, GAINS), Trials(SPACE, GAINS)
    slow.tell(SPACE[3], 1.2)
    fast.tell(SPACE[3], 0.9)
    assert slow.following(1) == [SPACE[-1]], "a place for the epilogue that was not tried"
    assert fast.following(1)[0].decision.tile_rows == 4  # type: ignore[union-attr]


def test_all_are_measured_in_the_end_and_failures_are_not_asked_again() -> None:
    trials, seen = Trials(SPACE, GAINS), []
    while following := trials.following(3):
        seen += following
        for own in following:
            trials.tell(own, None)
    assert sorted(map(SPACE.index, seen)) == list(range(1, len(SPACE)))
    assert Trials(SPACE[:1], GAINS[:1]).following() == []


def test_candidates_of_one_code_count_once() -> None:
    def table(objects: Sequence[int]) -> DecisionTable:
        lines = [Measured(own, str(code), 1e-3, 1.0) for own, code in zip(SPACE, objects, strict=True)]
        return DecisionTable("what", "key", "znver4", "", tuple(lines))

    ranking = Ranking(SPACE, GAINS, GAINS, 0.0)
    assert len(tried(table(range(len(SPACE))), ranking, 99)) == len(SPACE) - 1
    found = tried(table([0, 1, 1, 1, 2, 2, 0, 0]), ranking, 99)
    assert sorted(map(SPACE.index, found)) == [3, 5]
    assert tried(table(range(len(SPACE))), ranking, 3) == tried(table(range(len(SPACE))), ranking, 5)[:3]
