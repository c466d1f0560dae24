"""The coverage table: no type of `peft` and no entry of the survey is left out, and what it says is so."""

from __future__ import annotations

import subprocess
import sys

import peft
from slipstick.datasets.graphs_peft import PEFT
from slipstick.datasets.peft.coverage import LIBRARY, SURVEY, coverage
from slipstick.datasets.peft.methods import METHODS
from slipstick.tools.bench import main


def test_every_type_of_peft_is_mentioned_once():
    assert sorted(entry.name for entry in LIBRARY) == sorted(kind.value for kind in peft.PeftType)


def test_every_entry_has_a_graph_or_says_why_not():
    names = {method.name for method in METHODS}
    for row in coverage(PEFT):
        entry = row.entry
        if entry.method:
            assert entry.method in names, entry
            assert row.graphs, entry
        else:
            assert entry.why, entry
            assert not row.graphs


def test_every_method_and_graph_is_in_the_table():
    rows = coverage(PEFT)
    shown = {name for row in rows for name in row.graphs}
    own = {"lora-all", "scaled-parallel-adapter", "mixed-adapters"}  # more forms of an entry
    missing = {g.name for g in PEFT} - shown
    assert all(any(f"peft-{name}-" in graph for name in own) for graph in missing), missing
    assert {method.group for method in METHODS} == set(range(1, 13))


def test_selective_methods_have_training_steps_only():
    for row in coverage(PEFT):
        if row.entry.part == "selective":
            assert all("-training-" in name for name in row.graphs)
    assert all(method.inference != (method.group == 12) for method in METHODS)


def test_names_of_the_survey_are_unique():
    names = [(entry.part, entry.name) for entry in SURVEY]
    assert len(set(names)) == len(names)


def test_every_type_of_peft_has_a_graph():
    assert all(row.graphs for row in coverage(PEFT) if row.entry.part == "peft")


def test_the_command_prints_the_table(capsys):
    assert main(["peft-coverage"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for word in ("peft-lora-1x128", "peft-trainable-tokens-training-1x128", "FishMask", "POLY", "training steps only"):
        assert word in text


def test_listing_imports_neither_torch_nor_peft():
    code = (
        "import sys, slipstick.datasets.graphs_peft as g; [x.what for x in g.PEFT]; "
        "print(sorted({'torch', 'transformers', 'peft'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
