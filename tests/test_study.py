"""The study of quality as a user runs it, on one layer and few sentences; its statistics, its rules, its store."""

from __future__ import annotations

import contextlib
import io
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from slipstick.bindings import ir, new_context
from slipstick.datasets.encoder import demo_folder, load_encoder
from slipstick.datasets.sentences import Sentence, load_sentences, load_study_sentences
from slipstick.errors import ArgumentError, GraphError
from slipstick.kernels.lmul import LMul
from slipstick.passes.lmul_report import report
from slipstick.tools import study_agreement, study_measure
from slipstick.tools.demo_results import EncoderFacts
from slipstick.tools.environment import Environment
from slipstick.tools.lmul import main
from slipstick.tools.progress import Steps
from slipstick.tools.study_agreement import Agreement
from slipstick.tools.study_arithmetic import rounded_to
from slipstick.tools.study_claims import CLAIMS, Verdict, judge
from slipstick.tools.study_configurations import (
    MANTISSA_BITS,
    PRODUCTS,
    Configuration,
    baseline,
    baselines,
    lmul_configuration,
    quick_grid,
    whole_grid,
)
from slipstick.tools.study_measure import Figures
from slipstick.tools.study_products import Exact, check_coverage, multiplying
from slipstick.tools.study_results import StudyResults
from slipstick.tools.study_statistics import RESAMPLES, Bootstrap, rank_agreement
from slipstick.tools.study_store import Store
from slipstick.tools.study_table import print_results

SENTENCES = 12


# ---- the command


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's encoder with the first of its six layers alone."""
    folder = tmp_path_factory.mktemp("model")
    for name in ("tokenizer.json", "model.safetensors"):
        (folder / name).symlink_to(demo_folder() / name)
    settings = json.loads((demo_folder() / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**settings, "num_hidden_layers": 1}))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def study(model: Path, folder: Path) -> Iterator[Callable[[], int]]:
    flags = ("--quick", "--json", "--batch", "4", "--tokens", "12", "--sentences", str(SENTENCES))
    files = ("--output", str(folder / "report.html"), "--picture", str(folder / "picture.svg"))
    threads = torch.get_num_threads()
    yield lambda: main(["study", *flags, "--model", str(model), *files])
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def interrupted(study: Callable[[], int], folder: Path) -> list[str]:
    """The lines that a run leaves behind which is interrupted at its fourth configuration."""
    measured = study_measure.Subject.measure

    def measure(self: study_measure.Subject, configuration: Configuration) -> Figures:
        if configuration == quick_grid()[3]:
            raise KeyboardInterrupt
        return measured(self, configuration)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_measure.Subject, "measure", measure)
        assert study() == 1
    assert not (folder / "report.html").exists()
    return (folder / "report.jsonl").read_text().splitlines()


@pytest.fixture(scope="module")
def finished(interrupted: list[str], study: Callable[[], int], folder: Path) -> tuple[Any, str]:
    """The figures and the progress of the run that goes on after the interrupted one."""
    (folder / "report.jsonl").write_text("\n".join([*interrupted, '{"key": "cut o']))
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        assert study() == 0, err.getvalue()
    return json.loads(out.getvalue()), err.getvalue()


def test_an_interrupted_run_goes_on_where_it_was(interrupted: list[str], finished: Any, folder: Path) -> None:
    grid = quick_grid()
    assert [json.loads(line)["name"] for line in interrupted] == [c.name for c in grid[:3]]
    progress = finished[1]
    assert f"3 of {len(grid)} configurations were measured before" in progress
    assert f" of {len(grid) - 3}: {grid[3].name}; " in progress and f": {grid[2].name}; " not in progress
    assert " left\n" in progress
    lines = (folder / "report.jsonl").read_text().splitlines()
    assert lines[:3] == interrupted and lines[3] == '{"key": "cut o'
    assert len(lines) == 3 + 1 + (len(grid) - 3) + 1
    assert sorted(file.name for file in folder.iterdir()) == ["picture.svg", "report.html", "report.jsonl"]


