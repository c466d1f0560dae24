"""What `slipstick-bench decisions` prints beside the policies: decisions for L-Mul, spills that nobody foresaw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rich.console import Console
from slipstick.compiler.decision_table import DecisionTable, Measured
from slipstick.compiler.regret import regret
from slipstick.kernels.choice import Choice
from slipstick.kernels.decision import ContractionSchedule
from slipstick.tools.bench_decisions_lmul import lmul_pairs, lmul_table
from slipstick.tools.bench_decisions_spills import Spilled
from slipstick.tools.bench_decisions_tables import spill_table, surprise_table

WHAT = "matmul 64x48, depth 32, f32"


def choice(rows: int, *, packs: bool) -> Choice:
    return Choice(ContractionSchedule(rows, 32, 32, 8 * rows, 16, 32, 4, 1, pack_left=packs))


def table(what: str, times: Mapping[int, float], *, packs: bool = False) -> DecisionTable:
    """Return a table of tiles so many rows high with their times, the heuristic's first."""
    lines = [Measured(choice(rows, packs=packs), str(rows), 1e-3 * time, time) for rows, time in times.items()]
    return DecisionTable(what, what, "znver4", "", tuple(lines))


def text(shown: object) -> str:
    console = Console(width=150)
    with console.capture() as captured:
        console.print(shown)
    return captured.get()


def test_best_tiles_of_exact_products_are_judged_for_lmul() -> None:
    tables = [
        table(WHAT, {8: 1.0, 6: 0.9}),
        table(f"{WHAT}, L-Mul finite", {8: 1.0, 6: 1.25, 4: 0.5}, packs=True),
        table(f"{WHAT}, L-Mul ieee", {8: 1.0, 6: 0.8}, packs=True),
        table("matmul 1x48, depth 32, f32, L-Mul finite", {8: 1.0}),
    ]
    pairs = lmul_pairs(tables, [regret(own) for own in tables])
    assert [(pair.what, pair.kept) for pair in pairs] == [(tables[1].what, 0.4), (tables[2].what, 1.0)]
    assert [pair.differ("best") for pair in pairs] == [True, False]
    assert [pair.differ("heuristic") for pair in pairs] == [False, False] and pairs[0].differ("model") is None
    shown = text(lmul_table(pairs))
    assert "2 nests" in shown and "1 of 2 differ" in shown and "40.0" in shown and "packed 4x32" in shown


def test_kernels_that_spill_against_expectation_are_named() -> None:
    own = choice(8, packs=False).json()
    found = [Spilled(f"nest {n}", "model", own, *case, 20) for n, case in enumerate(CASES)]
    assert [one.is_surprise for one in found] == [False, True, False, False, False, False]
    found.append(replace(found[0], policy="heuristic"))
    shown = text(spill_table(found)).splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in shown if line.split()[:1] and line.split()[1:]}
    assert rows["model"] == ["6", "1", "2", "1", "(50.0", "%)", "13"]
    assert rows["heuristic"] == ["1", "1", "1", "1", "(100.0", "%)", "0"]
    assert rows["all"] == rows["model"]
    shown = text(surprise_table([one for one in found if one.is_surprise]))
    assert "nest 1" in shown and "nest 0" not in shown


CASES: tuple[tuple[float | None, float | None, bool, int], ...] = (
    (0.0, 0.0, False, 0),
    (0.0, 0.0, False, 3),
    (0.0, 0.0, True, 3),
    (0.0, 1.0, False, 3),
    (2.0, 5.0, False, 3),
    (None, None, False, 1),
)
"""What is predicted and how much at most, whether the model is unsure, and what the assembly says."""
