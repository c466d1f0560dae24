"""The calculators on the development half of MedCalc-Bench, which lies beside the checkout where there is a copy.

No part of the data set is in this repository: without the folder these tests are skipped, and say so.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from slipstick.datasets.medcalc.evaluate import Evaluation, evaluate
from slipstick.datasets.medcalc.recorded import as_record, recorded
from slipstick.datasets.medcalc.registry import CALCULATORS
from slipstick.datasets.medcalc.rows import load, texts

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "medcalc" / "medcalc_bench_v1.0_dev.csv"

pytestmark = pytest.mark.skipif(not DATA.is_file(), reason=f"MedCalc-Bench is not beside the checkout: no {DATA}")


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate(load(DATA))


def test_every_row_is_read(evaluation):
    assert [verdict.error for verdict in evaluation.verdicts if verdict.error] == []
    assert set(evaluation.by_calculator()) == set(CALCULATORS)


def test_every_row_agrees_or_is_explained(evaluation):
    assert [verdict.row for verdict in evaluation.verdicts if not verdict.explained] == []


def test_disagreements_are_those_on_record(evaluation):
    assert as_record(evaluation) == (ROOT / "datasets" / "medcalc" / "disagreements.csv").read_text("utf-8")


def test_no_label_that_agrees_is_on_record(evaluation):
    agreeing = {verdict.row for verdict in evaluation.verdicts if verdict.agrees}
    assert not agreeing & set(recorded())
    assert len(agreeing) + len(recorded()) == len(evaluation.verdicts)


def test_prompts_are_note_and_question():
    rows = load(DATA)
    prompts = texts(rows)
    assert len(prompts) == len(rows)
    assert all(row.note in prompt and prompt.endswith(row.question) for row, prompt in zip(rows, prompts, strict=True))
