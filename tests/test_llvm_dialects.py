"""What the dialects of MLIR print through LLVM 24 compiles with LLVM 22."""

from __future__ import annotations

import pytest
from slipstick.bindings import ir, llvm, new_context, passmanager
from slipstick.compiler.codegen import compile_object
from slipstick.target import Target

TARGETS = [Target.host(), Target.named("znver4"), Target.named("neoverse-v2")]

TO_LLVM = (
    "builtin.module(convert-scf-to-openmp,canonicalize,convert-vector-to-scf,convert-scf-to-cf,expand-strided-metadata,"
    "lower-affine,convert-math-to-llvm,convert-math-to-libm,convert-vector-to-llvm,finalize-memref-to-llvm,"
    "convert-func-to-llvm,convert-complex-to-llvm,convert-arith-to-llvm,convert-cf-to-llvm,convert-index-to-llvm,"
    "convert-openmp-to-llvm,reconcile-unrealized-casts)"
)


def check(mlir: str, pipeline: str | None = TO_LLVM) -> None:
    with new_context():
        module = ir.Module.parse(mlir)
        if pipeline:
            passmanager.PassManager.parse(pipeline).run(module.operation)
        left: list[str] = []

        def note(op: ir.Operation) -> ir.WalkResult:
            left.append(op.name)
            return ir.WalkResult.ADVANCE

        module.operation.walk(note)
        # translation ends the process at an operation it does not know
        assert {name.split(".")[0] for name in left} <= {"builtin", "llvm", "omp"}
        text = str(llvm.translate_module_to_llvmir(module.operation))
    for target in TARGETS:
        assert compile_object(text, target, opt_level=1)


UNARY = """
absf ceil floor sqrt rsqrt exp exp2 expm1 log log2 log10 log1p sin cos tan tanh sinh cosh asin acos atan erf erfc round
roundeven trunc cbrt asinh acosh atanh
"""
FLOAT_BINARY = "addf subf mulf divf remf maximumf minimumf maxnumf minnumf"
INTEGER_BINARY = "addi subi muli divsi divui remsi remui andi ori xori shli shrsi shrui maxsi maxui minsi minui"


@pytest.mark.parametrize("type_", ["f16", "bf16", "f32", "f64", "vector<8xf32>", "vector<4xf64>", "vector<8xf16>"])
def test_arithmetic_and_math_on_floats(type_: str) -> None:
    lines = [f"math.{name} %0 : {type_}" for name in UNARY.split()]
    lines += [f"math.{name} %0, %0 : {type_}" for name in ("powf", "atan2", "copysign")]
    lines += [f"math.fma %0, %0, %0 : {type_}"]
    lines += [f"arith.{name} %0, %c fastmath<fast> : {type_}" for name in FLOAT_BINARY.split()]
    constant = "0.1" if "vector" not in type_ else "dense<0.1>"
    body = "\n".join(f"  %{number} = {line}" for number, line in enumerate(lines, 1))
    stores = "\n".join(f"  memref.store %{n}, %m[%i] : memref<?x{type_}>" for n in range(1, len(lines) + 1))
    check(
        f"func.func @f(%0: {type_}, %m: memref<?x{type_}>, %i: index) {{\n"
        f"  %c = arith.constant {constant} : {type_}\n{body}\n{stores}\n  return\n}}"
    )


@pytest.mark.parametrize("type_", ["i1", "i8", "i16", "i32", "i64", "i128", "index", "vector<8xi32>", "vector<8xi1>"])
def test_arithmetic_on_integers(type_: str) -> None:
    lines = [f"arith.{name} %0, %0 : {type_}" for name in INTEGER_BINARY.split()]
    lines += [f"math.{name} %0 : {type_}" for name in ("ctlz", "cttz", "ctpop", "absi")]
    body = "\n".join(f"  %{number} = {line}" for number, line in enumerate(lines, 1))
    results = ", ".join(f"%{number}" for number in range(1, len(lines) + 1))
    types = ", ".join([type_] * len(lines))
    check(f"func.func @f(%0: {type_}) -> ({types}) {{\n{body}\n  return {results} : {types}\n}}")


