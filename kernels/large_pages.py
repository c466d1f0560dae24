"""Memory for weights that are read from end to end at every call: on large pages, where the system has them."""

from __future__ import annotations

import contextlib
import math
import mmap
from collections.abc import Sequence
from typing import Final

import torch

LARGE_PAGE: Final = 2 << 20
"""The usual size, and the alignment; less is left to torch's allocator."""


def empty_on_large_pages(shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    """Return a contiguous tensor; its elements are zero or arbitrary.

    Prefetching by the hardware and the translation of addresses end at a page: on large ones weights come in a
    twentieth faster from the last-level cache. The system is asked only; where it refuses, pages are small. What does
    not fill a large page at the end lies on small ones, so that no more memory is taken than the tensor needs.
    """
    size = math.prod(shape) * dtype.itemsize
    if size < LARGE_PAGE or not hasattr(mmap, "MADV_HUGEPAGE"):
        return torch.empty(shape, dtype=dtype)
    # The system places a mapping at any small page; of one that is longer by a large page, a part is aligned.
    memory = mmap.mmap(-1, size + LARGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    start = -torch.frombuffer(memory, dtype=torch.uint8).data_ptr() % LARGE_PAGE
    with contextlib.suppress(OSError):
        memory.madvise(mmap.MADV_HUGEPAGE, start, size - size % LARGE_PAGE)
    return torch.frombuffer(memory, dtype=dtype, count=math.prod(shape), offset=start).view(*shape)
