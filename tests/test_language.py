"""The small language model: text that is split for good, training that goes on where it was, scores, the commands."""

from __future__ import annotations

import io
import json
from csv import DictWriter as csv_writer
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from slipstick import ArgumentError, Generator, SkipPaths, SkipSchedule
from slipstick.datasets.language import corpus as texts
from slipstick.datasets.language import train as training
from slipstick.datasets.language.batches import Batches, batches, training_schedule
from slipstick.datasets.language.corpus import HELD_OUT, TRAIN
from slipstick.datasets.language.documents import DOCUMENTATION, NOTES, Document, documentation
from slipstick.datasets.language.model import Sizes, new_model, positions_of_layers, skipped_logits
from slipstick.datasets.language.phases import CONTINUED, FULL, MIXED, PHASES, SCHEDULED
from slipstick.datasets.medcalc.rows import COLUMNS
from slipstick.datasets.scoring import score
from slipstick.tools import skip, skip_quality, skip_speed
from slipstick.tools.skip_arithmetic import ARITHMETICS, EXACT

VOCABULARY = 300
PLAN = training.Plan(Sizes(3, 32, 1, 64, 16), VOCABULARY, full_tokens=16 * 2 * 6, further_tokens=16 * 2 * 3, rows=2)
WORDS = "the of a value is array shape returned where given patient blood pressure in and to be or not"


def documents(count: int = 60) -> list[Document]:
    """Texts of words drawn at random, of both parts."""
    random = torch.Generator().manual_seed(0)
    found, words = [], WORDS.split()
    for number in range(count):
        drawn = torch.randint(len(words), (80,), generator=random).tolist()
        part = NOTES if number % 3 == 0 else DOCUMENTATION
        found.append(Document(part, f"text {number}", " ".join(words[word] for word in drawn)))
    return found


@pytest.fixture(scope="module")
def corpus() -> texts.Corpus:
    return texts.build(documents(), VOCABULARY)[0]


def same(one: texts.Corpus, other: texts.Corpus) -> bool:
    return {name: ids.tolist() for name, ids in one.tokens.items()} == {
        name: ids.tolist() for name, ids in other.tokens.items()
    }


def test_a_corpus_is_the_same_each_time_and_as_read_back(corpus: texts.Corpus, tmp_path: Path) -> None:
    again, made = texts.build(documents(), VOCABULARY)
    assert again.tokenizer.to_str() == corpus.tokenizer.to_str() and same(again, corpus)
    texts.save(corpus, tmp_path, {"parts": made})
    read = texts.load(tmp_path)
    assert same(read, corpus) and read.vocabulary == VOCABULARY
    assert made[f"{NOTES} {TRAIN}"]["documents"] + made[f"{NOTES} {HELD_OUT}"]["documents"] == 20
    with pytest.raises(ArgumentError, match=r"expected a corpus, found no corpus\.json"):
        texts.load(tmp_path / "nowhere")


def test_tokens_are_the_text(corpus: texts.Corpus) -> None:
    text = "Ünlike anything: 5 µg/dL\n\n  x"
    assert corpus.tokenizer.decode(corpus.tokenizer.encode(text).ids) == text
    kept = [one for one in documents() if one.part == NOTES and not texts.is_held_out(one)]
    ids = corpus.tokens[f"{NOTES} {TRAIN}"].tolist()
    assert corpus.tokenizer.decode(ids, skip_special_tokens=True) == "".join(one.text for one in kept)
    assert ids.count(texts.END) == len(kept)


def test_held_out_text_is_never_trained_on() -> None:
    shared = "a paragraph that two texts have"
    given = documents()
    held, trained = (next(d for d in given if texts.is_held_out(d) is side) for side in (True, False))
    repeated = [trained, replace(held, text=f"{trained.text}\n\n{held.text}"), Document(NOTES, "x", f"{shared}\n\n ")]
    kept = list(texts.without_repeats([*repeated, Document(NOTES, "y", f"  {shared}")]))
    assert [one.text for one in kept] == [trained.text, held.text, shared]
    # What is held out does not depend on what else there is.
    assert [texts.is_held_out(d) for d in given[:9]] == [texts.is_held_out(d) for d in documents(9)]
    with pytest.raises(ArgumentError, match="expected documents to train on, found none"):
        texts.build([held], VOCABULARY)
    with pytest.raises(ArgumentError, match="expected at least 99999 tokens of notes to train"):
        texts.build(given, VOCABULARY)[0].blocks(NOTES, TRAIN, 99999)


def test_documentation_of_a_package_in_its_order() -> None:
    found = list(documentation(["tokenizers"]))
    assert found == list(documentation(["tokenizers"])) and found
    assert [one.name for one in found] == sorted(one.name for one in found)
    assert all("def " not in one.text.splitlines()[0] for one in found)
    with pytest.raises(ArgumentError, match=r"package: expected one that is installed in .*, found 'no_such_package'"):
        list(documentation(["no_such_package"]))


