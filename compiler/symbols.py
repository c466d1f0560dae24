"""Where compiled code finds the functions of libraries that it calls: libc, libm and the OpenMP run time."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from functools import cache

from ..errors import CodegenError
from . import openmp

_LINKER = frozenset({"_GLOBAL_OFFSET_TABLE_"})
"""Symbols that the linker itself makes."""


def resolve(names: Iterable[str]) -> dict[str, int]:
    """Return the addresses of symbols in this process; `CodegenError` lists those that are nowhere."""
    found = {name: _address(name) for name in names if name not in _LINKER}
    missing = sorted(name for name, address in found.items() if not address)
    if missing:
        raise CodegenError(f"compiled code needs symbols that no library defines: {', '.join(missing)}")
    return {name: address for name, address in found.items() if address}


def _address(name: str) -> int | None:
    if name.startswith(("__kmpc_", "kmp_", "omp_")):
        return _find(openmp.library(), name)
    for library in _system_libraries():
        address = _find(library, name)
        if address:
            return address
    return None


def _find(library: ctypes.CDLL, name: str) -> int | None:
    try:
        return ctypes.cast(getattr(library, name), ctypes.c_void_p).value
    except (AttributeError, ValueError):
        return None


@cache
def _system_libraries() -> tuple[ctypes.CDLL, ...]:
    """Return the C library, libm, LLVM's helpers for wide integers and long floats, and the process itself."""
    libraries: list[ctypes.CDLL] = []
    for name in ("libc.so.6", "libm.so.6", "libgcc_s.so.1", None):
        try:
            libraries.append(ctypes.CDLL(name, mode=ctypes.RTLD_LOCAL))
        except OSError:
            continue
    return tuple(libraries)
