"""The MLIR Python bindings, imported here and nowhere else.

They come inside the torch-mlir wheel as `torch_mlir.*` (LLVM 24). Importing `torch_mlir` does not import torch.
"""

from __future__ import annotations

import ctypes
from importlib.metadata import version
from pathlib import Path

import torch_mlir
from torch_mlir import ir, passmanager, rewrite
from torch_mlir._mlir_libs import _torchMlir
from torch_mlir.dialects import arith, bufferization, cf, func, linalg, llvm, math, memref, scf, tensor, ub, vector

__all__ = [
    "arith",
    "bufferization",
    "cf",
    "func",
    "ir",
    "linalg",
    "llvm",
    "math",
    "memref",
    "new_context",
    "passmanager",
    "rewrite",
    "scf",
    "tensor",
    "torch_mlir_opt",
    "torch_mlir_version",
    "translate_to_llvm_ir",
    "ub",
    "vector",
]


def new_context() -> ir.Context:
    """Return a fresh context with every dialect of the wheel at hand and multithreading off.

    With threading on, printing IR at module scope and running Python passes abort the process.
    """
    context = ir.Context()
    context.enable_multithreading(False)
    _torchMlir.register_dialect(context)
    # tm_tensor (scan, scatter, sort) and torch_c (casts between torch's tensors and MLIR's) have no registration of
    # their own in the bindings: the passes that need them load them.
    pipeline = "builtin.module(torch-func-backend-type-conversion,func.func(tm-tensor-bufferize))"
    loader = passmanager.PassManager.parse(pipeline, context=context)
    loader.run(ir.Module.parse("module {}", context).operation)
    return context


def translate_to_llvm_ir(op: ir.Operation) -> str:
    """Return the LLVM IR text of a module in the LLVM dialect; raises RuntimeError where MLIR cannot translate it.

    As `llvm.translate_module_to_llvmir` of the bindings, which never frees the text that it is given.
    """
    library = ctypes.CDLL(str(Path(torch_mlir.__path__[0]) / "_mlir_libs" / "libTorchMLIRAggregateCAPI.so"))
    translate, free = library.mlirTranslateModuleToLLVMIRToString, ctypes.CDLL(None).free
    translate.restype, translate.argtypes, free.argtypes = ctypes.c_void_p, [ctypes.c_void_p], [ctypes.c_void_p]
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    pointer = translate(pointer_of(op._CAPIPtr, b"torch_mlir.ir.Operation._CAPIPtr"))
    if not pointer:
        raise RuntimeError("could not translate the module to LLVM IR")
    try:
        return ctypes.string_at(pointer).decode()
    finally:
        free(pointer)


def torch_mlir_version() -> str:
    """Return the version of the wheel that holds the bindings; part of every cache key."""
    return version("torch-mlir")


def torch_mlir_opt() -> Path:
    """Return the path of the `torch-mlir-opt` executable of the same wheel: the reference for flags and output."""
    return Path(torch_mlir.__path__[0]) / "_mlir_libs" / "torch-mlir-opt"
