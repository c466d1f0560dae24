"""How a row is measured: subjects are checked before they are timed, and one that fails fails alone."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from slipstick.compiler.model_policy import ModelPolicy
from slipstick.datasets.graph import Graph
from slipstick.errors import SlipstickError
from slipstick.kernels.choice import Choice
from slipstick.passes.candidates import candidates
from slipstick.passes.nests import Nest
from slipstick.target import Target
from slipstick.tools import bench_memory, bench_memory_worker, bench_process, bench_suite, bench_worker
from slipstick.tools.bench_limits import Limits
from slipstick.tools.bench_overhead import measure_overhead, overhead_line
from slipstick.tools.bench_peers import PEERS
from slipstick.tools.bench_process import Outcome, ask
from slipstick.tools.bench_request import Request
from slipstick.tools.bench_subjects import Contender, Prepared, own_contenders
from slipstick.tools.bench_suite import Settings, measure_row
from slipstick.tools.bench_timing import LEAST_ROUNDS, Subject, time_in_turns
from slipstick.tools.bench_workload import Workload, compare


class Accumulate(torch.nn.Module):
    """Adds to a cache, in place or not, what a layer makes of the input."""

    def __init__(self, in_place: bool):
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(8, 8)
        self.in_place = in_place

    def forward(self, x: torch.Tensor, cache: torch.Tensor) -> Any:
        value = self.layer(x)
        if self.in_place:
            cache.copy_(value)
            return value * 2
        return value * 2, value + 0 * cache


def linear() -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    torch.manual_seed(0)
    return torch.nn.Linear(8, 4).eval(), (torch.randn(3, 8),)


TINY = Graph("tiny", "product", "a small layer", linear, 192, 256, 1e-5)
CACHED = Graph(
    "cached",
    "decode",
    "a step that writes into its input",
    lambda: (Accumulate(True).eval(), (torch.ones(2, 8), torch.zeros(2, 8))),
    256,
    512,
    1e-5,
    functional=lambda: (Accumulate(False).eval(), (torch.ones(2, 8), torch.zeros(2, 8))),
)


def peer(name: str, prepare: Callable[[Workload], Prepared], **packages: str) -> Contender:
    return Contender(name, "peer", prepare, packages)


def prepared(result: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Workload], Prepared]:
    def prepare(workload: Workload) -> Prepared:
        module, inputs = workload.form.module, workload.form.inputs
        return Prepared(workload.form, lambda: result(module(*inputs)), "as they are", torch.inference_mode)

    return prepare


def refuse(workload: Workload) -> Prepared:
    raise RuntimeError("no such operation\nand more")


def run_worker(item: Graph, folder: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> list[dict[str, Any]]:
    """Run a worker in this process; return its events."""
    monkeypatch.setattr(bench_worker, "graph", lambda name: item)
    figures = {"subjects": (), "lmul": False, "weights": (), "rounds": 2, "budget": 1.0, "limit": 1.0} | more
    threads = torch.get_num_threads()
    reader, writer = os.pipe()
    try:
        bench_worker.Worker(Request(item.name, 1, **figures), writer, folder).run()
    finally:
        os.close(writer)
        torch.set_num_threads(threads)
    with os.fdopen(reader) as file:
        return [json.loads(line) for line in file]


def found(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {event["found"]["name"]: event["found"] for event in events if "found" in event}


def test_subjects_are_checked_before_they_are_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peers = (
        peer("right", prepared(lambda value: value)),
        peer("wrong", prepared(lambda value: value * 1.001)),
        peer("nan", prepared(lambda value: value / 0 * 0)),
        peer("shape", prepared(lambda value: value[:1])),
        peer("refusing", refuse),
        peer("missing", refuse, somewhere="no_such_package_of_slipstick"),
        peer("unasked", refuse),
    )
    monkeypatch.setattr(bench_worker, "PEERS", peers)
    asked = ("exact", "right", "wrong", "nan", "shape", "refusing", "missing")
    results = found(run_worker(TINY, tmp_path, monkeypatch, subjects=asked))
    assert {name: result["status"] for name, result in results.items()} == {
        "torch": "timed",
        "exact": "timed",
        "right": "timed",
        "wrong": "wrong",
        "nan": "wrong",
        "shape": "wrong",
        "refusing": "failed",
        "missing": "skipped",
    }
    assert results["right"]["error"] == 0.0
    assert results["exact"]["timing"]["median"] > 0 and results["exact"]["error"] <= TINY.tolerance
    assert results["right"]["reference_seconds"] == results["torch"]["timing"]["median"]
    assert "expected at most 1e-05" in results["wrong"]["detail"] and "timing" not in results["wrong"]
    # The limits took their turns among the subjects, and read a buffer as large as what the graph reads.
    limits = Limits.from_dict(results["exact"]["limits"])
    assert limits.fma_gflops > 0 and limits.lmul_gflops > 0 and limits.memory_gbs > 0
    assert TINY.bytes is not None and limits.read_gbs[0][0] >= min(TINY.bytes, 1024)
    assert results["refusing"]["detail"] == "RuntimeError: no such operation"
    assert results["missing"]["detail"].startswith("somewhere is not installed")


def test_approximate_subjects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = tuple(contender.name for contender in own_contenders(lmul=True, weights=("bf16", "lm8")))
    assert names == ("exact", "L-Mul", "exact bf16", "L-Mul bf16", "exact lm8", "L-Mul lm8")
    asked = {"subjects": names, "lmul": True, "weights": ("bf16", "lm8")}
    results = found(run_worker(TINY, tmp_path, monkeypatch, **asked))
    assert {name: results[name]["status"] for name in names} == dict.fromkeys(names, "timed")
    assert [results[name]["saved_bytes"] for name in names] == [0, 0, 64, 64, 96, 96]
    assert results["L-Mul"]["arithmetic"] == "lmul" and results["L-Mul"]["error"] > results["exact"]["error"]


def test_other_policies_are_subjects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that decides all as the heuristic does runs the same code, which is not timed again."""

    def as_the_heuristic(nests: Sequence[Nest], target: Target) -> list[Choice]:
        return [nest.choice for nest in nests]

    def one_decided_otherwise(nests: Sequence[Nest], target: Target) -> list[Choice]:
        return [candidates(nests[0], target)[1], *as_the_heuristic(nests[1:], target)]

    asked = {"subjects": ("exact", "exact, model"), "schedules": ("model",)}
    decides: dict[str, Callable[[Sequence[Nest], Target], list[Choice]]] = {
        "skipped": as_the_heuristic,
        "timed": one_decided_otherwise,
    }
    for status, decide in decides.items():
        monkeypatch.setattr(ModelPolicy, "decide", lambda self, nests, target, decide=decide: decide(nests, target))
        monkeypatch.setenv("SLIPSTICK_CACHE_DIR", str(tmp_path / status))
        result = found(run_worker(TINY, tmp_path, monkeypatch, **asked))["exact, model"]
        assert result["status"] == status
    assert "schedule='model'" in result["settings"]


