"""LLVM 24 text reads the same, bit for bit, after it was rewritten for LLVM 22."""

from __future__ import annotations

import ctypes
import random
import re
import struct
import time
from fractions import Fraction

import llvmlite.binding as binding
import numpy as np
import pytest
from slipstick import errors
from slipstick.bindings import ir, llvm, new_context
from slipstick.compiler.codegen import compile_object, load_object
from slipstick.compiler.llvm_text import to_llvm22
from slipstick.target import Target

MLIR_TYPES = {"half": "f16", "bfloat": "bf16", "float": "f32", "double": "f64"}
WIDTHS = {"half": 16, "bfloat": 16, "float": 32, "double": 64}


def printed_by_llvm24(**arrays: tuple[str, np.ndarray]) -> str:
    """Return the LLVM 24 text of a module with one global array for each argument: an LLVM type and the bits."""
    with new_context(), ir.Location.unknown():
        module = ir.Module.parse("module {}")
        with ir.InsertionPoint(module.body):
            for name, (type_, bits) in arrays.items():
                element = ir.Type.parse(MLIR_TYPES[type_])
                ir.Operation.create(
                    "llvm.mlir.global",
                    attributes={
                        "global_type": ir.TypeAttr.get(ir.Type.parse(f"!llvm.array<{bits.size} x {element}>")),
                        "sym_name": ir.StringAttr.get(name),
                        "linkage": ir.Attribute.parse("#llvm.linkage<external>"),
                        "value": ir.DenseElementsAttr.get(bits, type=element, shape=[bits.size]),
                        "addr_space": ir.IntegerAttr.get(ir.IntegerType.get_signless(32), 0),
                    },
                    regions=1,
                )
        return str(llvm.translate_module_to_llvmir(module.operation))


def check_arrays(**arrays: tuple[str, np.ndarray]) -> None:
    text = printed_by_llvm24(**arrays)
    loaded = load_object(compile_object(text, Target.host(), opt_level=0))
    for name, (_, bits) in arrays.items():
        found = np.frombuffer(ctypes.string_at(loaded.address(name), bits.nbytes), bits.dtype)
        np.testing.assert_array_equal(found, bits)


def boundary_bits(type_: str) -> list[int]:
    """Return the bits around every exponent's ends, NaNs with single-bit payloads, and both signs of each."""
    width = WIDTHS[type_]
    mantissa = {"half": 10, "bfloat": 7, "float": 23, "double": 52}[type_]
    magnitudes = {0}
    for exponent in range(1 << (width - 1 - mantissa)):
        start = exponent << mantissa
        magnitudes |= {start, start + 1, start + (1 << mantissa) - 1, start + (1 << (mantissa - 1))}
    top = ((1 << (width - 1 - mantissa)) - 1) << mantissa
    magnitudes |= {top | 1 << bit for bit in range(mantissa)} | {1 << bit for bit in range(mantissa)}
    return sorted(sign << (width - 1) | magnitude for sign in (0, 1) for magnitude in magnitudes)


@pytest.mark.parametrize("type_", ["half", "bfloat"])
def test_every_16_bit_pattern_survives(type_: str) -> None:
    check_arrays(a=(type_, np.arange(1 << 16, dtype=np.uint16)))


@pytest.mark.parametrize(("type_", "dtype"), [("float", np.uint32), ("double", np.uint64)])
def test_boundaries_random_bits_and_short_decimals_survive(type_: str, dtype: type[np.unsignedinteger]) -> None:
    rng = np.random.default_rng(7)
    floats = np.float32 if type_ == "float" else np.float64
    check_arrays(
        boundaries=(type_, np.array(boundary_bits(type_), dtype)),
        random=(type_, rng.integers(0, 1 << WIDTHS[type_], 25_000, dtype=dtype)),
        decimals=(type_, (rng.integers(-(10**6), 10**6, 25_000) / 10_000).astype(floats).view(dtype)),
        tiny=(type_, rng.integers(0, 1 << 12, 4000, dtype=dtype)),
    )


