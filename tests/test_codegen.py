"""LLVM text becomes code that computes what it says; what cannot become code gives an error and ends nothing."""

from __future__ import annotations

import ctypes
import dataclasses
import gc
import resource
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from slipstick import errors
from slipstick.bindings import ir, llvm, new_context, passmanager
from slipstick.compiler import codegen, elf, isolated, openmp, symbols
from slipstick.compiler.codegen import LoadedObject, assembly, compile_object, load_object, optimised_ir
from slipstick.target import Target

HOST = Target.host()
X86 = HOST.architecture == "x86_64"

AXPY = """
define void @axpy(ptr noalias %x, ptr noalias %y, float %a, i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %body, label %done
body:
  %xi = getelementptr float, ptr %x, i64 %i
  %yi = getelementptr float, ptr %y, i64 %i
  %xv = load float, ptr %xi
  %yv = load float, ptr %yi
  %r = call float @llvm.fma.f32(float %xv, float %a, float %yv)
  store float %r, ptr %yi
  %next = add i64 %i, 1
  br label %loop
done:
  ret void
}
declare float @llvm.fma.f32(float, float, float)
"""


def compile_and_load(llvm_ir: str, target: Target = HOST, opt_level: int = 3) -> LoadedObject:
    return load_object(compile_object(llvm_ir, target, opt_level=opt_level))


def call_axpy(loaded: LoadedObject) -> None:
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_float, ctypes.c_int64)
    x, y = np.arange(1001, dtype=np.float32), np.ones(1001, np.float32)
    function(loaded.address("axpy"))(x.ctypes.data, y.ctypes.data, 0.5, 1001)
    np.testing.assert_array_equal(y, x * np.float32(0.5) + 1)


@pytest.mark.parametrize("opt_level", range(4))
def test_every_level_computes_the_same(opt_level: int) -> None:
    call_axpy(compile_and_load(AXPY, opt_level=opt_level))


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(errors.CodegenError, match="opt_level: expected 0 to 3, found 4"):
        compile_object(AXPY, HOST, opt_level=4)


@pytest.mark.parametrize(
    ("cpu", "expected", "absent"),
    [
        ("haswell", "vfmadd", "zmm"),
        ("znver4", "zmm", ".nothing"),
        ("neoverse-v2", "fmla", "vfmadd"),
        ("x86-64", "fmaf", "ymm"),
    ],
)
def test_loops_use_the_vectors_of_the_named_cpu(cpu: str, expected: str, absent: str) -> None:
    text = assembly(AXPY, Target.named(cpu))
    assert expected in text
    assert absent not in text


def test_assembly_marks_spills_and_loops() -> None:
    loads = "\n".join(f"  %v{i} = load volatile <8 x float>, ptr %p" for i in range(40))
    stores = "\n".join(f"  store volatile <8 x float> %v{i}, ptr %p" for i in range(40))
    text = assembly(f"define void @f(ptr %p) {{\n{loads}\n{stores}\n  ret void\n}}", Target.named("haswell"))
    assert text.count("32-byte Spill") == text.count("32-byte Folded Reload") + text.count("32-byte Reload") > 20
    assert "Loop Header" in assembly(AXPY, HOST)


def test_optimised_ir_is_what_instructions_are_selected_from() -> None:
    text = optimised_ir(AXPY, Target.named("znver4"))
    assert "x float>" in text
    assert 'target triple = "x86_64-unknown-linux-gnu"' in text
    assert "x float>" not in optimised_ir(AXPY, Target.named("znver4"), opt_level=0)


def test_the_same_text_gives_the_same_bytes_in_every_process() -> None:
    code = (
        "import sys; from slipstick.target import Target; from slipstick.compiler.codegen import compile_object;"
        "sys.stdout.buffer.write(compile_object(sys.argv[1], Target.host()))"
    )
    done = subprocess.run([sys.executable, "-c", code, AXPY], capture_output=True, check=True, timeout=60)
    assert done.stdout == compile_object(AXPY, HOST) == compile_object(AXPY, HOST)
    call_axpy(load_object(done.stdout))


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


