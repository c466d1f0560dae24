"""The child process that compiles once: `own GRAPH THREADS CACHE`, `layers COUNT THREADS CACHE` or
`inductor GRAPH THREADS CACHE MODE`. It prints one line of JSON: seconds in all, of each phase, and what the cache held.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import torch

from ..compiler.api import compile as compile_graph
from ..datasets.graphs import graph
from ..datasets.graphs_models import encoder
from ..datasets.transformer_sizes import OPT_125M
from .opt_isolation import die_with
from .output import quiet


def _own(name: str, threads: int, cache: str) -> dict[str, Any]:
    module, inputs = graph(name).build()
    return _compile(module, inputs, threads, cache)


def _layers(count: int, threads: int, cache: str) -> dict[str, Any]:
    sizes = dataclasses.replace(OPT_125M, layers=count)
    module, inputs = encoder("opt", "OPT", sizes, 1, 128).build()
    return _compile(module, inputs, threads, cache)


def _compile(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], threads: int, cache: str) -> dict[str, Any]:
    start = time.perf_counter()
    compiled = compile_graph(module, inputs, threads=threads, cache_dir=cache)
    seconds = time.perf_counter() - start
    return {"all": seconds, "phases": dict(compiled.timings), "from_cache": compiled.from_cache}


def _inductor(name: str, threads: int, cache: str, mode: str) -> dict[str, Any]:
    # Read when its modules are first imported.
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
    torch.set_num_threads(threads)
    module, inputs = graph(name).build()
    options: dict[str, Any] = {"max_autotune": True, "freezing": True} if mode == "max-autotune" else {}
    with quiet(), torch.no_grad():
        start = time.perf_counter()
        torch.compile(module, dynamic=False, fullgraph=True, options=options)(*inputs)
        return {"all": time.perf_counter() - start}


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; return the exit status."""
    kind, what, threads, cache, *rest = arguments
    die_with(os.getppid())
    if kind == "inductor":
        found = _inductor(what, int(threads), cache, rest[0])
    elif kind == "layers":
        found = _layers(int(what), int(threads), cache)
    else:
        found = _own(what, int(threads), cache)
    sys.stdout.write("\n" + json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
