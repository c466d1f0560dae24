"""Calling compiled code: descriptors, ownership of results, rebinding, threads, the cache, stages, MLIR functions."""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import slipstick
import torch
from slipstick import ArgumentError, CodegenError, IRError
from slipstick.compiler.memory import ResultWrapper
from slipstick.compiler.runtime import descriptor_tail
from torch import nn


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def linear(cache):
    module = nn.Linear(4, 3).eval()
    return module, slipstick.compile(module, (torch.randn(2, 4),), cache_dir=cache)


ADD = """
func.func @main(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %a, %c0 : tensor<?xf32>
  %empty = tensor.empty(%n) : tensor<?xf32>
  %sum = linalg.add ins(%a, %b : tensor<?xf32>, tensor<?xf32>) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  return %sum : tensor<?xf32>
}
"""


# ---- memory


def test_descriptor_tail_is_row_major():
    assert descriptor_tail((2, 3, 4)) == (0, 2, 3, 4, 12, 4, 1)
    assert descriptor_tail(()) == (0,)


def test_result_outlives_the_module_and_views_keep_it(cache):
    module = nn.Linear(8, 1000).eval()
    native, x = slipstick.compile(module, (torch.ones(4, 8),), cache_dir=cache), torch.randn(4, 8)
    view = native(x)[2, 10:20]
    with torch.no_grad():
        expected = module(x)[2, 10:20]
    del native
    gc.collect()
    for _ in range(50):
        torch.full((4, 1000), float("nan"))
    torch.testing.assert_close(view, expected)


def test_results_are_freed(cache):
    native = slipstick.compile(ADD, cache_dir=cache)
    x = torch.ones(1 << 18)
    for _ in range(20):
        native(x, x)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(400):
        native(x, x)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50_000  # in KiB; 400 results that stayed would be 400 MiB


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.bfloat16, torch.float8_e5m2, torch.int64], ids=str)
def test_wrapped_memory_has_the_dtype_and_the_values(dtype):
    import ctypes

    malloc = ctypes.CDLL(None).malloc
    malloc.restype = ctypes.c_void_p
    source = torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, 4.0]]).to(dtype)
    pointer = malloc(64)
    ctypes.memmove(pointer, source.data_ptr(), source.nbytes)
    tensor = ResultWrapper(dtype, 2)(pointer, pointer, (2, 3))
    assert tensor.dtype == dtype and tensor.data_ptr() == pointer
    assert torch.equal(tensor.float(), source.float())


# ---- state


def test_parameters_are_read_where_they_are(linear):
    module, native = linear
    x = torch.randn(2, 4)

    def check():
        with torch.no_grad():
            torch.testing.assert_close(native(x), module(x))

    with torch.no_grad():
        module.weight.add_(1)
    check()
    module.weight.data = torch.randn(3, 4)
    check()
    module.load_state_dict({"weight": torch.randn(3, 4), "bias": torch.randn(3)})
    check()
    module.load_state_dict({"weight": torch.randn(3, 4), "bias": torch.randn(3)}, assign=True)
    check()
    assert native.parameters["weight"] is module.weight


def test_parameters_that_no_longer_fit_are_named(cache):
    module, x = nn.Linear(4, 3).eval(), torch.randn(2, 4)
    native = slipstick.compile(module, (x,), cache_dir=cache)
    module.double()
    with pytest.raises(ArgumentError, match="parameter weight: expected dtype float32, found float64"):
        native(x)
    module.float()
    module.weight.data = torch.randn(3, 5)
    with pytest.raises(ArgumentError, match=r"parameter weight: expected shape \[3, 4\], found \[3, 5\]"):
        native(x)


# ---- calls that do not fit


