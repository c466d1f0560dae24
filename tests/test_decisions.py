"""Decisions as data: choices, candidates, files, and the policies that decide."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import slipstick
import torch
from slipstick.bindings import ir
from slipstick.compiler import model_policy, search
from slipstick.compiler.artifact import Artifact
from slipstick.compiler.build import parse
from slipstick.compiler.candidate_texts import KernelTexts
from slipstick.compiler.decision_table import load_tables, save_tables
from slipstick.compiler.decisions_file import module_nests
from slipstick.compiler.kernel_bench import Operands
from slipstick.compiler.kernel_process import KernelFailure, KernelProcess
from slipstick.compiler.options import CompileOptions
from slipstick.compiler.regret import NestRegret, regret, summary
from slipstick.compiler.search_store import SearchStore
from slipstick.compiler.signature import Signature
from slipstick.costmodel.predictor import Predicted, Prediction
from slipstick.errors import ArgumentError, CodegenError
from slipstick.kernels.choice import Choice
from slipstick.kernels.decision import ContractionSchedule
from slipstick.kernels.decision_nest import NestSchedule
from slipstick.kernels.decisions import Decisions
from slipstick.kernels.lmul import LMul
from slipstick.passes.candidates import candidates
from slipstick.passes.nests import Nest
from slipstick.target import Target

PRODUCT = """
func.func @main(%a: tensor<20x24xf32>, %b: tensor<24x64xf32> {slipstick.parameter}, %c: tensor<64xf32>) -> TC {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : TC
  %f = linalg.fill ins(%zero : f32) outs(%e : TC) -> TC
  %0 = linalg.matmul ins(%a, %b : tensor<20x24xf32>, tensor<24x64xf32>) outs(%f : TC) -> TC
  %1 = linalg.generic {
    indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
    iterator_types = ["parallel", "parallel"]} ins(%0, %c : TC, tensor<64xf32>) outs(%e : TC) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %s = arith.addf %x, %y : f32
    linalg.yield %s : f32
  } -> TC
  return %1 : TC
}
""".replace("TC", "tensor<20x64xf32>")
ZNVER4 = Target.named("znver4")


@pytest.fixture
def product() -> Iterator[Nest]:
    module, found = product_nest(Target.host())
    yield found
    del module


def product_nest(target: Target, lmul: LMul | None = None) -> tuple[ir.Module, Nest]:
    module = parse(PRODUCT)
    (nest,) = module_nests(module, CompileOptions(threads=1, lmul=lmul), target)
    return module, nest


# ---- choices and files


@pytest.mark.parametrize(
    "choice",
    [
        Choice(ContractionSchedule(6, 32, 64, 12, 16, 128, 2, 1, False), "tile"),
        Choice(NestSchedule(512, 4, 0, pair=False)),
    ],
    ids=["packed", "nest"],
)
def test_choices_survive_json(choice: Choice) -> None:
    assert Choice.from_json(json.loads(json.dumps(choice.json()))) == choice


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"kind": "wide"}, "expected a kind of packed"),
        ({"kind": "nest", "vector_bits": 500, "interleave": 4}, "expected a power of two from 32"),
        ({"kind": "nest", "interleave": 4}, 'the kind "nest" needs vector_bits'),
        ({"kind": "skinny", "register_tile": [1, 4], "vector": 16, "k_unroll": 2}, "has no k_unroll"),
        ({"kind": "skinny", "register_tile": 4, "vector": 16}, "expected register_tile, "),
        (
            {"kind": "nest", "vector_bits": 512, "interleave": 4, "epilogue": "here"},
            "expected an epilogue of registers",
        ),
    ],
    ids=str,
)
def test_illegal_entries_of_a_file_say_why(data: dict[str, object], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "decisions.json"
    entry = {"key": "k", "decision": data}
    path.write_text(json.dumps({"format": "slipstick decisions", "version": 1, "nests": [entry]}))
    with pytest.raises(ArgumentError, match=rf"decisions.json: nests\[0\]: .*{reason}"):
        Decisions.load(path)


# ---- candidates


def test_candidates_are_legal_and_begin_with_the_heuristic(product: Nest) -> None:
    found = candidates(product, Target.host())
    assert found[0] == product.choice and len(found) == len(set(found)) > 20
    assert {choice.epilogue for choice in found} == {"registers", "tile", "apart"}


@pytest.mark.parametrize("beyond", [False, True])
def test_tiles_fit_the_registers(beyond: bool) -> None:
    module, nest = product_nest(Target.named("haswell"))
    tiles = [choice.decision for choice in candidates(nest, Target.named("haswell"), beyond=beyond)]
    needed = [
        tile.tile_rows * (wide := tile.tile_columns // tile.vector_length) + wide + 1
        for tile in tiles
        if isinstance(tile, ContractionSchedule)
    ]
    assert (max(needed) > 16) == beyond
    del module


def test_lmul_has_decisions_of_its_own() -> None:
    both = [product_nest(ZNVER4, lmul) for lmul in (None, LMul(specials="ieee"))]
    exact, ieee = (nest for _, nest in both)
    assert exact.key != ieee.key
    tiles = [nest.choice.decision for nest in (exact, ieee)]
    assert all(isinstance(tile, ContractionSchedule) for tile in tiles)
    assert tiles[0].tile_rows * tiles[0].tile_columns > tiles[1].tile_rows * tiles[1].tile_columns  # type: ignore[union-attr]
    # What an integer sequence needs for itself may leave room for few sums.
    least = [min(c.decision.tile_rows * c.decision.tile_columns for c in candidates(n, ZNVER4)) for n in (exact, ieee)]  # type: ignore[union-attr]
    assert least[1] < least[0]


# ---- search


def faster_and_faster(_: object, key: str, operands: object, calls: Sequence[object], rounds: int) -> list[list[float]]:
    """Stand in for the clock: each candidate is faster than the one before it; the heuristic's is first and last."""
    return [[time] * rounds for time in (1.0, *(0.9 - 0.01 * number for number in range(len(calls) - 2)), 1.0)]


