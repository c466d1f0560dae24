"""A compiled module as a C library: objects, a header, glue in C, weights in a file, a complete example.

    NAME.o           the code, for the target that the module was compiled for
    NAME_support.o   what it calls besides the C library: memory, conversions of narrow floats
    NAME.h, NAME.c   the interface, and what stands between it and the code
    NAME.weights     the tensors that native code reads, each at a multiple of 64 bytes
    example.c        a program that runs the model once and prints what it returns
    libNAME.so       all of it but the weights, where a C compiler for the target is at hand

`NAME.c` says how to build the rest by hand.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..errors import ArgumentError, CodegenError
from ..files import write_atomically, write_bytes_atomically
from ..target import Target
from . import allocator, c_glue, codegen, support
from .c_interface import ALIGNMENT, StateTensor, interface_of

if TYPE_CHECKING:
    from .compiled import CompiledModule


def save_library(module: CompiledModule, folder: Path, name: str, compiler: str | None) -> Path | None:
    """Write a module as a C library; see `CompiledModule.save_library`."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise ArgumentError(f"name: expected a name of C, found {name!r}")
    tensors, state = _weights(module)
    interface = interface_of(module, name, state)
    command = _compiler(module.target, compiler)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(folder / f"{name}.o", module._built.artifact.code)
        code = codegen.compile_object(support.LLVM_IR + allocator.LLVM_IR, module.target)
        write_bytes_atomically(folder / f"{name}_support.o", code)
        write_atomically(folder / f"{name}.h", c_glue.header(interface))
        write_atomically(folder / f"{name}.c", c_glue.source(interface))
        write_atomically(folder / "example.c", c_glue.example(interface))
        _write_weights(folder / f"{name}.weights", tensors, state)
    except OSError as error:
        raise ArgumentError(f"{folder}: cannot be written: {error.strerror or error}") from None
    return None if command is None else _link(command, folder, name)


def _weights(module: CompiledModule) -> tuple[list[torch.Tensor], list[StateTensor]]:
    """Return the tensors of the state as native code reads them, and where each lies in the file of weights."""
    tensors: list[torch.Tensor] = []
    state: list[StateTensor] = []
    place = 0
    encoder = module._weights.encoder
    for argument, tensor in zip(module._weights.state.arguments, module._weights.state.tensors(), strict=True):
        if argument.native is None:
            continue
        made = argument.native in encoder.arguments
        what = f"{argument.kind} {argument.name}"
        native = encoder.native(argument.native, tensor, what) if made else [(argument.native, tensor)]
        for number, part in native:
            dense = part.detach().contiguous()
            tensors.append(dense)
            state.append(StateTensor(argument.name, number, tuple(dense.shape), place, dense.nbytes))
            place += -(-dense.nbytes // ALIGNMENT) * ALIGNMENT
    return tensors, state


def _write_weights(path: Path, tensors: list[torch.Tensor], state: list[StateTensor]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            for tensor, place in zip(tensors, state, strict=True):
                file.seek(place.offset)
                memory: Any = tensor.reshape(-1).view(torch.uint8).numpy()
                file.write(memory.data)
            file.truncate(state[-1].offset + -(-state[-1].bytes // ALIGNMENT) * ALIGNMENT if state else 0)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _compiler(target: Target, compiler: str | None) -> list[str] | None:
    """Return the command of a C compiler for the target; None: there is none at hand for a foreign one."""
    host = target.architecture == Target.host().architecture
    command = shlex.split(compiler or (os.environ.get("CC") or "cc" if host else ""))
    if not command:
        return None
    if shutil.which(command[0]) is None:
        raise CodegenError(f"no C compiler {command[0]!r} to link with: set CC, or give compiler=")
    return command


def _link(command: list[str], folder: Path, name: str) -> Path:
    library = folder / f"lib{name}.so"
    files = [str(folder / file) for file in (f"{name}.c", f"{name}.o", f"{name}_support.o")]
    arguments = [*command, "-O2", "-shared", "-fPIC", "-o", str(library), *files, "-lm"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise CodegenError(f"{' '.join(arguments)}:\n{done.stderr.strip()}")
    return library
