"""The one code generator: LLVM IR text to optimised IR, assembly, object code, and object code in memory to call.

It is LLVM 22 through llvmlite. What is measured and printed is made by the very functions that make what runs.
"""

from __future__ import annotations

import ctypes
import re
import threading
from functools import cache
from typing import Literal

import llvmlite.binding as llvm

from ..errors import CodegenError
from ..target import Target
from . import allocator, elf, isolated, native_call, support, symbols, team_code
from .llvm_text import to_llvm22


def compile_object(llvm_ir: str, target: Target, *, opt_level: int = 3) -> bytes:
    """Return relocatable object code (ELF, position-independent) for a module.

    `llvm_ir` is LLVM text as the MLIR bindings print it, or LLVM 22 text. Its triple, data layout and CPU attributes
    give way to those of `target`. `opt_level` is 0 to 3. Raises `CodegenError` with LLVM's message for text that does
    not parse or verify, and for what the CPU has no code for.
    """
    return _generate(("object",), llvm_ir, target, opt_level)[0]


def assembly(llvm_ir: str, target: Target, *, opt_level: int = 3, isolate: bool = True) -> str:
    """Return the assembly of the code that `compile_object` makes; comments mark loops, spills and reloads.

    What could end the process is compiled in another one, unless `isolate` is false: the caller's may be ended.
    """
    return _generate(("assembly",), llvm_ir, target, opt_level, isolate)[0].decode()


def assembled(assembly: str, target: Target) -> bytes:
    """Return the object code of assembly that `assembly` made: much quicker than to generate the code again.

    Raises CodegenError for a CPU of another architecture than the host's, which LLVM is not told to read here.
    """
    if target.architecture != Target.host().architecture:
        raise CodegenError(f"cannot assemble for {target} on {Target.host()}")
    escaped = assembly.replace("\\", "\\5C").replace('"', "\\22").replace("\n", "\\0A").replace("\t", "\\09")
    return _generate_here(("object",), f'module asm "{escaped}"\n', target, 0)[0]


def optimised_ir(llvm_ir: str, target: Target, *, opt_level: int = 3) -> str:
    """Return the LLVM 22 text that `compile_object` selects instructions from."""
    return _generate(("ir",), llvm_ir, target, opt_level)[0].decode()


class LoadedObject:
    """Object code in executable memory. The memory is freed with this object: keep it as long as its code may run."""

    def __init__(self, jit: llvm.LLJIT, tracker: llvm.ResourceTracker, names: frozenset[str]):
        self._jit = jit
        self._tracker = tracker
        self.names = names
        """The symbols it defines."""

    def address(self, symbol: str) -> int:
        """Return the address of a function or variable. Raises `CodegenError` if the object does not define it."""
        if symbol not in self.names:
            known = ", ".join(sorted(self.names)) or "none"
            raise CodegenError(f"the object code defines no symbol {symbol!r}; it defines: {known}")
        return int(self._tracker[symbol])


_loads: list[None] = []
"""One entry for each piece of code: appending is safe from any thread."""


def loaded_objects() -> int:
    """Return how many pieces of object code this process has loaded, whether compiled here or out of the cache.

    Where it does not grow, nothing new is compiled or loaded to be run.
    """
    return len(_loads)


def load_object(obj: bytes) -> LoadedObject:
    """Link relocatable object code into this process and make it executable.

    Undefined symbols are resolved, in this order, from slipstick's own support functions (memory, conversions of half
    and bfloat, copies of strided memrefs), the OpenMP run time, and the C libraries. Raises `CodegenError` for bytes
    that are no whole object code for this machine, and for symbols that are nowhere, which it lists.

    `obj` is executed: it must be what `compile_object` returned, in this process or, through the cache, in another.
    """
    code = elf.inspect(obj)
    host = Target.host()
    if code.architecture != host.architecture:
        raise CodegenError(f"the object code is for {code.architecture}; this machine is {host.architecture}")
    if code.thread_local:
        raise CodegenError(f"thread-local variables cannot be loaded: {', '.join(code.thread_local)}")
    own = [name for name in code.undefined if name in _OWN]
    imports = {name: support_address(name) for name in own}
    _loads.append(None)
    return _link(obj, code, imports | symbols.resolve(set(code.undefined) - set(own)))


_OWN = frozenset((*support.NAMES, *allocator.NAMES))
"""Functions that compiled code may call and slipstick itself has."""


def support_address(name: str) -> int:
    """Return the address of one of slipstick's own support functions, valid up to the end of the process."""
    return _support().address(name)


@cache
def _support() -> LoadedObject:
    """Return the support functions, compiled for the host."""
    obj = compile_object(support.LLVM_IR + allocator.LLVM_IR + team_code.LLVM_IR + native_call.LLVM_IR, Target.host())
    code = elf.inspect(obj)
    loaded = _link(obj, code, symbols.resolve(code.undefined))
    # Memory of results may be freed when every Python object is gone: the code must be there.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(loaded))
    return loaded