def test_what_is_written_into_inputs_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(workload: Workload) -> Prepared:
        module, inputs = workload.form.module, workload.form.inputs
        return Prepared(workload.form, lambda: module(inputs[0], inputs[1].clone()), "", torch.inference_mode)

    def functional(workload: Workload) -> Prepared:
        form = workload.functional
        return Prepared(form, lambda: form.module(*form.inputs), "", torch.inference_mode)

    monkeypatch.setattr(bench_worker, "PEERS", (peer("forgetful", forgetful), peer("functional", functional)))
    results = found(run_worker(CACHED, tmp_path, monkeypatch, subjects=("exact", "forgetful", "functional")))
    statuses = {name: result["status"] for name, result in results.items()}
    assert statuses == {"torch": "timed", "exact": "timed", "forgetful": "wrong", "functional": "timed"}


def test_compare() -> None:
    one = torch.tensor([1.0, -2.0])
    assert compare([one], [one]).error == 0.0
    assert compare([one + 0.5], [one]).error == pytest.approx(0.25)
    assert compare([-one], [one]).cosine == pytest.approx(-1.0)
    assert compare([one, one], [one]).error == float("inf")
    assert compare([one * float("nan")], [one]).error == float("inf")
    assert compare([torch.zeros(2)], [torch.zeros(2)]).error == 0.0
    assert compare([one], [torch.zeros(2)]).error == pytest.approx(2.0)
    # The worst of all results counts.
    assert compare([one, one + 0.5], [one, one]).error == pytest.approx(0.25)


