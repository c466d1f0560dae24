"""`slipstick-bench` on its command line, and what it makes of figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import slipstick
import torch
from slipstick.datasets.graphs import SUITES
from slipstick.errors import ArgumentError
from slipstick.tools import bench
from slipstick.tools.bench_limits import Limits
from slipstick.tools.bench_results import Results, Row, SubjectResult, geometric_mean
from slipstick.tools.bench_suite import select_graphs, select_peers
from slipstick.tools.bench_summary import shortfalls, summarise
from slipstick.tools.bench_table import duration, lines, summary_lines
from slipstick.tools.timing import Timing

LIMITS = Limits(1, 200.0, 100.0, ((1 << 20, 100.0), (1 << 24, 30.0), (1 << 28, 10.0)))


def subject(name: str, kind: str, seconds: float, reference: float = 1.0, **more: object) -> SubjectResult:
    timing = Timing(seconds, seconds * 0.9, seconds * 1.1, 5)
    figures = {"error": 1e-7, "cosine": 1.0, "timing": timing, "reference_seconds": reference} | more
    return SubjectResult(name, kind, "timed", settings=f"{name}'s", versions="1.0", **figures)  # type: ignore[arg-type]


def row(name: str, *subjects: SubjectResult, family: str = "product", **more: object) -> Row:
    figures = {"flops": 10**11, "bytes": 10**8, "tolerance": 1e-5} | more
    return Row(name, family, f"what {name} is", 1, subjects=subjects, **figures)  # type: ignore[arg-type]


@pytest.fixture
def results() -> Results:
    first = row(
        "first",
        subject("torch", "reference", 1.0),
        subject("exact", "slipstick", 0.5, limits=Limits(1, 200.0, 100.0, ((10**8, 20.0),))),
        subject("L-Mul", "slipstick", 1.0, error=0.05, cosine=0.99, arithmetic="lmul"),
        subject("iree", "peer", 0.8),
        subject("openvino", "peer", 0.625),
    )
    # Timed in a process of its own, where torch took 4 s: a speed of 2, not of 1.
    second = row(
        "second",
        subject("torch", "reference", 2.0, 2.0),
        subject("exact", "slipstick", 2.0, 4.0),
        subject("iree", "peer", 0.5, 2.0),
        SubjectResult("openvino", "peer", "skipped", "openvino is not installed"),
        family="decode",
    )
    third = row("third", family="decode", failure="build: ended with status 1")
    return Results("slipstick-bench", "a machine", (first, second, third), (LIMITS,), "how", rounds=5)


def test_json_round_trip(results: Results, tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text(results.to_json(), "utf-8")
    assert Results.from_json(path) == results
    written = json.loads(path.read_text("utf-8"))["rows"][0]
    assert written["subjects"][1]["speed"] == 2.0
    assert written["margin"] == pytest.approx(2.0 / 1.6)
    assert written["subjects"][1]["achieved"] == {"gflops": 200.0, "gbs": 0.2, "fraction": 1.0}


def test_limits_measured_in_turns_hold_before_those_of_the_run(results: Results) -> None:
    slower = row("slower", subject("exact", "slipstick", 0.5, limits=Limits(1, 100.0, 50.0, ((10**8, 20.0),))))
    achieved = results.achieved(slower, slower.subjects[0])
    assert achieved is not None and achieved.fraction == pytest.approx(2.0)


def test_other_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    for text in ("[]", "{}", '{"format": 7}', "no JSON", '{"format": 1, "rows": [{}], "limits": []}'):
        path.write_text(text, "utf-8")
        with pytest.raises(ArgumentError, match="expected the figures that slipstick-bench --json wrote"):
            Results.from_json(path)


def test_means_and_margins(results: Results) -> None:
    summary = summarise(results)
    assert summary.rows == 2
    assert summary.over_torch == pytest.approx(2.0)
    # 2 over 1.6 and 2 over 4
    assert summary.over_peers == pytest.approx((1.25 * 0.5) ** 0.5)
    assert summary.lmul_over_exact == pytest.approx(0.5)
    assert summary.by_peer == {"iree": pytest.approx((1.6 * 0.5) ** 0.5), "openvino": pytest.approx(1.25)}
    assert results.rows[1].margin() == pytest.approx(0.5)
    assert geometric_mean([]) is None


def test_what_falls_short_is_said(results: Results) -> None:
    assert shortfalls(results, results.rows[0]) == [
        "first, 1 thread: L-Mul runs at 0.50 of the exact speed; asked for: 0.95"
    ]
    assert shortfalls(results, results.rows[1]) == ["second, 1 thread: exact runs at 0.50 of the speed of iree"]
    assert shortfalls(results, results.rows[2]) == ["third, 1 thread: build: ended with status 1"]
    slow = row("slow", subject("torch", "reference", 1.0), subject("exact", "slipstick", 2.0))
    assert shortfalls(results, slow) == [
        "slow, 1 thread: exact runs at 0.50 of the speed of torch",
        "slow, 1 thread: exact reaches 25% of the limit; asked for: 90%",
    ]


def test_wrong_results_of_ours_fall_short(results: Results) -> None:
    wrong = row("one", subject("torch", "reference", 1.0), SubjectResult("exact", "slipstick", "wrong", "differs"))
    assert shortfalls(results, wrong) == ["one, 1 thread: exact is wrong: differs"]


def test_lines_of_the_table(results: Results) -> None:
    found = list(lines(results))
    assert [line.cells[2] for line in found[:5]] == ["torch", "exact", "L-Mul", "iree", "openvino"]
    assert found[1].cells[3:8] == ("500 ms", "10.0%", "2.00x", "200.0", "0.2")
    assert [line.mark for line in found[:2]] == ["", "short"]
    assert found[7].mark == "best"
    assert found[8].cells[2:4] == ("openvino", "skipped")
    assert found[-1].cells[2] == "failed" and found[-1].mark == "bad"
    assert "Peer openvino skipped: openvino is not installed; second, 1 thread." in summary_lines(results)


def test_show_prints_tables_and_writes_the_report(
    results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, page = tmp_path / "figures.json", tmp_path / "page.html"
    path.write_text(results.to_json(), "utf-8")
    assert bench.main(["show", str(path), "--html", str(page)]) == 0
    text = capsys.readouterr().out
    assert "exact is 2.00x torch eager" in text and "second" in text
    html = page.read_text("utf-8")
    assert html.count("<svg") == 2, "the bars and the roofline"
    assert "exact runs at 0.50 of the speed of iree" in html
    assert "http://" not in html.replace("http://www.w3.org/", "").replace("http://matplotlib", "")


def test_other_figures_are_shown(results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    phases = {"export": 3.0, "import": 2.0, "lower": 1.0, "codegen": 0.5, "load": 0.25}
    compilation = {"graph": "first", "threads": 1, "phases": phases, "all": 6.75}
    compilation |= {"second_process": 5.5, "second_process_phases": {**phases, "lower": 0.0, "codegen": 0.0}}
    compilation |= {"inductor": 12.0, "inductor_max_autotune": "took longer than 1 s"}
    layers = {"what": "OPT", "threads": 1, "seconds": {"2": 1.0, "24": 1.25}, "ratio": 1.25}
    memory = {"graph": "first", "mode": "kept", "weights": 100 << 20, "before": 50 << 20}
    memory |= {"building": 400 << 20, "running": 300 << 20}
    timing = {"median": 4e-6, "low": 4e-6, "high": 4e-6, "repeats": 5}
    overhead = dict.fromkeys(("slipstick", "torch eager", "ctypes call of nothing"), timing)
    failed = {"graph": "second", "threads": 1, "failure": "out of memory"}
    more = Results(
        "slipstick-bench", "a machine", (), (), "", 5, (memory, failed), (compilation, failed), layers, overhead
    )
    path, page = tmp_path / "figures.json", tmp_path / "page.html"
    path.write_text(more.to_json(), "utf-8")
    assert bench.main(["show", str(path), "--html", str(page)]) == 0
    shown = capsys.readouterr().out
    for text in (shown, page.read_text("utf-8")):
        assert "1.75" in text and "0.25" in text and "12.0" in text, "own seconds, cold and again; inductor's"
        assert "torch module kept" in text and "2.50" in text
        assert "1.25x (asked for: at most 1.5x)" in text
        assert "4.00 µs (asked for: at most 5 µs)" in text
        assert "failed: out of memory" in text


def test_show_json_again(results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "figures.json"
    path.write_text(results.to_json(), "utf-8")
    assert bench.main(["show", str(path), "--json", "-"]) == 0
    assert capsys.readouterr().out == results.to_json()


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["list"]) == 0
    text = capsys.readouterr().out
    assert "matmul-128x768x768" in text and "opt-125m-decode-8" in text
    assert bench.main(["list", "--family", "convolution", "--tag", "depthwise"]) == 0
    text = capsys.readouterr().out
    assert "mobilenet-v2" in text and "resnet-18" not in text


def test_list_tells_all_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["list", "swin-tiny-patch4-224"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["family"] == "vision-transformer" and "2103.14030" in lines["source"]
    assert "depths=2+2+6+2" in lines["sizes"] and "depths=2" in lines["small"]
    # What it prints of sizes is what variants are asked for with.
    assert bench.main(["list", f"swin-tiny-patch4-224:{lines['small']}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sizes"]["embed_dim"] == 16


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["list", "--suite", "medcalc", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == 55
    (pressure,) = [one for one in found if one["name"] == "medcalc-mean-arterial-pressure"]
    assert pressure["sizes"] == {"batch": 1_000_000} and pressure["suites"] == ["medcalc"]
    assert "2406.12036" in pressure["source"]


@pytest.mark.parametrize("level", ["torch", "linalg", "llvm"])
def test_export_writes_what_compiles(level: str, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "graph.mlir"
    arguments = ["export", "matmul", "--small", "--set", "rows=3,depth=5", "--set", "columns=4"]
    assert bench.main([*arguments, "--level", level, "-o", str(path)]) == 0
    text = path.read_text("utf-8")
    if level == "torch":
        assert "!torch.vtensor<[4,5],f32>" in text
        return
    x, weight = torch.randn(3, 5), torch.randn(4, 5)
    compiled = slipstick.compile(path, cache_dir=tmp_path / "cache")
    torch.testing.assert_close(compiled(weight, x), x @ weight.T)


def test_a_training_step_is_exported(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["export", "peft-bitfit-training:small", "--level", "torch", "-o", "-"]) == 0
    text = capsys.readouterr().out
    assert "func.func @main" in text and "aten.mm" in text


def test_export_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["export", "gelu:shape=2+3", "-o", "-"]) == 0
    assert "tensor<2x3xf32>" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["matmul-128x768x769"], "matmul-128x768x768"),
        (["--peers", "tvm"], "expected all, none or some of inductor, onnxruntime, openvino, iree, found 'tvm'"),
        (["gelu-128x3072", "--target", "neoverse-v2"], "--target: this machine does not run the code of neoverse-v2"),
        (["gelu-128x3072", "--target", "haswel"], "haswell"),
        (["lists"], "expected a graph or a command such as list, found 'lists'"),
        (["depth-chang"], "expected a graph or a command such as depth-change, found 'depth-chang'"),
        (["show"], "expected one file, found 0"),
        (["list", "gelu", "--suite", "zoo"], "list gelu: expected no --family, --tag or --suite beside a name"),
        (["list", "--family", "x"], "family: expected one of "),
        (["export", "opt-125m-prefill", "--set", "token=1", "-o", "-"], "expected one of its sizes (batch, tokens"),
        (["export", "opt-125m-prefill", "--small", "--set", "heads=7", "-o", "-"], "cannot be built in these sizes"),
        (["export", "gelu", "-o", "/proc/none/graph.mlir"], "-o: /proc/none/graph.mlir: cannot be written"),
        (["show", "missing.json"], "missing.json"),
        (["--html", "/proc/none/page.html"], "cannot be written"),
    ],
)
def test_wrong_arguments(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(arguments) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


def test_an_interrupt_while_a_command_is_loaded(monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "import_module", interrupted)
    assert bench.main(["list"]) == 1
    assert capsys.readouterr().err == "slipstick-bench list: error: interrupted\n"


@pytest.mark.parametrize(
    "arguments",
    [["--threads", "0"], ["--threads", "1,x"], ["--weights", "f16"], ["--suite", "all"], ["--repeats", "-1"]],
)
def test_wrong_flags(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        bench.main(arguments)
    assert "usage: slipstick-bench" in capsys.readouterr().err


def test_suites() -> None:
    assert tuple(SUITES) == bench.SUITE_NAMES
    assert len(select_graphs([], "core")) == sum(
        len(select_graphs([], name)) for name in ("products", "elementwise", "models")
    )
    assert {item.family for item in select_graphs([], "decode")} == {"decode"}
    assert [item.name for item in select_graphs(["gelu-128x3072"], "decode")] == ["gelu-128x3072"]
    assert all(select_graphs([], name) for name in SUITES)


def test_peers_by_name() -> None:
    known = ("a", "b", "c")
    assert select_peers("all", known) == known
    assert select_peers("none", known) == ()
    assert select_peers("c, a", known) == ("a", "c")


def test_durations() -> None:
    found = [duration(seconds) for seconds in (12.345, 0.0456, 4.5e-5, 1.2e-7, 0.9999)]
    assert found == ["12.3 s", "45.6 ms", "45 µs", "120 ns", "1000 ms"]
