"""Memory of compiled code: large blocks are used again, by whoever asks first, and never by two at once."""

from __future__ import annotations

import ctypes
import resource
import threading
from collections.abc import Callable

import pytest
import slipstick
import torch
from slipstick.compiler import allocator
from slipstick.compiler.codegen import support_address
from torch import nn

MIB = 1 << 20

allocate: Callable[[int], int] = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int64)(support_address(allocator.ALLOCATE))
free: Callable[[int], None] = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(support_address(allocator.FREE))
release: Callable[[], None] = ctypes.CFUNCTYPE(None)(support_address(allocator.RELEASE))


def pooled() -> int:
    return slipstick.memory_statistics().pooled_bytes


def misses() -> int:
    return slipstick.memory_statistics().misses


@pytest.fixture(autouse=True)
def empty_pool() -> None:
    """Give back what other code has left in the pool."""
    release()
    assert pooled() == 0


@pytest.mark.parametrize("size", [1, 64, 65, 4096, 5 * MIB, 200 * MIB, allocator.POOL_LIMIT])
def test_a_freed_block_is_given_out_again(size: int) -> None:
    block = allocate(size)
    free(block)
    assert size <= pooled() <= max(64, size + size // 4)
    before = slipstick.memory_statistics()
    assert allocate(size) == block
    after = slipstick.memory_statistics()
    assert (after.hits, after.misses, after.pooled_bytes) == (before.hits + 1, before.misses, 0)
    free(block)


def test_blocks_hold_what_was_asked_for() -> None:
    """Each block of any size is ours to its last byte, and as large as its class says."""
    for size in [1, 63, 64, 65, 79, 80, 81, 127, 128, 129, 1000, 1023, 1025, 65535, 65537, 3 * MIB + 1]:
        block = allocate(size)
        assert block % 16 == 0
        assert size <= ctypes.c_int64.from_address(block - 8).value <= max(64, size + size // 4)
        ctypes.memset(block, 0xFF, size)
        free(block)
        assert allocate(size) == block
        free(block)


def test_a_block_serves_somewhat_smaller_requests() -> None:
    block = allocate(4 * MIB)
    free(block)
    larger, tiny = allocate(5 * MIB), allocate(MIB)
    assert block not in (larger, tiny)
    assert allocate(5 * MIB // 2) == block
    for address in (block, larger, tiny):
        free(address)


def test_null_and_what_malloc_gave() -> None:
    free(0)
    libc_malloc = ctypes.CDLL(None).malloc
    libc_malloc.restype, libc_malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    for size in (24, 4 * MIB):
        free(libc_malloc(size))
    assert pooled() == 0


def test_the_largest_blocks_are_not_kept() -> None:
    before = misses()
    free(allocate(allocator.LARGEST_KEPT + 1))
    assert pooled() == 0 and misses() == before + 1


def test_what_was_in_use_at_one_time_is_kept() -> None:
    """A call whose results and intermediates are larger than the pool finds all of them the next time."""
    sizes = [allocator.POOL_LIMIT - 32 * MIB, 64 * MIB]
    blocks = [allocate(size) for size in sizes]
    for block in blocks:
        free(block)
    assert pooled() >= sum(sizes)
    before = misses()
    assert [allocate(size) for size in sizes] == blocks
    assert misses() == before
    for block in blocks:
        free(block)


def test_large_blocks_are_aligned_for_large_pages() -> None:
    block = allocate(allocator.LARGE_BLOCK)
    assert (block - 16) % allocator.LARGE_PAGE == 0
    free(block)


def test_the_pool_is_bounded_and_makes_room() -> None:
    blocks = [allocate(16 * MIB) for _ in range(20)]
    bound = max(allocator.POOL_LIMIT, slipstick.memory_statistics().most_bytes * 5 // 4)
    for block in blocks:
        free(block)
    for _ in range(bound // (16 * MIB)):
        # Of sizes that pooled blocks do not serve: each finds the pool nearer to its bound.
        free(allocate(32 * MIB))
        free(allocate(8 * MIB))
    assert pooled() + 16 * MIB >= 16 * MIB * 20 and pooled() <= bound
    # What nothing asks for any more gives way to what is freed now.
    other = allocate(40 * MIB)
    free(other)
    assert pooled() <= bound
    assert allocate(40 * MIB) == other
    free(other)


def test_a_class_is_bounded() -> None:
    for block in [allocate(4096) for _ in range(100)]:
        free(block)
    assert pooled() == allocator.CLASS_BLOCKS * 4096


def test_no_block_has_two_owners() -> None:
    """Threads write their number all over their blocks and find nothing else there before they free them."""
    wrong: list[int] = []

    def work(number: int) -> None:
        generator = torch.Generator().manual_seed(number)
        for size in torch.randint(1, 16, (300,), generator=generator).tolist():
            block = allocate(size * (64 << 10))
            words = (ctypes.c_int64 * (size * (64 << 10) // 8)).from_address(block)
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


@pytest.mark.parametrize("dynamic", [False, True])
def test_calls_allocate_nothing_after_the_first(dynamic: bool) -> None:
    """No block comes from malloc and no page is made anew, whether sizes are known when compiling or not."""
    layers = nn.Sequential(nn.Linear(512, 2048), nn.GELU(), nn.LayerNorm(2048), nn.Linear(2048, 512)).eval()
    x = torch.randn(512, 512)
    shapes = {"input": {0: torch.export.Dim("rows", min=2, max=4096)}} if dynamic else None
    compiled = slipstick.compile(layers, (x,), dynamic_shapes=shapes)
    assert (compiled.workspace_bytes >= 4 * MIB) == (not dynamic)
    for _ in range(3):
        y = compiled(x)
    with torch.no_grad():
        torch.testing.assert_close(y, layers(x), atol=1e-4, rtol=1e-4)
    before, faults = slipstick.memory_statistics(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        y = compiled(x)
    after = slipstick.memory_statistics()
    assert after.misses == before.misses and after.allocated_bytes == before.allocated_bytes
    assert after.hits > before.hits
    # The intermediates of one call are more than 1,024 pages of 4 KiB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults < 1000


def test_small_results_come_from_the_pool() -> None:
    compiled = slipstick.compile(nn.Linear(4, 3).eval(), (torch.ones(2, 4),))
    held = compiled(torch.ones(2, 4))
    compiled(torch.ones(2, 4))
    before = misses()
    for _ in range(100):
        compiled(torch.ones(2, 4))
    assert misses() == before
    assert held.shape == (2, 3)


def test_the_arena_is_freed_where_an_assertion_fails() -> None:
    compiled = slipstick.compile(
        """
        func.func @main(%n: index, %x: tensor<65536xf32>) -> tensor<65536xf32> {
          %zero = arith.constant 0 : index
          %empty = tensor.empty() : tensor<65536xf32>
          %a = linalg.exp ins(%x : tensor<65536xf32>) outs(%empty : tensor<65536xf32>) -> tensor<65536xf32>
          %good = arith.cmpi sgt, %n, %zero : index
          cf.assert %good, "n is not positive"
          %r = linalg.add ins(%a, %a : tensor<65536xf32>, tensor<65536xf32>)
              outs(%empty : tensor<65536xf32>) -> tensor<65536xf32>
          return %r : tensor<65536xf32>
        }"""
    )
    assert compiled.workspace_bytes == 4 * 65536
    x = torch.zeros(65536)
    assert compiled(1, x).unique().tolist() == [2.0]
    with pytest.raises(slipstick.ArgumentError, match="n is not positive"):
        compiled(0, x)
    before = misses()
    for _ in range(5):
        with pytest.raises(slipstick.ArgumentError, match="n is not positive"):
            compiled(0, x)
    assert misses() == before
