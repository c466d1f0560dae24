"""Objects for AArch64 to a program, and the program on this machine: a cross compiler and the emulator of QEMU."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from slipstick.compiler import allocator, codegen, support
from slipstick.target import Target

DRIVER = Path(__file__).with_name("driver.c")
NEEDS = "Debian: apt-get install qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
_EMULATED = {"neoverse-n1", "cortex-a76", "cortex-a72", "cortex-a57", "cortex-a53", "a64fx"}
"""CPUs that QEMU has under LLVM's name: an instruction that they lack ends the program."""


def emulator() -> str | None:
    """Return the path of QEMU's user-mode emulator of AArch64."""
    return shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")


def compiler() -> list[str] | None:
    """Return the command of a C compiler for AArch64 Linux: GCC, or Clang as the package `ziglang` has it."""
    gcc = shutil.which("aarch64-linux-gnu-gcc")
    if gcc:
        return [gcc]
    return [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-musl"] if find_spec("ziglang") else None


def missing() -> str | None:
    """Say what is missing to run code for AArch64; None: nothing."""
    lacks = []
    if emulator() is None:
        lacks.append("the emulator qemu-aarch64")
    if compiler() is None:
        lacks.append("a C compiler for AArch64 Linux (aarch64-linux-gnu-gcc, or the Python package ziglang)")
    return f"not found: {' and '.join(lacks)}; {NEEDS}" if lacks else None


@dataclass(frozen=True)
class Program:
    """An executable for a target."""

    path: Path
    target: Target

    def run(self, image: Path, results: Path) -> None:
        """Run it under the emulator on these files; an error or a fault raises `AssertionError` with what it said."""
        cpu = self.target.cpu if self.target.cpu in _EMULATED else "max"
        command = [emulator() or "qemu-aarch64", "-cpu", cpu, str(self.path)]
        variables = {**os.environ, "IMAGE": str(image), "RESULTS": str(results)}
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=variables)
        assert done.returncode == 0, f"{self.target.cpu}: exit status {done.returncode}: {done.stderr.strip()}"


def link(objects: Sequence[bytes], target: Target) -> Program:
    """Return a static program of the driver, slipstick's support functions for `target`, and `objects`."""
    folder = Path(tempfile.mkdtemp(dir=_folder().name))
    files = [_driver(), _support(target)]
    for number, code in enumerate(objects):
        files.append(folder / f"{number}.o")
        files[-1].write_bytes(code)
    path = folder / "program"
    _compile([*map(str, files), "-static", "-lm", "-o", str(path)])
    return Program(path, target)


def _compile(arguments: Sequence[str]) -> None:
    command = compiler()
    assert command is not None, missing()
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{' '.join([*command, *arguments])}:\n{done.stderr}"


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that is removed at the end of the process."""
    return tempfile.TemporaryDirectory(prefix="slipstick-cross-")


@functools.cache
def _driver() -> Path:
    path = Path(_folder().name) / "driver.o"
    _compile(["-O1", "-Wall", "-Wextra", "-Werror", "-c", str(DRIVER), "-o", str(path)])
    return path


@functools.cache
def _support(target: Target) -> Path:
    path = Path(_folder().name) / f"support-{target.key()}.o"
    path.write_bytes(codegen.compile_object(support.LLVM_IR + allocator.LLVM_IR, target))
    return path


if __name__ == "__main__":
    sys.exit(missing())
