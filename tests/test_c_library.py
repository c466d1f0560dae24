"""Compiled modules as C libraries: the example builds with cc and runs, through ctypes the results are torch's."""

from __future__ import annotations

import ctypes
import shutil
import subprocess

import pytest
import slipstick
import torch
from slipstick import ArgumentError
from slipstick.compiler import elf
from torch import nn

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


class Model(nn.Module):
    """A packed product of any number of rows, and a cache that is overwritten."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(32, 48)

    def forward(self, x, cache):
        y = self.linear(x)
        cache.copy_(y.sum(0))
        return y.relu(), y.max()


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    torch.manual_seed(0)
    module, folder = Model(), tmp_path_factory.mktemp("library")
    shapes = {"x": {0: torch.export.Dim("rows", min=2, max=512)}, "cache": None}
    arguments = (torch.randn(70, 32), torch.zeros(48))
    compiled = slipstick.compile(module, arguments, dynamic_shapes=shapes, threads=1)
    path = compiled.save_library(folder, "tiny")
    assert compiled.packed and path == folder / "libtiny.so"
    return module, folder


def test_the_example_builds_and_runs(library):
    module, folder = library
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1"]
    command = ["cc", *flags, "example.c", "-L.", "-ltiny", "-Wl,-rpath,.", "-o", "example"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(["./example"], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    x = (torch.arange(2 * 32) % 7 - 3).float().reshape(2, 32)
    y, top = module(x, torch.zeros(48))
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[:3] for line in lines] == [["result0:", "96", "elements,"], ["result1:", "1", "elements,"]]
    assert float(lines[0][-1]) == pytest.approx(float(y.detach().sum()), rel=1e-4)
    assert float(lines[1][-1]) == pytest.approx(float(top.detach()), rel=1e-4)
    done = subprocess.run(["./example", "tiny.h"], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "Invalid argument" in done.stderr


def test_the_library_computes_what_torch_does(library):
    module, folder = library
    tiny = ctypes.CDLL(str(folder / "libtiny.so"))
    tiny.tiny_open.restype = tiny.tiny_error.restype = ctypes.c_void_p
    model = tiny.tiny_open(str(folder / "tiny.weights").encode())
    x, cache, expected_cache = torch.randn(70, 32), torch.zeros(48), torch.zeros(48)
    expected = module(x, expected_cache)
    # data, sizes of [2], memory; data, sizes of [1], memory
    results = (ctypes.c_int64 * 7)()

    def run(rows):
        pointers = [ctypes.c_void_p(one) for one in (model, x.data_ptr(), cache.data_ptr())]
        return tiny.tiny_run(*pointers, ctypes.c_int64(rows), results)

    assert run(70) == 0
    assert list(results[1:3]) == [70, 48]
    found = torch.frombuffer((ctypes.c_float * (70 * 48)).from_address(results[0]), dtype=torch.float32).clone()
    torch.testing.assert_close(found.reshape(70, 48), expected[0])
    torch.testing.assert_close(cache, expected_cache)
    tiny.tiny_release(results)
    assert not any(results)
    assert run(513) == 1
    assert ctypes.string_at(tiny.tiny_error(1)) == b"a size is outside its range"
    tiny.tiny_close(ctypes.c_void_p(model))


def test_objects_for_another_cpu_are_written(tmp_path):
    compiled = slipstick.compile(nn.Linear(4, 4), (torch.ones(2, 4),), target="neoverse-n1", threads=1)
    assert compiled.save_library(tmp_path, "arm") is None
    for file in ("arm.o", "arm_support.o"):
        assert elf.inspect((tmp_path / file).read_bytes()).architecture == "aarch64"
    assert "neoverse-n1 (aarch64" in (tmp_path / "arm.h").read_text("utf-8")


def test_what_has_no_interface_in_c_is_refused(tmp_path):
    x = torch.ones(2, 4)
    compiled = slipstick.compile(nn.Linear(4, 4), (x,), threads=1)
    with pytest.raises(ArgumentError, match="name: expected a name of C, found '1st'"):
        compiled.save_library(tmp_path, "1st")
    with pytest.raises(ArgumentError, match="expected a module compiled with threads=1"):
        slipstick.compile(nn.Linear(4, 4), (x,), threads=2).save_library(tmp_path)