def settings(**more: Any) -> Settings:
    figures = {"own": ("exact",), "peers": ("a", "b"), "lmul": False, "weights": ()}
    return Settings(**(figures | {"rounds": 2, "budget": 1.0, "limit": 1.0} | more))


def timed(name: str, kind: str = "peer") -> dict[str, Any]:
    timing = {"median": 1.0, "low": 1.0, "high": 1.0, "repeats": 2}
    return {"name": name, "kind": kind, "status": "timed", "timing": timing, "reference_seconds": 1.0}


def test_a_subject_that_crashes_is_left_out_and_the_others_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def work(request: Request, say: Callable[[str], None]) -> Outcome:
        asked.append(request.subjects)
        for name in ("a", "exact"):
            if name in request.subjects:
                return Outcome(failure="died of SIGSEGV", step="time", subject=name)
        return Outcome([timed("torch", "reference"), *(timed(name) for name in request.subjects)])

    monkeypatch.setattr(bench_suite, "work", work)
    row = measure_row(TINY, 1, settings(), lambda text: None)
    assert asked == [("exact", "a", "b"), ("exact", "b"), ("b",)]
    assert [(subject.name, subject.kind, subject.status) for subject in row.subjects] == [
        ("torch", "reference", "timed"),
        ("exact", "slipstick", "failed"),
        ("a", "peer", "failed"),
        ("b", "peer", "timed"),
    ]
    assert row.subjects[2].detail == "time: died of SIGSEGV" and not row.failure


def test_a_graph_that_cannot_be_built_is_a_failed_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_suite, "work", lambda request, say: Outcome(failure="status 1", step="build"))
    row = measure_row(TINY, 1, settings(), lambda text: None)
    assert row.failure == "build: status 1" and row.subjects == ()


def test_where_memory_is_short_each_subject_has_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def work(request: Request, say: Callable[[str], None]) -> Outcome:
        asked.append(request.subjects)
        return Outcome([timed("torch", "reference"), *(timed(name) for name in request.subjects)])

    monkeypatch.setattr(bench_suite, "work", work)
    monkeypatch.setattr(bench_suite, "_available_bytes", lambda: 4 * TINY.bytes)
    measure_row(TINY, 1, settings(), lambda text: None)
    assert asked == [("exact",), ("a",), ("b",)]


def test_a_step_that_takes_too_long_ends_the_worker() -> None:
    reader, writer = os.pipe()
    os.write(writer, b'{"found": {"name": "torch"}}\n{"begin": "prepare", "subject": "a", "limit": 0.05}\n')
    said: list[str] = []
    outcome = bench_process._follow(reader, said.append)
    os.close(reader)
    os.close(writer)
    assert outcome.found == [{"name": "torch"}] and said == ["prepare a"]
    assert (outcome.step, outcome.subject, outcome.failure) == ("prepare", "a", "took longer than 0 s")


def test_a_worker_for_an_unknown_graph_says_why() -> None:
    request = Request("no-such-graph", 1, (), False, (), 1, 1.0, 1.0)
    outcome = bench_process.work(request, lambda text: None)
    assert outcome.step == "build" and "ArgumentError: graph: expected one that `list` shows" in outcome.failure