def test_an_epoch_has_every_block_once_and_notes_three_times(corpus: texts.Corpus) -> None:
    data = batches(corpus, 16, 4, seed=1)
    blocks = {part: len(corpus.blocks(part, TRAIN, 17)) for part in (NOTES, DOCUMENTATION)}
    assert len(data.blocks) == 3 * blocks[NOTES] + blocks[DOCUMENTATION]
    small = Batches(torch.arange(10).view(5, 2), 2, seed=1)
    drawn = torch.cat([small.at(step) for step in range(5)])[:, 0]
    assert sorted(drawn[:5].tolist()) == sorted(drawn[5:].tolist()) == [0, 2, 4, 6, 8]
    assert drawn[:5].tolist() != drawn[5:].tolist()


def test_schedules_of_training() -> None:
    drawn = [training_schedule(12, 64, 0, step) for step in range(40)]
    assert drawn[7] == training_schedule(12, 64, 0, 7) != training_schedule(12, 64, 1, 7)
    means = [schedule.mean_depth() / 12 for schedule in drawn]
    assert min(means) < 0.35 and max(means) > 0.85
    assert all(8 <= schedule.start <= 32 and schedule.warmup == 1 for schedule in drawn)


def test_positions_of_layers() -> None:
    assert positions_of_layers([4, 4, 3, 2, 1], 4, 1) == [5, 2, 3, 4]
    with pytest.raises(ArgumentError, match=r"depths\[1\]: expected 1 to 2 layers, found 3"):
        positions_of_layers([2, 3], 4, 1)


@pytest.fixture(scope="module")
def model() -> Any:
    model = new_model(PLAN.sizes, VOCABULARY, 0).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".layers." in name and parameter.dim() > 1:
                parameter.mul_(12)
    return model


@torch.inference_mode()
def test_the_forward_pass_along_a_schedule_is_what_compiled_steps_compute(model: Any) -> None:
    ids = torch.randint(2, VOCABULARY, (2, 15), generator=torch.Generator().manual_seed(3))
    assert torch.equal(skipped_logits(model, ids, None), model(ids).logits)
    generator = Generator(model, batch=2, context=16, skip=SkipPaths(1), threads=1)
    losses = []
    for schedule in (None, SkipSchedule(3, 1, 1, 5, 13), SkipSchedule.constant(2, warmup=1, start=5)):
        logits = skipped_logits(model, ids[:, :-1], schedule)[:, 4:]
        found = score(generator, ids[:, :5].tolist(), ids[:, 5:].tolist(), schedule)
        expected = torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 5:], reduction="none")
        torch.testing.assert_close(found.losses, expected, rtol=1e-4, atol=1e-4)
        assert torch.equal(found.hits, logits.argmax(-1) == ids[:, 5:])
        losses.append(found.losses)
    # The first token is foreseen at full depth, the others along the schedule.
    torch.testing.assert_close(losses[2][:, 0], losses[0][:, 0])
    assert (losses[2][:, 1:] - losses[0][:, 1:]).abs().max() > 0.01
    with pytest.raises(ArgumentError, match="continuations: expected 2 of one length"):
        score(generator, [[1], [2]], [[1], [1, 2]])


class Stopped(Exception):
    pass


def run(corpus: texts.Corpus, folder: Path, stop_at: tuple[str, int] | None = None) -> list[training.Step]:
    steps: list[training.Step] = []

    def report(step: training.Step) -> None:
        steps.append(step)
        if (step.phase, step.step) == stop_at:
            raise Stopped

    training.train(corpus, PLAN, folder, torch.device("cpu"), report, every=0.0)
    return steps


