"""Kernels for the tests of L-Mul: loops over arrays written in MLIR, lowered and compiled by slipstick."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from slipstick.bindings import ir, llvm, new_context
from slipstick.compiler.codegen import compile_object, load_object
from slipstick.passes.manager import run_pipeline
from slipstick.target import Target

WIDTHS = {"f16": 16, "bf16": 16, "f32": 32, "f64": 64}

LOWERING = (
    "canonicalize,cse,convert-vector-to-scf,convert-scf-to-cf,expand-strided-metadata,lower-affine,"
    "convert-vector-to-llvm,convert-math-to-llvm,finalize-memref-to-llvm,convert-func-to-llvm,convert-arith-to-llvm,"
    "convert-cf-to-llvm,convert-index-to-llvm,convert-ub-to-llvm,reconcile-unrealized-casts"
)

Bits = np.ndarray[Any, np.dtype[Any]]
Kernel = Callable[..., Bits]


def loop(float_type: str, body: str, *, inputs: int = 2, form: str = "loop", name: str = "kernel") -> str:
    """Return a function `name(inputs..., output)` over `memref<?xT>` that applies `body` to every element.

    `body` computes `%r` from `%x`, `%y` and `%z`, all of type `T`: an element or a vector. Forms: `loop` over elements,
    which LLVM may vectorise; `scalar`, where the body is a function that is not inlined; `vector`, 256 bits at a time.
    """
    names = ["%x", "%y", "%z"][:inputs]
    memref = f"memref<?x{float_type}>"
    lanes = 256 // WIDTHS[float_type] if form == "vector" else 1
    type_ = f"vector<{lanes}x{float_type}>" if form == "vector" else float_type
    load, store = ("vector.load", "vector.store") if form == "vector" else ("memref.load", "memref.store")
    suffix = f"{memref}, {type_}" if form == "vector" else memref
    body = body.replace("T", type_)
    signature = ", ".join(f"{value}: {type_}" for value in names)
    function = f"""
    func.func private @{name}_element({signature}) -> {type_} attributes {{llvm.no_inline}} {{
      {body}
      return %r : {type_}
    }}"""
    if form == "scalar":
        body = f"%r = func.call @{name}_element({', '.join(names)}) : ({', '.join([type_] * inputs)}) -> {type_}"
    loads = "\n".join(f"        {value} = {load} {value}s[%i] : {suffix}" for value in names)
    return f"""{function if form == "scalar" else ""}
    func.func @{name}({", ".join(f"{value}s: {memref}" for value in names)}, %rs: {memref})
        attributes {{llvm.emit_c_interface}} {{
      %zero = arith.constant 0 : index
      %step = arith.constant {lanes} : index
      %n = memref.dim %rs, %zero : {memref}
      scf.for %i = %zero to %n step %step {{
{loads}
        {body}
        {store} %r, %rs[%i] : {suffix}
      }}
      return
    }}"""


def llvm_ir(mlir: str, passes: str = "") -> str:
    """Return LLVM IR of a module of loops after `passes`."""
    context = new_context()
    with context, ir.Location.unknown():
        module = ir.Module.parse(mlir)
        run_pipeline(module, f"builtin.module({','.join(filter(None, (passes, LOWERING)))})")
        # Translation would crash on what the lowering left over.
        module.operation.walk(_assert_lowered)
        return str(llvm.translate_module_to_llvmir(module.operation))


def _assert_lowered(op: ir.Operation) -> ir.WalkResult:
    assert op.name.startswith(("llvm.", "builtin.module")), f"not lowered: {op}"
    return ir.WalkResult.ADVANCE


def compile_kernel(mlir: str, passes: str = "") -> Kernel:
    """Return the function of bit patterns that the function `kernel` of a module computes, as slipstick compiles it.

    It takes contiguous arrays of unsigned integers (of a multiple of 256 bits for loops over vectors), and returns an
    array like the first.
    """
    loaded = load_object(compile_object(llvm_ir(mlir, passes), Target.host()))
    address = loaded.address("_mlir_ciface_kernel")

    def run(*inputs: Bits) -> Bits:
        assert loaded  # the closure keeps the code in memory
        arrays = [*inputs, np.empty_like(inputs[0])]
        descriptors = [_Descriptor.of(array) for array in arrays]
        function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(arrays))(address)
        function(*(ctypes.addressof(descriptor) for descriptor in descriptors))
        return arrays[-1]

    return run


class _Descriptor(ctypes.Structure):
    _fields_ = (
        ("allocated", ctypes.c_void_p),
        ("aligned", ctypes.c_void_p),
        ("offset", ctypes.c_int64),
        ("size", ctypes.c_int64),
        ("stride", ctypes.c_int64),
    )

    @classmethod
    def of(cls, array: Bits) -> _Descriptor:
        assert array.flags.c_contiguous
        return cls(array.ctypes.data, array.ctypes.data, 0, array.size, 1)
