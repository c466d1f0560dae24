"""Guarded memory finds accesses out of bounds, and compiled kernels make none; all of them in the exhaustive run."""

from __future__ import annotations

import shutil

import pytest
import torch
from fuzz import valgrind
from fuzz.bounds import Case, cases, check_bounds
from fuzz.check import NARROW
from fuzz.guarded import compile_guarded
from fuzz.kernels import Form, kernels
from fuzz.process import verdicts
from fuzz.valgrind import check_with_valgrind
from fuzz.verdict import Verdict
from slipstick import LMul

OUT_OF_BOUNDS = """
func.func @main(%x: memref<5xf32>) -> tensor<1xf32> {{
  %at = arith.constant {at} : index
  %data = memref.extract_aligned_pointer_as_index %x : memref<5xf32> -> index
  %base = arith.index_cast %data : index to i64
  %pointer = llvm.inttoptr %base : i64 to !llvm.ptr
  %offset = arith.index_cast %at : index to i64
  %place = llvm.getelementptr %pointer[%offset] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %value = llvm.load %place : !llvm.ptr -> f32
  %result = tensor.from_elements %value : tensor<1xf32>
  return %result : tensor<1xf32>
}}"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return str(tmp_path_factory.mktemp("cache"))


def read(at: int, at_end: bool) -> str:
    def call(_: int) -> Verdict:
        module = compile_guarded(OUT_OF_BOUNDS.format(at=at))
        module.called((torch.arange(5.0),), at_end)
        return Verdict("right")

    ((_, verdict),) = verdicts(call, [at], 120)
    return verdict.kind


def test_a_read_behind_or_before_an_array_ends_the_process():
    assert read(4, True) == read(4, False) == "right"
    assert read(5, True) == read(-1, False) == "crash"


def test_results_and_written_arguments_come_back(cache):
    def forward(x, y):
        x.add_(1)
        return x * 2, y.sum()

    class Module(torch.nn.Module):
        def forward(self, x, y):
            return forward(x, y)

    x, y = torch.zeros(3), torch.ones(4)
    module = compile_guarded(Module(), (x, y), cache_dir=cache)
    found = module.called((x, y), True)
    assert x.tolist() == [1, 1, 1] and found[0].tolist() == [2, 2, 2] and found[1].item() == 4


SHORT = [
    ("linear 5x97x257", "host", Form("lm8", weights="lm8")),
    ("linear 3x1x17", NARROW, Form("exact")),
    ("matmul 17x49x5", "host", Form("exact")),
    ("masked 7x5", NARROW, Form("L-Mul", LMul(4))),
    ("layer norm 5x17", "host", Form("exact")),
    ("elementwise 2x33", "host", Form("exact")),
]


@pytest.mark.parametrize(("name", "target", "form"), SHORT, ids=str)
def test_kernels_stay_within_their_arrays(name, target, form, cache):
    (kernel,) = (kernel for kernel in kernels() if kernel.name == name)
    check(Case(name, target, kernel, form), cache)


@pytest.mark.exhaustive
def test_all_kernels_stay_within_their_arrays(cache):
    for case in cases():
        check(case, cache)


def check(case: Case, cache: str) -> None:
    ((_, verdict),) = verdicts(lambda one: check_bounds(one, cache), [case], 300)
    assert verdict.kind == "right", f"{case}: {verdict}"


needs_valgrind = pytest.mark.skipif(not (shutil.which("valgrind") and shutil.which("cc")), reason="no valgrind")


@needs_valgrind
@pytest.mark.exhaustive
@pytest.mark.parametrize("form", [Form("exact"), Form("lm8", weights="lm8"), Form("L-Mul", LMul(4))], ids=str)
def test_packed_tails_under_valgrind(form, tmp_path):
    (kernel,) = (kernel for kernel in kernels() if kernel.name == "linear 5x97x257")
    assert check_with_valgrind(Case(kernel.name, NARROW, kernel, form), tmp_path) == Verdict("right")


@needs_valgrind
@pytest.mark.exhaustive
def test_valgrind_sees_a_result_that_is_too_short(tmp_path, monkeypatch):
    (kernel,) = (kernel for kernel in kernels() if kernel.name == "linear 5x97x257")
    monkeypatch.setattr(valgrind, "_MEMORY", valgrind._MEMORY.replace("malloc(size); }", "malloc(size - 128); }"))
    verdict = check_with_valgrind(Case(kernel.name, NARROW, kernel, Form("exact")), tmp_path)
    assert verdict.kind == "wrong" and "Invalid" in verdict.text
