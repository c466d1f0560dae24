"""`slipstick-bench depth-change`: what it costs that a decode step runs at another depth than the one before.

Steps of a small model, whose weights and caches stay in the first caches, so that a step takes little time: its native
code is called as that of a large model is. Two orders of the same steps are compared, of which one changes depth rarely
and the other at every step; a third turn repeats the first, to show what the method cannot tell from nothing.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from statistics import median
from typing import Final

import torch
from rich.console import Console

from ..compiler.codegen import loaded_objects
from ..compiler.memory import memory_statistics
from ..compiler.options import SkipPaths
from ..datasets.generator import Generator
from ..errors import ArgumentError
from .bench_generate import load_model
from .flags import integer_flag
from .output import quiet
from .study_statistics import LEVEL, Median

_HALF: Final = 8
"""Steps of each of the two depths in a turn."""
_MORE_CHANGES: Final = 2 * _HALF - 2
"""Changes of depth, from one step to the next, that a turn with many has more than one with few (16 and 2)."""


@dataclass(frozen=True)
class DepthChange:
    """What changes between two depths cost."""

    depths: tuple[int, int]
    rounds: int
    step: float
    """Seconds of a step, the mean of both depths, in turns with few changes: the median."""
    change: Median
    """What a change adds to a step, in seconds."""
    nothing: Median
    """The same figure of two turns with equally few changes."""
    allocations: int
    """Requests of native code to malloc in all timed steps."""
    loaded: int
    """Pieces of native code that were loaded meanwhile, compiled or out of the cache."""
    page_faults: int
    """Pages of memory that the process got meanwhile."""

    @property
    def steps(self) -> int:
        """Timed steps."""
        return self.rounds * 3 * 2 * _HALF


def depth_change(program: str, argv: Sequence[str]) -> int:
    """Measure and print what the arguments ask for; return the exit status."""
    arguments = _parser(program).parse_args(argv)
    torch.set_num_threads(arguments.threads)
    with quiet():
        # Outside inference mode, where torch would not tell of writes to the weights.
        model = load_model(arguments.model)
    with quiet(), torch.inference_mode():
        generator = Generator(
            model,
            batch=arguments.batch,
            context=2 * _PROMPT,
            # Decode steps alone matter here.
            prompt=1,
            skip=SkipPaths(1),
            threads=arguments.threads,
        )
        prompt = torch.arange(_PROMPT) % generator.vocabulary
        generator.generate([prompt.tolist()] * arguments.batch, 2, eos=None)
        step = generator.step_at(_PROMPT)
        found = [measure(step, pair, arguments.rounds) for pair in _pairs(arguments.depths, generator)]
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(one) for one in found]) + "\n")
    else:
        _print(found, Console(highlight=False), arguments)
    return 0


_PROMPT: Final = 16


def measure(step: Callable[[int], object], depths: tuple[int, int], rounds: int) -> DepthChange:
    """Time rounds of three turns of the same steps, in every order of turns in turn; see the module."""
    one, other = depths
    few = (one,) * _HALF + (other,) * _HALF
    turns = (few, (one, other) * _HALF, few)
    # Made before anything is counted, like all that the loop below needs.
    seconds = [array("d", bytes(8 * rounds)) for _ in turns]
    orders = list(permutations(range(len(turns))))
    for warming in turns * 20:
        _time(step, warming)
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    before = (memory_statistics().misses, loaded_objects(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
    try:
        for number in range(rounds):
            for turn in orders[number % len(orders)]:
                seconds[turn][number] = _time(step, turns[turn])
    finally:
        if was_enabled:
            gc.enable()
    after = (memory_statistics().misses, loaded_objects(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
    first, many, again = seconds
    return DepthChange(
        depths,
        rounds,
        median(first) / len(few),
        Median.of([(b - a) / _MORE_CHANGES for a, b in zip(first, many, strict=True)]),
        Median.of([(b - a) / _MORE_CHANGES for a, b in zip(first, again, strict=True)]),
        *(late - early for early, late in zip(before, after, strict=True)),
    )


def _time(step: Callable[[int], object], turn: Sequence[int]) -> float:
    start = time.perf_counter()
    for depth in turn:
        step(depth)
    return time.perf_counter() - start


def _pairs(asked: Sequence[int] | None, generator: Generator) -> list[tuple[int, int]]:
    if asked is None:
        # Neighbours, as schedules change, and the two that are furthest apart.
        return list(dict.fromkeys([(2, 1), (generator.layers, 1)])) if generator.layers > 1 else [(1, 1)]
    for depth in asked:
        if depth not in generator.depths:
            raise ArgumentError(f"--depths: expected depths from 1 to {generator.layers}, found {depth}")
    return [(asked[0], asked[1])]


def _print(found: Sequence[DepthChange], console: Console, arguments: argparse.Namespace) -> None:
    for one in found:
        console.print(
            f"{arguments.model}, batch {arguments.batch}, depths {one.depths[0]} and {one.depths[1]}: a step takes "
            f"{one.step * 1e6:.1f} µs in the mean; a change of depth adds {_nanoseconds(one.change)}\n"
            f"  (the same figure without changes: {_nanoseconds(one.nothing)}; medians over {one.rounds:,} rounds, "
            f"intervals of {LEVEL * 100:.0f} %)\n"
            f"  in {one.steps:,} steps: {one.allocations} allocations, {one.loaded} pieces of code compiled or loaded, "
            f"{one.page_faults} page faults",
            soft_wrap=True,
        )


def _nanoseconds(one: Median) -> str:
    return f"{one.middle * 1e9:+.0f} ns [{one.low * 1e9:+.0f}, {one.high * 1e9:+.0f}]"


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("model", nargs="?", default="opt-tiny", metavar="MODEL", help="as of generate (default: %(default)s)")
    add("--depths", type=integer_flag(1, 10**4), nargs=2, metavar="N", help="(default: 2 1, and the deepest and 1)")
    add("--batch", type=integer_flag(1, 4096), default=1, metavar="N", help="rows (default: %(default)s)")
    add("--rounds", type=integer_flag(6, 10**7), default=3000, metavar="N", help="timed (default: %(default)s)")
    add("--threads", type=integer_flag(1, 1024), default=1, metavar="N", help="default: 1")
    add("--json", action="store_true", help="print the figures as JSON")
    return parser