def test_a_search_is_kept_and_gone_on_with(product: Nest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KernelProcess, "time", faster_and_faster)
    monkeypatch.setattr(search, "FINAL_ROUNDS", search.ROUNDS)
    first = search.Search(product, Target.host(), SearchStore(tmp_path), tmp_path)
    best = first.run(budget=3)
    assert best != first.heuristic and first.measured == 3 and first.relative[best] == pytest.approx(0.88)
    (file,) = (tmp_path / "decisions" / "v1").iterdir()
    file.write_text(file.read_text() + '{"object": "cut off')
    again = search.Search(product, Target.host(), SearchStore(tmp_path), tmp_path)
    assert again.run(budget=3) == best and again.measured == 0


def test_search_decides_and_its_decisions_are_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KernelProcess, "time", faster_and_faster)
    torch.manual_seed(0)
    model, x = torch.nn.Linear(24, 64).eval(), torch.randn(20, 24)
    plain = slipstick.compile(model, (x,), threads=1, cache_dir=tmp_path)
    searched = slipstick.compile(model, (x,), threads=1, schedule="search", budget=2, cache_dir=tmp_path)
    assert torch.allclose(searched(x), model(x), atol=1e-5)
    (before,), (after,) = plain.decisions.values(), searched.decisions.values()
    assert before.key == after.key and before.choice != after.choice and after.policy == "search"
    searched.decisions.save(tmp_path / "mine.json")
    for schedule in (searched.decisions, str(tmp_path / "mine.json")):
        replayed = slipstick.compile(model, (x,), threads=1, schedule=schedule, cache_dir=tmp_path)
        assert replayed.decisions == searched.decisions and replayed.assembly() == searched.assembly()
    assert plain.assembly() != searched.assembly()


def test_a_candidate_that_does_not_return_is_a_failed_one(product: Nest, tmp_path: Path) -> None:
    with KernelProcess(turn_limit_s=1e-5) as process:
        first = search.Search(product, Target.host(), SearchStore(tmp_path), tmp_path, process=process)
        with pytest.raises(CodegenError, match="the heuristic's decision did not return within 1e-05 s"):
            first.measure(first.space[1:2])
        process.turn_limit_s = 30.0
        first.measure(first.space[1:2])
        assert first.seconds[first.space[1]] > 0 and not first.failed


