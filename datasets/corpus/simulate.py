"""What `llvm-mca` says of functions' hottest loops: cycles an iteration, instructions a cycle, the busiest unit."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ...target import Target
from .assembly import inner_loops

ITERATIONS = 50
_TIMEOUT_S = 120.0
_NAMES = ("llvm-mca-22", "llvm-mca")
_LABEL = re.compile(r"\.?L?BB\d+_\d+")


@dataclass(frozen=True)
class SimulatedLabels:
    """Of the loop without loops inside it that has most vector instructions."""

    cycles: float
    """Cycles of one turn of the loop, everything in the first-level cache."""
    ipc: float
    """Instructions a cycle."""
    utilisation: float
    """The share of cycles in which the unit (execution port) that is used most is in use, 0 to 1."""


@cache
def simulator() -> tuple[str, str] | None:
    """Return the path and the version of `llvm-mca`, None where there is none of LLVM 22 (Debian: llvm-22)."""
    for name in _NAMES:
        path = shutil.which(name)
        if path is not None:
            text = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
            version = re.search(r"LLVM version (22\.[\d.]+)", text)
            if version is not None:
                return path, version[1]
    return None


def simulate(functions: Sequence[str], target: Target) -> list[SimulatedLabels | None]:
    """Simulate the hottest loop of each function's assembly, all by one process.

    None stands for a function without a loop, or with one that the simulator refuses, and for all without simulator.
    """
    loops = [hottest_loop(function, target.architecture) for function in functions]
    known = [number for number, loop in enumerate(loops) if loop is not None]
    answers: list[SimulatedLabels | None] = [None] * len(functions)
    if simulator() is None or not known:
        return answers
    for number, answer in zip(known, _run([loops[number] or "" for number in known], target), strict=True):
        answers[number] = answer
    return answers


def hottest_loop(function: str, architecture: str) -> str | None:
    """Return the instructions of the innermost loop with most vector instructions, one a line; None without loop."""
    loops = inner_loops(function)
    if not loops:
        return None
    hottest = max(loops, key=lambda loop: (loop.vector_instructions(architecture), len(loop.lines)))
    return "\n".join(_LABEL.sub("0", line) if architecture == "aarch64" else line for line in hottest.lines)


def _run(loops: Sequence[str], target: Target) -> list[SimulatedLabels | None]:
    found = simulator()
    assert found is not None
    mark = "//" if target.architecture == "aarch64" else "#"
    text = "".join(
        f"{mark} LLVM-MCA-BEGIN loop{number}\n{loop}\n{mark} LLVM-MCA-END\n" for number, loop in enumerate(loops)
    )
    command = [found[0], f"-mtriple={target.triple}", f"-mcpu={target.cpu}", f"-iterations={ITERATIONS}", "--json"]
    command += ["-all-views=false", "-summary-view", "-resource-pressure"]
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
        regions = {region["Name"]: region for region in json.loads(done.stdout)["CodeRegions"]}
        return [_labels(regions[f"loop{number}"]) for number in range(len(loops))]
    except (subprocess.TimeoutExpired, ValueError, LookupError):
        # One loop that is refused spoils the answer for all.
        return [None] if len(loops) == 1 else [answer for loop in loops for answer in _run([loop], target)]


def _labels(region: Any) -> SimulatedLabels:
    cycles = region["SummaryView"]["TotalCycles"] / ITERATIONS
    pressure = region["ResourcePressureView"]["ResourcePressureInfo"]
    totals = [entry["ResourceUsage"] for entry in pressure if entry["InstructionIndex"] == len(region["Instructions"])]
    busiest = max(totals, default=0.0)
    return SimulatedLabels(cycles, region["SummaryView"]["IPC"], min(1.0, busiest / cycles if cycles else 0.0))
