"""Checks of graphs in forked processes: torch and its companions are imported once, a crash ends one graph only.

The processes are forked off a server of `multiprocessing` that has done nothing but import; importing is what a small
graph's check would otherwise mostly take.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from ..datasets.graphs import graph
from .opt_isolation import die_with

_PRELOADED: Final = [
    "torch",
    "torch.export",
    "torch_mlir.fx",
    "transformers",
    "peft",
    "slipstick.tools.bench_subjects",
    "slipstick.tools.bench_check_judge",
    # What the first export and compilation of a process would import.
    "torch.export._trace",
    "torch._functorch.aot_autograd",
    "slipstick.compiler.torch_graph",
    "slipstick.compiler.layers",
    "transformers.integrations.executorch",
    "transformers.models.opt.modeling_opt",
    "transformers.models.llama.modeling_llama",
]


class Checks:
    """Runs checks one after the other; `limit` is the seconds that one step of a check may take."""

    def __init__(self, threads: int, limit: float):
        self._threads = threads
        self._limit = limit
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(_PRELOADED)
        _start_server()

    def run(self, name: str, say: Callable[[str], None]) -> dict[str, Any]:
        """Check the graph of that name, telling `say` each step; return what was found and the seconds of each step.

        "cpu" is the seconds of CPU time that it took, "judgement" the fields of a `Judgement`; where the graph cannot
        be checked, "failure" says why instead.
        """
        reader, writer = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_check, args=(name, self._threads, writer), daemon=True)
        process.start()
        writer.close()
        step, seconds = "build", dict[str, float]()
        try:
            while True:
                begun = time.perf_counter()
                if not reader.poll(self._limit):
                    return {"failure": f"{step}: took longer than {self._limit:.0f} s", "seconds": seconds}
                try:
                    event = reader.recv()
                except EOFError:
                    process.join()
                    return {"failure": f"{step}: ended with status {process.exitcode}", "seconds": seconds}
                seconds[step] = time.perf_counter() - begun
                if isinstance(event, dict):
                    return {**event, "seconds": seconds}
                step = event
                say(step)
        finally:
            process.kill()
            process.join()
            reader.close()


def _start_server() -> None:
    """Start the server of forked processes so that it and its tracker of resources say nothing of their own."""
    before = os.environ.get("PYTHONWARNINGS")
    # It would tell of locks that imported packages made, and which are gone with the processes.
    os.environ["PYTHONWARNINGS"] = "ignore::UserWarning:multiprocessing.resource_tracker"
    try:
        resource_tracker.ensure_running()
    finally:
        del os.environ["PYTHONWARNINGS"]
        if before is not None:
            os.environ["PYTHONWARNINGS"] = before
    # The server inherits what is blocked: an interruption is for this process, which ends the others. Starting the
    # tracker, which the server needs, would end the blocking: hence it came first.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _check(name: str, threads: int, parent: Connection) -> None:
    """Check one graph in this process: send the names of steps as they begin, then what was found."""
    from .bench_check_judge import judged
    from .bench_subjects import own_contenders
    from .bench_workload import Workload, first_line

    die_with(os.getppid())
    with tempfile.TemporaryDirectory(prefix="slipstick-check-") as folder, Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
        try:
            found = graph(name)
            workload = Workload(found, threads, Path(folder))
            parent.send("compile")
            (own,) = own_contenders(lmul=False, weights=())
            prepared = own.prepare(workload)
            parent.send("run")
            prepared.form.reset()
            observed = prepared.form.observed(prepared.run())
            parent.send("compare")
            result: dict[str, Any] = {"judgement": asdict(judged(prepared.form, observed, found.tolerance))}
        except Exception as error:
            result = {"failure": first_line(error)}
        parent.send({**result, "cpu": time.process_time()})