def test_a_crash_costs_the_candidate_alone(product: Nest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = search.Search(product, Target.host(), SearchStore(tmp_path), tmp_path)
    crashing = one.space[2]

    def time(_: object, key: str, operands: object, artifacts: Sequence[object], rounds: int) -> list[list[float]]:
        if len(artifacts) == 5:
            raise KernelFailure(2, "ended by SIGSEGV")
        return [[1.0] * rounds for _ in artifacts]

    monkeypatch.setattr(KernelProcess, "time", time)
    one.measure(one.space[1:4])
    assert one.failed == {crashing: "ended by SIGSEGV"} and set(one.relative) == {*one.space[:2], one.space[3]}
    again = search.Search(product, Target.host(), SearchStore(tmp_path), tmp_path)
    again.measure(one.space[1:4])
    assert again.failed == one.failed and again.measured == 0


def test_the_process_says_how_it_ended() -> None:
    with KernelProcess() as process:
        signature = Operands(Signature(arguments=(), results=(), native_results=()), frozenset())
        broken = Artifact(b"no object", "entry", True, (), {})
        with pytest.raises(CodegenError):
            process.time("key", signature, [broken], 1)


def test_tables_are_read_back(product: Nest, tmp_path: Path) -> None:
    one = search.Search(product, Target.host(), SearchStore(tmp_path), tmp_path)
    one.relative = dict.fromkeys(one.space, 1.0)
    save_tables([one.table()], tmp_path / "tables.json")
    (found,) = load_tables(tmp_path / "tables.json")
    assert found == one.table() and found.nest.choice == product.choice and found.nest.key == product.key
    (tmp_path / "tables.json").write_text('{"format": "slipstick decision tables", "version": 1, "nests": [{}]}')
    with pytest.raises(ArgumentError, match=r"tables.json: nests\[0\]"):
        load_tables(tmp_path / "tables.json")


def test_what_cannot_be_measured_or_loaded_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(slipstick.SlipstickError, match="policy search: code for neoverse-v2 cannot be measured"):
        slipstick.compile(PRODUCT, target="neoverse-v2", schedule="search", cache_dir=tmp_path)
    with pytest.raises(ArgumentError, match="schedule: expected one of"):
        slipstick.compile(PRODUCT, schedule=tmp_path / "nothing.json")


# ---- the model's choice


class Fewest:
    """A model that likes eight steps of k, and is unsure if told so."""

    def __init__(self, unsure: tuple[str, ...] = (), spills: float = 0.0):
        self.unsure, self.spills, self.asked = unsure, spills, 0

    def predict(self, texts: Sequence[str], target: Target) -> list[Predicted]:
        self.asked += 1
        return [self.one("k_unroll = 8" in text) for text in texts]

    def one(self, liked: bool) -> Predicted:
        cycles, spills = (1.0, self.spills) if liked else (100.0, 0.0)
        found = {"cycles": cycles, "spills": spills}
        return Predicted({name: Prediction(value, value, value, "") for name, value in found.items()}, self.unsure)


def test_the_model_decides_in_one_batch_unless_it_is_unsure(product: Nest) -> None:
    model = Fewest()
    (choice,) = model_policy.ModelPolicy(model=model).decide([product], Target.host())
    assert isinstance(choice.decision, ContractionSchedule) and choice.decision.k_unroll == 8 and model.asked == 1
    unsure = model_policy.ModelPolicy(model=Fewest(("never seen",)))
    assert unsure.decide([product], Target.host()) == [product.choice] and unsure.unsure == [product.description]


def test_candidates_that_are_predicted_to_spill_come_last(product: Nest) -> None:
    order = model_policy.ranked(model_policy.scored(product, Target.host(), Fewest(spills=4.0)))
    assert order[0].choice.decision.k_unroll != 8 and order[-1].choice.decision.k_unroll == 8  # type: ignore[union-attr]


def test_the_model_sees_the_epilogue(product: Nest) -> None:
    text = KernelTexts(product.text).of(product.choice)
    assert 'slipstick.epilogue = "registers"' in text and 'slipstick.weights = "panels"' in text


def test_texts_of_candidates_are_those_of_lowering_each(product: Nest) -> None:
    texts, space = KernelTexts(product.text), candidates(product, Target.host())
    for choice in space[::20]:
        assert texts.of(choice) == KernelTexts(product.text).of(choice)


# ---- regret


def test_regret_compares_with_the_measured_optimum(product: Nest, tmp_path: Path) -> None:
    one = search.Search(product, Target.host(), SearchStore(tmp_path), tmp_path)
    one.relative = {choice: 1.0 + 0.1 * place for place, choice in enumerate(one.space)}
    one.relative[one.space[-1]] = 0.5
    found = regret(one.table())
    assert found.shares["heuristic"] == {0: 0.5} and found.best == one.space[-1].json()
    count = len(one.space)
    mean = sum(0.5 / value for value in one.relative.values()) / count
    assert found.shares["random"][0] == pytest.approx(mean) == found.shares["random"][1]
    assert found.shares["random"][0] < found.shares["random"][5] < found.shares["random"][10] < 1.0


def test_summary_is_the_geometric_mean_and_the_worst() -> None:
    shares = [{"heuristic": {0: 1.0}}, {"heuristic": {0: 0.25}}]
    found = [NestRegret("", "", "", 1, 1, 0, 1.0, 1.0, {}, {}, own) for own in shares]
    assert summary(found) == {"heuristic": {0: (pytest.approx(math.sqrt(0.25)), 0.25)}}


def test_an_edited_tile_that_does_not_fit_the_panels_is_an_error(tmp_path: Path) -> None:
    compiled = slipstick.compile(torch.nn.Linear(24, 64), (torch.randn(20, 24),), threads=1, cache_dir=tmp_path)
    text = re.sub(r"register_tile = \[(\d+), \d+\]", r"register_tile = [\1, 16]", compiled.stage("scheduled"))
    with pytest.raises(slipstick.SlipstickError, match=r"-:\d+:\d+: error: .*packed in panels of 32 columns"):
        compiled.replace_stage("scheduled", text)


def test_an_epilogue_may_be_left_to_a_loop_of_its_own(tmp_path: Path) -> None:
    torch.manual_seed(0)
    linear, x = torch.nn.Linear(24, 64).eval(), torch.randn(20, 24)
    compiled = slipstick.compile(linear, (x,), threads=1, cache_dir=tmp_path)
    text = compiled.stage("scheduled")
    apart = compiled.replace_stage("scheduled", text.replace('epilogue = "registers"', 'epilogue = "apart"'))
    assert compiled.statistics["lower-contractions: epilogues fused"] == 1
    assert "lower-contractions: epilogues fused" not in apart.statistics
    assert torch.allclose(apart(x), linear(x), atol=1e-5)
