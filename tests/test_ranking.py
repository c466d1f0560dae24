"""Rankers of candidate decisions: trained on tables of measured times, saved, asked by the policy `model`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from slipstick.bindings import ir
from slipstick.compiler.agreement import agreement
from slipstick.compiler.build import parse
from slipstick.compiler.candidate_features import VERSION, NestFacts, features
from slipstick.compiler.decision_table import DecisionTable, Measured, load_tables, save_tables
from slipstick.compiler.decisions_file import module_nests
from slipstick.compiler.kernel_bench import time_beside
from slipstick.compiler.model_policy import ModelPolicy
from slipstick.compiler.options import CompileOptions
from slipstick.compiler.ranking import Ranking, released_ranker
from slipstick.compiler.ranking_training import trained
from slipstick.compiler.regret import TENTH, regret
from slipstick.costmodel import ranker_training
from slipstick.costmodel.ranker import Ranker
from slipstick.costmodel.ranker_files import load_ranker, save_ranker
from slipstick.errors import ArgumentError
from slipstick.kernels.choice import Choice
from slipstick.passes.candidates import candidates
from slipstick.passes.nests import Nest, key_for
from slipstick.target import Target
from slipstick.tools.bench import main as bench
from slipstick.tools.cost import main as cost

ZNVER4 = Target.named("znver4")
SIZES = ((40, 96, 64), (72, 64, 48), (56, 128, 32))


def product(rows: int, columns: int, depth: int, target: Target = ZNVER4) -> tuple[ir.Module, Nest]:
    """Return a module with a product of these sizes, and its nest."""
    a, b, c = f"tensor<{rows}x{depth}xf32>", f"tensor<{depth}x{columns}xf32>", f"tensor<{rows}x{columns}xf32>"
    module = parse(f"""
