"""What the machine can do at most, measured: multiply-adds, L-Mul steps, and reading, on some threads.

The loops are made by the compiler's own code generator (`bench_limit_kernels.py`). Each figure is the best of some
rounds: a limit is what was reached once, not what is usual.
"""

from __future__ import annotations

import ctypes
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiler.codegen import LoadedObject, compile_object, load_object
from ..target import KIB, MIB, Target
from .bench_limit_kernels import LimitKernels, limit_kernels

ROUNDS = 7
_ARITHMETIC_ITERATIONS = 1 << 18
_READ_AT_LEAST = 256 * MIB
"""Bytes that one round of reading goes through, the buffer again and again if it is smaller."""
_LARGEST_BUFFER = 2048 * MIB


@dataclass(frozen=True)
class Limits:
    """The limits of `threads` threads together."""

    threads: int
    fma_gflops: float
    """f32 fused multiply-adds, 10^9 operations a second, each counted as two."""
    lmul_gflops: float
    """L-Mul multiply-adds, counted alike: an integer addition on the bits, then a float addition."""
    read_gbs: tuple[tuple[int, float], ...]
    """Reading a buffer of so many bytes (all threads together) again and again: bytes, 10^9 bytes a second; ascending
    sizes, the first inside the L2 caches, the last several times the last-level cache."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Limits:
        """Return the limits that `dataclasses.asdict` made `data` of, also where that was JSON since."""
        return cls(**{**data, "read_gbs": tuple((size, rate) for size, rate in data["read_gbs"])})

    @property
    def cache_gbs(self) -> float:
        """Reading from L2."""
        return self.read_gbs[0][1]

    @property
    def memory_gbs(self) -> float:
        """Reading from memory."""
        return self.read_gbs[-1][1]

    def bandwidth(self, size: float) -> float:
        """Return the rate, in 10^9 bytes a second, of reading `size` bytes again and again, between measured sizes."""
        sizes = [math.log(max(1, found)) for found, _ in self.read_gbs]
        return float(np.interp(math.log(max(1.0, size)), sizes, [rate for _, rate in self.read_gbs]))

    def seconds(self, flops: float | None, size: float, *, lmul: bool = False) -> float:
        """Return the shortest time that `flops` operations and reading or writing `size` bytes can take (a roofline).

        `flops` `None` counts as none. `lmul`: the operations are L-Mul's.
        """
        arithmetic = (flops or 0) / ((self.lmul_gflops if lmul else self.fma_gflops) * 1e9)
        return max(arithmetic, size / (self.bandwidth(size) * 1e9))


@dataclass(frozen=True)
class Loop:
    """A compiled loop, `void (i64 count, ptr data)`, and the data of each of some threads."""

    function: Callable[[int, int], None]
    data: tuple[np.ndarray, ...]
    code: LoadedObject
    """What holds the function: it is freed with this."""
    count: int = 1
    """What it is called with where it reads its data once."""
    bytes: int = 0
    """What all threads together read then."""

    def run(self, count: int, repeats: int) -> None:
        """Call it `repeats` times on each thread; calls run without the GIL."""

        def work(data: np.ndarray) -> None:
            for _ in range(repeats):
                self.function(count, data.ctypes.data)

        threads = [threading.Thread(target=work, args=(data,)) for data in self.data[1:]]
        for thread in threads:
            thread.start()
        work(self.data[0])
        for thread in threads:
            thread.join()

    def runner(self, amount: int) -> Callable[[], None]:
        """Return a call of `amount` iterations or, where the loop reads, of so many times through its data."""
        count, repeats = (self.count, amount) if self.bytes else (amount, 1)
        return lambda: self.run(count, repeats)


class Loops:
    """The loops of one target, loaded."""

    def __init__(self, kernels: LimitKernels, loaded: LoadedObject):
        self.kernels = kernels
        self._loaded = loaded

    def arithmetic(self, name: str, threads: int) -> Loop:
        """Return the loop `fma` or `lmul`; the data are such that its sums stay finite: sum = sum / 2 + 1."""
        lanes = self.kernels.lanes
        operand = np.full(lanes, 0.5, np.float32) if name == "fma" else _halving(lanes)
        ones = np.ones(2 * lanes, np.float32)
        data = tuple(_aligned(operand.view(np.float32), ones, lanes * 4) for _ in range(threads))
        return Loop(self._function(name), data, self._loaded)

    def reading(self, size: int, threads: int) -> Loop:
        """Return the loop `read` with a buffer of about `size` bytes, shared out among the threads."""
        count = max(1, size // threads // self.kernels.bytes_an_iteration)
        share = count * self.kernels.bytes_an_iteration
        data = tuple(_buffer(share + self.kernels.lanes * 4) for _ in range(threads))
        return Loop(self._function("read"), data, self._loaded, count, share * threads)

    def _function(self, name: str) -> Callable[[int, int], None]:
        return ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)(self._loaded.address(name))


def load_loops(target: str = "host") -> Loops:
    """Compile the loops for a CPU that this machine can run the code of, by the name that LLVM has for it.

    Raises `CodegenError` where no code can be made.
    """
    machine = Target.resolve(target)
    kernels = limit_kernels(machine)
    return Loops(kernels, load_object(compile_object(kernels.ir, machine)))


def measure_limits(
    threads: int,
    *,
    iterations: int = _ARITHMETIC_ITERATIONS,
    sizes: Sequence[int] | None = None,
    read_at_least: int = _READ_AT_LEAST,
    rounds: int = ROUNDS,
    target: str = "host",
    advance: Callable[[], None] = lambda: None,
) -> Limits:
    """Measure the limits of this machine on `threads` threads; about a second for each size of buffer.

    The instructions are those of the CPU `target`.
    `iterations` is the length of the arithmetic loops; `sizes` are those of the buffers, in bytes. `advance` is called
    after each of the two kinds of arithmetic and each size. Raises `CodegenError` where no code can be made.
    """
    loops = load_loops(target)
    rates = []
    for name in ("fma", "lmul"):
        seconds = _best(loops.arithmetic(name, threads), iterations, 1, rounds)
        rates.append(threads * iterations * loops.kernels.flops_an_iteration / seconds / 1e9)
        advance()
    bandwidths = []
    for size in sizes or read_sizes(Target.host(), threads):
        buffer = loops.reading(size, threads)
        repeats = max(1, read_at_least // buffer.bytes)
        seconds = _best(buffer, buffer.count, repeats, rounds)
        bandwidths.append((buffer.bytes, buffer.bytes * repeats / seconds / 1e9))
        advance()
    return Limits(threads, rates[0], rates[1], tuple(bandwidths))


def read_sizes(target: Target, threads: int) -> tuple[int, ...]:
    """Return the sizes of the buffers to read: from half of the L2 caches of `threads` cores to far beyond L3."""
    first = max(64 * KIB, target.l2_bytes // 2) * threads
    last = min(_LARGEST_BUFFER, max(256 * MIB, 4 * target.l3_bytes))
    steps = max(2, round(math.log(last / first, 4)) + 1)
    return tuple(round(first * (last / first) ** (step / (steps - 1))) for step in range(steps))


def describe_limits(target: str = "host") -> str:
    """Say how the limits are measured with the instructions of a CPU, in a few sentences."""
    kernels = limit_kernels(Target.resolve(target))
    return (
        f"FMA: {kernels.accumulators} independent chains of vector<{kernels.lanes}xf32> multiply-adds, one instruction "
        "each. L-Mul: the same chains of an integer addition and a float addition. Reading: each thread loads a part "
        f"of its own of a buffer, {kernels.lanes * 4} bytes at a time, again and again. Here, the best of {ROUNDS} "
        "rounds. The limits beside a row are measured again in turns with its subjects, medians like theirs, the "
        "buffer as large as what the row reads: at the speed and with the share of the caches that they had. A row's "
        "limit is the larger of its operations at the FMA (or L-Mul) rate and its bytes at the rate of reading."
    )


def _best(loop: Loop, count: int, repeats: int, rounds: int) -> float:
    """Return the seconds of the fastest round: each thread calls the loop `repeats` times with `count`.

    A round lasts from the first thread's start to the last one's end; calls run without the GIL.
    """
    barrier = threading.Barrier(len(loop.data))
    spans: list[list[tuple[float, float]]] = [[] for _ in range(rounds)]

    def work(data: np.ndarray) -> None:
        loop.function(min(count, 1024), data.ctypes.data)
        for round_spans in spans:
            barrier.wait()
            start = time.perf_counter()
            for _ in range(repeats):
                loop.function(count, data.ctypes.data)
            round_spans.append((start, time.perf_counter()))

    threads = [threading.Thread(target=work, args=(data,)) for data in loop.data[1:]]
    for thread in threads:
        thread.start()
    work(loop.data[0])
    for thread in threads:
        thread.join()
    return min(max(end for _, end in found) - min(start for start, _ in found) for found in spans)


def _halving(lanes: int) -> np.ndarray:
    """Return the integers whose addition to the bits of a float halves it: one less in the exponent."""
    return np.full(lanes, -(1 << 23), np.int32)


def _aligned(first: np.ndarray, rest: np.ndarray, alignment: int) -> np.ndarray:
    """Return the f32 numbers of both, one behind the other, at an aligned address."""
    block = _buffer((first.size + rest.size) * 4, alignment)
    block.view(np.float32)[:] = np.concatenate([first, rest])
    return block


def _buffer(size: int, alignment: int = 64) -> np.ndarray:
    """Return `size` aligned bytes, each written once, so that every page is there."""
    raw = np.ones(size + alignment, np.uint8)
    offset = -raw.ctypes.data % alignment
    return raw[offset : offset + size]