MODULES = {
    "conversions": """
func.func @f(%a: f32, %b: f64, %h: f16, %v: vector<4xf32>)
    -> (f64, i32, i64, f16, bf16, vector<4xf16>, vector<4xbf16>, vector<4xi8>) {
  %0 = arith.extf %a : f32 to f64
  %1 = arith.fptosi %b : f64 to i32
  %2 = arith.fptoui %h : f16 to i64
  %3 = arith.truncf %b : f64 to f16
  %4 = arith.truncf %b : f64 to bf16
  %5 = arith.truncf %v : vector<4xf32> to vector<4xf16>
  %6 = arith.truncf %v : vector<4xf32> to vector<4xbf16>
  %7 = arith.fptosi %v : vector<4xf32> to vector<4xi8>
  return %0, %1, %2, %3, %4, %5, %6, %7 : f64, i32, i64, f16, bf16, vector<4xf16>, vector<4xbf16>, vector<4xi8>
}""",
    "vector": """
func.func @f(%m: memref<?x?xf32>, %v: vector<8xf32>, %i: index, %mask: vector<8xi1>, %iv: vector<8xi32>)
    -> (vector<8xf32>, f32) {
  %0 = vector.load %m[%i, %i] : memref<?x?xf32>, vector<8xf32>
  %1 = vector.maskedload %m[%i, %i], %mask, %v : memref<?x?xf32>, vector<8xi1>, vector<8xf32> into vector<8xf32>
  vector.maskedstore %m[%i, %i], %mask, %1 : memref<?x?xf32>, vector<8xi1>, vector<8xf32>
  %2 = vector.gather %m[%i, %i] [%iv], %mask, %1
    : memref<?x?xf32>, vector<8xi32>, vector<8xi1>, vector<8xf32> into vector<8xf32>
  vector.scatter %m[%i, %i] [%iv], %mask, %2 : memref<?x?xf32>, vector<8xi32>, vector<8xi1>, vector<8xf32>
  %3 = vector.expandload %m[%i, %i], %mask, %2 : memref<?x?xf32>, vector<8xi1>, vector<8xf32> into vector<8xf32>
  vector.compressstore %m[%i, %i], %mask, %3 : memref<?x?xf32>, vector<8xi1>, vector<8xf32>
  %4 = vector.fma %3, %0, %1 : vector<8xf32>
  %5 = vector.reduction <add>, %4 : vector<8xf32> into f32
  %6 = vector.reduction <maximumf>, %4 : vector<8xf32> into f32
  %7 = vector.reduction <minnumf>, %4, %5 fastmath<nnan> : vector<8xf32> into f32
  %8 = arith.addf %6, %7 : f32
  %9 = vector.shuffle %4, %0 [0, 1, 2, 3, 8, 9, 10, 11] : vector<8xf32>, vector<8xf32>
  %10 = vector.create_mask %i : vector<8xi1>
  %11 = arith.select %10, %9, %0 : vector<8xi1>, vector<8xf32>
  vector.store %11, %m[%i, %i] : memref<?x?xf32>, vector<8xf32>
  return %11, %8 : vector<8xf32>, f32
}""",
    "parallel reduction": """
func.func @f(%m: memref<?xf32>) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %z = arith.constant -3.40282347E+38 : f32
  %d = memref.dim %m, %c0 : memref<?xf32>
  %r = scf.parallel (%i) = (%c0) to (%d) step (%c1) init (%z) -> f32 {
    %x = memref.load %m[%i] : memref<?xf32>
    scf.reduce(%x : f32) {
    ^bb0(%a: f32, %b: f32):
      %s = arith.addf %a, %b : f32
      scf.reduce.return %s : f32
    }
  }
  return %r : f32
}""",
    "memref": """
memref.global "private" constant @w : memref<4xf32> = dense<[0.1, 0x7F800001, 0xFF800000, 1.0]> {alignment = 64 : i64}
memref.global "private" constant @splat : memref<4x4xf64> = dense<0.1>
func.func @f(%m: memref<?x?xf32, strided<[?, ?], offset: ?>>, %n: memref<?x?xf32>, %i: index) -> f32 {
  memref.copy %m, %n : memref<?x?xf32, strided<[?, ?], offset: ?>> to memref<?x?xf32>
  %w = memref.get_global @w : memref<4xf32>
  %s = memref.get_global @splat : memref<4x4xf64>
  %a = memref.alloc(%i) {alignment = 64 : i64} : memref<?xf32>
  %b = memref.alloca() : memref<16xf32>
  %x = memref.load %w[%i] : memref<4xf32>
  memref.store %x, %a[%i] : memref<?xf32>
  memref.store %x, %b[%i] : memref<16xf32>
  %y = memref.atomic_rmw addf %x, %a[%i] : (f32, memref<?xf32>) -> f32
  memref.prefetch %a[%i], read, locality<3>, data : memref<?xf32>
  %q = memref.load %b[%i] : memref<16xf32>
  memref.dealloc %a : memref<?xf32>
  %k = memref.load %s[%i, %i] : memref<4x4xf64>
  %l = arith.truncf %k : f64 to f32
  %r = arith.addf %q, %l : f32
  return %r : f32
}""",
    "complex": """
func.func @f(%c: complex<f32>) -> complex<f32> {
  %k = complex.constant [0.1 : f32, 0xFF800000 : f32] : complex<f32>
  %0 = complex.mul %c, %k : complex<f32>
  %1 = complex.add %0, %k : complex<f32>
  return %1 : complex<f32>
}""",
}


