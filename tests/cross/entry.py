"""A native function as a program: what the driver calls takes the arguments out of words, then calls the entry."""

from __future__ import annotations

from collections.abc import Sequence

from slipstick.compiler import codegen
from slipstick.compiler.signature import ScalarSpec, TensorSpec
from slipstick.target import Target

from .toolchain import Program, link


def make_program(
    entry: str,
    code: bytes,
    target: Target,
    arguments: Sequence[ScalarSpec | None],
    results: Sequence[TensorSpec | ScalarSpec],
    *,
    takes_array: bool,
) -> Program:
    """Return the program of the native function `entry` in the object `code`.

    `arguments` has None for each tensor. The words that the driver hands over are those of `NativeFunction`'s call: the
    address of the result struct where there is one, the arguments, the address of the status' descriptor. A number that
    the function returns by value is stored to the word behind them. The code generator under test compiles this, too,
    so that both sides mean the same registers. An entry that takes an array is handed the words themselves.
    """
    if takes_array:
        text = f"declare void @{entry}(ptr)\ndefine void @slipstick_call(ptr %words) {{\n"
        text += f"  call void @{entry}(ptr %words)\n  ret void\n}}"
        return link([code, codegen.compile_object(text, target)], target)
    returned = results[0] if len(results) == 1 and isinstance(results[0], ScalarSpec) else None
    types = ["ptr"] if results and returned is None else []
    types += ["ptr" if spec is None else _llvm_type(spec) for spec in arguments]
    types.append("ptr")
    result = "void" if returned is None else _llvm_type(returned)
    lines = [f"declare {result} @{entry}({', '.join(types)})", "define void @slipstick_call(ptr %words) {"]
    for number, type_ in enumerate(types):
        lines.append(f"  %at{number} = getelementptr i64, ptr %words, i64 {number}")
        lines.append(f"  %a{number} = load {type_}, ptr %at{number}")
    call = f"call {result} @{entry}({', '.join(f'{type_} %a{number}' for number, type_ in enumerate(types))})"
    if returned is None:
        lines.append(f"  {call}")
    else:
        lines.append(f"  %result = {call}")
        lines.append(f"  %to = getelementptr i64, ptr %words, i64 {len(types)}")
        lines.append(f"  store {result} %result, ptr %to")
    lines += ["  ret void", "}"]
    return link([code, codegen.compile_object("\n".join(lines), target)], target)


def _llvm_type(spec: ScalarSpec) -> str:
    if spec.type == "float":
        return {32: "float", 64: "double"}[spec.bits]
    return "i1" if spec.type == "bool" else f"i{spec.bits}"
