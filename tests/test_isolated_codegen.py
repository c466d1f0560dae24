"""What ends LLVM gives an error and ends nothing: it is compiled in a process of its own."""

from __future__ import annotations

import ctypes

import pytest
from codegen_harness import AXPY, HOST, compile_and_load
from slipstick import errors
from slipstick.compiler import isolated
from slipstick.compiler.codegen import assembly, compile_object
from slipstick.target import Target

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
