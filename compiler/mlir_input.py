"""MLIR as input of the compiler: its entry function's type as a signature."""

from __future__ import annotations

from typing import Any

from ..bindings import func, ir
from ..errors import ArgumentError, IRError
from ..passes.manager import run_pipeline
from ..passes.overwrites import OVERWRITES_ATTRIBUTE, marked_overwrites, noted_overwrites
from ..passes.prepare_entry import ENTRY_ATTRIBUTE, SIGNATURE_ATTRIBUTE, find_entry, keep_public, public_functions
from .signature import Argument, Mutation, Result, ScalarSpec, Signature, SymbolicSize, TensorSpec

_FLOATS = {
    "f16": "float16",
    "bf16": "bfloat16",
    "f32": "float32",
    "f64": "float64",
    "f8E5M2": "float8_e5m2",
    "f8E4M3FN": "float8_e4m3fn",
    "f8E5M2FNUZ": "float8_e5m2fnuz",
    "f8E4M3FNUZ": "float8_e4m3fnuz",
    "complex<f32>": "complex64",
    "complex<f64>": "complex128",
}
_INTEGERS = {1: "bool", 8: "int8", 16: "int16", 32: "int32", 64: "int64"}
_UNSIGNED = {8: "uint8", 16: "uint16", 32: "uint32", 64: "uint64"}


def select_entry(module: ir.Module, name: str) -> None:
    """Make the function `name` the entry, and remove the functions that it does not reach.

    Raises ArgumentError where the module has no function of that name with a body, or has been lowered with another
    function as its entry.
    """
    root = module.operation
    functions = [one for one in root.regions[0].blocks[0].operations if isinstance(one, func.FuncOp)]
    names = [one.name.value for one in functions if not one.is_external]
    noted = root.attributes.get(ENTRY_ATTRIBUTE)
    if SIGNATURE_ATTRIBUTE in root.attributes and isinstance(noted, ir.FlatSymbolRefAttr):
        names = [noted.value]
    if name not in names:
        raise ArgumentError(f"entry: expected {' or '.join(names) or 'a module with functions'}, found {name!r}")
    if names == [name]:
        return
    root.attributes[ENTRY_ATTRIBUTE] = ir.FlatSymbolRefAttr.get(name, module.context)
    keep_public(root, name)
    run_pipeline(module, "builtin.module(symbol-dce)")


def mlir_signature(module: ir.Module) -> Signature:
    """Return the signature of a module's entry: the function noted as such, or `main`, or the only public function.

    Inputs are named `arg0`, `arg1`, ...; each dynamic dimension is a symbol of its own. Those with the attribute
    `slipstick.overwritten` are overwritten with the result that it names, which is not returned. Raises `IRError` where
    there is no such function or an attribute is wrong, `ArgumentError` for a type that torch cannot pass.
    """
    type_ = entry_type(module)
    arguments = []
    for number, input_type in enumerate(type_.inputs):
        spec = _spec(input_type, f"arg{number}")
        arguments.append(Argument(f"arg{number}", "input", spec, number))
    overwrites = _overwrites(module)
    written = {result for _, result in overwrites}
    results = [
        _spec(result_type, f"result{number}")
        for number, result_type in enumerate(type_.results)
        if number not in written
    ]
    return Signature(
        arguments=tuple(arguments),
        results=tuple(Result("native", number) for number in range(len(results))),
        native_results=tuple(results),
        mutations=tuple(Mutation(argument, Result("written", result)) for argument, result in overwrites),
    )


def _overwrites(module: ir.Module) -> list[tuple[int, int]]:
    """Return the pairs of an argument and the result that overwrites it."""
    try:
        if OVERWRITES_ATTRIBUTE in module.operation.attributes:
            return noted_overwrites(module.operation)
        entry = find_entry(module.operation)
        return [] if entry is None else marked_overwrites(entry)
    except ValueError as problem:
        raise IRError(f"-: error: {problem}") from problem


def entry_type(module: ir.Module) -> ir.FunctionType:
    """Return the type that the entry function had before lowering."""
    attributes = module.operation.attributes
    if SIGNATURE_ATTRIBUTE in attributes:
        return ir.FunctionType(ir.TypeAttr(attributes[SIGNATURE_ATTRIBUTE]).value)
    entry = find_entry(module.operation)
    if entry is None:
        names = ", ".join(function.name.value for function in public_functions(module.operation))
        raise IRError(
            "-: error: expected a function named 'main' or exactly one public func.func with a body"
            + (f"; entry= says which of {names} is meant" if names else "")
        )
    return entry.type


def _spec(type_: ir.Type, name: str) -> TensorSpec | ScalarSpec:
    if isinstance(type_, ir.RankedTensorType | ir.MemRefType):
        identity = ir.AffineMap.get_identity(type_.rank, type_.context)
        if isinstance(type_, ir.MemRefType) and type_.affine_map != identity:
            raise ArgumentError(f"{name}: expected a memref with the identity layout, found {type_}")
        shape = tuple(
            SymbolicSize(f"{name}_{dim}") if type_.is_dynamic_dim(dim) else type_.get_dim_size(dim)
            for dim in range(type_.rank)
        )
        return TensorSpec(_dtype(type_.element_type, name, type_), shape)
    if isinstance(type_, ir.IndexType):
        return ScalarSpec("int")
    if isinstance(type_, ir.IntegerType) and type_.width in _INTEGERS:
        return ScalarSpec("bool", 1) if type_.width == 1 else ScalarSpec("int", type_.width)
    if isinstance(type_, ir.F32Type):
        return ScalarSpec("float", 32)
    if isinstance(type_, ir.F64Type):
        return ScalarSpec("float")
    raise ArgumentError(f"{name}: expected a ranked tensor, a memref or a number up to 64 bits, found {type_}")


def _dtype(element: ir.Type, name: str, whole: Any) -> str:
    if isinstance(element, ir.IndexType):
        return "int64"
    if isinstance(element, ir.IntegerType):
        found = (_UNSIGNED if element.is_unsigned else _INTEGERS).get(element.width)
    else:
        found = _FLOATS.get(str(element))
    if found is None:
        raise ArgumentError(f"{name}: {whole}: torch has no dtype for {element}")
    return found
