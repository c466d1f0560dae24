"""LLVM ends the whole process at some inputs it cannot compile; such inputs go to a process of their own."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

from ..errors import CodegenError
from ..target import Target

Result = TypeVar("Result")

_TIMEOUT_S = 600.0

_PHRASES = (
    "<vscale x ",  # scalable vectors, on a CPU without them
    " asm ",  # inline and module-level assembly
    "@llvm.read_register",
    "@llvm.write_register",
    "@llvm.read_volatile_register",
    " gc ",  # an unknown garbage collector
    "ppc_fp128",
    "x86_fp80",
    "x86_amx",
)
_FORMS = (
    # intrinsics of one kind of CPU, which others cannot select
    re.compile(
        r"@llvm\.(?:aarch64|amdgcn|arm|bpf|dx|hexagon|loongarch|mips|nvvm|ppc|r600|riscv|s390|spv|ve|wasm|x86|xcore)\."
    ),
    re.compile(r"<[0-9]{4,} x "),  # vectors too long for an instruction's operands
    # calling conventions other than the C one and LLVM's own fast one
    re.compile(
        r"(?:define|declare|call|invoke)[^@(\"\n]* (?!fastcc)(?:\w*cc|cc ?[0-9]+|\w+_kernel|(?:amdgpu|spir|ptx)_\w+) "
    ),
)


_SCALE = re.compile(r"@llvm\.x86\.avx512\.mask\.scalef\.ps\.512(?=\([^\n]*, i32 (?:immarg|4)\))")
"""The one such intrinsic that slipstick's own kernels call, rounding as the mode says; its declaration too."""


def may_end_process(llvm_ir: str, target: Target) -> bool:
    """Tell whether LLVM text has anything in it that some CPU's code generator gives up on by ending the process.

    What `target` certainly has is no reason: to start another process takes longer than to compile a small module.
    """
    if target.has("avx512f"):
        llvm_ir = _SCALE.sub("@scale", llvm_ir)
    return any(phrase in llvm_ir for phrase in _PHRASES) or any(form.search(llvm_ir) for form in _FORMS)


def call(function: Callable[..., Result], *arguments: Any) -> Result:
    """Return `function(*arguments)`, run in a new process; a function and arguments that pickle.

    What it raises is raised here. Raises `CodegenError` with LLVM's message if the process dies.
    """
    command = [sys.executable, "-P", "-c", "import sys, pickle; pickle.load(sys.stdin.buffer)()"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    work = pickle.dumps(_Work(function, arguments))
    try:
        done = subprocess.run(
            command, input=work, capture_output=True, env=environment, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CodegenError(f"LLVM did not finish within {_TIMEOUT_S:.0f} s") from error
    if done.returncode != 0:
        raise CodegenError(f"LLVM cannot compile the module: {_message(done.stderr)}")
    answer = pickle.loads(done.stdout)
    if isinstance(answer, Exception):
        raise answer
    return cast(Result, answer)


class _Work:
    """What the new process does: called, it writes the result, or what was raised, to standard output."""

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]):
        self.function = function
        self.arguments = arguments

    def __call__(self) -> None:
        try:
            answer = self.function(*self.arguments)
        except Exception as error:
            answer = error
        sys.stdout.buffer.write(pickle.dumps(answer))


def _message(stderr: bytes) -> str:
    """Return the line of LLVM's output that tells why it ended."""
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    for mark in ("LLVM ERROR: ", "error: ", "Assertion "):
        for line in lines:
            if mark in line:
                return line[line.index(mark) :].removeprefix("LLVM ERROR: ").removeprefix("error: ")
    return lines[-1] if lines else "it ended the process without a message"
