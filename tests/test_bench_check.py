"""`slipstick-bench check` and `adapter-cost`: small graphs, a record that is gone on with, errors."""

from __future__ import annotations

import json

import pytest
import torch
from slipstick.compiler.training import LossAndGradients
from slipstick.datasets.graphs import graph
from slipstick.tools import bench, bench_check
from slipstick.tools.bench_check_judge import judged
from slipstick.tools.bench_check_judgement import Judgement
from slipstick.tools.bench_check_results import Checked, groups, summary
from slipstick.tools.bench_workload import Form, compare


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
    assert len(record.read_text().splitlines()) == 1, "what was left out may run the next time"


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


class _Kinked(torch.nn.Module):
    """Two layers of which two inputs of ReLU are 1e-8 and -1e-8, the others far from zero."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Parameter(torch.tensor([[1e-8, 1.0, -1.0, -1e-8], [0.0, 0.5, 2.0, 3.0]]))
        self.last = torch.nn.Parameter(torch.tensor([3.0, -2.0, 1.0, 0.01]))
        self.flipped = False

    def forward(self, x):
        inner = x @ self.first
        if self.flipped:
            inner = inner - torch.tensor([2e-8, 0.0, 0.0, -2e-8])
        return torch.relu(inner) @ self.last


def test_what_the_side_of_a_kink_changes_is_left_out_and_no_more():
    step = LossAndGradients(_Kinked())
    form = Form(step, (torch.tensor([1.0, 0.0]),), overwrites=False)
    step.module.flipped = True
    other = form.observed(step(*form.inputs))
    assert compare(other, form.expected, gradients=True).error == pytest.approx(1.0)
    step.module.flipped = False
    found = judged(form, other, 1e-4)
    assert found.kinks == 2 and found.error < 1e-6 and found.right(1e-4)
    # What is near enough without the second kink is not searched further.
    assert judged(form, other, 1e-2).kinks == 1
    # A gradient that no kink explains stays an error.
    other[2][1] += 0.5
    found = judged(form, other, 1e-4)
    assert found.error == pytest.approx(0.5) and not found.right(1e-4)


class _Cancelling(torch.nn.Module):
    """x + w - w, with a weight beside which x is small: in f32 most of x is lost."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([1000.0, 2000.0, 3000.0]))

    def forward(self, x):
        return (x + self.weight) - self.weight


def test_where_torch_itself_is_inexact_float64_decides():
    x = torch.tensor([0.1, 0.2, 0.3])
    form = Form(_Cancelling(), (x,), overwrites=False)
    own = compare(form.expected, [x]).error
    assert own > 1e-5
    # Nearer to float64 than torch is; then a little further, and too far.
    exact, near, far = (
        judged(form, [x + (one - x) * share], 1e-7) for share in (0.0, -2.9, -3.1) for one in form.expected
    )
    assert exact.error < 1e-7 and exact.torch_error == pytest.approx(own, rel=1e-3) and exact.right(1e-7)
    assert near.error == pytest.approx(2.9 * own, rel=1e-3) and near.right(1e-7)
    assert far.error == pytest.approx(3.1 * own, rel=1e-3) and not far.right(1e-7)
    assert far.right(4 * own), "a graph's tolerance holds too"


def test_of_a_step_torch_on_the_wrong_side_of_a_kink_is_no_excuse():
    step = LossAndGradients(_Kinked())
    form = Form(step, (torch.tensor([1.0, 0.0]),), overwrites=False)
    step.module.flipped = True
    form.expected = form.observed(step(*form.inputs))
    step.module.flipped = False
    right = form.observed(step(*form.inputs))
    # Float64 takes the sides of the exact input: nothing is left to explain, and torch has no roundings else.
    found = judged(form, right, 1e-4)
    assert found.kinks == 0 and found.error < 1e-6 and found.torch_error is not None
    right[2][1] += 0.01
    assert not judged(form, right, 1e-4).right(1e-4)


def test_results_that_are_no_numbers_excuse_nothing():
    assert not Judgement(float("inf"), torch_error=float("inf")).right(1e-4)
    assert not Judgement(0.5, torch_error=float("inf")).right(1e-4)
    assert not Judgement(float("nan"), torch_error=1.0).right(1e-4)


class _Single(torch.nn.Module):
    """Names f32 where float64 does not fit."""

    def forward(self, x):
        return x @ torch.eye(2, dtype=torch.float32)


def test_what_torch_cannot_compute_in_float64_is_held_against_f32():
    form = Form(_Single(), (torch.ones(2, 2),), overwrites=False)
    found = judged(form, [form.expected[0] + 0.01], 1e-4)
    assert found.error == pytest.approx(0.01, rel=1e-3) and found.torch_error is None and not found.right(1e-4)


def test_of_overwritten_inputs_float64_begins_with_the_first_values():
    class Adds(torch.nn.Module):
        def forward(self, x):
            return x.add_(1.0)

    form = Form(Adds(), (torch.ones(2),), overwrites=True)
    form.inputs[0].fill_(7.0)
    found = judged(form, [one + 0.01 for one in form.expected], 1e-4)
    assert found.error == pytest.approx(0.005, rel=1e-3) and found.torch_error == 0.0


def test_counts_by_family_and_suite():
    results = [
        Checked("gelu-128x3072", "ok", error=1e-6),
        Checked("peft-lora-1x128:layers=2", "wrong", error=0.5),
        Checked("peft-lora-training-1x128", "failed", "died"),
        Checked("peft-dora-1x128", "left out", "no time left"),
    ]
    first, second, third, total = groups(results)
    assert (first.suite, first.family, first.right, first.worst) == ("core", "elementwise", 1, 1e-6)
    assert (second.suite, second.family, second.graphs) == ("peft", "peft", 2)
    assert (second.wrong, second.not_run, second.worst) == (1, 1, 0.5)
    assert (third.family, third.failed, third.worst) == ("peft-training", 1, None)
    assert (total.graphs, total.right, total.wrong, total.failed, total.not_run) == (4, 1, 1, 1, 1)


def test_check_ends_in_time_and_prints_json(capsys):
    assert bench.main(["check", "gelu:small", "--within", "0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["graphs"][0]["status"] == "left out" and found["groups"][-1]["not_run"] == 1


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
