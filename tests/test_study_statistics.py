"""Medians with intervals: their ranks, and how often the interval holds."""

from __future__ import annotations

import numpy as np
from slipstick.tools.study_statistics import LEVEL, Median


def test_the_interval_of_a_median_ends_at_ranks():
    assert Median.of([float(value) for value in reversed(range(100))]) == Median(49.5, 40.0, 59.0)
    assert Median.of([3.0]) == Median(3.0, 3.0, 3.0)


def test_the_interval_of_a_median_holds_as_often_as_it_says():
    draws = np.random.default_rng(0).exponential(size=(2000, 60))
    found = [Median.of(list(row)) for row in draws]
    hits = sum(one.low <= np.log(2) <= one.high for one in found) / len(found)
    assert abs(hits - LEVEL) < 0.03
