"""Made-up patients, and the table that times calculators on them."""

from __future__ import annotations

import json

import pytest
import torch
from slipstick.datasets.medcalc.patients import patients
from slipstick.datasets.medcalc.registry import CALCULATORS
from slipstick.errors import ArgumentError
from slipstick.tools import medcalc, medcalc_bench


@pytest.mark.parametrize("number", medcalc_bench.CALCULATORS_TIMED)
def test_patients_are_arguments_of_the_calculator(number):
    calculator = CALCULATORS[number]
    columns = patients(calculator, 1000)
    assert [c.dtype for c in columns] == [c.dtype for c in calculator.example(1)]
    assert all(c.shape == (1000,) and c.unique().numel() > 1 for c in columns)
    answers = calculator.module()(*columns)
    assert answers.isfinite().all() and answers.unique().numel() > 10
    assert all(torch.equal(a, b) for a, b in zip(columns, patients(calculator, 1000), strict=True))


def test_no_patients_are_an_error():
    with pytest.raises(ArgumentError, match="batch: expected a positive number, found 0"):
        patients(CALCULATORS[5], 0)


def test_bench_as_json(capsys, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda *args, **options: args[0])
    assert medcalc.main(["bench", "--patients", "1000", "--repeats", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["calculator"] for row in found] == list(medcalc_bench.CALCULATORS_TIMED)
    for row in found:
        assert row["bytes"] % 4000 == 0 and row["slipstick"] > 0 and row["gbs"] > 0
        assert row["over_fastest_peer"] == min(row["torch"], row["inductor"]) / row["slipstick"]
        assert row["of_bound"] == pytest.approx(row["gbs"] / row["readable_gbs"])


def test_bench_without_inductor_says_why(capsys, monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("no compiler\nat all")

    monkeypatch.setattr(torch, "compile", fail)
    assert medcalc.main(["bench", "--patients", "1000", "--repeats", "1"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "APACHE II: no inductor: RuntimeError: no compiler" in out
    assert "APACHE II, 1 thread: 0 MB at " in out and "memory allows at most " in out


def test_results_that_differ_are_an_error(capsys, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda module, **options: lambda *columns: module(*columns) + 1)
    assert medcalc.main(["bench", "--patients", "1000", "--repeats", "1"]) == 1
    assert "inductor: results differ from torch's, by 1 at most" in capsys.readouterr().err
