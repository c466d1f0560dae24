"""Memory of compiled code: large blocks are used again, by whoever asks first, and never by two at once."""

from __future__ import annotations

import ctypes
import resource
import threading
from collections.abc import Callable, Iterator

import pytest
import slipstick
import torch
from slipstick.compiler import allocator
from slipstick.compiler.codegen import support_address
from torch import nn

MIB = 1 << 20

allocate: Callable[[int], int] = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int64)(support_address(allocator.ALLOCATE))
free: Callable[[int], None] = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(support_address(allocator.FREE))
pooled: Callable[[], int] = ctypes.CFUNCTYPE(ctypes.c_int64)(support_address(allocator.POOLED_BYTES))


@pytest.fixture(autouse=True)
def empty_pool() -> Iterator[None]:
    """Take out what other code has left in the pool, and put it back."""
    taken = []
    for size in (allocator.SMALL << n for n in range(13)):  # up to what the pool holds
        before = pooled()
        block = allocate(size)
        while pooled() < before:
            taken.append(block)
            before, block = pooled(), allocate(size)
        free_fresh(block)
    assert pooled() == 0
    yield
    for block in taken:
        free(block)


def free_fresh(block: int) -> None:
    """Give a block back to malloc, not to the pool."""
    ctypes.c_int64.from_address(block - 16).value = 0
    libc_free = ctypes.CDLL(None).free
    libc_free.argtypes = [ctypes.c_void_p]
    libc_free(block - 16)


def test_a_freed_block_is_given_out_again_where_it_fits() -> None:
    block = allocate(4 * MIB)
    free(block)
    assert pooled() == 4 * MIB
    other = allocate(5 * MIB)  # too small
    tiny = allocate(MIB)  # more than twice as large
    assert block not in (other, tiny)
    assert allocate(3 * MIB) == block
    assert pooled() == 0
    for address in (block, other, tiny):
        free(address)


def test_small_blocks_and_null_do_not_enter_the_pool() -> None:
    free(allocate(allocator.SMALL - 1))
    free(0)
    assert pooled() == 0
    assert allocate(100) % 16 == 0


def test_what_malloc_gave_is_freed_by_free() -> None:
    libc_malloc = ctypes.CDLL(None).malloc
    libc_malloc.restype, libc_malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    for size in (24, 4 * MIB):
        free(libc_malloc(size))
    assert pooled() == 0


def test_the_pool_is_bounded() -> None:
    blocks = [allocate(16 * MIB) for _ in range(20)]
    for block in blocks:
        free(block)
    assert pooled() == allocator.POOL_LIMIT
    many = [allocate(allocator.SMALL) for _ in range(100)]
    for block in [allocate(16 * MIB) for _ in range(16)]:
        free_fresh(block)
    for block in many:
        free(block)
    assert pooled() == allocator.POOL_BLOCKS * allocator.SMALL


def test_no_block_has_two_owners() -> None:
    """Threads write their number all over their blocks and find nothing else there before they free them."""
    wrong: list[int] = []

    def work(number: int) -> None:
        generator = torch.Generator().manual_seed(number)
        for size in torch.randint(1, 16, (300,), generator=generator).tolist():
            block = allocate(size * allocator.SMALL)
            words = (ctypes.c_int64 * (size * allocator.SMALL // 8)).from_address(block)
            for place in range(0, len(words), 512):
                words[place] = number
            if any(words[place] != number for place in range(0, len(words), 512)):
                wrong.append(number)
            free(block)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_compiled_module_takes_its_memory_from_the_pool() -> None:
    """After the first calls, pages are no longer made anew at each call."""
    layers = nn.Sequential(nn.Linear(512, 2048), nn.GELU(), nn.Linear(2048, 512)).eval()
    x = torch.randn(512, 512)
    compiled = slipstick.compile(layers, (x,), threads=1)
    for _ in range(3):
        compiled(x)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        compiled(x)
    # Two intermediates of 4 MiB are 2,048 pages of 4 KiB a call.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 10 * 1000
