"""What the machine can do at most, measured: multiply-adds, L-Mul steps, and reading, on some threads.

The loops are made by the compiler's own code generator (`bench_limit_kernels.py`). Each figure is the best of some
rounds: a limit is what was reached once, not what is usual.
"""

from __future__ import annotations

import ctypes
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..compiler.codegen import compile_object, load_object
from ..target import KIB, MIB, Target
from .bench_limit_kernels import limit_kernels

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


def measure_limits(
    threads: int,
    *,
    iterations: int = _ARITHMETIC_ITERATIONS,
    sizes: Sequence[int] | None = None,
    read_at_least: int = _READ_AT_LEAST,
    rounds: int = ROUNDS,
    advance: Callable[[], None] = lambda: None,
) -> Limits:
    """Measure the limits of this machine on `threads` threads; about a second for each size of buffer.

    `iterations` is the length of the arithmetic loops; `sizes` are those of the buffers, in bytes. `advance` is called
    after each of the two kinds of arithmetic and each size. Raises `CodegenError` where no code can be made.
    """
    target = Target.host()
    kernels = limit_kernels(target)
    loaded = load_object(compile_object(kernels.ir, target))
    signature = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)
    rates = []
    for name, operand in (("fma", np.full(kernels.lanes, 0.5, np.float32)), ("lmul", _halving(kernels.lanes))):
        # sum = sum * 1/2 + 1: finite for ever.
        data = [
            _aligned(operand.view(np.float32), np.ones(2 * kernels.lanes, np.float32), kernels.lanes * 4)
            for _ in range(threads)
        ]
        pointers = [block.ctypes.data for block in data]
        seconds = _best(signature(loaded.address(name)), pointers, iterations, 1, rounds)
        rates.append(threads * iterations * kernels.flops_an_iteration / seconds / 1e9)
        advance()
    bandwidths = []
    read = signature(loaded.address("read"))
    for size in sizes or read_sizes(target, threads):
        count = max(1, size // threads // kernels.bytes_an_iteration)
        share = count * kernels.bytes_an_iteration
        data = [_buffer(share + kernels.lanes * 4) for _ in range(threads)]
        repeats = max(1, read_at_least // (share * threads))
        seconds = _best(read, [block.ctypes.data for block in data], count, repeats, rounds)
        bandwidths.append((share * threads, threads * share * repeats / seconds / 1e9))
        advance()
    return Limits(threads, rates[0], rates[1], tuple(bandwidths))


def read_sizes(target: Target, threads: int) -> tuple[int, ...]:
    """Return the sizes of the buffers to read: from half of the L2 caches of `threads` cores to far beyond L3."""
    first = max(64 * KIB, target.l2_bytes // 2) * threads
    last = min(_LARGEST_BUFFER, max(256 * MIB, 4 * target.l3_bytes))
    steps = max(2, round(math.log(last / first, 4)) + 1)
    return tuple(round(first * (last / first) ** (step / (steps - 1))) for step in range(steps))


def describe_limits() -> str:
    """Say how the limits are measured, in a few sentences."""
    target = Target.host()
    kernels = limit_kernels(target)
    return (
        f"FMA: {kernels.accumulators} independent chains of vector<{kernels.lanes}xf32> multiply-adds, one instruction "
        "each. L-Mul: the same chains of an integer addition and a float addition. Reading: each thread loads a part "
        f"of its own of a buffer, {kernels.lanes * 4} bytes at a time, again and again. The best of {ROUNDS} rounds. "
        "A row's limit is the larger of its operations at the FMA (or L-Mul) rate and its bytes at the rate of reading "
        "a buffer of that size."
    )


def _best(
    function: Callable[[int, int], None], pointers: Sequence[int], count: int, repeats: int, rounds: int
) -> float:
    """Return the seconds of the fastest round: a thread for each pointer calls `function(count, pointer)` `repeats`
    times. A round lasts from the first thread's start to the last one's end; calls run without the GIL.
    """
    barrier = threading.Barrier(len(pointers))
    spans: list[list[tuple[float, float]]] = [[] for _ in range(rounds)]

    def work(pointer: int) -> None:
        function(min(count, 1024), pointer)
        for round_spans in spans:
            barrier.wait()
            start = time.perf_counter()
            for _ in range(repeats):
                function(count, pointer)
            round_spans.append((start, time.perf_counter()))

    threads = [threading.Thread(target=work, args=(pointer,)) for pointer in pointers[1:]]
    for thread in threads:
        thread.start()
    work(pointers[0])
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