@pytest.mark.parametrize("name", list(MODULES))
def test_modules_of_the_dialects_above_llvm(name: str) -> None:
    check(MODULES[name])


OPERATIONS = """
%a = llvm.add %n, %n overflow<nsw, nuw> : i64
%a = llvm.trunc %n overflow<nsw, nuw> : i64 to i32
%a = llvm.or disjoint %n, %n : i64
%a = llvm.zext nneg %k : i32 to i64
%a = llvm.udiv exact %n, %n : i64
%a = llvm.getelementptr inbounds|nuw %p[%n] : (!llvm.ptr, i64) -> !llvm.ptr, f32
%a = llvm.getelementptr nusw|nuw %p[%n] : (!llvm.ptr, i64) -> !llvm.ptr, f32
%a = llvm.load %p invariant {alignment = 4 : i64, nontemporal} : !llvm.ptr -> f32
%a = llvm.load %p dereferenceable<bytes = 8> : !llvm.ptr -> !llvm.ptr
%a = llvm.atomicrmw fadd %p, %x monotonic : !llvm.ptr, f32
%a = llvm.atomicrmw fmaximum %p, %x syncscope("singlethread") acq_rel : !llvm.ptr, f32
%a = llvm.cmpxchg %p, %n, %n acq_rel monotonic : !llvm.ptr, i64
llvm.fence seq_cst
%a = llvm.intr.masked.load %p, %m, %v {alignment = 4 : i32} : (!llvm.ptr, vector<4xi1>, vector<4xf32>) -> vector<4xf32>
llvm.intr.masked.store %v, %p, %m {alignment = 4 : i32} : vector<4xf32>, vector<4xi1> into !llvm.ptr
%a = "llvm.intr.vector.reduce.fadd"(%x, %v) <{fastmathFlags = #llvm.fastmath<reassoc>}> : (f32, vector<4xf32>) -> f32
%a = llvm.intr.vector.reduce.fmaximum(%v) : (vector<4xf32>) -> f32
"llvm.intr.memcpy"(%p, %p, %n) <{isVolatile = false}> : (!llvm.ptr, !llvm.ptr, i64) -> ()
llvm.intr.assume %c ["align"(%p, %n : !llvm.ptr, i64)] : i1
%a = llvm.intr.expect %c, %c : i1
%a = llvm.fcmp "ult" %x, %f {fastmathFlags = #llvm.fastmath<nnan, ninf>} : f32
%a = llvm.select %c, %f, %g {fastmathFlags = #llvm.fastmath<fast>} : i1, f32
"llvm.intr.prefetch"(%p) <{cache = 1 : i32, hint = 3 : i32, rw = 0 : i32}> : (!llvm.ptr) -> ()
%a = llvm.intr.fmuladd(%x, %f, %g) {fastmathFlags = #llvm.fastmath<contract>} : (f32, f32, f32) -> f32
%a = llvm.intr.ldexp(%x, %k) : (f32, i32) -> f32
%a = llvm.intr.frexp(%x) : (f32) -> !llvm.struct<(f32, i32)>
%a = llvm.intr.powi(%x, %k) : (f32, i32) -> f32
%a = llvm.intr.sincos(%x) : (f32) -> !llvm.struct<(f32, f32)>
%a = "llvm.intr.is.fpclass"(%x) <{bit = 3 : i32}> : (f32) -> i1
%a = llvm.freeze %x : f32
%a = "llvm.intr.vector.deinterleave2"(%v) : (vector<4xf32>) -> !llvm.struct<(vector<2xf32>, vector<2xf32>)>
%a = llvm.intr.experimental.constrained.fptrunc %d towardzero ignore : f64 to f32
%a = "llvm.intr.vp.fadd"(%v, %v, %m, %k) : (vector<4xf32>, vector<4xf32>, vector<4xi1>, i32) -> vector<4xf32>
%a = llvm.intr.stacksave : !llvm.ptr
%a = llvm.intr.uadd.sat(%n, %n) : (i64, i64) -> i64
%a = llvm.intr.fshl(%n, %n, %n) : (i64, i64, i64) -> i64
%a = llvm.intr.stepvector : vector<8xi64>
%a = llvm.intr.get.active.lane.mask %n, %n : i64, i64 to vector<4xi1>
%a = llvm.load %p {alias_scopes = [#scope]} : !llvm.ptr -> i8
llvm.br ^bb2 {loop_annotation = #llvm.loop_annotation<unroll = #llvm.loop_unroll<count = 4 : i32>>} ^bb2:
""".strip().splitlines()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_of_the_llvm_dialect(operation: str) -> None:
    check(
        "#scope = #llvm.alias_scope<id = distinct[0]<>, domain = <id = distinct[1]<>>>\n"
        "llvm.func @f(%p: !llvm.ptr, %x: f32, %n: i64, %v: vector<4xf32>, %k: i32, %d: f64) {\n"
        "%c = llvm.mlir.constant(true) : i1\n%f = llvm.mlir.constant(0.1 : f32) : f32\n"
        "%g = llvm.mlir.constant(0x7fc00001 : f32) : f32\n"
        "%m = llvm.mlir.constant(dense<[true, false, true, true]> : vector<4xi1>) : vector<4xi1>\n"
        f"{operation}\nllvm.return\n}}",
        None,
    )


