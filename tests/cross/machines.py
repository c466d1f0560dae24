"""The CPUs that the cross tests compile for, as parameters that skip, saying why, where their code cannot run."""

from __future__ import annotations

from typing import Any

import pytest
import slipstick
from slipstick import CompiledModule
from slipstick.target import Target

from .emulated import compile_emulated
from .toolchain import missing


def _avx2(cpu: str, *marks: Any) -> Any:
    runs = Target.named(cpu).is_host_compatible()
    able = pytest.mark.skipif(not runs, reason=f"this machine cannot run code for {cpu}")
    return pytest.param(cpu, marks=[able, *marks])


def _aarch64(cpu: str) -> Any:
    lacks = missing()
    return pytest.param(cpu, marks=[pytest.mark.aarch64, pytest.mark.skipif(lacks is not None, reason=str(lacks))])


ARM = [_aarch64("neoverse-n1"), _aarch64("neoverse-v2")]
"""NEON alone, and NEON beside SVE2, which LLVM uses for loops that it makes vectors of."""
MACHINES = [_avx2("haswell"), *ARM]

every_machine = pytest.mark.parametrize("cpu", MACHINES)
every_machine_at_length = pytest.mark.parametrize("cpu", [_avx2("haswell", pytest.mark.exhaustive), *ARM])
"""The same; AVX2, whose kernels other tests run too, with the exhaustive tests only."""
every_arm = pytest.mark.parametrize("cpu", [*ARM, _aarch64("cortex-a76")])


def compile_for(cpu: str, obj: Any, *args: Any, **options: Any) -> CompiledModule:
    """Compile for one thread of a named CPU; calls run here, in this process or under the emulator."""
    target = Target.named(cpu)
    if target.architecture == "aarch64":
        return compile_emulated(obj, *args, target=cpu, **options)
    return slipstick.compile(obj, *args, target=cpu, threads=1, **options)
