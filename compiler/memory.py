"""Memory between torch and native code: result buffers become torch tensors that own them, without a copy."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch.utils.dlpack import from_dlpack

from ..target import Target
from . import allocator, codegen

# The DLPack type codes and widths of what native code can return; 8-bit floats travel as bytes.
_CODES: dict[torch.dtype, tuple[int, int]] = {
    torch.int8: (0, 8),
    torch.int16: (0, 16),
    torch.int32: (0, 32),
    torch.int64: (0, 64),
    torch.uint8: (1, 8),
    torch.uint16: (1, 16),
    torch.uint32: (1, 32),
    torch.uint64: (1, 64),
    torch.float16: (2, 16),
    torch.float32: (2, 32),
    torch.float64: (2, 64),
    torch.bfloat16: (4, 16),
    torch.complex64: (5, 64),
    torch.complex128: (5, 128),
    torch.bool: (6, 8),
}
_CPU = 1

# Offsets in a DLManagedTensor (dlpack.h): manager_ctx, which holds what was allocated, stands at byte 48. Native code,
# so that a tensor may die on any thread, at any time, without Python.
_RELEASE = f"""
declare void @free(ptr)
declare void @{allocator.FREE}(ptr)
define void @slipstick_release(ptr %managed) {{
  %slot = getelementptr i8, ptr %managed, i64 48
  %memory = load ptr, ptr %slot
  call void @{allocator.FREE}(ptr %memory)
  call void @free(ptr %managed)
  ret void
}}
"""

_libc = ctypes.CDLL(None)
_malloc = _libc.malloc
_malloc.restype = ctypes.c_void_p
_malloc.argtypes = [ctypes.c_size_t]
_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype = ctypes.py_object
_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_NAME = b"dltensor"


def is_portable(dtype: torch.dtype) -> bool:
    """Tell whether tensors of that dtype are exchanged through DLPack as they are."""
    return dtype in _CODES


@dataclass(frozen=True)
class MemoryStatistics:
    """What the compiled modules of this process have asked for since it began: results, arenas, dynamic buffers."""

    hits: int
    """Requests that a block of the pool has served: no allocation."""
    misses: int
    """Requests that went to malloc."""
    allocated_bytes: int
    """Bytes that malloc was asked for."""
    pooled_bytes: int
    """Bytes of freed blocks that are kept now."""
    most_bytes: int
    """Bytes of blocks that were in use at one time, at most."""


def memory_statistics() -> MemoryStatistics:
    """Return the counts of this moment. Where `misses` does not grow, calls allocate no memory."""
    words = (ctypes.c_int64 * 5)()
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(codegen.support_address(allocator.STATISTICS))(words)
    return MemoryStatistics(*words)


def free(pointer: int) -> None:
    """Free what native code allocated."""
    _free()(pointer)


@cache
def _free() -> Callable[[int], None]:
    function: Callable[[int], None] = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(codegen.support_address(allocator.FREE))
    return function


class ResultWrapper:
    """Makes torch tensors of one dtype and rank out of memory that native code allocated."""

    def __init__(self, dtype: torch.dtype, rank: int):
        self._dtype = dtype
        self._carrier = dtype if dtype in _CODES else torch.uint8
        code, bits = _CODES[self._carrier]
        self._type = rank | code << 32 | bits << 40 | 1 << 48
        self._bytes = 64 + 8 * rank
        self._words = ctypes.c_int64 * (8 + rank)
        self._release = _release_address()

    def __call__(self, allocated: int, aligned: int, shape: Sequence[int]) -> torch.Tensor:
        """Return a contiguous tensor of `shape` at address `aligned`; the memory at `allocated` is freed with it."""
        if 0 in shape:
            free(allocated)
            return torch.empty(shape, dtype=self._dtype)
        managed = _malloc(self._bytes)
        if not managed:
            free(allocated)
            raise MemoryError
        words = [aligned, _CPU, self._type, managed + 64, 0, 0, allocated, self._release, *shape]
        self._words.from_address(managed)[:] = words
        tensor: torch.Tensor = from_dlpack(_capsule(managed, _NAME, None))
        return tensor if self._carrier is self._dtype else tensor.view(self._dtype)

    def copy(self, aligned: int, shape: Sequence[int]) -> torch.Tensor:
        """Return a tensor of `shape` with its own copy of the memory at `aligned`."""
        tensor = torch.empty(shape, dtype=self._dtype)
        ctypes.memmove(tensor.data_ptr(), aligned, tensor.nbytes)
        return tensor


@cache
def _release_address() -> int:
    loaded = codegen.load_object(codegen.compile_object(_RELEASE, Target.host()))
    # Tensors may outlive every Python object of this module, up to the end of the process: the code must, too.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(loaded))
    return loaded.address("slipstick_release")
