"""The innermost loops of contractions keep what they sum in registers: assembly for AVX2, AVX-512 and NEON."""

from __future__ import annotations

import pytest
from assembly_loops import Loop, inner_loops
from slipstick import CompileOptions, LMul
from slipstick.compiler.build import llvm_text
from slipstick.compiler.codegen import assembly
from slipstick.target import Target

CPUS = ("haswell", "skylake-avx512", "neoverse-n1")
SUMS = r"v?f?(fmla|vfmadd|vaddp|fadd)"
"""Instructions that add to a sum: fused multiply-adds, and the additions of L-Mul."""

MAPS = ", ".join(f"affine_map<(m, n, k) -> {dims}>" for dims in ("(m, k)", "(n, k)", "(m, n)"))


def product(rows: int, element: str) -> str:
    """Return a linear layer without bias: 768 columns, depth 512."""
    a, b, c = (f"tensor<{size}x{element}>" for size in (f"{rows}x512", "768x512", f"{rows}x768"))
    return f"""func.func @main(%a: {a}, %b: {b} {{slipstick.parameter}}, %c: {c}) -> {c} {{
      %0 = linalg.matmul indexing_maps = [{MAPS}] ins(%a, %b : {a}, {b}) outs(%c : {c}) -> {c}
      return %0 : {c}
    }}"""


def kernel(cpu: str, rows: int, element: str, weights: str, specials: str | None) -> Loop:
    """Return the innermost loop that does most of the sum."""
    lmul = None if specials is None else LMul(specials=specials)
    options, target = CompileOptions(threads=1, weights=weights, lmul=lmul), Target.named(cpu)
    loops = inner_loops(assembly(llvm_text(product(rows, element), options, target), target))
    return max(loops, key=lambda loop: loop.count(SUMS))


@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize(
    ("rows", "element", "weights"),
    [
        *((rows, "f32", "f32") for rows in (1, 4, 8, 64)),
        *((rows, "f64", "f32") for rows in (4, 64)),
        *((rows, "f32", "bf16") for rows in (1, 8, 64)),
        pytest.param(1, "f64", "f32", marks=pytest.mark.exhaustive),
        pytest.param(8, "f64", "f32", marks=pytest.mark.exhaustive),
        pytest.param(4, "f32", "bf16", marks=pytest.mark.exhaustive),
    ],
)
def test_exact(cpu: str, rows: int, element: str, weights: str) -> None:
    loop = kernel(cpu, rows, element, weights, None)
    assert loop.count(SUMS) >= 4
    assert loop.stack_traffic() == []


@pytest.mark.parametrize("cpu", CPUS[1:])
@pytest.mark.parametrize("rows", [1, 8, 64])
@pytest.mark.parametrize("specials", ["finite", "ieee"])
def test_lmul_in_32_registers(cpu: str, rows: int, specials: str) -> None:
    loop = kernel(cpu, rows, "f32", "f32", specials)
    assert loop.count(SUMS) >= 4
    assert loop.stack_traffic() == []


@pytest.mark.parametrize("rows", [1, 8, 64])
def test_lmul_finite_in_16_registers(rows: int) -> None:
    """Under `ieee` the constants of the sequence alone fill 16 registers, so that no tile is free of spills."""
    loop = kernel("haswell", rows, "f32", "f32", "finite")
    assert loop.count(SUMS) >= 3
    assert loop.stack_traffic() == []


def test_ragged_tiles_on_avx512() -> None:
    """What a matrix has left over beside its panels is packed by rows; masks come from bits and hold no vectors."""
    a, b, c = "tensor<40x64xf32>", "tensor<64x100xf32>", "tensor<40x100xf32>"
    text = f"""func.func @main(%a: {a}, %b: {b}, %c: {c}) -> {c} {{
      %0 = linalg.matmul ins(%a, %b : {a}, {b}) outs(%c : {c}) -> {c}
      return %0 : {c}
    }}"""
    target = Target.named("skylake-avx512")
    code = assembly(llvm_text(text, CompileOptions(threads=1), target), target)
    assert "kmov" in code
    assert "vgather" not in code and "vpcmp" not in code
    assert Loop(tuple(code.splitlines())).stack_traffic() == []