def test_rules_are_printed_before_anything_is_measured(finished: Any) -> None:
    progress = " ".join(finished[1].split())
    places = [progress.index(" ".join(claim.rule.split())) for claim in CLAIMS]
    assert places == sorted(places)
    assert places[-1] < progress.index(f"{quick_grid()[3].name}; ")


def test_figures_are_those_of_the_configurations(finished: Any) -> None:
    figures = {entry["name"]: entry for entry in finished[0]["configurations"]}
    assert list(figures) == [c.name for c in quick_grid()]
    exact = figures["exact"]
    assert abs(exact["cosine_error"]["mean"]) < 1e-11
    assert exact["neighbours"]["mean"] == 1
    assert exact["ranks"]["mean"] == pytest.approx(1, abs=0.01)
    for entry in figures.values():
        for name in ("cosine_error", "neighbours", "ranks", "on_topic"):
            assert entry[name]["low"] <= entry[name]["mean"] <= entry[name]["high"]
    errors = {name: entry["cosine_error"]["mean"] for name, entry in figures.items()}
    for where in ("in attention", "everywhere"):
        assert 1e-9 < errors[f"bf16 {where}"] < errors[f"fp8 e4m3 {where}"] < errors[f"fp8 e5m2 {where}"] < 0.1
        assert errors[f"L-Mul k=4 truncate paper {where}"] < errors[f"L-Mul k=3 truncate paper {where}"] < 0.1


def test_claims_are_judged_by_the_figures(finished: Any) -> None:
    claims = finished[0]["claims"]
    assert [claim["text"] for claim in claims] == [claim.text for claim in CLAIMS]
    for claim in claims:
        assert claim["holds"] == all(finding["met"] is not False for finding in claim["findings"])
    error = next(c for c in finished[0]["configurations"] if c["name"] == "fp8 e5m2 everywhere")["cosine_error"]
    assert f"against {error['mean']:.2e}" in claims[2]["findings"][1]["text"]


def test_compiled_code_agrees_with_the_reference(finished: Any) -> None:
    (agreement,) = finished[0]["agreement"]
    assert agreement["contractions"] == 6 + 2
    assert agreement["within"] and agreement["share_of_bound"] <= 1
    assert 0 < agreement["bound"] < 1e-3
    assert agreement["graph_difference"] <= 10 * agreement["graph_noise"]


def test_a_contraction_that_is_another_one_is_seen(tmp_path: Path) -> None:
    subject = SimpleNamespace(threads=1, cache_dir=tmp_path)
    found = study_agreement._Contractions(subject, LMul(4, specials="finite"))  # type: ignore[arg-type]
    x, y = torch.full((2, 3), 1.25), torch.full((3, 2), 1.25)
    found.compare(x, y)
    assert (found.difference, found.share) == (0, 0)
    # L-Mul gives 1 + 0.25 + 0.25 + 0.125 = 1.625 for each of three products, which exactly are 1.5625.
    assert found.bound == pytest.approx(2 * 2 * 2**-24 * 3 * 1.625)
    found._compiled[x.shape, y.shape] = torch.matmul  # type: ignore[assignment]
    found.compare(x, y)
    assert found.difference == pytest.approx(3 * (1.625 - 1.5625))
    assert found.share > 1e4


def test_the_report_is_one_file_with_plots(finished: Any, folder: Path) -> None:
    text = (folder / "report.html").read_text("utf-8")
    assert text.count("<svg") == 3
    for outside in ("<script", "<link", "<iframe", "src=", "@import", "url(http"):
        assert outside not in text
    for claim in finished[0]["claims"]:
        assert ("holds here" if claim["holds"] else "does not hold here") in text
    assert f"{finished[0]['configurations'][3]['cosine_error']['mean']:.2e} [" in text
    assert (folder / "picture.svg").read_text("utf-8").startswith("<svg")