def test_attributes_and_globals_of_the_llvm_dialect() -> None:
    check(
        """
llvm.func @callee(%p: !llvm.ptr {llvm.noalias, llvm.nocapture, llvm.readonly, llvm.align = 16 : i64,
                                 llvm.dereferenceable = 64 : i64, llvm.nonnull, llvm.noundef},
                  %x: f32 {llvm.nofpclass = 3 : i64, llvm.noundef}) -> (f32 {llvm.noundef, llvm.nofpclass = 3 : i64})
    attributes {memory_effects = #llvm.memory_effects<other = none, argMem = read, inaccessibleMem = none,
                errnoMem = none, targetMem0 = none, targetMem1 = none>,
                will_return, no_unwind, passthrough = ["nofree", "nosync", ["key", "value"]]} {
  llvm.return %x : f32
}
llvm.func @f(%p: !llvm.ptr {llvm.noalias}, %x: f32) -> f32
    attributes {frame_pointer = #llvm.framePointerKind<"all">, target_cpu = "x86-64",
                target_features = #llvm.target_features<["+avx", "+fma"]>, tune_cpu = "znver3", no_inline,
                alignment = 64 : i64, uwtable_kind = #llvm.uwtableKind<"async">} {
  %r = llvm.call @callee(%p, %x) {fastmathFlags = #llvm.fastmath<fast>} : (!llvm.ptr, f32) -> f32
  llvm.return %r : f32
}
llvm.func internal fastcc @g(%p: !llvm.ptr {llvm.byval = !llvm.struct<(f32, i64)>},
                             %q: !llvm.ptr {llvm.sret = !llvm.struct<(f32, i64)>, llvm.writable, llvm.dead_on_unwind},
                             %r: i32 {llvm.range = #llvm.constant_range<i32, 0, 10>, llvm.zeroext})
    attributes {dso_local, always_inline} {
  llvm.return
}
llvm.mlir.global internal thread_local @tls(1 : i32) : i32
llvm.mlir.global weak_odr unnamed_addr constant @w(dense<[0.1, 0x7FF0000000000001]> : tensor<2xf64>)
    {alignment = 64 : i64, section = ".own"} : !llvm.array<2 x f64>
llvm.mlir.global private @z() : !llvm.struct<(f32, array<2 x f16>)> {
  %0 = llvm.mlir.zero : !llvm.struct<(f32, array<2 x f16>)>
  %1 = llvm.mlir.constant(0.1 : f32) : f32
  %2 = llvm.insertvalue %1, %0[0] : !llvm.struct<(f32, array<2 x f16>)>
  llvm.return %2 : !llvm.struct<(f32, array<2 x f16>)>
}
""",
        None,
    )


def test_debug_information() -> None:
    check(
        """
#file = #llvm.di_file<"a.1.5.py" in "/+inf">
#unit = #llvm.di_compile_unit<id = distinct[0]<>, sourceLanguage = DW_LANG_C, file = #file, producer = "MLIR 1.5",
                              isOptimized = true, emissionKind = Full>
#type = #llvm.di_subroutine_type<>
#float = #llvm.di_basic_type<tag = DW_TAG_base_type, name = "float", sizeInBits = 32, encoding = DW_ATE_float>
#function = #llvm.di_subprogram<id = distinct[1]<>, compileUnit = #unit, scope = #file, name = "f", file = #file,
                                line = 1, scopeLine = 1, subprogramFlags = "Definition|Optimized", type = #type>
#variable = #llvm.di_local_variable<scope = #function, name = "x.1.5", file = #file, line = 1, arg = 1, type = #float>
llvm.func @f(%x: f32) -> f32 {
  %c = llvm.mlir.constant(0.1 : f32) : f32
  llvm.intr.dbg.value #variable = %c : f32 loc(fused<#function>["a.py":1:1])
  %y = llvm.fadd %x, %c : f32 loc(fused<#function>["a.py":1:1])
  llvm.return %y : f32 loc(fused<#function>["a.py":1:1])
} loc(fused<#function>["a.py":1:1])
""",
        None,
    )