def test_threads_compile_load_and_run_at_once() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for level in (3, 1, 2, 0, 3):
                call_axpy(compile_and_load(AXPY, opt_level=level))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("define void @f() {", "expecting more instructions"),
        ("no LLVM at all", "expected top-level entity"),
        ("define i32 @f() { ret float 1.0 }", "value doesn't match function result type"),
        ("define void @f() { %x = add i32 %x, 1\n ret void }", "Only PHI nodes may reference their own value"),
        ("@g = alias void (), ptr @r\ndeclare void @r()", "Alias must point to a definition"),
        ('target datalayout = "garbage"', "unknown specifier"),
        ("; \udc80", "surrogates not allowed"),
    ],
)
def test_text_that_llvm_refuses_gives_its_message(text: str, message: str) -> None:
    with pytest.raises(errors.CodegenError, match=f"(?s)LLVM refuses the module.*({message})"):
        compile_object(text, HOST)


FATAL = {
    "scalable vectors": (
        "define <vscale x 4 x float> @f(<vscale x 4 x float> %x) { %r = fadd <vscale x 4 x float> %x, %x\n"
        " ret <vscale x 4 x float> %r }",
        "scalable vector",
    ),
    "an intrinsic of another CPU": (
        "declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
        "define i32 @f() { %r = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n ret i32 %r }",
        "Cannot select: intrinsic",
    ),
    "assembly that is none": ('define void @f() { call void asm "no such thing", ""()\n ret void }', "asm"),
    "a register that is none": (
        'define void @f(i32 %x) { call void asm sideeffect "", "{nosuch}"(i32 %x)\n ret void }',
        "constraint",
    ),
    "module assembly": ('module asm "no such thing"', "asm"),
    "a type of another CPU": (
        "define ppc_fp128 @f(ppc_fp128 %x) { %r = fadd ppc_fp128 %x, %x\n ret ppc_fp128 %r }",
        "call",
    ),
    "a garbage collector": ('define void @f() gc "nosuch" { ret void }', "unsupported GC"),
    "a vector too long": (
        "define <70000 x float> @f(<70000 x float> %x) { %r = fadd <70000 x float> %x, %x\n ret <70000 x float> %r }",
        "operands",
    ),
}


@pytest.mark.parametrize("what", list(FATAL))
def test_what_ends_llvm_does_not_end_this_process(what: str, capfd: pytest.CaptureFixture[str]) -> None:
    text, message = FATAL[what]
    target = Target.named("haswell")
    with pytest.raises(errors.CodegenError, match=f"LLVM cannot compile the module.*{message}"):
        compile_object(text, target)
    assert capfd.readouterr().err == ""


def test_unusual_but_right_text_compiles_the_same_in_a_process_of_its_own() -> None:
    text = 'define i64 @f(i64 %x) { %r = call i64 asm "", "=r,0"(i64 %x)\n ret i64 %r }'
    assert isolated.may_end_process(text, HOST)
    assert not isolated.may_end_process(AXPY, HOST)
    loaded = compile_and_load(text)
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(loaded.address("f"))(42) == 42
    with pytest.raises(errors.CodegenError, match="expected type"):
        compile_object(text + "\n@g = global nothing", HOST)


@pytest.mark.parametrize(
    ("cpu", "rounding", "isolates"), [("znver4", 4, False), ("znver4", 77, True), ("haswell", 4, True)]
)
def test_the_intrinsic_of_our_own_kernels_needs_no_process_where_the_cpu_has_it(
    cpu: str, rounding: int, isolates: bool
) -> None:
    name = "<16 x float> @llvm.x86.avx512.mask.scalef.ps.512("
    text = f"declare {name}<16 x float>, <16 x float>, <16 x float>, i16, i32 immarg)\n" + (
        "define <16 x float> @f(<16 x float> %x) {\n"
        f"  %r = call {name}<16 x float> %x, <16 x float> %x, <16 x float> %x, i16 -1, i32 {rounding})\n"
        "  ret <16 x float> %r\n}\n"
    )
    target = Target.named(cpu)
    assert isolated.may_end_process(text, target) == isolates
    if isolates:
        with pytest.raises(errors.CodegenError, match="LLVM cannot compile the module"):
            compile_object(text, target)
    else:
        assert "vscalefps" in assembly(text, target)


def test_the_target_decides_not_the_attributes_in_the_text(capfd: pytest.CaptureFixture[str]) -> None:
    text = AXPY.replace("i64 %n) {", "i64 %n) #0 {") + (
        'attributes #0 = { "target-cpu"="no-such-cpu" "target-features"="+avx512f,+no-such" "tune-cpu"="neither" }\n'
    )
    text = 'target triple = "nvptx64-nvidia-cuda"\ntarget datalayout = "e-p:32:32"\n' + text
    assert "zmm" not in assembly(text, Target.named("haswell"))
    assert capfd.readouterr().err == ""


