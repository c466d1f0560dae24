"""The demo as a user runs it: the trained encoder, exactly and with L-Mul: its figures, its report, its errors."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from slipstick.datasets.encoder import demo_folder, load_encoder
from slipstick.datasets.sentences import load_sentences
from slipstick.errors import ArgumentError
from slipstick.tools.demo import main

SENTENCES = 64


def run(*flags: str | Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "slipstick-demo"), *map(str, flags)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def figures(folder: Path) -> Any:
    flags = ("--json", "--repeats", "2", "--batch", "8", "--tokens", "32", "--sentences", SENTENCES)
    done = run(*map(str, flags), "--output", folder / "report.html", timeout=500)
    assert done.returncode == 0, done.stderr
    assert "compile: L-Mul everywhere" in done.stderr
    return json.loads(done.stdout)


def test_compiled_exactly_it_is_torch(figures: Any) -> None:
    exact = figures["variants"]["exact"]
    assert exact["largest_error"] <= 1e-4
    assert exact["neighbours"]["agreeing"] == SENTENCES
    assert exact["arithmetic_a_batch"]["all"]["in_code"]["after"]["integer_adds"] == 0


def test_with_lmul_in_attention_it_is_close_to_torch(figures: Any) -> None:
    attention = figures["variants"]["L-Mul in attention"]
    assert attention["largest_error"] > 1e-4, "L-Mul was not applied"
    assert attention["cosine"]["mean"] >= 0.9990
    assert attention["cosine"]["min"] >= 0.9980
    assert attention["neighbours"]["agreeing"] >= 0.9 * SENTENCES


def test_with_lmul_everywhere_it_still_finds_neighbours(figures: Any) -> None:
    everywhere, attention = (figures["variants"][f"L-Mul {where}"] for where in ("everywhere", "in attention"))
    assert 0.96 <= everywhere["cosine"]["mean"] < attention["cosine"]["mean"]
    assert everywhere["neighbours"]["agreeing"] >= 0.7 * SENTENCES
    topical = figures["torch eager"]["neighbours_of_same_topic"]
    assert everywhere["neighbours"]["of_same_topic"] >= topical - 0.1 * SENTENCES


def test_multiplies_are_those_of_the_architecture(figures: Any) -> None:
    rows, tokens, width, inner, layers = 8, 32, 384, 1536, 6
    linear = layers * rows * tokens * (4 * width * width + 2 * width * inner)
    attention = layers * 2 * rows * tokens * tokens * width
    for name, rewritten in (("exact", 0), ("L-Mul in attention", attention)):
        arithmetic = figures["variants"][name]["arithmetic_a_batch"]
        for scope, expected in (("linear", linear), ("attention", attention)):
            before = arithmetic["scopes"][scope]["executed"]["before"]
            assert (before["multiplies"], before["adds"]) == (expected, expected)
        assert arithmetic["all"]["executed"]["after"]["integer_adds"] == rewritten
    everywhere = figures["variants"]["L-Mul everywhere"]["arithmetic_a_batch"]["all"]["executed"]
    assert everywhere["after"]["multiplies"] == 0
    assert everywhere["after"]["integer_adds"] == everywhere["before"]["multiplies"] > linear + attention


def test_energy_follows_from_the_multiplies(figures: Any) -> None:
    energy = {name: v["estimated_energy_a_sentence"] for name, v in figures["variants"].items()}
    exact, attention, everywhere = (energy[name]["multiplies_pj"] for name in energy)
    scopes = figures["variants"]["exact"]["arithmetic_a_batch"]["scopes"]
    saved = scopes["attention"]["executed"]["before"]["multiplies"] / 8 * (3.7 - 0.1)
    # Scales of queries and keys that are marked for nothing stay where the model has them, beside L-Mul; in exact
    # attention they become one.
    multiplies = [
        v["arithmetic_a_batch"]["all"]["executed"]["before"]["multiplies"] for v in figures["variants"].values()
    ]
    kept = multiplies[1] - multiplies[0]
    assert 0 <= kept < 0.02 * multiplies[0]
    assert exact - attention == pytest.approx(saved - kept / 8 * 3.7)
    assert everywhere < 0.05 * exact
    assert len({energy[name]["additions_pj"] for name in energy}) == 1


def test_times_are_positive_and_ordered(figures: Any) -> None:
    timings = [figures["torch eager"]["seconds_a_sentence"]]
    timings += [variant["seconds_a_sentence"] for variant in figures["variants"].values()]
    for timing in timings:
        assert 0 < timing["low"] <= timing["median"] <= timing["high"]
        assert timing["repeats"] == 2


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            local = value is None or value.startswith(("#", "data:"))
            if (name in ("src", "href", "xlink:href", "action") and not local) or tag in ("script", "link", "iframe"):
                self.outside.append(f"<{tag} {name}={value}>")


def test_the_report_is_one_file_with_plots_and_figures(figures: Any, folder: Path) -> None:
    text = (folder / "report.html").read_text("utf-8")
    page = Page()
    page.feed(text)
    assert page.outside == []
    assert "@import" not in text and "url(http" not in text
    assert page.tags.count("svg") >= 6
    assert f"{figures['variants']['exact']['largest_error']:.1e}" in text
    for number, disagreement in enumerate(figures["variants"]["L-Mul everywhere"]["neighbours"]["disagreements"]):
        if number < 3:
            assert load_sentences()[disagreement["sentence"]].text in text
    assert [file.name for file in folder.iterdir()] == ["report.html"], "temporary files were left behind"


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--batch", "0"], "argument --batch: expected an integer from 1 to 4096, found '0'"),
        (["--tokens", "1"], "argument --tokens: expected an integer from 2"),
        (["--mantissa-bits", "24"], "argument --mantissa-bits: expected an integer from 1 to 23, found '24'"),
        (["--mantissa-bits", "four"], "found 'four'"),
        (["--threads", "-1"], "argument --threads"),
        (["--repeats", "0"], "argument --repeats"),
        (["--sentences", "1"], "argument --sentences"),
        (["--specials", "none"], "argument --specials: invalid choice"),
        (["--wat"], "unrecognized arguments: --wat"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_flag_is_named(flags: Sequence[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(flags)
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert complaint in err and out == ""


def test_a_report_that_cannot_be_written_is_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    for output in (tmp_path / "file" / "report.html", tmp_path):
        assert main(["--output", str(output)]) == 1
        err = capsys.readouterr().err
        assert "slipstick-demo: error: --output: " in err and "compile" not in err


def test_a_folder_that_is_no_model_ends_in_one_line(tmp_path: Path) -> None:
    done = run("--no-report", "--model", tmp_path / "absent", timeout=120)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith(f"slipstick-demo: error: model: {tmp_path / 'absent'}: no such folder")
    assert "Traceback" not in done.stderr


def copy_of_model(folder: Path, **config: object) -> Path:
    """A copy of the demo's encoder with other values in its configuration; the weights are linked."""
    folder.mkdir()
    for name in ("tokenizer.json", "model.safetensors"):
        (folder / name).symlink_to(demo_folder() / name)
    settings = json.loads((demo_folder() / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**settings, **config}))
    return folder