@pytest.mark.exhaustive
@pytest.mark.parametrize(("type_", "dtype"), [("float", np.uint32), ("double", np.uint64)])
@pytest.mark.parametrize("seed", range(5))
def test_millions_of_random_bits_survive(type_: str, dtype: type[np.unsignedinteger], seed: int) -> None:
    rng = np.random.default_rng(seed)
    floats = np.float32 if type_ == "float" else np.float64
    check_arrays(
        random=(type_, rng.integers(0, 1 << WIDTHS[type_], 400_000, dtype=dtype)),
        decimals=(type_, (rng.integers(-(10**6), 10**6, 400_000) / 10**5).astype(floats).view(dtype)),
        small=(type_, rng.integers(0, 1 << (WIDTHS[type_] // 2), 200_000, dtype=dtype)),
    )


# Every place where LLVM prints a literal. `T` is the type; `A`, `B` are literals of it; `D` is a double literal.
POSITIONS = {
    "binary operation, first": "%r = fadd T A, %x",
    "binary operation, second": "%r = fsub T %x, A",
    "binary operation, flags": "%r = fmul reassoc nnan ninf nsz arcp contract afn T %x, A",
    "both": "%r = fdiv fast T A, B",
    "fneg": "%r = fneg T A",
    "fcmp": "%r = fcmp fast ult T %x, A",
    "fcmp both": "%r = fcmp ueq T A, B",
    "select": "%r = select i1 %c, T A, T B",
    "vector": "%r = fadd <2 x T> %v, <T A, T B>",
    "vector with poison": "%r = fadd <2 x T> %v, <T A, T poison>",
    "splat": "%r = fadd <2 x T> %v, splat (T A)",
    "splat twice": "%r = fadd <2 x T> splat (T B), splat (T A)",
    "select of vectors": "%r = select <2 x i1> %m, <2 x T> splat (T A), <2 x T> <T A, T B>",
    "insertelement": "%r = insertelement <2 x T> %v, T A, i64 1",
    "insertelement into constant": "%r = insertelement <2 x T> <T A, T B>, T B, i32 %i",
    "extractelement": "%r = extractelement <2 x T> <T A, T B>, i32 %i",
    "shufflevector": "%r = shufflevector <2 x T> <T A, T B>, <2 x T> %v, <2 x i32> <i32 0, i32 3>",
    "insertvalue": "%r = insertvalue { T, double } %s, T A, 0",
    "insertvalue into constant": "%r = insertvalue { T, double } { T A, double D }, double D, 1",
    "array value": "%r = insertvalue [2 x T] [T A, T B], T B, 0",
    "store": "store T A, ptr %p, align 4",
    "volatile store of a vector": "store volatile <2 x T> <T A, T B>, ptr %p, align 4, !nontemporal !0",
    "store of a struct": "store { T, double } { T A, double D }, ptr %p",
    "packed struct": "store <{ T, i8, [2 x double] }> <{ T A, i8 3, [2 x double] [double D, double D] }>, ptr %p",
    "call": "call void @g(T A, double D, T B)",
    "call with attributes": "call void @g(T noundef nofpclass(inf) A, double noundef D, T inreg %x) #0",
    "call with a type": "call void (T, double, T) @g(T A, double D, T B)",
    "variadic call": "call i32 (ptr, ...) @printf(ptr %p, double D, T A)",
    "tail call": "tail call fastcc void @h(<2 x T> <T A, T B>)",
    "intrinsic": "%r = call fast T @fma(T A, T %x, T B)",
    "bundle": 'call void @g(T A, double D, T B) [ "deopt"(T A, i64 3, double D), "tag"(double D) ]',
    "cast": "%r = fptosi T A to i32",
    "cast to double": "%r = bitcast <2 x T> <T A, T B> to <2 x T>",
    "freeze": "%r = freeze T A",
    "constant expression": "%r = add i64 ptrtoint (ptr @one to i64), 3",
    "atomicrmw": "%r = atomicrmw fadd ptr %p, T A seq_cst, align 8",
    "metadata": "%r = fadd T %x, A, !fpmath !1",
    "named like literals": "%inf = fadd T %x, A\n  %nan = fadd T %inf, B",
    "quoted names": '%"a 1.5 f0x00" = fadd T %x, A\n  %"+inf" = fadd T %"a 1.5 f0x00", B',
    "names with dots": "%x.1.5 = fadd T %x, A\n  %f0x12 = fadd T %x.1.5, B\n  %.1.5 = fadd T %x, B",
    "comment after": "%r = fadd T %x, A ; +inf and T 1.5 and f0x3F800000",
    "labels": "br label %f0x12\nf0x12:                       ; preds = %1\n  "
    "br label %l.1.5\nl.1.5:\n  %r = fadd T %x, A",
    "phi": "br i1 %c, label %a, label %b.5\na:\n  br label %b.5\n"
    "b.5:\n  %r = phi T [ A, %entry ], [ B, %a ]\n  %v2 = phi <2 x T> [ splat (T A), %entry ], [ <T A, T B>, %a ]",
    "switch": "switch i32 %i, label %a [\n    i32 1, label %a\n  ]\na:\n  %r = fadd T A, B",
}
FUNCTION = """
source_filename = "1.5 +inf f0x00000000"
@one = global T A
@two = constant [2 x T] [T A, T B], align 16
@three = private constant { double, <2 x T>, [1 x { T }] } { double D, <2 x T> <T A, T B>, [1 x { T }] [{ T } { T B }] }
@four = constant <{ T, i8 }> <{ T A, i8 1 }>, section "f0x00 1.5"
@text = constant [12 x i8] c"double 1.5\\22\\00"
@"name 1.5 -inf" = alias T, ptr @one
declare void @g(T, double, T)
declare fastcc void @h(<2 x T>)
declare i32 @printf(ptr, ...)
declare T @fma(T, T, T)
define void @f(T %x, <2 x T> %v, <2 x i1> %m, { T, double } %s, ptr %p, i32 %i, i1 %c) {
entry:
  BODY
  ret void
}
define T @r() { ret T A }
define <2 x T> @rv() { ret <2 x T> <T A, T B> }
define { T, double } @rs() { ret { T, double } { T B, double D } }
attributes #0 = { nounwind "x"="1.5 +inf" }
!0 = !{i32 1}
!1 = !{float 2.500000e+00}
!named.1.5 = !{!2}
!2 = !{!"T f0x00 1.5 -inf", T A, !{T B, double D}}
"""

LITERALS: dict[str, list[tuple[str, str]]] = {
    # literal of LLVM 24, the same value in LLVM 22's notation, spelled out by hand
    "half": [
        ("1.000000e+00", "0xH3C00"), ("3.332520e-01", "0xH3555"), ("f0x0001", "0xH0001"), ("-inf", "0xHFC00"),
        ("+inf", "0xH7C00"), ("+qnan", "0xH7E00"), ("-qnan", "0xHFE00"), ("-nan(0x1)", "0xHFE01"),
        ("+snan(0x1FF)", "0xH7DFF"), ("-0.000000e+00", "0xH8000"), ("5.960460e-08", "0xH0001"),
    ],
    "bfloat": [
        ("1.000000e+00", "0xR3F80"), ("1.000980e-01", "0xR3DCD"), ("f0x0001", "0xR0001"), ("-inf", "0xRFF80"),
        ("+inf", "0xR7F80"), ("+qnan", "0xR7FC0"), ("-nan(0x3f)", "0xRFFFF"), ("+snan(0x1)", "0xR7F81"),
        ("9.183550e-41", "0xR0001"), ("3.389530e+38", "0xR7F7F"),
    ],
    "float": [
        ("1.000000e+00", "0x3FF0000000000000"), ("1.000000e-01", "0x3FB99999A0000000"),
        ("f0xFF7FFFFF", "0xC7EFFFFFE0000000"), ("-inf", "0xFFF0000000000000"), ("+inf", "0x7FF0000000000000"),
        ("+qnan", "0x7FF8000000000000"), ("-nan(0x12345)", "0xFFF82468A0000000"),
        ("+snan(0x1)", "0x7FF0000020000000"), ("1.401300e-45", "0x36A0000000000000"),
        ("f0x007FFFFF", "0x380FFFFFC0000000"), ("-0.000000e+00", "0x8000000000000000"),
    ],
    "double": [
        ("1.000000e-01", "0x3FB999999999999A"), ("f0x3FB999999999999B", "0x3FB999999999999B"),
        ("-inf", "0xFFF0000000000000"), ("+qnan", "0x7FF8000000000000"), ("+snan(0x1)", "0x7FF0000000000001"),
        ("-nan(0x7FFFFFFFFFFFF)", "0xFFFFFFFFFFFFFFFF"), ("4.940660e-324", "0x0000000000000001"),
    ],
    "x86_fp80": [
        ("1.000000e+00", "0xK3FFF8000000000000000"), ("f0x3FFBCCCCCCCCCCCCD000", "0xK3FFBCCCCCCCCCCCCD000"),
        ("-inf", "0xKFFFF8000000000000000"), ("+qnan", "0xK7FFFC000000000000000"),
        ("1.000000e-01", "0xK3FFBCCCCCCCCCCCCCCCD"), ("+snan(0x1)", "0xK7FFF8000000000000001"),
        ("0.000000e+00", "0xK00000000000000000000"), ("3.645200e-4951", "0xK00000000000000000001"),
    ],
    "fp128": [
        ("1.000000e+00", "0xL00000000000000003FFF000000000000"),
        ("f0x3FFB999999999999A000000000000001", "0xLA0000000000000013FFB999999999999"),
        ("-inf", "0xL0000000000000000FFFF000000000000"), ("+nan(0x5)", "0xL00000000000000057FFF800000000000"),
        ("1.000000e-01", "0xL999999999999999A3FFB999999999999"),
    ],
}  # fmt: skip


def fill(body: str, type_: str, a: str, b: str, double: str) -> str:
    text = FUNCTION.replace("BODY", body)
    return re.sub(r"\b[TABD]\b", lambda match: {"T": type_, "A": a, "B": b, "D": double}[match[0]], text)


def canonical(text: str) -> str:
    module = binding.parse_assembly(text, context=binding.create_context())
    module.verify()
    return str(module)


@pytest.mark.parametrize("type_", list(LITERALS))
@pytest.mark.parametrize("position", list(POSITIONS))
def test_every_literal_in_every_position(position: str, type_: str) -> None:
    if (position, type_) == ("atomicrmw", "x86_fp80"):
        type_ = "double"  # LLVM has no atomic operations on 80 bits
    literals = LITERALS[type_]
    doubles = LITERALS["double"]
    for number, (new_a, old_a) in enumerate(literals):
        new_b, old_b = literals[(number + 3) % len(literals)]
        new_d, old_d = doubles[number % len(doubles)]
        rewritten = to_llvm22(fill(POSITIONS[position], type_, new_a, new_b, new_d))
        assert canonical(rewritten) == canonical(fill(POSITIONS[position], type_, old_a, old_b, old_d))


def test_mixed_types_on_one_line() -> None:
    line = "call void @f(float 0.1, double 0.1, half 0.1, bfloat 0.1, <2 x float> splat (float 0.1), i32 3, double 0.1)"
    assert to_llvm22(line) == (
        "call void @f(float 0x3FB99999A0000000, double 0x3FB999999999999A, half 0xH2E66, bfloat 0xR3DCD, "
        "<2 x float> splat (float 0x3FB99999A0000000), i32 3, double 0x3FB999999999999A)"
    )


def test_a_type_in_brackets_says_nothing_of_what_follows() -> None:
    assert to_llvm22("%r = fadd double bitcast (<2 x float> <float 0.5, float 0.5> to double), 0.1").endswith(
        "), 0x3FB999999999999A"
    )


@pytest.mark.parametrize(
    "line",
    [
        'source_filename = "1.5 float +inf"',
        "; float 1.5 f0x00000000",
        '@s = constant [3 x i8] c"1.5"',
        "%f0x12 = add i32 %inf, %-inf",
        '@"+qnan" = global i32 1',
        "define void @f0x3F800000(i32 %x.1.5) {",
        "1.5:",
        "-inf:                ; preds = %0",
        "!1.5 = !{i32 3}",
        '!0 = !{!"float 1.5"}',
        "attributes #0 = { \"a\"=\"float 1.5\" }",
        "%r = fadd float 0x3FB99999A0000000, 0x7FF0000000000000",
        "@h = global half 0xH3C00",
        '!0 = !DIFile(filename: "1.5.py", directory: "-inf")',
    ],
)  # fmt: skip
def test_everything_else_is_left_alone(line: str) -> None:
    assert to_llvm22(line) == line
    assert to_llvm22(f"{line}\n@g = global float 1.0\n").splitlines()[0] == line


def test_rewritten_text_is_left_alone() -> None:
    text = to_llvm22(fill(POSITIONS["phi"], "float", "1.0", "+inf", "0.1"))
    assert to_llvm22(text) == text


def test_lines_end_only_at_newlines() -> None:
    line = '@"a\x0b\x1c\u2028b" = global float 1.0 ; \x85'
    assert to_llvm22(line) == line.replace("1.0", "0x3FF0000000000000")


def nearest_float32(decimal: str) -> int:
    """Return the bits of the float nearest to a positive decimal, by exact comparison with its neighbours."""
    value = Fraction(decimal)
    guess = int(np.float32(float(decimal)).view(np.uint32))

    def distance(bits: int) -> tuple[Fraction, int]:
        exact = Fraction(float(np.uint32(bits).view(np.float32)))
        return abs(exact - value), bits & 1  # a tie goes to the even one

    return min((bits for bits in (guess - 1, guess, guess + 1) if 0 <= bits < 0x7F800000), key=distance)


def test_decimals_are_rounded_once() -> None:
    rng = random.Random(3)
    for _ in range(3000):
        bits = rng.choice([rng.randrange(1, 0x7F7FFFFF), rng.randrange(1, 0x01000000)])
        low, high = (Fraction(struct.unpack("<f", struct.pack("<I", bits + step))[0]) for step in (0, 1))
        middle = (low + high) / 2
        # just below, at, and just above half-way: the first and last differ from a double by less than its precision
        for offset in (-1, 0, 1):
            exact = middle + offset * (high - low) / 2**60
            digits = 200
            scaled = exact * 10**digits
            decimal = f"{scaled.numerator // scaled.denominator}"
            text = f"{decimal[:-digits] or '0'}.{decimal[-digits:].zfill(digits)}"
            expected = float(np.uint32(nearest_float32(text)).view(np.float32))
            assert to_llvm22(f"float {text}") == f"float 0x{struct.unpack('<Q', struct.pack('<d', expected))[0]:016X}"


@pytest.mark.parametrize(
    "line",
    ["ret 1.5", "store i32 +inf, ptr %p", "ret half 1.0e9", "ret half f0x12345", "ret float 1.0e39",
     "ret double 1.0e400", "ret bfloat +snan(0x0)", "ret half +nan(0x200)"],
)  # fmt: skip
def test_literals_that_no_type_has_are_refused(line: str) -> None:
    with pytest.raises(errors.CodegenError, match="literal"):
        to_llvm22(line)


def test_time_is_linear() -> None:
    def text(lines: int) -> str:
        rng = random.Random(1)
        return "".join(
            f"  %{i} = fadd float %{i}, {rng.random():.6e}\n  %n{i} = call i32 @f(i32 %x, ptr %y)\n"
            for i in range(lines)
        )

    def seconds(lines: int) -> float:
        work = text(lines)
        start = time.process_time()
        to_llvm22(work)
        return time.process_time() - start

    seconds(1000)
    assert seconds(40_000) < 8 * seconds(10_000) + 0.1
    assert seconds(40_000) < 8  # 3 MB