def test_workers_that_fail_or_take_too_long() -> None:
    with pytest.raises(
        SlipstickError, match=r"bench_compile_worker own no-such-graph: ended with status 1.*ArgumentError"
    ):
        ask("bench_compile_worker", "own", "no-such-graph", "1", "/nowhere", limit=300)
    with pytest.raises(SlipstickError, match="took longer than 0 s"):
        ask("bench_compile_worker", "own", "gelu-128x3072", "1", "/nowhere", limit=0.01)


def test_turns() -> None:
    calls: list[str] = []
    entered: list[str] = []

    @contextlib.contextmanager
    def around(name: str) -> Iterator[None]:
        entered.append(name)
        yield

    subjects = {name: Subject(lambda name=name: calls.append(name), lambda name=name: around(name)) for name in "ab"}  # type: ignore[misc]
    found = time_in_turns(subjects, 6, budget=0.0)
    assert set(found) == {"a", "b"}
    assert found["a"].timing.repeats == LEAST_ROUNDS, "the budget is spent at once"
    assert found["a"].calls > 1, "a turn of a quick call is many calls"
    assert found["a"].timing.low <= found["a"].timing.median <= found["a"].timing.high
    assert entered == ["a", "b", "a", "b", "b", "a", "a", "b", "b", "a", "a", "b"]
    assert calls.count("b") == 3 + LEAST_ROUNDS * (found["b"].calls + 1)


def test_memory_of_a_small_graph(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench_memory_worker, "graph", lambda name: TINY)
    threads, file = torch.get_num_threads(), tmp_path / "weights.safetensors"
    assert bench_memory_worker.save("tiny", file)["bytes"] == file.stat().st_size
    for mode in ("file", "dropped", "kept", "torch"):
        measured = bench_memory_worker.measure(mode, "tiny", threads, file if mode == "file" else None)
        assert measured["weights"] == 4 * (8 * 4 + 4)
        assert measured["running"] > 0 and 0 < measured["before"] <= measured["building"]


def test_a_mode_that_dies_leaves_the_others_their_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Workers of the same command line, two of which die as the kernel kills for memory."""
    worker = tmp_path / "workers" / "mortal.py"
    worker.parent.mkdir()
    worker.write_text(
        "import json, os, signal, sys\n"
        "mode = sys.argv[1]\n"
        "if mode in ('save', 'kept'): os.kill(os.getpid(), signal.SIGKILL)\n"
        "print(json.dumps(dict.fromkeys(('weights', 'before', 'building', 'running'), 1 << 20)))\n"
    )
    monkeypatch.setattr(bench_process, "_PACKAGE", "workers")
    monkeypatch.setattr(bench_memory, "WORKER", "mortal")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    said: list[str] = []
    found = bench_memory.measure_memory("tiny", 1, 60.0, said.append)
    assert [result["mode"] for result in found] == ["file", "dropped", "kept", "torch"]
    assert [result.get("running") for result in found] == [None, 1 << 20, None, 1 << 20]
    rows = bench_memory.memory_rows(tuple(found))
    assert rows[0][1].startswith("weights from a file: ") and "save" in rows[0][1] and "SIGKILL" in rows[0][1]
    assert rows[1] == ["tiny", "torch module dropped", "1", "1", "1", "1", "0.00"]
    assert rows[2][1].startswith("torch module kept: ") and "SIGKILL" in rows[2][1]


def test_overhead() -> None:
    measured = measure_overhead(5)
    assert all(timing["median"] > 0 for timing in measured.values())
    assert overhead_line(measured).startswith("A call on four tensors")


@pytest.mark.parametrize("contender", PEERS, ids=lambda peer: peer.name)
@pytest.mark.parametrize("item", [pytest.param(TINY, marks=pytest.mark.exhaustive), CACHED], ids=lambda item: item.name)
def test_peers(contender: Contender, item: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = contender.missing()
    if missing is not None:
        pytest.skip(missing)
    results = found(run_worker(item, tmp_path, monkeypatch, subjects=(contender.name,)))
    assert results[contender.name]["status"] == "timed", results[contender.name]
    assert results[contender.name]["error"] <= item.tolerance
    assert results[contender.name]["settings"] and results[contender.name]["versions"]
