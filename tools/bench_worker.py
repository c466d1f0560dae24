"""The child process that measures one row: `python -m slipstick.tools.bench_worker DESCRIPTOR`, a request on its input.

It writes one JSON object a line to the descriptor: what it begins, with the seconds that may take, and what it found.
A crash or a hang of a subject ends this process only; the parent knows from the last line which subject it was.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..datasets.counting import count
from ..datasets.graphs import graph
from .bench_check_judge import judged
from .bench_peers import PEERS
from .bench_request import Request
from .bench_subjects import REFERENCE, Contender, Prepared, own_contenders, reference
from .bench_timing import Subject, time_in_turns
from .bench_turn_limits import TurnLimits
from .bench_workload import Workload, compare, first_line
from .opt_isolation import die_with


class Worker:
    """Measures one row, telling the parent of each step."""

    def __init__(self, request: Request, descriptor: int, folder: Path):
        self._request = request
        self._descriptor = descriptor
        self._folder = folder

    def run(self) -> None:
        """Build, prepare, check, time."""
        request = self._request
        self._begin("build", "")
        workload = Workload(graph(request.graph), request.threads, self._folder)
        size = workload.graph.bytes
        if size is None:
            counts = count(workload.form.module, workload.form.inputs)
            workload.form.reset()
            self._send({"counted": asdict(counts)})
            size = counts.bytes
        own = own_contenders(request.target, lmul=request.lmul, weights=request.weights, schedules=request.schedules)
        known = [reference(), *own, *PEERS]
        prepared: dict[str, tuple[Prepared, dict[str, Any]]] = {}
        for contender in known:
            if contender.name in request.subjects or contender.kind == "reference":
                found = self._prepare(contender, workload)
                if found is not None:
                    prepared[contender.name] = found
        subjects = {name: Subject(item.run, item.around) for name, (item, _) in prepared.items()}
        beside = TurnLimits(request.threads, size, request.target) if request.limits else None
        if beside is not None:
            subjects |= beside.subjects()
        turns = time_in_turns(
            subjects,
            request.rounds,
            budget=request.budget,
            threads=request.threads,
            before_turn=lambda name: self._begin("time", name),
        )
        seconds = turns[REFERENCE].timing.median
        limits = None if beside is None else asdict(beside.limits(turns))
        for name, (_, result) in prepared.items():
            timing = {"timing": asdict(turns[name].timing), "calls": turns[name].calls, "reference_seconds": seconds}
            self._found({**result, "status": "timed", **timing, "limits": limits})

    def _prepare(self, contender: Contender, workload: Workload) -> tuple[Prepared, dict[str, Any]] | None:
        """Make a subject ready and check it; tell the parent if it will not be timed."""
        result: dict[str, Any] = {
            "name": contender.name,
            "kind": contender.kind,
            "versions": contender.versions(),
            "arithmetic": contender.arithmetic,
        }
        missing = contender.missing()
        if missing is not None:
            self._found({**result, "status": "skipped", "detail": missing})
            return None
        self._begin("prepare", contender.name)
        start = time.perf_counter()
        try:
            prepared = contender.prepare(workload)
            result |= {"prepare_seconds": time.perf_counter() - start, "settings": prepared.settings}
            result |= {"phases": prepared.phases, "saved_bytes": prepared.saved_bytes}
            if prepared.same:
                self._found({**result, "status": "skipped", "detail": prepared.same})
                return None
            self._begin("check", contender.name)
            prepared.form.reset()
            with prepared.around():
                observed = prepared.form.observed(prepared.run())
        except Exception as error:
            self._found({**result, "status": "failed", "detail": first_line(error)})
            return None
        agreement = compare(observed, prepared.form.expected)
        distance, cosine, tolerance = agreement.error, agreement.cosine, workload.graph.tolerance
        if contender.least_cosine is None:
            judgement = judged(prepared.form, observed, tolerance)
            distance, right = judgement.error, judgement.right(tolerance)
            wanted = f"at most {tolerance:.0e} of the largest magnitude"
        else:
            right, wanted = cosine >= contender.least_cosine, f"cosine at least {contender.least_cosine}"
        result |= {"error": distance, "cosine": cosine}
        if not right:
            text = f"differs from torch by {distance:.1e}, cosine {cosine:.4f}; expected {wanted}"
            self._found({**result, "status": "wrong", "detail": text})
            return None
        return prepared, result

    def _begin(self, what: str, subject: str) -> None:
        self._send({"begin": what, "subject": subject, "limit": self._request.limit})

    def _found(self, result: dict[str, Any]) -> None:
        self._send({"found": result})

    def _send(self, event: dict[str, Any]) -> None:
        os.write(self._descriptor, json.dumps(event).encode() + b"\n")


def main() -> int:
    """Measure what the request on standard input asks for; return the exit status."""
    data = json.loads(sys.stdin.read())
    die_with(os.getppid())
    lists = {name: tuple(data[name]) for name in ("subjects", "weights", "schedules")}
    request = Request(**{**data, **lists})
    with tempfile.TemporaryDirectory(prefix="slipstick-bench-") as folder:
        Worker(request, int(sys.argv[1]), Path(folder)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