# Conversions of half and bfloat, in vectorised loops; `x86-64` has no instruction for any of them.
CONVERT = """
define void @convert(ptr noalias %in, ptr noalias %out, i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %body, label %done
body:
  %from = getelementptr FROM, ptr %in, i64 %i
  %to = getelementptr TO, ptr %out, i64 %i
  %x = load FROM, ptr %from
  %y = OPERATION FROM %x to TO
  store TO %y, ptr %to
  %next = add i64 %i, 1
  br label %loop
done:
  ret void
}
"""
CPUS = [HOST, Target.named("x86-64")] if X86 else [HOST]


def convert(source: np.ndarray, from_: str, to: str, out: type[np.generic], target: Target) -> np.ndarray:
    operation = "fpext" if source.itemsize < np.dtype(out).itemsize else "fptrunc"
    text = CONVERT.replace("FROM", from_).replace("TO", to).replace("OPERATION", operation)
    loaded = compile_and_load(text, target)
    result = np.empty(source.size, out)
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    function(loaded.address("convert"))(source.ctypes.data, result.ctypes.data, source.size)
    return result


def interesting(dtype: type[np.floating]) -> np.ndarray:
    """Return every value of half and bfloat, the points half-way between, their neighbours, and random bits."""
    patterns = np.arange(1 << 16, dtype=np.uint16)
    with np.errstate(all="ignore"):
        halves = patterns.view(np.float16).astype(np.float64)
        bfloats = (patterns.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
        exact = np.concatenate([np.sort(halves[np.isfinite(halves)]), np.sort(bfloats[np.isfinite(bfloats)])])
        points = np.concatenate([exact, (exact[1:] + exact[:-1]) / 2]).astype(dtype)
        bits = np.random.default_rng(1).integers(0, 1 << 8 * points.itemsize, 200_000, f"u{points.itemsize}")
        special = np.array([np.nan, -np.nan, np.inf, -np.inf, 65504, 65519.996, 65520, 3.4e38, 0.0, -0.0], dtype)
        return np.concatenate([points, np.nextafter(points, dtype(np.inf)), np.nextafter(points, dtype(-np.inf)),
                               bits.view(dtype), special])  # fmt: skip


def assert_same_floats(found: np.ndarray, expected: np.ndarray) -> None:
    nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(found), nan)
    unsigned = f"u{found.itemsize}"
    np.testing.assert_array_equal(found.view(unsigned)[~nan], expected.view(unsigned)[~nan])


@pytest.mark.parametrize("target", CPUS, ids=str)
@pytest.mark.parametrize(("from_", "dtype"), [("float", np.float32), ("double", np.float64)])
def test_to_half_rounds_to_nearest_even(target: Target, from_: str, dtype: type[np.floating]) -> None:
    source = interesting(dtype)
    with np.errstate(all="ignore"):
        assert_same_floats(convert(source, from_, "half", np.float16, target), source.astype(np.float16))


def as_float(bfloat: np.ndarray) -> np.ndarray:
    bits: np.ndarray = bfloat.astype(np.uint32) << 16
    return bits.view(np.float32)


def nearest_bfloat(values: np.ndarray) -> np.ndarray:
    """Return the bits of the bfloat nearest to each double; found by comparison with exact mid-points, in double."""
    grid = as_float(np.arange(0x7F81, dtype=np.uint16)).astype(np.float64)
    grid[0x7F80] = 2.0**128  # where infinity stands in rounding
    magnitude = np.abs(values)
    index = np.searchsorted(grid, magnitude, side="right") - 1
    above = np.minimum(index + 1, 0x7F80)
    middle = (grid[index] + grid[above]) / 2
    up = (magnitude > middle) | ((magnitude == middle) & (index % 2 == 1))
    bits = np.where(up, above, index).astype(np.uint16)
    signed: np.ndarray = bits | (np.signbit(values).astype(np.uint16) << 15)
    return signed


@pytest.mark.parametrize("target", CPUS, ids=str)
@pytest.mark.parametrize(("from_", "dtype"), [("float", np.float32), ("double", np.float64)])
def test_to_bfloat_rounds_to_nearest_even(target: Target, from_: str, dtype: type[np.floating]) -> None:
    source = interesting(dtype)
    found = convert(source, from_, "bfloat", np.uint16, target)
    nan = np.isnan(source)
    assert np.isnan(as_float(found[nan])).all()
    np.testing.assert_array_equal(found[~nan], nearest_bfloat(source[~nan].astype(np.float64)))


