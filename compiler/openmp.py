"""The OpenMP run time that compiled kernels call: libiomp5, out of the intel-openmp package."""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from ..errors import CodegenError

SPIN_MILLISECONDS = 1
"""How long a thread without work spins before it sleeps: longer than the gap between two kernels of one call.

The run time's default, 200 ms after each region, would starve torch's own threads between two calls.
"""


@cache
def library() -> ctypes.CDLL:
    """Return libiomp5, loaded once.

    Its symbols stay out of the process's global scope, so that torch's own OpenMP run time is not replaced under it.
    Raises `CodegenError` if the intel-openmp package is missing or broken.
    """
    path = _path()
    try:
        return ctypes.CDLL(str(path), mode=ctypes.RTLD_LOCAL)
    except OSError as error:
        raise CodegenError(f"cannot load the OpenMP run time {path}: {error}") from error


def get_max_threads() -> int:
    """Return how many threads a parallel region that the calling thread enters may use."""
    return int(library().omp_get_max_threads())


def _path() -> Path:
    try:
        listed = files("intel-openmp") or []
    except PackageNotFoundError as error:
        raise CodegenError("the package intel-openmp, which holds the OpenMP run time, is not installed") from error
    for file in listed:
        if file.name == "libiomp5.so":
            return Path(str(file.locate())).resolve()
    raise CodegenError("the package intel-openmp holds no libiomp5.so for this platform")
