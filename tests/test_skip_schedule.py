"""SkipDecode's schedule as a value: its depths, the layers that run, what it refuses, its pictures."""

from __future__ import annotations

import pytest
from slipstick import ArgumentError, SkipPaths, SkipSchedule
from slipstick.datasets.skip_cost import StepBytes, schedule_of_mean
from slipstick.datasets.skip_picture import draw_schedule
from slipstick.passes.executed_layers import executed_layers


def test_the_straight_line_of_the_paper():
    schedule = SkipSchedule(max_layers=10, min_layers=2, warmup=1, start=4, length=12)
    assert [schedule.depth(t) for t in range(16)] == [10] * 5 + [9, 8, 7, 6, 5, 4, 3, 2, 2, 2, 2]
    assert schedule.mean_depth() == pytest.approx(sum(range(3, 11)) / 8)
    assert schedule.mean_depth(range(12, 16)) == 2


@pytest.mark.parametrize(("most", "least", "start", "length"), [(12, 1, 32, 63), (24, 5, 0, 100), (3, 3, 7, 8)])
def test_depths_are_rounded_to_the_nearest_and_never_rise(most, least, start, length):
    schedule = SkipSchedule(most, least, 1, start, length)
    depths = [schedule.depth(t) for t in range(length + 5)]
    assert depths == sorted(depths, reverse=True)
    assert depths[start] == most and depths[length] == least
    for t in range(start, length):
        exact = most - (most - least) * (t - start) / (length - start)
        assert abs(depths[t] - exact) <= 0.5 + 1e-9


def test_the_first_layers_and_the_top_ones_run():
    assert executed_layers(12, 2, 5) == (0, 1, 9, 10, 11)
    assert executed_layers(12, 0, 3) == (9, 10, 11)
    assert executed_layers(12, 12, 12) == tuple(range(12))
    assert SkipSchedule.constant(5, warmup=2, start=0).layers(3, 12) == (0, 1, 9, 10, 11)


@pytest.mark.parametrize("warmup", [0, 1, 3])
def test_what_runs_has_run_at_every_position_before(warmup):
    schedule = SkipSchedule(9, 3, warmup, 5, 40)
    before = set(schedule.layers(0, 11))
    for position in range(1, 50):
        runs = set(schedule.layers(position, 11))
        assert runs <= before and len(runs) == schedule.depth(position)
        before = runs


def test_any_sequence_that_does_not_rise():
    schedule = SkipSchedule.of_depths([8, 8, 5, 2], warmup=2, start=3)
    assert [schedule.depth(t) for t in range(9)] == [8, 8, 8, 8, 8, 5, 2, 2, 2]
    assert schedule.paths == SkipPaths(2, 8, 2)
    with pytest.raises(ArgumentError, match=r"depths\[2\]: expected at most 5, as before, found 6: a layer"):
        SkipSchedule.of_depths([8, 5, 6], warmup=1, start=0)
    with pytest.raises(ArgumentError, match="depths: expected at least one integer"):
        SkipSchedule.of_depths([], warmup=1, start=0)
    with pytest.raises(ArgumentError, match="depths: expected 3 of them, found 2"):
        SkipSchedule(8, 2, 1, 0, 3, (8, 2))
    with pytest.raises(ArgumentError, match=r"depths\[0\]: expected 2 to 8 layers, found 9"):
        SkipSchedule(8, 2, 1, 0, 1, (9,))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((4, 0, 0, 0, 9), "min_layers: expected at least 1, found 0"),
        ((3, 4, 1, 0, 9), r"max_layers: expected at least 4 \(min_layers\), found 3"),
        ((4, 2, 3, 0, 9), r"warmup: expected 0 to 2 \(min_layers\), found 3"),
        ((4, 2, -1, 0, 9), "warmup: expected 0 to 2"),
        ((4, 2, 1, -1, 9), "start: expected at least 0, found -1"),
        ((4, 2, 1, 9, 9), r"length: expected more than 9 \(start\), found 9"),
        ((4.0, 2, 1, 0, 9), "max_layers: expected an integer, found 4.0"),
        ((4, True, 1, 0, 9), "min_layers: expected an integer, found True"),
    ],
)
def test_what_a_schedule_refuses(values, message):
    with pytest.raises(ArgumentError, match=message):
        SkipSchedule(*values)


def test_a_model_with_too_few_layers_and_positions_below_zero():
    schedule = SkipSchedule(8, 2, 1, 0, 9)
    with pytest.raises(ArgumentError, match=r"max_layers: expected at most 6 \(the layers of the model\), found 8"):
        schedule.layers(0, 6)
    with pytest.raises(ArgumentError, match="position: expected at least 0, found -1"):
        schedule.depth(-1)


def test_the_picture_in_characters():
    schedule = SkipSchedule(4, 2, 1, 10, 14)
    assert schedule.text(5).splitlines() == [
        "layer",
        "    4 ####",
        "    3 ####",
        "    2 ##..",
        "    1 ....",
        "    0 ####",
        "      1013  position",
    ]
    assert max(map(len, SkipSchedule(24, 2, 1, 0, 2000).text(width=40).splitlines())) < 60


def test_the_picture_of_matplotlib():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    axes = figure.subplots()
    draw_schedule(axes, SkipSchedule(4, 2, 1, 10, 14), 5)
    cells = axes.images[0].get_array()
    assert cells.tolist() == [[1] * 4, [0] * 4, [1, 1, 0, 0], [1] * 4, [1] * 4]


@pytest.mark.parametrize(("layers", "share"), [(12, 0.5), (24, 0.5), (24, 0.2), (12, 1)])
def test_a_schedule_of_a_mean_depth(layers, share):
    schedule = schedule_of_mean(layers, share, warmup=1, start=32, length=95)
    assert schedule.mean_depth() == pytest.approx(share * layers, abs=0.26)


def test_nominal_speed_counts_what_runs_at_every_depth():
    cost = StepBytes(layers=10, layer=6.0, rest=40)
    assert cost.nominal(10) == 1
    assert cost.nominal(2.5) == pytest.approx(100 / 55)


@pytest.mark.parametrize("values", [(0,), (2, 1), (2, 4, 3), ("2",)])
def test_what_paths_refuse(values):
    with pytest.raises(ArgumentError, match="expected"):
        SkipPaths(*values)
