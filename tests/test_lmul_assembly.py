"""A rewritten kernel's machine code multiplies nothing, on every target, for every type and policy."""

from __future__ import annotations

import re
from functools import cache

import pytest
from lmul_kernels import WIDTHS, llvm_ir, loop
from slipstick.compiler.codegen import assembly
from slipstick.kernels.lmul import FORMATS
from slipstick.target import Target

CPUS = ("haswell", "znver4", "neoverse-v2")
BODIES = {"multiply": "%r = arith.mulf %x, %y : T", "multiply_add": "%r = math.fma %x, %y, %z : T"}
FORMS = ("scalar", "vector")
REWRITES = tuple(f"lmul{{specials={s} rounding={r}}}" for s in ("ieee", "finite") for r in ("truncate", "rne"))

# x86: mulss, vmulps, imul, mulx, vpmullq, pmaddwd, vfmadd213ps, vfnmsub231ss, dpps, vdpbf16ps, ...
# AArch64: mul, fmul, fmla, fmls, fmadd, fnmsub, madd, mla, smull, umulh, smaddl, bfdot, bfmlalb, bfmmla, ...
MULTIPLICATION = re.compile(
    r"\w*mul\w*|v?fn?m(add|sub)\w*|v?p?madd\w*|n?msub|[su]m(add|sub)l|\w*ml[as][lbt]*|\w*mmla|\w*dot|v?dpp[sd]|vp?dp\w+"
)
CALL = re.compile(r"call\w*|blr?|jmp|b")
KNOWN_CALLS = re.compile(r"_element|__(trunc|extend)\w+|\.L")
"""What the kernels call on purpose, the conversions of half and bfloat, and local jumps."""


@cache
def kernels(cpu: str, passes: str = "", types: tuple[str, ...] = tuple(WIDTHS)) -> dict[str, str]:
    """Return the assembly of kernels for the types and every form and operation by their names, after `passes`."""
    text = assembly(lowered(passes, types), Target.named(cpu))
    functions: dict[str, str] = {}
    for function in re.split(r"^(?=\w+:)", text, flags=re.MULTILINE)[1:]:
        name, _, code = function.partition(":")
        kernel = name.removeprefix("_mlir_ciface_").removesuffix("_element")
        functions[kernel] = functions.get(kernel, "") + code
    return functions


@cache
def lowered(passes: str, types: tuple[str, ...]) -> str:
    return llvm_ir(
        "\n".join(
            loop(t, body, inputs=3 if "add" in operation else 2, form=form, name=f"{operation}_{form}_{t}")
            for t in types
            for operation, body in BODIES.items()
            for form in FORMS
        ),
        passes,
    )


def instructions(text: str) -> list[tuple[str, str]]:
    """Return mnemonics and operands of assembly text, without labels, directives and comments."""
    found = []
    for line in text.splitlines():
        code = re.split(r"[#;]|//", line, maxsplit=1)[0].strip()
        if code and not code.startswith(".") and not code.endswith(":"):
            mnemonic, _, operands = code.partition("\t")
            found.append((mnemonic.strip(), operands.strip()))
    return found


def multiplications(text: str) -> list[str]:
    return [mnemonic for mnemonic, _ in instructions(text) if MULTIPLICATION.fullmatch(mnemonic)]


def unknown_calls(text: str) -> list[str]:
    """Return the calls of functions that could multiply."""
    return [
        operands
        for mnemonic, operands in instructions(text)
        if CALL.fullmatch(mnemonic) and not KNOWN_CALLS.search(operands)
    ]


@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("float_type", WIDTHS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("operation", BODIES)
def test_no_multiplication_is_left(cpu: str, float_type: str, form: str, operation: str) -> None:
    name = f"{operation}_{form}_{float_type}"
    exact = kernels(cpu)[name]
    assert multiplications(exact) or any("fma" in call for call in unknown_calls(exact))
    for passes in REWRITES:
        rewritten = kernels(cpu, passes)[name]
        assert len(instructions(rewritten)) > 10
        assert multiplications(rewritten) == []
        assert unknown_calls(rewritten) == []


def test_forms_are_what_they_say() -> None:
    """The vector kernels of these tests use whole vectors, the scalar ones do not."""
    for passes in REWRITES:
        found = kernels("haswell", passes)
        assert all("ymm" in text for name, text in found.items() if "vector" in name)
        assert "ymm" not in found["multiply_scalar_f32"]  # in f64 LLVM may pair the two operands


@pytest.mark.parametrize("float_type", WIDTHS)
@pytest.mark.parametrize("specials", ["ieee", "finite"])
@pytest.mark.parametrize("kept", ["some", "all"])
def test_vectors_are_not_taken_apart(float_type: str, specials: str, kept: str) -> None:
    """No lane passes through a scalar register: LLVM does so with `fabs` of bf16 vectors, which it makes of masks."""
    k = 4 if kept == "some" else FORMATS[float_type].mantissa_bits
    passes = f"lmul{{specials={specials} mantissa-bits={k}}}"
    text = kernels("haswell", passes, (float_type,))[f"multiply_vector_{float_type}"]
    assert not re.search(r"v?p(extr|insr)[bwdq]|vmov[dq]\s+%(x|y)mm\d+, %[er]?[a-d]", text)


@pytest.mark.parametrize(
    ("specials", "k", "most"), [("ieee", 4, 24), ("ieee", 23, 22), ("finite", 4, 13), ("finite", 23, 15)]
)
def test_length_of_one_product_on_avx2(specials: str, k: int, most: int) -> None:
    """The f32 sequence is as short as it was made: the arithmetic of the loop, loads and stores not counted."""
    text = kernels("haswell", f"lmul{{specials={specials} mantissa-bits={k}}}", ("f32",))["multiply_vector_f32"]
    loops = [block for block in re.split(r"^\.LBB\S*:", text, flags=re.MULTILINE) if "Inner Loop" in block]
    assert loops
    for block in loops:
        arithmetic = [m for m, operands in instructions(block) if "ymm" in operands and not re.match(r"v(p?br|mov)", m)]
        assert most - 3 <= len(arithmetic) <= most, arithmetic


MULTIPLY = """
mulss vmulps vmulph imulq mulx vpmulld pmaddwd vpmaddwd vfmadd213ps vfnmadd231sd vfmsub132ss dpps vdpbf16ps vpdpbusd
mul madd msub mla mls smull umulh smaddl sqdmulh fmul fnmul fmulx fmadd fmsub fnmadd fnmsub fmla fmls fmlal fcmla
bfdot sdot bfmlalb bfmlalt bfmmla
"""
OTHERS = """
vaddps vpaddd vpand vpminud vpmaxsd vblendvps vpcmpgtd movl vmovaps vmovlps leal cmovbl sbbl
fmov smin umax umin fadd add sub fmaxnm fminnm cmp csel bsl cmgt sminv dup ldr
"""


def test_multiplications_are_recognised() -> None:
    assert multiplications("\n".join(f"\t{m}\tx, y" for m in MULTIPLY.split())) == MULTIPLY.split()
    assert multiplications("\n".join(f"\t{m}\tx, y" for m in OTHERS.split())) == []
