"""How long compilation takes: cold, again in a second process, beside inductor's; and of 2 layers against 24.

Each figure comes from a process of its own, with a cache folder that is empty or was filled by the one before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

from rich import box
from rich.table import Table

from ..errors import SlipstickError
from .bench_process import ask

WORKER = "bench_compile_worker"
PHASES = ("export", "import", "lower", "codegen", "load")
LAYERS = (2, 24)
HEADINGS = ("graph", "threads", *PHASES, "own, cold", "own, again", "inductor", "max-autotune")
NOTE = (
    "Seconds, each figure from a new process. Own: lowering, code generation and loading, without torch.export and the "
    "import; again: with the code in the cache. Inductor: torch.compile and the first call, its cache empty, with its "
    "defaults, and with the settings that are timed."
)


def measure_compilation(name: str, threads: int, limit: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Return the seconds that compiling a graph takes.

    "phases": of `slipstick.compile` into an empty cache; "second_process_phases": of the same call with the code in the
    cache; "all" and "second_process": the whole calls; "inductor", "inductor_max_autotune": of torch.compile and the
    first call, into an empty cache, or why not.
    """
    found: dict[str, Any] = {"graph": name, "threads": threads}
    with tempfile.TemporaryDirectory(prefix="slipstick-bench-") as folder:
        say("cold")
        cold = ask(WORKER, "own", name, str(threads), folder, limit=limit)
        say("second process")
        second = ask(WORKER, "own", name, str(threads), folder, limit=limit)
        if not second["from_cache"]:
            raise SlipstickError(f"{name}: the second process did not find the code in the cache")
    found |= {"phases": cold["phases"], "all": cold["all"], "second_process": second["all"]}
    found |= {"second_process_phases": second["phases"]}
    for key, mode in (("inductor", "default"), ("inductor_max_autotune", "max-autotune")):
        say(key.replace("_", " "))
        with tempfile.TemporaryDirectory(prefix="slipstick-bench-") as folder:
            try:
                answer = ask(WORKER, "inductor", name, str(threads), folder, mode, limit=limit)
                found[key] = answer["all"]
            except SlipstickError as error:
                found[key] = str(error)
    return found


def measure_layers(threads: int, limit: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Return the seconds of lowering and code generation of OPT (width 768, 1 x 128) with few and with many layers."""
    found: dict[str, Any] = {"what": "OPT of width 768, 1 x 128 tokens to hidden states", "threads": threads}
    seconds = []
    for layers in LAYERS:
        say(f"{layers} layers")
        with tempfile.TemporaryDirectory(prefix="slipstick-bench-") as folder:
            answer = ask(WORKER, "layers", str(layers), str(threads), folder, limit=limit)
        found[f"phases_{layers}"] = answer["phases"]
        seconds.append(own_seconds(answer["phases"]))
    found["seconds"] = dict(zip(map(str, LAYERS), seconds, strict=True))
    found["ratio"] = seconds[1] / seconds[0]
    return found


def own_seconds(phases: dict[str, float]) -> float:
    """Return the seconds that are slipstick's own: all but torch.export and the import through torch-mlir."""
    return sum(seconds for phase, seconds in phases.items() if phase not in ("export", "import"))


def compilation_table(found: tuple[dict[str, Any], ...]) -> Table:
    """Return the figures as a table, times in seconds."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading == "graph" else "right", no_wrap=True)
    for line in compilation_rows(found):
        table.add_row(*line)
    return table


def compilation_rows(found: tuple[dict[str, Any], ...]) -> list[list[str]]:
    """Return the cells of the table, a list a graph."""
    rows = []
    for result in found:
        if "failure" in result:
            rows.append([result["graph"], str(result["threads"]), f"failed: {result['failure']}"])
            continue
        phases = [f"{result['phases'].get(phase, 0.0):.2f}" for phase in PHASES]
        theirs = [result[key] for key in ("inductor", "inductor_max_autotune")]
        rows.append(
            [
                result["graph"],
                str(result["threads"]),
                *phases,
                f"{own_seconds(result['phases']):.2f}",
                f"{own_seconds(result['second_process_phases']):.2f}",
                *(f"{value:.1f}" if isinstance(value, float) else "failed" for value in theirs),
            ]
        )
    return rows


def layers_line(found: dict[str, Any]) -> str:
    """Say what more layers cost."""
    few, many = (f"{found['seconds'][str(layers)]:.2f} s" for layers in LAYERS)
    return (
        f"{found['what']}: lowering, code generation and loading take {few} for {LAYERS[0]} layers, {many} for "
        f"{LAYERS[1]}: {found['ratio']:.2f}x (asked for: at most 1.5x)."
    )
