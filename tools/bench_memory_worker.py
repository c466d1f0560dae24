"""The child process whose memory is measured: `MODE GRAPH THREADS`; it prints one line of JSON, all in bytes."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from ..compiler.api import compile as compile_graph
from ..datasets.graphs import graph
from .opt_isolation import die_with

_CALLS = 3


def measure(mode: str, name: str, threads: int) -> dict[str, int]:
    """Build the graph, compile it unless `mode` is "torch", drop the module if it is "dropped", and call it."""
    torch.set_num_threads(threads)
    # What the first compilation loads belongs to the libraries.
    compile_graph(torch.nn.Linear(4, 4), (torch.ones(1, 4),), threads=threads)
    gc.collect()
    before = _status("VmRSS")
    module, inputs = graph(name).build()
    tensors = {tensor.data_ptr(): tensor for tensor in [*module.parameters(), *module.buffers()]}
    weights = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    run: Callable[..., Any] = module
    if mode != "torch":
        run = compile_graph(module, inputs, threads=threads)
        if mode == "dropped":
            del module
    del tensors
    with torch.inference_mode():
        run(*inputs)
        building = _status("VmHWM")
        gc.collect()
        # Give back what only building needed, then forget the peak.
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", "ascii")
        for _ in range(_CALLS):
            run(*inputs)
    return {"weights": weights, "before": before, "building": building, "running": _status("VmHWM")}


def _status(field: str) -> int:
    """Return a field of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no field {field}")


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; return the exit status."""
    mode, name, threads = arguments
    die_with(os.getppid())
    sys.stdout.write("\n" + json.dumps(measure(mode, name, int(threads))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
