"""`slipstick-bench generate` on its command line: figures, tables, pictures, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from slipstick.compiler.codegen import compile_object, load_object, loaded_objects
from slipstick.datasets.generator import Generator
from slipstick.datasets.transformer_sizes import TransformerSizes
from slipstick.target import Target
from slipstick.tools import bench, bench_depth_change, bench_generate


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = TransformerSizes("opt", 5, 32, 2, 64, 101, 64)
    monkeypatch.setitem(bench_generate.SIZES, "small", sizes)


def test_figures_as_json_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "schedules.svg"
    flags = ["--batch", "2", "--prompt", "6", "--new", "6", "--share", "0.5", "--schedule", "4:2", "--warmup", "2"]
    status = bench.main(
        ["generate", "small", *flags, "--rounds", "2", "--torch", "--json", "-", "--plot", str(picture)]
    )
    assert status == 0
    found = json.loads(capsys.readouterr().out)
    assert [item["depth"] for item in found["depths"]] == [2, 3, 4, 5]
    assert found["depths"][-1]["nominal"] == found["depths"][-1]["measured"] == 1
    assert found["depths"][0]["nominal"] > found["depths"][1]["nominal"] > 1
    assert found["allocations"] == 0
    assert found["weight_bytes"] > 4 * 101 * 32
    # 12 tokens, rounded up to 16 slots.
    assert found["cache_bytes"] == 2 * 5 * 2 * 32 * 16 * 4
    names = {run["name"]: run for run in found["runs"]}
    assert set(names) == {"all layers", "share 0.5", "4:2"}
    assert names["4:2"]["mean_depth"] == 3.2 and names["all layers"]["mean_depth"] == 5
    assert names["4:2"]["schedule"]["warmup"] == 2
    assert found["torch_step"]["median"] > 0 and found["torch_prefill"]["median"] > 0
    text = picture.read_text("utf-8")
    assert text.startswith("<svg") and "mean depth 3.20" in text


def test_a_checkpoint_folder_and_the_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = TransformerSizes("opt", 2, 32, 2, 64, 101, 64).model(logits=True)
    model.save_pretrained(tmp_path / "checkpoint")  # type: ignore[operator]
    flags = ["--prompt", "6", "--new", "4", "--rounds", "2", "--weights", "lm8"]
    assert bench.main(["generate", str(tmp_path / "checkpoint"), *flags]) == 0
    out = capsys.readouterr().out
    for part in (
        "2 layers, batch 1, prompt 6, 4 new tokens, weights lm8",
        "one copy for 2 depths",
        "share 0.5",
        "MiB of language head at every depth",
        "    0 ###\n",
    ):
        assert part in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing-there"], "MODEL: expected opt-tiny, opt-125m"),
        (["small", "--schedule", "9:2"], "--schedule: expected depths from 1 to 5, found 9:2"),
        (["small", "--prompt", "60", "--new", "10"], "context: expected an integer from 1 to 64, found 70"),
    ],
)
def test_errors_are_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["generate", *arguments]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(lines) == 1 and lines[0].startswith("slipstick-bench generate: error: ") and message in lines[0]


@pytest.mark.parametrize("flags", [["--share", "0"], ["--share", "x"], ["--schedule", "2:4"], ["--new", "1"]])
def test_wrong_flags(flags: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main(["generate", "small", *flags])
    assert ended.value.code == 2


def test_a_folder_that_is_no_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["generate", str(tmp_path)]) == 1
    assert "expected a checkpoint of a causal language model" in capsys.readouterr().err


def test_what_a_change_of_depth_costs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Generator] = []

    def once(*arguments: Any, **options: Any) -> Generator:
        """Compile at the first run, and take the same generator in those behind it."""
        made.extend([] if made else [Generator(*arguments, **options)])
        return made[0]

    monkeypatch.setattr(bench_depth_change, "Generator", once)
    assert bench.main(["depth-change", "small", "--rounds", "6", "--json"]) == 0
    near, far = json.loads(capsys.readouterr().out)
    assert (near["depths"], far["depths"]) == ([2, 1], [5, 1])
    for one in (near, far):
        assert one["allocations"] == one["loaded"] == 0
        assert one["change"]["low"] <= one["change"]["middle"] <= one["change"]["high"]
    assert bench.main(["depth-change", "small", "--rounds", "6", "--depths", "3", "3"]) == 0
    assert "depths 3 and 3: a step takes" in capsys.readouterr().out
    assert bench.main(["depth-change", "small", "--depths", "1", "9"]) == 1
    assert "--depths: expected depths from 1 to 5, found 9" in capsys.readouterr().err


def test_loaded_code_is_counted() -> None:
    before = loaded_objects()
    load_object(compile_object("define void @nothing() {\n ret void\n}", Target.host()))
    assert loaded_objects() == before + 1
