"""What `llvm-mca` says of a function's hottest loop: cycles an iteration, instructions a cycle, the busiest unit."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache

from ...target import Target
from .assembly import inner_loops

ITERATIONS = 50
_TIMEOUT_S = 60.0
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


def simulate(function: str, target: Target) -> SimulatedLabels | None:
    """Simulate the hottest loop of a function's assembly; None without simulator, loop or a model of the CPU."""
    found = simulator()
    loops = inner_loops(function)
    if found is None or not loops:
        return None
    hottest = max(loops, key=lambda loop: (loop.vector_instructions(target.architecture), len(loop.lines)))
    text = "\n".join(_LABEL.sub("0", line) if target.architecture == "aarch64" else line for line in hottest.lines)
    command = [found[0], f"-mtriple={target.triple}", f"-mcpu={target.cpu}", f"-iterations={ITERATIONS}", "--json"]
    command += ["-all-views=false", "-summary-view", "-resource-pressure"]
    try:
        done = subprocess.run(
            command, input=text + "\n", capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
        region = json.loads(done.stdout)["CodeRegions"][0]
    except (subprocess.TimeoutExpired, ValueError, LookupError):
        return None
    cycles = region["SummaryView"]["TotalCycles"] / ITERATIONS
    pressure = region["ResourcePressureView"]["ResourcePressureInfo"]
    totals = [entry["ResourceUsage"] for entry in pressure if entry["InstructionIndex"] == len(region["Instructions"])]
    busiest = max(totals, default=0.0)
    return SimulatedLabels(cycles, region["SummaryView"]["IPC"], min(1.0, busiest / cycles if cycles else 0.0))
