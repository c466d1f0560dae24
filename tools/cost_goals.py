"""What the cost model was asked to reach beside what it reaches: one table at the end of `slipstick-cost eval`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.table import Table

from ..costmodel.evaluation import Judgement
from ..costmodel.level_model import JUDGED

NETWORKS = ("bag", "convolution", "transformer")


@dataclass(frozen=True)
class Goal:
    """One line: what was asked, and what was found."""

    what: str
    asked: str
    reached: str
    is_met: bool | None
    """None where nothing was found to judge."""


def goals(
    found: Sequence[Judgement], rows: Sequence[Mapping[str, Any]], speeds: Mapping[str, float] | None = None
) -> list[Goal]:
    """Return the goals that what was found, a corpus and, if timed, seconds of predictions say something about."""
    lines = [*_of_corpus(rows), _least("leaks", "0", [judgement.leaks for judgement in found], 0)]
    for level in dict.fromkeys(judgement.level for judgement in found):
        own = {judgement.split: judgement for judgement in found if judgement.level == level}
        if "families" in own:
            lines += _of_families(own["families"], own.get("random"))
        lines += _of_targets([judgement for split, judgement in own.items() if split.startswith("target ")], level)
        for judgement in own.values():
            if set(NETWORKS) & set(judgement.metrics):
                lines += _of_networks(judgement)
    return lines + (_of_speed(speeds) if speeds else [])


def table(lines: Sequence[Goal]) -> Table:
    """Return the goals as a table."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="asked and reached", title_justify="left")
    for heading in ("quantity", "asked", "reached", ""):
        shown.add_column(heading)
    for line in lines:
        mark = "" if line.is_met is None else "yes" if line.is_met else "no"
        shown.add_row(line.what, line.asked, line.reached, mark)
    return shown


def _of_corpus(rows: Sequence[Mapping[str, Any]]) -> list[Goal]:
    return [
        _most("labelled rows", "50,000", [len(rows)], 50_000),
        _most("families", "12", [len({row["family"] for row in rows})], 12),
        _most("CPUs", "4", [len({row["target"] for row in rows})], 4),
    ]


_ASKED: tuple[tuple[str, str, str, float, bool], ...] = (
    ("vector_registers", "within_one", "vector registers exact or 1 off", 0.90, True),
    ("vector_registers", "rmse_of_range", "vector registers, RMSE of range", 0.03, False),
    ("spills", "f1_some", "spills: some or none, F1", 0.95, True),
    ("instructions", "mape", "instructions, MAPE", 0.05, False),
    ("utilisation", "rmse_of_range", "utilisation, RMSE of range", 0.05, False),
    ("time_ns", "spearman", "time across kernels, Spearman", 0.95, True),
    ("time_ns", "within_kernel", "time within a kernel's schedules, Spearman", 0.85, True),
)
"""Label, figure, what to call it, what was asked, and whether more is better."""


def _of_families(families: Judgement, random: Judgement | None) -> list[Goal]:
    lines = []
    for label, figure, what, asked, more in _ASKED:
        value = _figure(families, "trees", label, figure)
        others = [("analytical", families), ("linear", families), ("constant", families)]
        beside = [f"{name} {_percent(_figure(one, name, label, figure))}" for name, one in others]
        if random is not None:
            beside.append(f"random split {_percent(_figure(random, 'trees', label, figure))}")
        is_met = None if value != value else value >= asked if more else value <= asked
        bound = f"{'>=' if more else '<='} {_percent(asked)}"
        lines.append(Goal(f"{families.level}: {what}", bound, f"{_percent(value)} ({', '.join(beside)})", is_met))
    covered = [_figure(families, "trees", label, "coverage") for label in JUDGED]
    covered = [value for value in covered if value == value]
    if covered:
        shown = f"{_percent(min(covered))} to {_percent(max(covered))}"
        is_met = min(covered) >= 0.88 and max(covered) <= 0.92
        lines.append(Goal(f"{families.level}: truth in the 90 % interval", "88.0 % to 92.0 %", shown, is_met))
    flagged = f"{_percent(families.unsure)} flagged, {_percent(families.caught)} of the worst twentieth among them"
    is_met = families.unsure <= 0.15 and families.caught >= 0.5
    lines.append(Goal(f"{families.level}: unsure", "<= 15 % flagged, >= 50 % caught", flagged, is_met))
    return lines


def _of_targets(judgements: Sequence[Judgement], level: str) -> list[Goal]:
    lines = []
    for label, figure, what, asked, more in _ASKED if judgements else ():
        adapted = [name for name in judgements[0].metrics if name.endswith("seen")]
        worst: Callable[[list[float]], float] = min if more else max
        reached = [
            f"{name} {_percent(worst([_figure(judgement, name, label, figure) for judgement in judgements]))}"
            for name in ("trees", *adapted)
        ]
        value = worst([_figure(judgement, "trees", label, figure) for judgement in judgements])
        if value == value:
            bound = f"{'>=' if more else '<='} {_percent(asked)}"
            is_met = value >= asked if more else value <= asked
            lines.append(
                Goal(f"{level}, CPU held out (worst of {len(judgements)}): {what}", bound, ", ".join(reached), is_met)
            )
    return lines


def _of_networks(judgement: Judgement) -> list[Goal]:
    lines = []
    for label, figure, what, _, more in _ASKED:
        values = {name: _figure(judgement, name, label, figure) for name in judgement.metrics}
        known = {name: value for name, value in values.items() if value == value}
        if known:
            best = (max if more else min)(known, key=lambda name: known[name])
            shown = ", ".join(f"{name} {_percent(value)}" for name, value in known.items())
            lines.append(Goal(f"{judgement.level}, {judgement.split}: {what}", "who wins", f"{best}: {shown}", None))
    return lines


def _of_speed(speeds: Mapping[str, float]) -> list[Goal]:
    lines = []
    if "alone" in speeds:
        alone = speeds["alone"]
        lines.append(Goal("one kernel on one core", "< 1 ms", f"{alone * 1e3:.2f} ms", alone < 1e-3))
        for name in ("batch", "batch from features"):
            rate = 1 / speeds[name]
            lines.append(Goal(f"kernels in a {name}", ">= 20,000/s", f"{rate:,.0f}/s", rate >= 20_000))
        if "compiled and counted" in speeds:
            ratio = speeds["compiled and counted"] / alone
            lines.append(Goal("beside compiling and counting", ">= 50x", f"{ratio:.0f}x", ratio >= 50))
    return lines


def _figure(judgement: Judgement, model: str, label: str, figure: str) -> float:
    metrics = judgement.metrics.get(model, {}).get(label)
    return float(getattr(metrics, figure)) if metrics is not None else float("nan")


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %" if value == value else "-"


def _most(what: str, asked: str, found: Sequence[float], least: float) -> Goal:
    return Goal(what, f">= {asked}", f"{min(found):,}", min(found) >= least)


def _least(what: str, asked: str, found: Sequence[float], most: float) -> Goal:
    return Goal(what, asked, f"{max(found, default=0):,}", max(found, default=0) <= most)