def test_training_that_was_stopped_goes_on_bit_for_bit(corpus: texts.Corpus, tmp_path: Path) -> None:
    whole, mixed = run(corpus, tmp_path / "whole"), list[training.Step]()
    assert [(step.phase, step.step) for step in whole] == [
        *((FULL, n + 1) for n in range(6)),
        *((phase, n + 1) for phase in (SCHEDULED, CONTINUED) for n in range(3)),
    ]
    for stop_at in ((FULL, 4), (SCHEDULED, 2)):
        with pytest.raises(Stopped):
            run(corpus, tmp_path / "parts", stop_at)
    run(corpus, tmp_path / "parts")
    for phase in PHASES:
        one, other = (load_file(tmp_path / name / phase / "model.safetensors") for name in ("whole", "parts"))
        assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
        losses = [[record["loss"] for record in training.read_log(tmp_path / n, phase)] for n in ("whole", "parts")]
        assert losses[0] == losses[1]
        assert not (tmp_path / "whole" / phase / "state.safetensors").exists()
    scheduled, continued = (training.load_trained(tmp_path / "whole", p) for p in PHASES[1:])
    assert not torch.equal(scheduled.lm_head.weight, continued.lm_head.weight)
    assert run(corpus, tmp_path / "whole") == []
    training.train(corpus, PLAN, tmp_path / "whole", torch.device("cpu"), mixed.append, phases=[MIXED])
    assert [(step.phase, step.step, step.steps) for step in mixed] == [(MIXED, n + 1, 9) for n in range(9)]
    # It begins with the weights and the text that the full model began with, but along a schedule.
    assert mixed[0].loss != whole[0].loss and mixed[0].loss == pytest.approx(whole[0].loss, rel=0.05)
    assert all(record["depth"] <= 3 for record in training.read_log(tmp_path / "whole", MIXED))
    with pytest.raises(ArgumentError, match="expected the plan of this call, found another"):
        training.train(corpus, replace(PLAN, seed=1), tmp_path / "whole", torch.device("cpu"), print)
    with pytest.raises(ArgumentError, match="expected a trained model, found none"):
        training.load_trained(tmp_path, FULL)


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(skip_quality, "ARITHMETICS", (EXACT, ARITHMETICS[-1]))
    monkeypatch.setattr(skip_speed, "ARITHMETICS", (EXACT, ARITHMETICS[-1]))
    folder = tmp_path / "model"
    csv = tmp_path / "rows.csv"
    csv.write_text(rows_of_the_data_set(), "utf-8")
    flags = ["--layers", "3", "--width", "32", "--positions", "16", "--vocabulary", "300", "--rows", "2"]
    given = ["train", str(folder), "--medcalc", str(csv), "--packages", "tokenizers", "--threads", "1", *flags]
    assert skip.main([*given, "--tokens", "192", "--further-tokens", "96"]) == 0
    told = capsys.readouterr()
    assert "full: 192 tokens in" in told.out and "continued: 96 tokens in" in told.out
    assert "full: step 6 of 6, loss" in told.err
    study = ["study", str(folder), "--windows", "3", "--few-windows", "2", "--batch", "2", "--rounds", "1"]
    assert skip.main([*study, "--only", "torch"]) == 0
    assert "Quality along schedules" in capsys.readouterr().out
    assert skip.main(study) == 0
    out = capsys.readouterr().out
    for part in ("then at full depth, as long", "Quality in each arithmetic", "fp8 e4m3", "Speed of decode steps"):
        assert part in out
    found = json.loads((folder / "study" / "study.json").read_text("utf-8"))
    exact, torchs = (
        {(one["trained"], one["share"]): one for one in found["quality"] if one["arithmetic"] == name}
        for name in ("exact", "exact, by torch")
    )
    assert len(torchs) == 15 and len(exact) == 10 and len(found["speed"]) == 5
    assert torchs["full", 1.0]["of_full"]["mean"] == 1 and torchs["full", 1.0]["agreement"]["mean"] == 1
    assert exact["full", 1.0]["agreement"]["mean"] == 1 and exact["scheduled", 0.2]["of_exact"]["mean"] == 1
    assert exact["full", 1.0]["windows"] == 4 and set(exact["full", 1.0]["parts"]) == {NOTES, DOCUMENTATION}
    float8 = [one["of_exact"]["mean"] for one in found["quality"] if one["arithmetic"] == "fp8 e4m3"]
    assert len(float8) == 10 and all(0.9 < of_exact < 1.1 and of_exact != 1 for of_exact in float8)
    assert found["speed"][0]["measured"] == found["speed"][0]["nominal"] == 1 < found["speed"][-1]["nominal"]
    page = (folder / "study" / "study.html").read_text("utf-8")
    assert page.count("<svg") == 4 and "slipstick-skip study" in page
    for name in ("schedules", "quality", "quality-speed", "speed"):
        assert (folder / "study" / f"{name}.svg").read_text("utf-8").startswith("<svg")
        assert (folder / "study" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    # What is there is not measured again.
    before = (folder / "study" / "study.json").read_bytes()
    assert skip.main(study) == 0 and (folder / "study" / "study.json").read_bytes() == before


def rows_of_the_data_set() -> str:
    """Return a CSV with the columns of MedCalc-Bench: a row for each text."""
    with io.StringIO() as file:
        writer = csv_writer(file, COLUMNS)
        writer.writeheader()
        for number, one in enumerate(documents()):
            filled = {"Row Number": number, "Calculator ID": 2, "Patient Note": one.text, "Question": "how much"}
            writer.writerow({column: filled.get(column, "1") for column in COLUMNS})
        return file.getvalue()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "{}", "--width", "40"], "--width: expected a multiple of 32, found 40"),
        (["train", "{}", "--medcalc", "{}/none.csv"], "No such file"),
        (["train", "{}", "--device", "cuda"], "device: expected cpu, found cuda"),
        (["study", "{}"], "expected a corpus, found no corpus.json"),
        (["study", "{}/none"], "expected a folder that `slipstick-skip train` has written, found none"),
    ],
)
def test_what_the_commands_refuse(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert skip.main([one.replace("{}", str(tmp_path)) for one in arguments]) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
