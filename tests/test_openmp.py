"""Parallel loops run on the threads asked for, by a run time that nothing else in the process sees."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import numpy as np
import pytest
from codegen_harness import compile_and_load
from slipstick import errors
from slipstick.bindings import ir, llvm, new_context, passmanager
from slipstick.compiler import codegen, openmp, symbols, team, team_code

TO_LLVM = (
    "builtin.module(convert-scf-to-openmp,canonicalize,convert-scf-to-cf,expand-strided-metadata,lower-affine,"
    "finalize-memref-to-llvm,convert-func-to-llvm,convert-arith-to-llvm,convert-cf-to-llvm,convert-index-to-llvm,"
    "convert-openmp-to-llvm,reconcile-unrealized-casts)"
)
PARALLEL = """
func.func private @omp_get_thread_num() -> i32
func.func private @omp_get_num_threads() -> i32
func.func @work(%ids: memref<64xi32>, %sizes: memref<64xi32>, %n: index) attributes {llvm.emit_c_interface} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %id = func.call @omp_get_thread_num() : () -> i32
    %size = func.call @omp_get_num_threads() : () -> i32
    memref.store %id, %ids[%i] : memref<64xi32>
    memref.store %size, %sizes[%i] : memref<64xi32>
  }
  return
}
"""


def translate(mlir: str, pipeline: str | None = None) -> str:
    with new_context():
        module = ir.Module.parse(mlir)
        if pipeline:
            passmanager.PassManager.parse(pipeline).run(module.operation)
        return str(llvm.translate_module_to_llvmir(module.operation))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_parallel_loops_run_on_the_threads_asked_for(threads: int) -> None:
    loaded = compile_and_load(translate(PARALLEL, TO_LLVM))
    pointer = ctypes.c_void_p
    work = ctypes.CFUNCTYPE(None, *[pointer, pointer, *[ctypes.c_int64] * 3] * 2, ctypes.c_int64)(
        loaded.address("work")
    )
    team.enter(threads)
    assert openmp.get_max_threads() == threads
    ids, sizes = np.full(64, -1, np.int32), np.zeros(64, np.int32)
    work(ids.ctypes.data, ids.ctypes.data, 0, 64, 1, sizes.ctypes.data, sizes.ctypes.data, 0, 64, 1, 64)
    assert set(sizes) == {threads}
    assert set(ids) == set(range(threads))


@pytest.mark.parametrize("threads", [0, -1, 1 << 20, "2", 2.0, True, None])
def test_a_number_of_threads_that_is_none_is_refused(threads: object) -> None:
    with pytest.raises(errors.ArgumentError, match="threads: expected an integer from 1 to 65535"):
        team.enter(threads)  # type: ignore[arg-type]


def test_the_openmp_run_time_is_the_package_s_own_and_stays_private() -> None:
    assert Path(openmp.library()._name).name == "libiomp5.so"
    assert symbols._find(openmp.library(), "__kmpc_fork_call")
    assert symbols._find(ctypes.CDLL(None), "__kmpc_fork_call") is None


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs")
def test_a_thread_that_finds_its_cpu_taken_moves_and_is_not_bound() -> None:
    take = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(codegen.support_address(team_code.TAKE))
    allowed = os.sched_getaffinity(0)

    def taken_after(cpus: set[int]) -> set[int]:
        words = np.zeros(16, np.uint64)
        for cpu in cpus:
            words[cpu // 64] |= np.uint64(1 << cpu % 64)
        take(words.ctypes.data)
        assert os.sched_getaffinity(0) == allowed
        return {64 * number + bit for number, word in enumerate(words) for bit in range(64) if int(word) >> bit & 1}

    assert len(taken_after(set()) & allowed) == 1
    all_but_one = allowed - {max(allowed)}
    os.sched_setaffinity(0, all_but_one)
    os.sched_setaffinity(0, allowed)
    assert taken_after(all_but_one) == allowed
    assert taken_after(allowed) == allowed
