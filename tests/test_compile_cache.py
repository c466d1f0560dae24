"""The cache as `slipstick.compile` uses it: other processes, damaged entries, killed compilations."""

from __future__ import annotations

import multiprocessing
import random
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path

import slipstick
import torch

MATMUL = """
func.func @main(%a: tensor<33x40xf32>, %b: tensor<40x50xf32>) -> tensor<33x50xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<33x50xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<33x50xf32>) -> tensor<33x50xf32>
  %c = linalg.matmul ins(%a, %b : tensor<33x40xf32>, tensor<40x50xf32>) outs(%init : tensor<33x50xf32>)
      -> tensor<33x50xf32>
  return %c : tensor<33x50xf32>
}
"""

CHILD = """
import sys, slipstick, torch
from pathlib import Path
compiled = slipstick.compile(Path(sys.argv[1]), cache_dir=sys.argv[2], threads=1)
a, b = torch.ones(33, 40), torch.ones(40, 50)
assert torch.equal(compiled(a, b), a @ b)
print(compiled.from_cache, flush=True)
"""


def compile_here(cache: Path) -> slipstick.CompiledModule:
    return slipstick.compile(MATMUL, cache_dir=cache, threads=1)


def assert_works(compiled: slipstick.CompiledModule) -> None:
    a, b = torch.randn(33, 40), torch.randn(40, 50)
    torch.testing.assert_close(compiled(a, b), a @ b)


def entries(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file() and path.stat().st_size > 1000]


def compile_there(cache: Path, pipe: Connection) -> None:
    """What a process does that is told to compile: say that it is about to, compile, tell whether the cache had it."""
    pipe.send("ready")
    compiled = compile_here(cache)
    assert_works(compiled)
    pipe.send(compiled.from_cache)


def fork(cache: Path) -> tuple[ForkProcess, Connection]:
    """Start a process that compiles; forked, it need not import torch."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=compile_there, args=(cache, theirs))
    child.start()
    theirs.close()
    return child, ours


def test_a_second_process_takes_the_code_from_the_cache(tmp_path: Path) -> None:
    """One that starts afresh: what it hashes has other seeds."""
    cache, source = tmp_path / "cache", tmp_path / "matmul.mlir"
    assert not compile_here(cache).from_cache
    source.write_text(MATMUL)
    command = [sys.executable, "-c", CHILD, source, cache]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "True\n", done.stderr


def test_processes_that_compile_the_same_at_once_all_succeed(tmp_path: Path) -> None:
    for child, pipe in [fork(tmp_path / "cache") for _ in range(3)]:
        assert pipe.recv() == "ready"
        child.join(180)
        assert child.exitcode == 0
    assert compile_here(tmp_path / "cache").from_cache


def test_a_damaged_entry_is_found_and_compiled_again(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    compile_here(cache)
    choose = random.Random(0)
    for damage in ("flip", "truncate", "empty", "garbage"):
        (entry,) = entries(cache)
        data = bytearray(entry.read_bytes())
        if damage == "flip":
            data[choose.randrange(len(data))] ^= 0x10
        elif damage == "truncate":
            del data[choose.randrange(len(data)) :]
        else:
            data = bytearray() if damage == "empty" else bytearray(choose.randbytes(5000))
        entry.write_bytes(bytes(data))
        again = compile_here(cache)
        assert not again.from_cache, damage
        assert_works(again)
        assert compile_here(cache).from_cache, damage


def test_kill_9_during_a_compilation_leaves_a_working_cache(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for delay in (0.0, 0.05, 0.2):
        child, pipe = fork(cache)
        assert pipe.recv() == "ready"
        time.sleep(delay)
        child.kill()
        child.join()
        # What is left behind is absent or whole: either way the next compilation works and can be read again.
        assert_works(compile_here(cache))
        assert compile_here(cache).from_cache
        for entry in entries(cache):
            entry.unlink()
