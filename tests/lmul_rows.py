"""All pairs of an array of numbers: a compiled kernel against the oracle, row by row, one process for each core."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from lmul_kernels import Kernel
from lmul_oracle import Bits, Configuration, Layout, Row

BLOCK = 256  # rows that a process takes at a time
SHOWN = 5  # differences that are named


@dataclass(frozen=True)
class Square:
    """The products of every two numbers of `values`, an array of bit patterns; a row holds those with one number."""

    layout: Layout
    configuration: Configuration
    kernel: Kernel
    values: Bits

    def differences(self, rows: Iterable[int]) -> tuple[int, list[str]]:
        """Return in how many products of `values[row]` with every value kernel and oracle differ, and some of them."""
        count, examples = 0, []
        lanes = 256 // self.layout.width
        y = np.concatenate([self.values, np.full(-len(self.values) % lanes, self.values[0])])
        oracle, x = Row(self.layout, self.configuration, y), np.empty_like(y)
        for row in rows:
            x.fill(self.values[row])
            products, expected = self.kernel(x, y), oracle.multiply(int(x[0]))
            if not np.array_equal(products, expected):
                wrong = np.flatnonzero(products[: len(self.values)] != expected[: len(self.values)])
                count += len(wrong)
                examples += [
                    f"{x[0]:#x} * {y[i]:#x} = {products[i]:#x}, expected {expected[i]:#x}"
                    for i in wrong[: SHOWN - len(examples)]
                ]
        return count, examples

    def all_differences(self) -> tuple[int, list[str]]:
        """Return the differences in all rows, which are shared among processes, one for each core."""
        starts = range(0, len(self.values), BLOCK)
        # Forked, because compiled code cannot be sent; nothing in these processes uses threads.
        context = multiprocessing.get_context("fork")
        with context.Pool(len(os.sched_getaffinity(0)), _remember, (self,)) as pool:
            counts, examples = zip(*pool.imap_unordered(_block, starts), strict=True)
        return sum(counts), [example for few in examples for example in few][:SHOWN]


_square: Square


def _remember(square: Square) -> None:
    global _square
    _square = square


def _block(start: int) -> tuple[int, list[str]]:
    return _square.differences(range(start, min(start + BLOCK, len(_square.values))))
