"""Torch's composite operations, which a decomposition keeps or takes apart, are listed anew for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


@contextmanager
def listed_once() -> Iterator[None]:
    """Have a decomposition ask the dispatcher for composite operations once, and not for each namespace of operators.

    That takes a tenth of the time of a small graph's compilation, and none is registered meanwhile. Replaces a function
    of torch: needs the lock that exports hold.
    """
    from torch._export import utils

    original = utils._materialize_cpp_cia_ops
    utils._materialize_cpp_cia_ops = cache(original)
    try:
        yield
    finally:
        utils._materialize_cpp_cia_ops = original
