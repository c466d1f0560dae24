"""What compiling again and again leaves behind: resident memory and open files over thousands of compilations.

`make fuzz ARGS="leaks --cases 10000 --way cached"`; ways: "cached" takes code from the cache, "fresh" makes it anew,
 "torch" exports a torch module too, "call" only calls. Each compiled module is called once and dropped.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import slipstick
import torch

from .process import new_folder

PAGE = os.sysconf("SC_PAGE_SIZE")
WAYS = ("cached", "fresh", "torch", "call")


@dataclass(frozen=True)
class Sample:
    """What the process holds after `count` compilations."""

    count: int
    bytes: int
    files: int

    def __str__(self) -> str:
        return f"{self.count:6} compilations  {self.bytes / 1e6:8.1f} MB  {self.files} files"


def now(count: int) -> Sample:
    """Return a sample of this process; garbage is collected before."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Sample(count, pages * PAGE, len(list(Path("/proc/self/fd").iterdir())) - 1)


def text_of(number: int) -> str:
    """Return a small module, another one for each number."""
    return f"""
    func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {{
      %c = arith.constant {number}.5 : f32
      %init = tensor.empty() : tensor<4x8xf32>
      %r = linalg.generic {{indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
        iterator_types = ["parallel", "parallel"]}} ins(%x : tensor<4x8xf32>) outs(%init : tensor<4x8xf32>) {{
      ^bb0(%a: f32, %b: f32):
        %s = arith.addf %a, %c : f32
        linalg.yield %s : f32
      }} -> tensor<4x8xf32>
      return %r : tensor<4x8xf32>
    }}"""


def work(way: str, cache: str) -> Callable[[int], None]:
    """Return what is done for each number."""
    x = torch.ones(4, 8)
    if way == "torch":
        module = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.GELU()).eval()
        return lambda number: _call(slipstick.compile(module, (x,), cache_dir=cache, threads=1), x)
    if way == "call":
        kept = slipstick.compile(text_of(0), cache_dir=cache, threads=1)
        return lambda number: _call(kept, x)
    fresh = way == "fresh"
    return lambda number: _call(slipstick.compile(text_of(number * fresh), cache_dir=cache, threads=1), x)


def _call(native: slipstick.CompiledModule, x: torch.Tensor) -> None:
    native(x)


def curve(way: str, cases: int, samples: int, cache: str) -> list[Sample]:
    """Return samples over so many compilations; print each."""
    do = work(way, cache)
    found = [now(0)]
    print(found[0], flush=True)
    step = max(1, cases // samples)
    for number in range(1, cases + 1):
        do(number)
        if number % step == 0:
            found.append(now(number))
            print(found[-1], flush=True)
            if way == "fresh":
                shutil.rmtree(cache, ignore_errors=True)
    return found


def growth(samples: list[Sample], warm: float = 0.1) -> float:
    """Return by what part of itself resident memory has grown since the first `warm` of the samples."""
    first = samples[max(1, int(len(samples) * warm))]
    return samples[-1].bytes / first.bytes - 1


def draw(samples: list[Sample], path: Path, title: str) -> None:
    """Write the curve as a picture."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3))
    axes.plot([s.count for s in samples], [s.bytes / 1e6 for s in samples])
    axes.set(xlabel="compilations", ylabel="resident memory (MB)", title=title, ylim=(0, None))
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, draw; return 1 where memory grew by 1 % or more, or files stayed open."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=10000, help="compilations")
    parser.add_argument("--way", choices=WAYS, default="cached")
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--picture", type=Path, help="file for the curve, e.g. leaks.svg")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    cache = new_folder()
    try:
        samples = curve(options.way, options.cases, options.samples, cache)
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    grown, files = growth(samples), samples[-1].files - samples[1].files
    print(f"{options.way}: resident memory {grown:+.2%} after the first tenth, files {files:+}")
    if options.picture:
        draw(samples, options.picture, f"{options.way}: {options.cases} compilations")
    return int(grown >= 0.01 or files > 0)


if __name__ == "__main__":
    raise SystemExit(main())
