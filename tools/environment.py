"""What a measurement was made with: machine and versions."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version

from ..target import KIB, MIB, Target

PACKAGES = ("slipstick", "torch", "torch-mlir", "llvmlite", "transformers")


@dataclass(frozen=True)
class Environment:
    """The machine and the versions of everything that takes part."""

    cpu: str
    """By LLVM's name."""
    machine: str
    """Cores, vectors and caches in words."""
    system: str
    versions: dict[str, str]

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {text}" for name, text in self.versions.items())
        return f"{self.machine}; {self.system}; {versions}"


def describe_environment() -> Environment:
    """Describe this machine."""
    host = Target.host()
    machine = (
        f"{host.cpu}, {host.cores} {'core' if host.cores == 1 else 'cores'}, "
        f"{host.vector_registers} vector registers of {host.vector_bits} bits, "
        f"caches {host.l1d_bytes // KIB} KiB, {host.l2_bytes // KIB} KiB, {host.l3_bytes // MIB} MiB"
    )
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return Environment(host.cpu, machine, system, {name: version(name) for name in PACKAGES})
