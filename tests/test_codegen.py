"""LLVM text becomes code that computes what it says, for the CPU that is named; what LLVM refuses is told."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading

import pytest
from codegen_harness import AXPY, HOST, call_axpy, compile_and_load
from slipstick import errors
from slipstick.compiler.codegen import assembly, compile_object, load_object, optimised_ir
from slipstick.target import Target


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


def test_the_target_decides_not_the_attributes_in_the_text(capfd: pytest.CaptureFixture[str]) -> None:
    text = AXPY.replace("i64 %n) {", "i64 %n) #0 {") + (
        'attributes #0 = { "target-cpu"="no-such-cpu" "target-features"="+avx512f,+no-such" "tune-cpu"="neither" }\n'
    )
    text = 'target triple = "nvptx64-nvidia-cuda"\ntarget datalayout = "e-p:32:32"\n' + text
    assert "zmm" not in assembly(text, Target.named("haswell"))
    assert capfd.readouterr().err == ""


def test_targets_differ_only_by_what_is_asked_of_them() -> None:
    """Caches and cores are for schedules; the code generator looks at CPU and features only."""
    other = dataclasses.replace(HOST, l2_bytes=1, l3_bytes=1, cores=99)
    assert compile_object(AXPY, other) == compile_object(AXPY, HOST)