@pytest.mark.parametrize("target", CPUS, ids=str)
def test_from_half_and_bfloat_is_exact(target: Target) -> None:
    patterns = np.arange(1 << 16, dtype=np.uint16)
    assert_same_floats(
        convert(patterns, "half", "float", np.float32, target), patterns.view(np.float16).astype(np.float32)
    )
    assert_same_floats(
        convert(patterns, "half", "double", np.float64, target), patterns.view(np.float16).astype(np.float64)
    )
    assert_same_floats(convert(patterns, "bfloat", "float", np.float32, target), as_float(patterns))


@pytest.mark.parametrize("target", CPUS, ids=str)
@pytest.mark.parametrize("operation", ["fadd", "fsub", "fmul", "fdiv"])
def test_arithmetic_on_half_and_bfloat_rounds_each_result(target: Target, operation: str) -> None:
    operator = {"fadd": np.add, "fsub": np.subtract, "fmul": np.multiply, "fdiv": np.divide}[operation]
    x, y = np.random.default_rng(2).integers(0, 1 << 16, (2, 100_000), np.uint16)
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)
    for type_ in ("half", "bfloat"):
        text = CONVERT.replace("(ptr noalias %in,", "(ptr noalias %in, ptr noalias %in2,").replace("FROM", type_)
        text = text.replace("TO", type_).replace(f"OPERATION {type_} %x to {type_}", f"{operation} {type_} %x, %x2")
        load = f"%from2 = getelementptr {type_}, ptr %in2, i64 %i\n  %x2 = load {type_}, ptr %from2\n  %y ="
        loaded = compile_and_load(text.replace("%y =", load), target)
        found = np.empty_like(x)
        function(loaded.address("convert"))(x.ctypes.data, y.ctypes.data, found.ctypes.data, x.size)
        with np.errstate(all="ignore"):
            if type_ == "half":
                assert_same_floats(found.view(np.float16), operator(x.view(np.float16), y.view(np.float16)))
            else:  # 24 bits are more than twice 8 and 2: rounding in float first does no harm
                expected = operator(as_float(x), as_float(y))
                nan = np.isnan(expected)
                assert np.isnan(as_float(found[nan])).all()
                np.testing.assert_array_equal(found[~nan], nearest_bfloat(expected[~nan].astype(np.float64)))


def test_the_oracle_of_bfloat_agrees_with_exact_arithmetic() -> None:
    values = np.concatenate(
        [np.random.default_rng(5).normal(size=300), [1e-40, 2.0**-134, 3e38, 3.3961775292304601e38, 1e39]]
    )
    for value, bits in zip(values, nearest_bfloat(values), strict=True):
        low = int(bits) & 0x7FFF
        steps = [b for b in (low - 1, low, low + 1) if 0 <= b <= 0x7F80]
        exact = [
            Fraction(2) ** 128 if b == 0x7F80 else Fraction(float(as_float(np.array([b], np.uint16))[0])) for b in steps
        ]
        distances = [(abs(e - abs(Fraction(float(value)))), b % 2) for e, b in zip(exact, steps, strict=True)]
        # beyond the largest finite value everything is infinite
        assert steps[distances.index(min(distances))] == low or abs(value) > 3.4e38


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
    openmp.set_num_threads(threads)
    assert openmp.get_max_threads() == threads
    ids, sizes = np.full(64, -1, np.int32), np.zeros(64, np.int32)
    work(ids.ctypes.data, ids.ctypes.data, 0, 64, 1, sizes.ctypes.data, sizes.ctypes.data, 0, 64, 1, 64)
    assert set(sizes) == {threads}
    assert set(ids) == set(range(threads))


@pytest.mark.parametrize("threads", [0, -1, 1 << 20, "2", 2.0, True, None])
def test_a_number_of_threads_that_is_none_is_refused(threads: object) -> None:
    with pytest.raises(errors.ArgumentError, match="threads: expected an integer from 1 to 65535"):
        openmp.set_num_threads(threads)  # type: ignore[arg-type]


def test_the_openmp_run_time_is_the_package_s_own_and_stays_private() -> None:
    assert Path(openmp.library()._name).name == "libiomp5.so"
    assert symbols._find(openmp.library(), "__kmpc_fork_call")
    assert symbols._find(ctypes.CDLL(None), "__kmpc_fork_call") is None


def test_targets_differ_only_by_what_is_asked_of_them() -> None:
    """Caches and cores are for schedules; the code generator looks at CPU and features only."""
    other = dataclasses.replace(HOST, l2_bytes=1, l3_bytes=1, cores=99)
    assert compile_object(AXPY, other) == compile_object(AXPY, HOST)
