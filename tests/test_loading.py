"""Object code in memory: what it needs is found, what cannot be loaded is refused, what it took is given back."""

from __future__ import annotations

import ctypes
import gc
import resource
import subprocess
import sys

import numpy as np
import pytest
from codegen_harness import AXPY, HOST, X86, compile_and_load
from slipstick import errors
from slipstick.compiler import codegen, elf
from slipstick.compiler.codegen import compile_object, load_object
from slipstick.target import Target


@pytest.mark.parametrize(("cpu", "architecture"), [("neoverse-v2", "aarch64"), ("haswell", "x86_64")])
def test_objects_tell_their_machine_and_symbols(cpu: str, architecture: str) -> None:
    text = (
        "@g = global i32 1\ndeclare float @expf(float)\n"
        "define internal float @hidden(float %x) noinline { %r = call float @expf(float %x)\n ret float %r }\n"
        "define float @f(float %x) { %r = call float @hidden(float %x)\n ret float %r }"
    )
    code = elf.inspect(compile_object(text, Target.named(cpu)))
    assert code.architecture == architecture
    assert set(code.defined) == {"f", "g"}
    assert set(code.undefined) == {"expf"}


def test_code_for_another_machine_is_refused() -> None:
    foreign = Target.named("neoverse-v2" if X86 else "haswell")
    with pytest.raises(errors.CodegenError, match=f"for {foreign.architecture}; this machine is {HOST.architecture}"):
        load_object(compile_object(AXPY, foreign))


@pytest.mark.parametrize("obj", [b"", b"garbage", b"\x7fELF" + b"\0" * 200, b"\x7fELF\x02\x01" + b"\xff" * 500])
def test_bytes_that_are_no_object_are_refused(obj: bytes) -> None:
    with pytest.raises(errors.CodegenError, match="object"):
        load_object(obj)


def test_truncated_objects_are_refused() -> None:
    obj = compile_object(AXPY, HOST)
    for length in range(0, len(obj), 7):
        with pytest.raises(errors.CodegenError):
            load_object(obj[:length])


def test_libraries_are_found_and_what_is_nowhere_is_named() -> None:
    loaded = compile_and_load(
        "declare double @erf(double)\ndeclare float @tanhf(float)\ndeclare ptr @malloc(i64)\n"
        "define double @f(double %x) { %r = call double @erf(double %x)\n ret double %r }\n"
        "define i128 @d(i128 %x, i128 %y) { %r = sdiv i128 %x, %y\n ret i128 %r }\n"
        "define fp128 @q(fp128 %x) { %r = fmul fp128 %x, %x\n ret fp128 %r }\n"
        "define ptr @m(i64 %n) { %r = call ptr @malloc(i64 %n)\n ret ptr %r }"
    )
    function = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(loaded.address("f"))
    assert abs(function(0.5) - 0.5204998778130465) < 1e-15
    with pytest.raises(errors.CodegenError, match=r"no library defines: no_such_a, no_such_b$"):
        compile_and_load(
            "declare void @no_such_b()\ndeclare void @no_such_a()\n"
            "define void @f() { call void @no_such_b()\n call void @no_such_a()\n ret void }"
        )
    with pytest.raises(errors.CodegenError, match=r"defines no symbol 'g'; it defines: d, f, m, q"):
        loaded.address("g")


def test_each_load_has_its_own_variables() -> None:
    text = (
        "@n = global i32 0\ndefine i32 @next() { %o = load i32, ptr @n\n %r = add i32 %o, 1\n"
        " store i32 %r, ptr @n\n ret i32 %r }"
    )
    obj = compile_object(text, HOST)
    loads = [load_object(obj), load_object(obj)]
    first, second = (ctypes.CFUNCTYPE(ctypes.c_int)(loaded.address("next")) for loaded in loads)
    assert [first(), first(), second(), first()] == [1, 2, 1, 3]
    assert ctypes.c_int.from_address(loads[0].address("n")).value == 3


def test_thread_local_variables_are_refused() -> None:
    with pytest.raises(errors.CodegenError, match="thread-local variables cannot be loaded: t"):
        compile_and_load("@t = thread_local global i32 5\ndefine i32 @f() { %r = load i32, ptr @t\n ret i32 %r }")


def test_memory_is_freed_with_the_loaded_object() -> None:
    obj = compile_object(AXPY + '@big = global [1000000 x i8] c"' + "x" * 1_000_000 + '"', HOST, opt_level=0)
    for _ in range(5):
        load_object(obj)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(100):
        load_object(obj)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB; the objects are 100,000


def test_a_process_ends_cleanly_with_code_loaded() -> None:
    code = (
        "import sys; from slipstick.target import Target; from slipstick.compiler.codegen import *;"
        "keep = [load_object(compile_object(sys.argv[1], Target.host())) for _ in range(3)]"
    )
    done = subprocess.run([sys.executable, "-c", code, AXPY], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


class Descriptor(ctypes.Structure):
    """A memref of rank 3, as MLIR lays it out."""

    _fields_ = [
        ("allocated", ctypes.c_void_p),
        ("aligned", ctypes.c_void_p),
        ("offset", ctypes.c_int64),
        ("sizes", ctypes.c_int64 * 3),
        ("strides", ctypes.c_int64 * 3),
    ]


@pytest.mark.parametrize("dtype", [np.int8, np.float16, np.float32, np.complex128])
def test_memref_copies_follow_strides(dtype: type[np.generic]) -> None:
    class Unranked(ctypes.Structure):
        _fields_ = [("rank", ctypes.c_int64), ("descriptor", ctypes.c_void_p)]

    def describe(base: np.ndarray, view: np.ndarray) -> Descriptor:
        offset = (view.ctypes.data - base.ctypes.data) // base.itemsize
        strides = [stride // base.itemsize for stride in view.strides]
        data = base.ctypes.data
        return Descriptor(data, data, offset, (ctypes.c_int64 * 3)(*view.shape), (ctypes.c_int64 * 3)(*strides))

    copy = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)(
        codegen._support().address("memrefCopy")
    )
    base = np.arange(5 * 6 * 7).astype(dtype).reshape(5, 6, 7)
    for source in (
        base,
        base.transpose(2, 0, 1),
        base[1:4, ::2, ::-3],
        base[:, :0],
        np.broadcast_to(base[:1], (5, 6, 7)),
    ):
        target_base = np.zeros(tuple(2 * size for size in source.shape), dtype)
        target = target_base[::2, 1::2, ::2]
        descriptors = [describe(base, source), describe(target_base, target)]
        unranked = [Unranked(3, ctypes.addressof(descriptor)) for descriptor in descriptors]
        copy(base.itemsize, *(ctypes.addressof(one) for one in unranked))
        np.testing.assert_array_equal(target, source)
        assert np.count_nonzero(target_base) == np.count_nonzero(source)
