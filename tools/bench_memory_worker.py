"""The child process whose memory is measured: `MODE GRAPH THREADS [FILE]`; it prints one line of JSON, all in bytes.

The modes are those of `bench_memory`, and "save", which writes a graph's weights and inputs to the file for "file".
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..compiler.api import compile as compile_graph
from ..compiler.checkpoint import CheckpointReader
from ..datasets.graphs import graph
from .opt_isolation import die_with

_CALLS = 3
_INPUT = "input."


def measure(mode: str, name: str, threads: int, file: Path | None = None) -> dict[str, int]:
    """Build the graph, compile it unless `mode` is "torch", drop the module if it is "dropped", and call it.

    In the mode "file" the torch module has no memory of its own: the weights are read from the safetensors file.
    """
    torch.set_num_threads(threads)
    # What the first compilation loads belongs to the libraries.
    compile_graph(torch.nn.Linear(4, 4), (torch.ones(1, 4),), threads=threads)
    gc.collect()
    before = _status("VmRSS")
    module, inputs = graph(name).build() if file is None else _without_memory(name, file)
    tensors = {tensor.data_ptr(): tensor for tensor in [*module.parameters(), *module.buffers()]}
    weights = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    run: Any = module
    if mode != "torch":
        run = compile_graph(module, inputs, threads=threads)
        if file is not None:
            run.load(file)
        elif mode == "dropped":
            run.freeze()
        if mode in ("dropped", "file"):
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


def save(name: str, file: Path) -> dict[str, int]:
    """Write the weights and inputs of a graph; return their bytes."""
    from safetensors.torch import save_file

    module, inputs = graph(name).build()
    tensors = {key: tensor.detach().clone() for key, tensor in module.named_parameters()}
    tensors |= {key: tensor.clone() for key, tensor in module.named_buffers()}
    tensors |= {f"{_INPUT}{number}": tensor.clone() for number, tensor in enumerate(inputs)}
    save_file(tensors, file)
    return {"bytes": file.stat().st_size}


def _without_memory(name: str, file: Path) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return a graph's module, its parameters never written to and so not in memory, and the inputs in the file."""
    with torch.device("meta"):
        module, inputs = graph(name).build()
    module = module.to_empty(device="cpu")
    for part in module.modules():
        tie = getattr(part, "tie_weights", None)
        if callable(tie):
            tie()
    with CheckpointReader(file) as saved:
        return module, tuple(saved.read(f"{_INPUT}{n}", tensor.dtype) for n, tensor in enumerate(inputs))


def _status(field: str) -> int:
    """Return a field of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no field {field}")


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; return the exit status."""
    mode, name, threads, *rest = arguments
    die_with(os.getppid())
    file = Path(rest[0]) if rest else None
    if mode == "save":
        assert file is not None
        found = save(name, file)
    else:
        found = measure(mode, name, int(threads), file)
    sys.stdout.write("\n" + json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
