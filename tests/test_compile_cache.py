"""The cache as `slipstick.compile` uses it: other processes, damaged entries, killed compilations."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
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
print("ready", flush=True)
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


def start_child(tmp_path: Path, cache: Path) -> subprocess.Popen[str]:
    source = tmp_path / "matmul.mlir"
    source.write_text(MATMUL)
    command = [sys.executable, "-c", CHILD, source, cache]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_second_process_takes_the_code_from_the_cache(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert not compile_here(cache).from_cache
    out, err = start_child(tmp_path, cache).communicate(timeout=120)
    assert out.split() == ["ready", "True"], err


def test_processes_that_compile_the_same_at_once_all_succeed(tmp_path: Path) -> None:
    children = [start_child(tmp_path, tmp_path / "cache") for _ in range(2)]
    for child in children:
        out, err = child.communicate(timeout=180)
        assert child.returncode == 0, err
        assert out.split()[0] == "ready"
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
    for delay in (0.2, 0.6):
        child = start_child(tmp_path, cache)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        # What is left behind is absent or whole: either way the next compilation works and can be read again.
        assert_works(compile_here(cache))
        assert compile_here(cache).from_cache
        for entry in entries(cache):
            entry.unlink()
