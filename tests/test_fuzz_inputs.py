"""Short runs of the fuzzers of inputs, graphs and leaks; the long ones are `make fuzz`."""

from __future__ import annotations

import ctypes
import gc
import json
import shutil

import pytest
import torch
from fuzz import graphs
from fuzz.check import Way, check
from fuzz.grammar import Limits, random_recipe
from fuzz.inputs import fuzz
from fuzz.leaks import work
from fuzz.minimise import minimise
from fuzz.readers import READERS, reader_of
from slipstick import ArgumentError, LMul
from slipstick.costmodel import released

SHORT = {"pipeline": 300, "options": 300, "decisions": 60, "model": 20, "saved": 20, "texts": 25, "rows": 100}


@pytest.mark.parametrize("name", SHORT)
def test_mutated_inputs_end_in_a_value_or_an_error_of_slipstick(name):
    with reader_of(name) as reader:
        found, lines, _ = fuzz(reader, SHORT[name], seed=20261126)
    assert not found
    assert lines > 20


@pytest.mark.exhaustive
def test_a_hundred_thousand_inputs():
    total = sum(share for _, share in READERS.values())
    for name, (_, share) in READERS.items():
        with reader_of(name) as reader:
            found, _, _ = fuzz(reader, max(1, round(100_000 * share / total)), seed=1)
        assert not found, name


@pytest.mark.parametrize("path", ["levels", "record", "levels.scheduled.columns", "levels.scheduled.doubtful"])
def test_a_cost_model_with_a_part_of_another_kind_is_refused(path, tmp_path):
    shutil.copytree(released.FOLDER, tmp_path / "model")
    index = tmp_path / "model" / "model.json"
    content = json.loads(index.read_text())
    level = next(iter(content["levels"]))
    *before, last = path.replace("scheduled", level).split(".")
    place = content
    for name in before:
        place = place[name]
    del place[last]
    index.write_text(json.dumps(content))
    with pytest.raises(ArgumentError, match="is damaged"):
        released.load(tmp_path / "model")


def test_recipes_are_reproducible():
    assert [random_recipe(seed) for seed in range(30)] == [random_recipe(seed) for seed in range(30)]


def test_random_graphs(tmp_path):
    for seed in (3, 11):
        assert not graphs.check_seed(seed, str(tmp_path)).is_failure


def test_the_reference_tells_one_configuration_of_lmul_from_another(tmp_path, monkeypatch):
    recipe = random_recipe(5, Limits(steps=2, floats=("float32",), specials=False, operations=("linear",)))
    right = Way(LMul(4))
    assert check(recipe, (right,), str(tmp_path)).kind == "right"
    from fuzz import lmul_reference

    usual = lmul_reference.multiply
    monkeypatch.setattr(lmul_reference, "multiply", lambda lmul, x, y: usual(LMul(3), x, y))
    assert check(recipe, (right,), str(tmp_path)).kind == "wrong"


def test_failures_are_made_small():
    recipe = random_recipe(12)
    assert len(recipe.steps) > 3
    small = minimise(recipe, lambda one: any("log1p" in step.template for step in one.steps), seconds=20)
    assert [step.template.partition("(")[0] for step in small.steps] == ["torch.log1p"]
    assert max(torch.Size(leaf.shape).numel() for leaf in small.leaves) == 1
    assert "slipstick.compile" in small.source()


def used_bytes() -> int:
    """Return what malloc has given out and not got back."""

    class Information(ctypes.Structure):
        _fields_ = [
            (name, ctypes.c_size_t)
            for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "used", "free", "keep")
        ]

    information = ctypes.CDLL(None).mallinfo2
    information.restype = Information
    gc.collect()
    found = information()
    return int(found.used + found.hblkhd)


@pytest.mark.parametrize(("way", "count", "most"), [("cached", 40, 1000), ("fresh", 8, 1_500), ("call", 200, 100)])
def test_compilations_leave_nothing_behind(way, count, most, tmp_path):
    """Of each fresh one 80 kB stayed once, in a pass manager, then 4 kB, in a pass builder and of the LLVM IR."""
    do = work(way, str(tmp_path))
    for number in range(4):
        do(number)
    before = used_bytes()
    for number in range(4, 4 + count):
        do(number)
    assert (used_bytes() - before) / count < most