@pytest.mark.parametrize(
    ("flags", "status", "complaint"),
    [
        (["--sentences", "2"], 2, "argument --sentences: expected an integer from 3 to"),
        (["--tokens", "1"], 2, "argument --tokens"),
        (["--wat"], 2, "unrecognized arguments: --wat"),
        (["--output", "{file}/x.html"], 1, "error: --output: {file}/x.html: cannot be written"),
        (["--output", "{folder}/x.html", "--results", "{folder}"], 1, "error: --results: {folder}: expected a file"),
        (["--output", "{folder}/x.html", "--model", "{folder}/none"], 1, "error: model: {folder}/none: no such folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_meant_is_said_in_one_line(
    flags: list[str], status: int, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    names = {"file": tmp_path / "file", "folder": tmp_path}
    try:
        found = main(["study", *(flag.format(**names) for flag in flags)])
    except SystemExit as exit_:
        found = int(str(exit_.code))
    assert found == status
    assert complaint.format(**names) in capsys.readouterr().err


# ---- what is compared


def test_the_grid_is_the_one_that_was_asked_for() -> None:
    grid = whole_grid()
    assert len(set(grid)) == len(grid) and len({c.name for c in grid}) == len(grid)
    lmul = {c.lmul for c in grid if c.lmul is not None and c.weights == "f32"}
    for k in MANTISSA_BITS:
        for scope in ("attention", "linear", "all"):
            for rounding in ("truncate", "rne"):
                for offset in ("paper", "unbiased", "min-rms"):
                    assert LMul(k, rounding, "finite", scope, offset) in lmul  # type: ignore[arg-type]
    assert {c.lmul for c in grid if c.weights == "lm8"} == {None, LMul(4, specials="finite")}
    assert set(baselines()) <= set(grid) and len(baselines()) == 3 * 4
    assert set(quick_grid()) <= set(grid)


def test_the_sentences_are_the_demos_and_as_many_again_and_all_different() -> None:
    demo, study = load_sentences(), load_study_sentences()
    assert len(demo) == 100 and study[:100] == demo
    assert len(study) >= 220
    assert len({sentence.text for sentence in study}) == len(study)
    topics = [sentence.topic for sentence in study]
    assert all(topics.count(topic) == 10 for topic in topics)
    for sentence in study:
        assert sentence.text == " ".join(sentence.text.split())
        assert sentence.text[0].isupper() and sentence.text[-1] == "." and sentence.text.isascii()


def test_no_sentence_is_cut_off_by_default() -> None:
    encoder = load_encoder(demo_folder())
    _, mask = encoder.tokenize([sentence.text for sentence in load_study_sentences()], 64)
    assert int(mask.sum(1).max()) <= 48


def test_fp8_operands_are_scaled_as_a_whole() -> None:
    x = torch.tensor([[7.0, 1.0], [0.5, 0.0]])
    # Scaled by 448 / 7 = 64 nothing is lost: 448, 64 and 32 are numbers of e4m3.
    assert torch.equal(rounded_to("e4m3").matmul(x, torch.eye(2)), x)
    values, one = torch.tensor([1.01, 1.03, 1.12, 1e-9]), torch.ones(4)
    assert rounded_to("bf16").multiply(values, one).tolist() == pytest.approx(
        [1.0078125, 1.03125, 1.1171875, 1e-9], rel=4e-3
    )
    # Scaled by 448 / 1.12 = 400 they are 404, 412 and 448; e4m3 has 384, 416 and 448.
    assert rounded_to("e4m3").multiply(values, one).tolist() == pytest.approx([1.04, 1.04, 1.12, 0], rel=1e-5)
    # By 57344 / 1.12 = 51200 they are 51712, 52736 and 57344; e5m2 has 49152 and 57344.
    assert rounded_to("e5m2").multiply(values, one)[:3].tolist() == pytest.approx([0.96, 0.96, 1.12], rel=1e-5)


class Doubled(Exact):
    def matmul(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return 2 * super().matmul(x, y)

    def multiply(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return 2 * super().multiply(x, y)


@pytest.mark.parametrize(
    ("scope", "linear", "attention", "elementwise"),
    [("attention", 1, 2, 1), ("linear", 2, 1, 1), (PRODUCTS, 2, 2, 1), ("elementwise", 1, 1, 2), ("all", 2, 2, 2)],
)
def test_the_multiplies_of_a_scope_are_taken_over(scope: str, linear: int, attention: int, elementwise: int) -> None:
    weight, x = torch.rand(4, 3), torch.rand(2, 3)
    with multiplying(Doubled(), scope, [weight]) as seen:
        results = torch.nn.functional.linear(x, weight), x @ x.T, x * x
        whole = torch.arange(3) * torch.arange(3)
    assert seen == {"linear": 2 * 3 * 4, "attention": 2 * 3 * 2, "elementwise": 2 * 3}
    assert torch.equal(whole, torch.tensor([0, 1, 4]))
    torch.testing.assert_close(results, (linear * (x @ weight.T), attention * (x @ x.T), elementwise * x * x))


def test_gelu_and_layer_norm_are_written_out_as_they_are() -> None:
    x = torch.randn(5, 16, generator=torch.Generator().manual_seed(0))
    norm = torch.nn.LayerNorm(16)
    torch.nn.init.uniform_(norm.weight)
    with multiplying(Exact(), "all", [*norm.parameters()]) as seen:
        torch.testing.assert_close(torch.nn.functional.gelu(x), x * (1 + torch.erf(x / math.sqrt(2))) / 2)
        found = norm(x)
    torch.testing.assert_close(found, norm(x))
    assert seen["elementwise"] > 5 * 80
    with pytest.raises(GraphError, match="exact GELU only"), multiplying(Exact(), "all", []):
        torch.nn.functional.gelu(x, approximate="tanh")


def test_multiplies_that_torch_does_not_show_are_an_error() -> None:
    text = study_agreement._product_text(torch.Size((2, 3)), torch.Size((3, 4)))
    with new_context() as context:
        compiled = report(ir.Module.parse(text, context))
    check_coverage(Counter({"linear": 24}), compiled)
    with pytest.raises(GraphError, match="shows 23 multiplies of the scope linear, the compiled graph has 24"):
        check_coverage(Counter({"linear": 23}), compiled)


def test_noise_is_in_the_last_place_of_what_is_rounded() -> None:
    x = torch.rand(50, 50, generator=torch.Generator().manual_seed(0))

    def run(seed: int | None) -> tuple[torch.Tensor, torch.Tensor]:
        noise = None if seed is None else torch.Generator().manual_seed(seed)
        with multiplying(Exact(), "all", [], noise=noise):
            return x.softmax(1), x * x

    (softmax, square), (noisy, same) = run(None), run(1)
    assert torch.equal(square, same)
    assert not torch.equal(softmax, noisy) and torch.equal(noisy, run(1)[0])
    assert float(((noisy - softmax) / softmax).abs().max()) <= 2 * 2**-23


def test_a_bar_tells_the_part_and_the_time_left() -> None:
    file = io.StringIO()
    with Steps(Console(file=file, force_terminal=True, width=100)).parts("encode", 2) as part:
        for name in ("first", "second"):
            with part(name):
                pass
    assert "encode: second" in file.getvalue() and " left" in file.getvalue()


# ---- statistics


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
    estimate = Bootstrap(400).mean(values)
    half = 1.959964 * values.std() / math.sqrt(400)
    assert estimate.mean == pytest.approx(values.mean())
    # The quantiles of 10,000 draws are themselves uncertain by about 2 % of the half width.
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.08 * half)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.08 * half)
    assert RESAMPLES >= 10_000


def test_the_interval_of_a_share_is_that_of_the_binomial_distribution() -> None:
    hits = np.arange(200) < 150
    estimate = Bootstrap(200).share(hits)
    half = 1.959964 * math.sqrt(0.75 * 0.25 / 200)
    assert (estimate.mean, estimate.low, estimate.high) == pytest.approx((0.75, 0.75 - half, 0.75 + half), abs=0.006)


def test_a_share_of_all_or_nothing_has_an_interval() -> None:
    bootstrap = Bootstrap(59)
    every, none = bootstrap.share(np.ones(59, bool)), bootstrap.share(np.zeros(59, bool))
    # Clopper and Pearson: the least share that gives 59 of 59 with a probability of 2.5 %.
    assert every.low**59 == pytest.approx(0.025)
    assert (every.mean, every.high) == (1, 1)
    assert (none.mean, none.low, none.high) == (0, 0, pytest.approx(1 - every.low))


def test_differences_are_paired() -> None:
    noise = np.random.default_rng(2).normal(0, 10, 100)
    bootstrap = Bootstrap(100)
    difference = bootstrap.mean((noise + 0.01) - noise)
    assert (difference.low, difference.high) == pytest.approx((0.01, 0.01))
    assert bootstrap.mean(noise).low == Bootstrap(100).mean(noise).low, "draws are the same each time"


def test_rank_agreement_is_kendalls_tau() -> None:
    expected = np.array([[9, 1, 2, 3], [1, 9, 2, 3], [1, 2, 9, 3], [3, 2, 1, 9]], float)
    found = np.array(
        [
            [9, 1, 2, 3],  # the same order: 1
            [3, 9, 2, 1],  # reversed: -1
            [1, 3, 9, 2],  # one of three pairs swapped: (2 - 1) / 3
            [2, 2, 1, 9],  # one pair tied: 2 / sqrt(2 * 3)
        ],
        float,
    )
    assert rank_agreement(found, expected).tolist() == pytest.approx([1, -1, 1 / 3, 2 / math.sqrt(6)])
    tied = np.ones((4, 4))
    assert rank_agreement(tied, expected).tolist() == [0, 0, 0, 0]
    assert rank_agreement(tied, tied).tolist() == [1, 1, 1, 1]


# ---- the rules

COUNT = 200
TOPICS = [Sentence(f"topic {number // 2}", f"{number}") for number in range(COUNT)]
OWN = np.arange(COUNT) ^ 1  # the other sentence of the topic


def made_up(error: float, *, moved: int = 0) -> Figures:
    """Figures with a mean cosine error, of whose neighbours the first `moved` are wrong and off topic."""
    spread = np.random.default_rng(3).uniform(0.9, 1.1, COUNT)
    neighbours = np.where(np.arange(COUNT) < moved, (np.arange(COUNT) + 10) % COUNT, OWN)
    return Figures(error * spread / spread.mean(), neighbours, np.ones(COUNT))


def verdicts(**changed: Figures) -> tuple[Verdict, ...]:
    """Judge figures for which every claim holds, but for what is changed by the name of its configuration."""
    figures: dict[Configuration, Figures] = {}
    for scope, name in (("attention", "attention"), (PRODUCTS, "products"), ("all", "all")):
        for arithmetic, error in (("bf16", 1e-6), ("e4m3", 4e-4), ("e5m2", 16e-4), ("k3", 12e-4), ("k4", 3e-4)):
            configuration = (
                lmul_configuration(int(arithmetic[1]), scope)
                if arithmetic.startswith("k")
                else baseline(arithmetic, scope)  # type: ignore[arg-type]
            )
            figures[configuration] = changed.get(f"{arithmetic}_{name}", made_up(error))
    return judge(figures, OWN, TOPICS)


def held(**changed: Figures) -> list[bool]:
    return [verdict.holds for verdict in verdicts(**changed)]


def test_claims_hold_where_the_figures_say_so() -> None:
    assert held() == [True, True, True]
    assert [verdict.text for verdict in verdicts()] == ["holds here"] * 3
    assert [len(verdict.findings) for verdict in verdicts()] == [3, 3, 3]


def test_attention_is_not_lossless_with_a_low_cosine_or_lost_neighbours() -> None:
    assert held(k4_attention=made_up(11e-4), e4m3_attention=made_up(12e-4)) == [False, True, True]
    (verdict, *_) = verdicts(k4_attention=made_up(3e-4, moved=20))
    assert [finding.met for finding in verdict.findings] == [True, False, False]
    assert verdict.text == "does not hold here"
    # Where bf16 loses the same neighbours, nothing is lost.
    assert held(k4_attention=made_up(3e-4, moved=20), bf16_attention=made_up(1e-6, moved=20))[0]
    # Agreement alone: other neighbours of the same topic do not exist here, so one more is lost on topic too.
    (verdict, *_) = verdicts(k4_attention=made_up(3e-4, moved=1))
    assert [finding.met for finding in verdict.findings] == [True, True, True]


def test_k_4_must_not_be_shown_to_be_worse_in_either_scope() -> None:
    assert held(k4_attention=made_up(4e-4))[1], "as good as"
    assert not held(k4_attention=made_up(4.1e-4))[1]
    assert not held(k4_all=made_up(4.1e-4))[1]
    assert held(k4_products=made_up(40e-4))[1], "matrix products stand beside it"


def test_k_3_must_be_shown_to_be_better_in_both_scopes() -> None:
    assert not held(k3_attention=made_up(16e-4))[2], "as good as is not better"
    assert not held(k3_all=made_up(17e-4))[2]
    assert held(k3_products=made_up(40e-4))[2]
    evidence = verdicts(k3_all=made_up(17e-4))[2].findings
    assert "everywhere: cosine error 1.70e-03 against 1.60e-03" in evidence[1].text
    assert [finding.met for finding in evidence] == [True, False, None]


def test_matrix_products_are_judged_beside_where_they_were_measured(finished: Any) -> None:
    assert [len(claim["findings"]) for claim in finished[0]["claims"]] == [3, 2, 2]


# ---- the tables


def test_the_tables_show_the_whole_grid(capsys: pytest.CaptureFixture[str]) -> None:
    figures = {configuration: made_up(1e-5 * (number + 1)) for number, configuration in enumerate(whole_grid())}
    results = StudyResults(
        model="made up",
        encoder=EncoderFacts("bert", 1, 2, 3),
        command="slipstick-lmul study",
        environment=Environment("cpu", "a machine", "a system", {}),
        batch=8,
        tokens=48,
        sentences=TOPICS,
        expected=OWN,
        figures=figures,
        agreements=[Agreement(lmul_configuration(4, "all"), 8, 1e-7, 1e-6, 1.5, 1e-3, 2e-3)],
    )
    print_results(results, Console(width=104))
    lines = capsys.readouterr().out.splitlines()
    for number, configuration in enumerate(whole_grid()):
        error = 1e-5 * (number + 1)
        shown = f"{error:.2e} ±" if configuration.as_in_the_paper else f" {error:.1e}"
        assert sum(shown in line for line in lines) >= 1, configuration.name
    text = " ".join(" ".join(lines).split())
    assert "(NOT WITHIN the bound everywhere: at most 150 % of it)" in text
    for verdict in results.verdicts:
        assert f"{verdict.claim.text}: {verdict.text}" in text


# ---- the store


def test_results_come_back_and_only_in_the_same_setting(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    figures = replace(made_up(1 / 3), ranks=np.linspace(-1, 1, COUNT))
    k3, k4 = lmul_configuration(3, "all"), lmul_configuration(4, "all")
    Store(file, {"tokens": 8}).put(k3, figures)
    Store(file, {"tokens": 9}).put(k4, made_up(0.1))
    found = Store(file, {"tokens": 8}).figures(k3)
    assert found is not None
    for name, values in vars(figures).items():
        assert np.array_equal(getattr(found, name), values) and getattr(found, name).dtype == values.dtype
    assert Store(file, {"tokens": 8}).figures(k4) is None
    assert Store(file, {"tokens": 9}).figures(k4) is not None
    assert Store(file, {"tokens": 9}).agreement(k4) is None
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ArgumentError, match="results cannot be read"):
        Store(file, {})
