"""How long compilation takes: cold, and in a second process that finds the code in the cache."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from ..compiler.api import compile as compile_graph
from ..errors import SlipstickError
from .bench_models import build_model
from .progress import Steps

_SECOND_PROCESS = """
import json, sys, time
import slipstick, torch
source, cache, threads = sys.argv[1:]
start = time.perf_counter()
compiled = slipstick.compile(source, cache_dir=cache, threads=int(threads))
print(json.dumps({"seconds": time.perf_counter() - start, "from_cache": compiled.from_cache}))
"""


def measure_compilation(name: str, threads: int, steps: Steps) -> dict[str, Any]:
    """Return the seconds of each phase of compiling a model into an empty cache, and of a second process's compile.

    The second process is given the text of the stage "linalg", as it would come from torch-mlir; its seconds are those
    of `slipstick.compile` alone, without starting Python. Raises SlipstickError where it does not find the code.
    """
    with tempfile.TemporaryDirectory() as folder:
        cache, source = Path(folder, "cache"), Path(folder, "model.mlir")
        with steps.step(f"{name}: build"):
            module, inputs, what = build_model(name)
        with steps.step(f"{name}: compile into an empty cache"):
            compiled = compile_graph(module, inputs, threads=threads, cache_dir=cache)
        text = compiled.stage("linalg")
        source.write_text(text)
        with steps.step(f"{name}: compile in a second process"):
            command: list[str] = [sys.executable, "-c", _SECOND_PROCESS, str(source), str(cache), str(threads)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            raise SlipstickError(f"{name}: the second process failed: {done.stderr.strip().splitlines()[-1:]}")
        second = json.loads(done.stdout)
        if not second["from_cache"]:
            raise SlipstickError(f"{name}: the second process did not find the code in the cache")
    return {
        "what": what,
        "phases": dict(compiled.timings),
        "second_process_seconds": second["seconds"],
        "linalg_bytes": len(text),
    }


def compilation_table(results: dict[str, Any]) -> Table:
    """Return the figures as a table, times in seconds."""
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("model", "export", "import", "lower", "codegen", "load", "second process", "linalg, kB"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for name, result in results.items():
        phases = [
            f"{result['phases'].get(phase, 0.0):.2f}" for phase in ("export", "import", "lower", "codegen", "load")
        ]
        size = f"{result['linalg_bytes'] / 1e3:.0f}"
        table.add_row(name, *phases, f"{result['second_process_seconds']:.2f}", size)
    return table