func.func @main(%a: {a}, %b: {b} {{slipstick.parameter}}) -> {c} {{
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : {c}
  %f = linalg.fill ins(%zero : f32) outs(%e : {c}) -> {c}
  %0 = linalg.matmul ins(%a, %b : {a}, {b}) outs(%f : {c}) -> {c}
  return %0 : {c}
}}""")
    (nest,) = module_nests(module, CompileOptions(threads=1), target)
    return module, nest


def time_of(choice: Choice) -> float:
    """Return the seconds that a candidate is said to take: high tiles are slow, many steps of k are fast."""
    decision = choice.decision
    return (1.0 + 0.05 * decision.tile_rows) / (1.0 + 0.1 * decision.k_unroll)  # type: ignore[union-attr]


@pytest.fixture(scope="module", autouse=True)
def few_trees() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranker_training, "PARAMETERS", replace(ranker_training.PARAMETERS, rounds=30, rate=0.3))
        yield


@pytest.fixture(scope="module")
def tables() -> list[DecisionTable]:
    found = []
    for sizes in SIZES:
        module, nest = product(*sizes)
        space = candidates(nest, ZNVER4)
        first = time_of(space[0])
        lines = [
            Measured(choice, f"code {number}", time_of(choice), time_of(choice) / first, again=time_of(choice) / first)
            for number, choice in enumerate(space)
        ]
        key = key_for(nest, ZNVER4)
        found.append(DecisionTable(nest.description, key, "znver4", nest.text, tuple(lines), f"family {sizes[0]}"))
        del module
    return found


@pytest.fixture(scope="module")
def learned(tables: list[DecisionTable]) -> tuple[Ranker, list[Ranking]]:
    return trained(tables, {})


@pytest.fixture
def nest() -> Iterator[Nest]:
    module, found = product(48, 80, 40)
    yield found
    del module


def test_families_that_were_not_seen_are_ranked(
    tables: list[DecisionTable], learned: tuple[Ranker, list[Ranking]]
) -> None:
    found = [regret(table, None, ranking) for table, ranking in zip(tables, learned[1], strict=True)]
    for one in found:
        assert one.shares["model"][0] > one.shares["heuristic"][0]
        assert one.shares["model"][5] >= 0.95 and one.shares["model"][TENTH] >= one.shares["model"][0]
    agreed = agreement(tables, learned[1])
    assert agreed.within > 0.8 and agreed.ceiling == pytest.approx(1.0) and agreed.error == 0.0
    assert agreed.shares["model"][0] > agreed.shares["heuristic"][0]


def test_the_policy_takes_what_is_ranked_first(nest: Nest, learned: tuple[Ranker, list[Ranking]]) -> None:
    (choice,) = ModelPolicy(ranker=learned[0]).decide([nest], ZNVER4)
    assert time_of(choice) < time_of(nest.choice)
    ranking = Ranking.of(nest, ZNVER4, learned[0])
    assert choice == ranking.order[0] and nest.choice not in ranking.order
    assert [one.predictions["seconds"].value for one in ranking.predicted()] == pytest.approx(np.exp(ranking.seconds))
    timid = replace(learned[0], margins={})
    assert ModelPolicy(ranker=timid).decide([nest], ZNVER4) == [nest.choice]


def test_an_unknown_width_of_vectors_leaves_the_heuristic(learned: tuple[Ranker, list[Ranking]]) -> None:
    neoverse = Target.named("neoverse-v2")
    module, nest = product(48, 80, 40, neoverse)
    policy = ModelPolicy(ranker=learned[0])
    assert policy.decide([nest], neoverse) == [nest.choice] and policy.unsure == [nest.description]
    ranking = Ranking.of(nest, neoverse, learned[0])
    assert ranking.unsure == ("no kernels with vectors of 128 bits were measured",)
    del module


def test_what_is_far_from_all_that_was_seen_leaves_the_heuristic(
    nest: Nest, learned: tuple[Ranker, list[Ranking]]
) -> None:
    module, large = product(4000, 5000, 6000)
    assert "features lie outside of what was seen" in Ranking.of(large, ZNVER4, learned[0]).unsure[0]
    assert not Ranking.of(nest, ZNVER4, learned[0]).unsure
    del module


def test_a_ranker_survives_its_files(nest: Nest, learned: tuple[Ranker, list[Ranking]], tmp_path: Path) -> None:
    save_ranker(learned[0], tmp_path, VERSION)
    rows = features(NestFacts.of(nest, ZNVER4), candidates(nest, ZNVER4))
    for one, other in zip(learned[0].predict(rows), load_ranker(VERSION, tmp_path).predict(rows), strict=True):
        assert np.array_equal(one, other)


def test_a_ranker_of_another_version_or_damaged_is_refused(
    learned: tuple[Ranker, list[Ranking]], tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match="expected a ranker, files"):
        load_ranker(VERSION, tmp_path)
    assert released_ranker(tmp_path) is None
    save_ranker(learned[0], tmp_path, VERSION + 1)
    with pytest.raises(ArgumentError, match=f"expected a ranker of features {VERSION}, found {VERSION + 1}"):
        load_ranker(VERSION, tmp_path)
    save_ranker(learned[0], tmp_path, VERSION)
    index = json.loads((tmp_path / "ranker.json").read_text())
    (tmp_path / "ranker.json").write_text(json.dumps({**index, "columns": None}))
    with pytest.raises(ArgumentError, match="does not describe a ranker"):
        load_ranker(VERSION, tmp_path)
    (tmp_path / "ranker.safetensors").write_bytes(b"nothing")
    with pytest.raises(ArgumentError, match="its checksum is not that of the ranker"):
        load_ranker(VERSION, tmp_path)


def test_the_commands_train_and_judge(
    tables: list[DecisionTable], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_tables(tables, tmp_path / "tables.json.gz")
    assert load_tables(tmp_path / "tables.json.gz") == tables
    assert cost(["rank", str(tmp_path / "tables.json.gz"), "-o", str(tmp_path / "ranker")]) == 0
    assert "3 nests, families held out" in capsys.readouterr().out
    ranker = load_ranker(VERSION, tmp_path / "ranker")
    assert ranker.record["families"] == {f"family {rows}": 1 for rows, _, _ in sorted(SIZES)}
    flags = ["--from", str(tmp_path / "tables.json.gz"), "--model", str(tmp_path / "ranker")]
    assert bench(["decisions", *flags]) == 0
    assert "Spearman inside nests" in capsys.readouterr().out
    save_tables(tables[:1], tmp_path / "one.json")
    assert cost(["rank", str(tmp_path / "one.json"), "-o", str(tmp_path / "none")]) == 1


def test_the_released_ranker_decides(nest: Nest) -> None:
    ranker = released_ranker()
    assert ranker is not None and ranker.vectors == {256, 512}
    order = Ranking.of(nest, ZNVER4, ranker).order
    assert len(order) == len(candidates(nest, ZNVER4)) - 1


def test_no_candidate_finds_weights_that_the_one_before_it_has_read() -> None:
    read: list[int] = []
    sets = [lambda number=number: read.append(number) for number in range(5)]
    time_beside([sets, sets, sets], 2)
    assert read == [number % 5 for number in range(len(read))]