class Subclass(torch.Tensor):
    pass


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "missing a required argument: 'input'"),
        ((torch.ones(2, 4), 1), {}, "too many positional arguments"),
        ((torch.ones(2, 4),), {"other": 1}, "unexpected keyword argument 'other'"),
        (([1.0],), {}, r"input: expected a tensor float32\[2, 4\], found \[1.0\]"),
        ((3.0,), {}, r"input: expected a tensor float32\[2, 4\], found 3.0"),
        ((torch.ones(2, 4, dtype=torch.float64),), {}, "input: expected dtype float32, found float64"),
        ((torch.ones(4),), {}, r"input: expected rank 2 .*found rank 1 \[4\]"),
        ((torch.ones(2, 5),), {}, "input: dimension 1: expected 4, found 5"),
        ((torch.ones(3, 4),), {}, "input: dimension 0: expected 2, found 3"),
        ((torch.ones(2, 4, device="meta"),), {}, "input: expected a tensor on the CPU, found one on meta"),
        ((torch.eye(2, 4).to_sparse(),), {}, "input: expected a dense tensor, found layout sparse_coo"),
        ((torch.ones(2, 4).as_subclass(Subclass),), {}, "found the subclass Subclass"),
        (
            (torch.quantize_per_tensor(torch.ones(2, 4), 0.1, 0, torch.qint8),),
            {},
            "expected dtype float32, found qint8",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_calls_name_the_argument(linear, args, kwargs, message):
    with pytest.raises(ArgumentError, match=message):
        linear[1](*args, **kwargs)


def test_bad_trees_name_the_argument(cache):
    class Pair(nn.Module):
        def forward(self, x, pair):
            return x + pair[0] * pair[1]["k"]

    one = torch.ones(2)
    native = slipstick.compile(Pair(), (one, (one, {"k": one})), cache_dir=cache)
    with pytest.raises(ArgumentError, match=r"pair: expected \(Tensor, \{'k': Tensor\}\), found \[Tensor, "):
        native(one, [one, {"k": one}])
    with pytest.raises(ArgumentError, match=r"pair\[1\]\['k'\]: dimension 0: expected 2, found 3"):
        native(one, (one, {"k": torch.ones(3)}))


# ---- threads


def test_many_threads_call_one_module(linear):
    module, native = linear
    wrong = []

    def work(seed):
        generator = torch.Generator().manual_seed(seed)
        for _ in range(200):
            x = torch.randn(2, 4, generator=generator)
            if not torch.allclose(native(x), torch.nn.functional.linear(x, module.weight, module.bias), atol=1e-5):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


LOOP = """
func.func @main(%n: index) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %half = arith.constant 0.5 : f64
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%s = %half) -> f64 {
    %next = math.sqrt %s : f64
    scf.yield %next : f64
  }
  return %sum : f64
}
"""


def test_native_code_runs_without_the_gil(cache):
    native = slipstick.compile(LOOP, cache_dir=cache)
    begin = time.perf_counter()
    native(10_000_000)
    rounds = int(10_000_000 * 0.5 / (time.perf_counter() - begin))
    done = threading.Event()

    def work():
        native(rounds)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    steps = 0
    while not done.is_set():
        time.sleep(0.005)
        steps += 1
    thread.join()
    assert steps >= 10  # with the GIL held there would be one or two


# ---- MLIR functions


def test_mlir_text_with_torch_and_numpy_inputs(cache):
    native = slipstick.compile(ADD, cache_dir=cache)
    torch.testing.assert_close(native(torch.ones(5), torch.ones(5)), torch.full((5,), 2.0))
    torch.testing.assert_close(native(np.ones(3, np.float32), np.ones(3, np.float32)), torch.full((3,), 2.0))
    with pytest.raises(ArgumentError, match="arg1: expected dtype float32, found float64"):
        native(np.ones(3, np.float32), np.ones(3))
    with pytest.raises(ArgumentError, match="x: MLIR functions take positional arguments only"):
        native(x=torch.ones(1))


def test_mlir_file_bytecode_and_module(tmp_path, cache):
    from slipstick.compiler.build import parse

    text, binary = tmp_path / "add.mlir", tmp_path / "add.mlirbc"
    text.write_text(ADD)
    module = parse(ADD)
    with binary.open("wb") as file:
        module.operation.write_bytecode(file)
    for source in (str(text), text, binary, module):
        assert slipstick.compile(source, cache_dir=cache)(torch.ones(2), torch.ones(2)).tolist() == [2, 2]


def test_numbers_in_and_out(cache):
    native = slipstick.compile(
        """
        func.func @main(%a: i32, %b: f32, %c: i1, %t: tensor<f32>) -> (i1, i8, tensor<f32>, f32, i64) {
          %small = arith.trunci %a : i32 to i8
          %wide = arith.extsi %a : i32 to i64
          %twice = arith.addf %b, %b : f32
          return %c, %small, %t, %twice, %wide : i1, i8, tensor<f32>, f32, i64
        }""",
        cache_dir=cache,
    )
    t = torch.tensor(7.0)
    flag, small, same, twice, wide = native(-5, 1.5, True, t)
    assert (flag, small, twice, wide) == (True, -5, 3.0, -5)
    assert same.item() == 7.0 and same.data_ptr() != t.data_ptr()
    with pytest.raises(ArgumentError, match="arg0: expected -2147483648 to 4294967295, found 4294967296"):
        native(1 << 32, 1.5, True, t)
    with pytest.raises(ArgumentError, match="arg2: expected bool1, found 1"):
        native(1, 1.5, 1, t)


def test_failing_assertion_is_an_error_with_its_text(cache):
    native = slipstick.compile(
        """
        func.func @main(%a: tensor<?xf32>) -> tensor<?xf32> {
          %c0 = arith.constant 0 : index
          %n = tensor.dim %a, %c0 : tensor<?xf32>
          %c3 = arith.constant 3 : index
          %few = arith.cmpi ult, %n, %c3 : index
          cf.assert %few, "fewer than three, please"
          return %a : tensor<?xf32>
        }""",
        cache_dir=cache,
    )
    assert native(torch.ones(2)).tolist() == [1, 1]
    with pytest.raises(ArgumentError, match="fewer than three, please"):
        native(torch.ones(3))


def test_one_value_returned_twice_is_two_tensors(cache):
    body = ADD.replace("-> tensor<?xf32> {\n  %c0", "-> (tensor<?xf32>, tensor<?xf32>) {\n  %c0")
    body = body.replace("return %sum : tensor<?xf32>", "return %sum, %sum : tensor<?xf32>, tensor<?xf32>")
    first, second = slipstick.compile(body, cache_dir=cache)(torch.ones(3), torch.ones(3))
    assert first.data_ptr() != second.data_ptr()
    torch.testing.assert_close(first, second)


def test_mlir_that_does_not_lower_is_an_error(cache):
    with pytest.raises(IRError, match="error"):
        slipstick.compile(
            'func.func private @g()\nfunc.func @main() { "foo.bar"() : () -> () return }', cache_dir=cache
        )


# ---- stages, code, targets, cache


def test_stages_and_code(linear):
    native = linear[1]
    assert "linalg.matmul" in native.stage("linalg")
    for stage in ("rewritten", "scheduled", "loops", "llvm"):
        assert f'slipstick.stage = "{stage}"' in native.stage(stage)
    assert "define" in native.llvm_ir() and "_mlir_ciface_main" in native.llvm_ir()
    assert ".globl" in native.assembly() or "_mlir_ciface_main" in native.assembly()
    with pytest.raises(ArgumentError, match=r"stage: expected one of linalg, .* found 'linagl'"):
        native.stage("linagl")
    assert "Linear(input: float32[2, 4]) -> (float32[2, 3])" in repr(native)


@pytest.mark.parametrize("stage", ["linalg", "scheduled", "loops", "llvm"])
def test_every_stage_can_be_fed_back(cache, stage):
    native = slipstick.compile(ADD, cache_dir=cache)
    again = slipstick.compile(native.stage(stage), cache_dir=cache)
    assert again(torch.ones(3), torch.ones(3)).tolist() == [2, 2, 2]


def test_a_stage_can_be_replaced(linear):
    module, native = linear
    text = native.stage("linalg")
    changed = text.replace("arith.addf %in, %in", "arith.subf %in, %in")
    assert changed != text
    other, x = native.replace_stage("linalg", changed), torch.randn(2, 4)
    with torch.no_grad():
        torch.testing.assert_close(other(x), x @ module.weight.t() - module.bias)
    with pytest.raises(ArgumentError, match=r"the entry function: expected .* found"):
        native.replace_stage("linalg", ADD)


def test_other_options_need_no_second_import(linear):
    module, native = linear
    other = native.with_options(lmul=slipstick.LMul(mantissa_bits=3), threads=1)
    assert "import" not in other.timings and "export" not in other.timings
    x = torch.randn(2, 4)
    assert not torch.equal(other(x), native(x))
    with torch.no_grad():
        module.weight.zero_()
        assert torch.equal(other(x), module.bias.expand(2, 3))
    with pytest.raises(ArgumentError, match="expected options of compile, found fast"):
        native.with_options(fast=True)


def test_code_for_another_cpu_is_made_but_not_run(cache):
    native = slipstick.compile(ADD, target="neoverse-v2", cache_dir=cache)
    assert "fadd" in native.assembly()
    with pytest.raises(CodegenError, match="the code is for neoverse-v2, which this machine"):
        native(torch.ones(2), torch.ones(2))


def test_second_compilation_comes_from_the_cache_and_a_bad_entry_is_replaced(tmp_path):
    x = torch.ones(2)
    first = slipstick.compile(ADD, cache_dir=tmp_path)
    second = slipstick.compile(ADD, cache_dir=tmp_path)
    assert (first.from_cache, second.from_cache) == (False, True)
    assert set(second.timings) == {"load"} and second.statistics == first.statistics
    for entry in (path for path in tmp_path.rglob("*") if path.is_file()):
        entry.write_bytes(entry.read_bytes()[:-100])
    third = slipstick.compile(ADD, cache_dir=tmp_path)
    assert not third.from_cache and third(x, x).tolist() == [2, 2]
    assert slipstick.compile(ADD, cache_dir=tmp_path).from_cache


def test_an_entry_that_is_no_object_code_is_compiled_again(tmp_path, monkeypatch):
    from slipstick.compiler.cache import Cache

    slipstick.compile(ADD, cache_dir=tmp_path)
    keys = []
    monkeypatch.setattr(Cache, "get", lambda self, key: keys.append(key) or b'{"entry": "x"}\nnot an object')
    again = slipstick.compile(ADD, cache_dir=tmp_path)
    assert keys and not again.from_cache
    assert again(torch.ones(1), torch.ones(1)).tolist() == [2]


def test_modules_are_compiled_in_parallel_threads(tmp_path):
    found = {}

    def work(width):
        module, x = nn.Linear(width, 2).eval(), torch.randn(3, width)
        with torch.no_grad():
            found[width] = torch.allclose(slipstick.compile(module, (x,), cache_dir=tmp_path)(x), module(x), atol=1e-5)

    threads = [threading.Thread(target=work, args=(width,)) for width in (2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {2: True, 3: True, 4: True}


def test_results_may_die_after_the_interpreter_has_begun_to_end(tmp_path):
    code = f"""
import sys, torch, slipstick
native = slipstick.compile({ADD!r}, cache_dir={str(tmp_path)!r})
sys.kept = native(torch.ones(1000), torch.ones(1000))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_overhead_of_a_call_is_microseconds(cache):
    native = slipstick.compile(ADD, cache_dir=cache)
    x = torch.ones(4)
    best = min(_time(native, x) for _ in range(200))
    assert best < 200e-6  # about 15 µs; the bound leaves room for a busy machine


def _time(native, x):
    begin = time.perf_counter()
    native(x, x)
    return time.perf_counter() - begin
