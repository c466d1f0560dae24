"""Modules compiled for several threads: right results beside torch's own threads, regions only where work is enough."""

from __future__ import annotations

import threading

import slipstick
import torch
from torch import nn


class Block(nn.Module):
    """A transformer block: contractions, batched contractions, softmax, row sums, element-wise chains."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(64)
        self.attention = nn.MultiheadAttention(64, 4, batch_first=True)
        self.up, self.down = nn.Linear(64, 256), nn.Linear(256, 64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.down(nn.functional.gelu(self.up(x)))


def regions(compiled: slipstick.CompiledModule) -> int:
    return compiled.stage("loops").count("scf.parallel")


def test_a_block_on_two_threads_beside_torch() -> None:
    """torch's OpenMP and ours take turns, and two threads of Python call at once."""
    module = Block().eval()
    inputs = [torch.randn(8, 64, 64) for _ in range(2)]
    compiled = slipstick.compile(module, (inputs[0],), threads=2)
    assert regions(compiled) > 0
    with torch.no_grad():
        expected = [module(x) for x in inputs]
    for x, y in zip(inputs, expected, strict=True):
        for _ in range(2):
            torch.testing.assert_close(compiled(x), y, atol=1e-4, rtol=1e-4)
            torch.mm(x[0], x[0].t())
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(4):
            if not torch.allclose(compiled(inputs[number]), expected[number], atol=1e-4, rtol=1e-4):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_little_work_is_not_spread() -> None:
    small = nn.Sequential(nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 32)).eval()
    assert regions(slipstick.compile(small, (torch.randn(8, 32),), threads=2)) == 0


def test_calls_on_two_threads_allocate_nothing() -> None:
    module, x = Block().eval(), torch.randn(8, 64, 64)
    compiled = slipstick.compile(module, (x,), threads=2)
    for _ in range(6):
        y = compiled(x)
    before = slipstick.memory_statistics()
    for _ in range(6):
        y = compiled(x)
    # How many blocks the kernels of a region hold at once is a matter of luck, but two threads need no more than two.
    assert slipstick.memory_statistics().misses - before.misses <= 2
    with torch.no_grad():
        torch.testing.assert_close(y, module(x), atol=1e-4, rtol=1e-4)
