"""Entering a call on several threads from Python: `team_code`, loaded."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

from ..errors import ArgumentError
from . import codegen, openmp, team_code


def enter(threads: int) -> None:
    """Set how many threads the regions run with that the *calling* thread enters from now on; wake them if they sleep.

    OpenMP keeps this number for each host thread. Each thread of the team then has a CPU of its own, as far as there
    are so many that it may run on. Raises `ArgumentError` unless `threads` is 1 to 65535.
    """
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= 65535:
        raise ArgumentError(f"threads: expected an integer from 1 to 65535, found {threads!r}")
    function, table = _enter()
    function(table, threads)


@cache
def _enter() -> tuple[Callable[[Any, int], None], Any]:
    """Return the native function and the table of OpenMP's functions for it."""
    library = openmp.library()
    addresses = [ctypes.cast(getattr(library, name), ctypes.c_void_p).value for name in team_code.API]
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int32)(codegen.support_address(team_code.ENTER))
    return function, (ctypes.c_void_p * len(addresses))(*addresses)
