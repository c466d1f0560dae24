"""`slipstick-bench dynamo` beside its measurements: the file that a run goes on from, tables, models that fail."""

from __future__ import annotations

import json

import pytest
import torch
from slipstick import ArgumentError
from slipstick.tools import bench_dynamo
from slipstick.tools.bench_dynamo_measure import loss_weights
from slipstick.tools.bench_dynamo_results import MODES, Measured, Mode, Settings, Store
from slipstick.tools.bench_dynamo_table import lines, markdown, notes
from torch import nn

SETTINGS = Settings(5, 1, True, "torch 2", "znver4")


def measured(name, factor, **fields):
    """A model that is `factor` times as fast as eager, twice that beside inductor."""
    seconds = {"slipstick": 1e-3, "eager": factor * 1e-3, "inductor": 2 * factor * 1e-3}
    return Measured(name, {mode: Mode(("forward",), 1e-7, 9, 8, seconds=seconds, **fields) for mode in MODES})


def test_a_run_goes_on_from_its_file(tmp_path):
    path = tmp_path / "run.json"
    store = Store.open(path, SETTINGS)
    store.add(measured("one", 2.0, fallbacks=("aten.histc.default",), kinks=1))
    store.add(Measured("two", failure="RuntimeError: no"))
    again = Store.open(path, SETTINGS)
    assert again.rows == store.rows
    # What failed is measured again.
    assert again.has("one") and not again.has("two") and not again.has("three")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", "expected the figures of `slipstick-bench dynamo`"),
        ("[1]", "expected the figures of `slipstick-bench dynamo`"),
        (json.dumps({"settings": {**vars(SETTINGS), "repeats": 6}, "rows": []}), r"other settings \(repeats\)"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, text, message):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(ArgumentError, match=message):
        Store.open(path, SETTINGS)
    assert path.read_text() == text


def test_the_table_ends_in_geometric_means():
    rows = [
        measured("one", 2.0),
        measured("two", 0.5, fallbacks=("aten.histc.default",)),
        Measured("three", failure="no"),
    ]
    cells = lines(rows)
    assert [line[0] for line in cells] == ["one", "", "two", "", "three", "geometric mean", ""]
    assert cells[0][-2:] == ("2.00x", "4.00x") and cells[-1][-2:] == ("1.00x", "2.00x")
    assert {len(line) for line in cells} == {len(cells[0])}
    first = markdown(rows).splitlines()[2]
    assert first.startswith("| one | inference | 1 | 0 | 0 | 8 of 9 | 0 | 1e-07 | 1 ms | 2 ms | 4 ms |")
    told = "\n".join(notes(rows))
    assert "two: torch runs aten.histc.default" in told and "three: no" in told
    assert "training step: 2.00x inductor, geometric mean of 2" in told


def test_the_loss_depends_on_what_a_normalisation_is_given():
    torch.manual_seed(0)
    module, x = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8)), torch.randn(4, 8)
    gradients = []
    for weights in (torch.ones(4, 8), loss_weights(module, (x,))):
        loss = (module(x) * weights).mean()
        gradients.append(torch.autograd.grad(loss, module[0].weight)[0].abs().max())
    assert gradients[0] < 1e-6 and gradients[1] > 1e-3
    assert torch.equal(loss_weights(module, (x,)), weights)


def test_a_model_that_fails_does_not_stop_the_rest(tmp_path, monkeypatch, capsys):
    def measure(one, **_):
        if one.name.startswith("bert"):
            raise RuntimeError("broken\nin several lines")
        return measured(one.name, 2.0)

    monkeypatch.setattr(bench_dynamo, "measure", measure)
    path = tmp_path / "run.json"
    graphs = ["bert-base-1x128:small", "t5-small:small", "--json", str(path)]
    assert bench_dynamo.bench_dynamo("slipstick-bench dynamo", graphs) == 1
    found = capsys.readouterr()
    assert "bert-base-1x128:small: RuntimeError: broken\n" in found.out
    assert "not equal to eager" in found.out and "2 of 2: t5-small:small" in found.err
    # The second run takes the other's figures from the file.
    monkeypatch.setattr(bench_dynamo, "measure", lambda one, **_: measured(one.name, 3.0))
    assert bench_dynamo.bench_dynamo("slipstick-bench dynamo", graphs) == 0
    out = capsys.readouterr().out
    assert "3.00x" in out and "2.00x" in out


def test_each_architecture_has_a_form_of_two_layers():
    for name, cut in bench_dynamo.ARCHITECTURES.items():
        found = bench_dynamo.architecture(name, "layers")
        assert {found.sizes[part.split("=")[0]] for part in cut.split(",")} == {2}
        assert bench_dynamo.architecture(name, "whole").name == name
