"""`slipstick-bench check` and `adapter-cost`: small graphs, a record that is gone on with, errors."""

from __future__ import annotations

import json

import pytest
import torch
from slipstick.datasets.graphs import graph
from slipstick.tools import bench, bench_check
from slipstick.tools.bench_check import Checked, summary
from slipstick.tools.bench_workload import compare


def test_check_compares_records_and_goes_on(tmp_path, capsys, monkeypatch):
    record = tmp_path / "checked.jsonl"
    names = ["gelu-128x3072:small", "matmul-128x768x768"]
    assert bench.main(["check", names[0], "--record", str(record)]) == 0
    (line,) = [json.loads(line) for line in record.read_text().splitlines()]
    assert (line["graph"], line["status"]) == (names[0], "ok") and 0 <= line["error"] < 1e-5
    assert "1 graphs: 1 equal torch" in " ".join(capsys.readouterr().out.split())

    # What the record has is not run again; what is too large is left out.
    monkeypatch.setattr(bench_check, "Checks", lambda threads, limit: None)
    assert bench.main(["check", *names, "--record", str(record), "--most", "1"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "2 graphs: 1 equal torch within their tolerance, 0 are wrong, 0 failed, 1 were left out" in out


def test_check_tells_what_failed(tmp_path, capsys):
    record = tmp_path / "checked.jsonl"
    # A head has as many elements as the width divided by the heads: none are left.
    assert bench.main(["check", "opt-125m-prefill:small,width=7", "--record", str(record)]) == 1
    (line,) = [json.loads(line) for line in record.read_text().splitlines()]
    assert line["status"] == "failed" and "ValueError" in line["detail"] and line["error"] is None


def test_sizes_are_cut_where_they_are_larger(capsys):
    found = bench_check._cut([graph("peft-lora-1x128"), graph("gelu:small")], "layers=2,tokens=32,batch=4")
    assert [item.name for item in found] == ["peft-lora-1x128:layers=2,tokens=32", "gelu-128x3072:small"]
    assert bench.main(["check", "gelu:small", "--sizes", "layers=2"]) == 1
    assert "--sizes: none of these graphs has a size 'layers'" in capsys.readouterr().err
    assert bench.main(["check", "peft-lora", "--sizes", "layers"]) == 1
    assert "layers: expected whole numbers, found ''" in capsys.readouterr().err


def test_gradients_that_are_zero_but_for_rounding_are_held_against_the_largest():
    expected = [torch.tensor(4.0), torch.tensor([1.0, 0.5]), torch.tensor([1e-9])]
    found = [torch.tensor(4.0), torch.tensor([1.0, 0.5]), torch.tensor([3e-9])]
    assert compare(found, expected).error == pytest.approx(2.0)
    assert compare(found, expected, gradients=True).error == pytest.approx(2e-6)
    found[0] += 1.0
    assert compare(found, expected, gradients=True).error == pytest.approx(0.25)


def test_check_refuses_another_record(tmp_path, capsys):
    record = tmp_path / "other.txt"
    record.write_text("no line of ours\n")
    assert bench.main(["check", "gelu:small", "--record", str(record)]) == 1
    assert "other.txt:1: expected a line that check wrote" in capsys.readouterr().err


def test_what_fails_makes_the_status_1():
    results = [Checked("a", "ok", error=0.0, seconds=1.0), Checked("b", "wrong"), Checked("c", "failed", "died")]
    assert summary(results).startswith("3 graphs: 1 equal torch within their tolerance, 1 are wrong, 1 failed, 0 were")


def test_adapter_cost_names_unknown_methods(capsys):
    assert bench.main(["adapter-cost", "lor"]) == 1
    assert "methods: expected some of " in capsys.readouterr().err


@pytest.mark.exhaustive
def test_adapter_cost_of_one_layer(capsys):
    flags = ["--layers", "1", "--tokens", "8", "--context", "16", "--repeats", "2", "--json"]
    assert bench.main(["adapter-cost", "lora", *flags]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["kind"] for one in found] == ["prefill", "decode"]
    assert all(one["swapped_error"] <= 1e-4 for one in found)
    assert all(one["ratio"] > 0 and one["adapter_parameters"] == 2 * 2 * 768 * 8 for one in found)