def test_each_fault_of_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="expected a Hugging Face folder, found a file"):
        load_encoder(Path(__file__))
    with pytest.raises(ArgumentError, match=r"no config\.json and no tokenizer\.json and no model\.safetensors"):
        load_encoder(tmp_path)

    model = copy_of_model(tmp_path / "config")
    (model / "config.json").write_text("{")
    with pytest.raises(ArgumentError, match=r"config\.json: cannot be read"):
        load_encoder(model)
    (model / "config.json").write_text("{}")
    with pytest.raises(ArgumentError, match="names no model_type"):
        load_encoder(model)

    with pytest.raises(ArgumentError, match="transformers cannot load it"):
        load_encoder(copy_of_model(tmp_path / "type", model_type="nothing-like-it"))
    with pytest.raises(ArgumentError, match=r"the weights lack encoder\.layer\.6"):
        load_encoder(copy_of_model(tmp_path / "layers", num_hidden_layers=7))
    with pytest.raises(ArgumentError, match=r"another shape|cannot load"):
        load_encoder(copy_of_model(tmp_path / "width", intermediate_size=1000))

    model = copy_of_model(tmp_path / "tokenizer")
    (model / "tokenizer.json").unlink()
    (model / "tokenizer.json").write_text("{}")
    with pytest.raises(ArgumentError, match=r"tokenizer\.json: cannot be read"):
        load_encoder(model)

    model = copy_of_model(tmp_path / "weights")
    (model / "model.safetensors").unlink()
    (model / "model.safetensors").write_bytes((demo_folder() / "model.safetensors").read_bytes()[:5000])
    with pytest.raises(ArgumentError, match="transformers cannot load it"):
        load_encoder(model)


def test_another_local_folder_is_loaded_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(demo_folder(), folder)
    encoder = load_encoder(folder)
    assert (encoder.model_type, encoder.layers, encoder.width) == ("bert", 6, 384)
    with pytest.raises(ArgumentError, match="expected 2 to 512"):
        encoder.tokenize(["a"], 513)


def test_the_sentences_are_many_different_and_grouped_by_topic() -> None:
    sentences = load_sentences()
    assert len(sentences) >= 64
    assert len({sentence.text for sentence in sentences}) == len(sentences)
    topics = [sentence.topic for sentence in sentences]
    assert all(topics.count(topic) >= 6 for topic in topics)


def test_a_batch_is_filled_up_and_cut_off_again() -> None:
    from slipstick.tools.demo_measure import Batches, encode

    encoder = load_encoder(demo_folder())
    texts = [sentence.text for sentence in load_sentences()[:5]]
    batches = Batches(encoder, texts, batch=4, tokens=8)
    assert [len(ids) for ids, _ in batches] == [4, 4]
    assert batches.longest == 8
    rows = encode(encoder.module, batches, lambda: None)
    assert tuple(rows.shape) == (5, 384)
