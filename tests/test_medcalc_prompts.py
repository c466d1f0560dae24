"""Prompts of the data set: their lengths, the contexts that these ask for, their text. The rows are made up."""

from __future__ import annotations

import json

import pytest
from slipstick import ArgumentError
from slipstick.datasets.encoder import demo_folder
from slipstick.datasets.medcalc.prompts import Lengths, lengths
from slipstick.tools import medcalc
from test_medcalc_rows import PRESSURE, as_csv


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.csv"
    notes = [{**PRESSURE, "Row Number": str(n), "Patient Note": "word, " * n} for n in (1, 2, 3, 40)]
    path.write_text(as_csv(*notes), newline="")
    return path


def test_percentiles_are_lengths_that_occur():
    found = Lengths("words", tuple(range(1, 101)))
    assert [found.percentile(share) for share in (0, 1, 50, 90, 99, 100)] == [1, 1, 50, 90, 99, 100]
    assert Lengths("words", (3, 5)).percentile(50) == 3
    assert Lengths("words", (3, 5)).percentile(51) == 5
    assert (found.mean, found.within(7), found.within(0), found.within(200)) == (50.5, 7, 0, 100)


def test_contexts_hold_prompt_and_answer():
    assert Lengths("words", (*[100] * 9, 1000)).contexts(answer=28) == (128, 1088)
    assert Lengths("words", (65,)).contexts(answer=64) == (192,)


def test_the_histogram_counts_every_prompt_once():
    found = Lengths("words", (2, 2, 3, 9, 11, 30))
    for bins in (1, 2, 5, 7, 100):
        parts = found.histogram(bins)
        assert sum(count for _, _, count in parts) == 6
        assert parts[0][0] == 2 and parts[-1][0] <= 30 < parts[-1][1]
        assert [high for _, high, _ in parts[:-1]] == [low for low, _, _ in parts[1:]]


def test_words_and_marks():
    assert lengths(["Na 140 mEq/L.", "What?"]).counts == (2, 6)
    with pytest.raises(ArgumentError, match="expected at least one text"):
        lengths([])


def test_a_tokenizer_counts_without_padding_or_truncation():
    found = lengths(["sodium", "sodium " * 700], demo_folder())
    assert found.counts == (3, 702)
    assert "tokens of" in found.unit


def test_the_command_prints_and_writes(rows, tmp_path, capsys):
    plot, corpus = tmp_path / "plot.svg", tmp_path / "corpus.txt"
    assert medcalc.main(["prompts", "--data", str(rows), "--plot", str(plot), "--corpus", str(corpus)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "4 prompts" in out and "words and marks" in out
    assert plot.read_text().startswith("<svg")
    assert corpus.read_text().count("What is it?") == 4
    assert medcalc.main(["prompts", "--data", str(rows), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["prompts"] == 4
    assert found["lengths"] == [6, 8, 10, 84]


def test_errors_are_one_line(rows, tmp_path, capsys):
    for more in (["--tokenizer", str(rows)], ["--data", str(tmp_path / "none.csv")], ["--plot", "/proc/none/a.svg"]):
        assert medcalc.main(["prompts", "--data", str(rows), *more]) == 1
        error = capsys.readouterr().err
        assert error.startswith("slipstick-medcalc: error: ") and "Traceback" not in error