def _link(obj: bytes, code: elf.ObjectCode, imports: dict[str, int]) -> LoadedObject:
    builder = llvm.JITLibraryBuilder().add_object_img(obj)
    for name, address in imports.items():
        builder.import_symbol(name, address)
    for name in code.defined:
        builder.export_symbol(name)
    try:
        # One JIT for each object: it is freed with the object, and names of different objects never meet.
        jit = llvm.create_lljit_compiler(_machine(Target.host(), 3), use_jit_link=True, suppress_errors=True)
        tracker = builder.link(jit, "slipstick")
    except RuntimeError as error:
        raise CodegenError(f"cannot load object code: {error}") from error
    return LoadedObject(jit, tracker, frozenset(code.defined))


_Output = Literal["object", "assembly", "ir"]
_CPU_ATTRIBUTES = re.compile(r'"(?:target-cpu|target-features|tune-cpu)"="[^"]*"')


def _generate(
    outputs: tuple[_Output, ...], llvm_ir: str, target: Target, opt_level: int, isolate: bool = True
) -> list[bytes]:
    if opt_level not in range(4):
        raise CodegenError(f"opt_level: expected 0 to 3, found {opt_level!r}")
    text = _CPU_ATTRIBUTES.sub('"target"="given"', to_llvm22(llvm_ir))
    if isolate and isolated.may_end_process(text, target):
        return isolated.call(_generate_here, outputs, text, target, opt_level)
    return _generate_here(outputs, text, target, opt_level)


def _generate_here(outputs: tuple[_Output, ...], text: str, target: Target, opt_level: int) -> list[bytes]:
    machine, builder = _tools(target, opt_level)
    module = _parse(text, target, machine)
    _optimise(module, builder)
    try:
        return [_emit(output, module, machine) for output in outputs]
    except RuntimeError as error:
        raise CodegenError(f"LLVM cannot compile the module for {target}: {str(error).strip()}") from error


def _emit(output: _Output, module: llvm.ModuleRef, machine: llvm.TargetMachine) -> bytes:
    if output == "ir":
        return str(module).encode()
    return bytes(machine.emit_object(module)) if output == "object" else machine.emit_assembly(module).encode()


_FLUSHING = {"x86_64": ",-avx512bf16,-avxneconvert", "aarch64": ""}
"""Features that are not used: their conversion to bfloat makes zeros of subnormal numbers, against IEEE 754."""


def _machine(target: Target, opt_level: int) -> llvm.TargetMachine:
    _initialise()
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu,
        features=target.llvm_features + _FLUSHING[target.architecture],
        opt=opt_level,
        reloc="pic",
        # The default for the JIT, "large", would make every call and every constant an absolute 64-bit address.
        codemodel="small",
    )


_of_thread = threading.local()


def _tools(target: Target, opt_level: int) -> tuple[llvm.TargetMachine, llvm.PassBuilder]:
    """Return this thread's machine for a target, and what makes LLVM's default pipeline of that level for it.

    They are kept: what each pass builder of llvmlite allocates for instrumentation is never freed.
    """
    kept: dict[tuple[str, int], tuple[llvm.TargetMachine, llvm.PassBuilder]] = _of_thread.__dict__.setdefault(
        "kept", {}
    )
    key = (target.key(), opt_level)
    if key not in kept:
        machine = _machine(target, opt_level)
        machine.set_asm_verbosity(True)
        options = llvm.create_pipeline_tuning_options(speed_level=opt_level)
        options.loop_vectorization = options.loop_interleaving = options.loop_unrolling = opt_level > 0
        options.slp_vectorization = opt_level > 1
        kept[key] = machine, llvm.create_pass_builder(machine, options)
    return kept[key]


@cache
def _initialise() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    llvm.initialize_native_asmparser()


def _parse(text: str, target: Target, machine: llvm.TargetMachine) -> llvm.ModuleRef:
    try:
        # A context of its own lets threads compile at once.
        module = llvm.parse_assembly(text, context=llvm.create_context())
        module.triple = target.triple
        module.data_layout = str(machine.target_data)
        module.verify()
    except (RuntimeError, UnicodeEncodeError) as error:
        raise CodegenError(f"LLVM refuses the module: {str(error).strip()}") from error
    return module


def _optimise(module: llvm.ModuleRef, builder: llvm.PassBuilder) -> None:
    """Run the builder's default pipeline."""
    manager = builder.getModulePassManager()
    try:
        manager.run(module, builder)
    finally:
        # What llvmlite calls at the end of a pass manager's life frees nothing: by the order of its bases
        # ObjectRef._dispose, which is empty, comes first. 80 kB would stay for each module.
        llvm.newpassmanagers.NewPassManager._dispose(manager)
        manager.detach()
