"""slipstick: an MLIR cost-model and lowering toolkit for CPUs that multiplies by adding integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ArgumentError, CodegenError, GraphError, IRError, PipelineError, SlipstickError
from .kernels.lmul import LMul

if TYPE_CHECKING:
    __version__: str
    from .compiler.api import compile
    from .compiler.compiled import CompiledModule
    from .compiler.dynamo.backend import torch_backend
    from .compiler.dynamo.explain import Explanation, explain
    from .compiler.dynamo.options import TorchCompileOptions
    from .compiler.dynamo.report import FallbackWarning, GraphReport
    from .compiler.load import load
    from .compiler.memory import MemoryStatistics, memory_statistics
    from .compiler.options import CompileOptions, SkipPaths
    from .compiler.prediction import predict
    from .compiler.skip_schedule import SkipSchedule
    from .compiler.training import LossAndGradients
    from .datasets.generation import Generation, GenerationTiming
    from .datasets.generator import Generator, generate
    from .datasets.sampling import Sampling
    from .kernels.lmul_torch import lmul
    from .kernels.lmul_torch_matmul import lmul_matmul
    from .target import Target

__all__ = [
    "ArgumentError",
    "CodegenError",
    "CompileOptions",
    "CompiledModule",
    "Explanation",
    "FallbackWarning",
    "Generation",
    "GenerationTiming",
    "Generator",
    "GraphError",
    "GraphReport",
    "IRError",
    "LMul",
    "LossAndGradients",
    "MemoryStatistics",
    "PipelineError",
    "Sampling",
    "SkipPaths",
    "SkipSchedule",
    "SlipstickError",
    "Target",
    "TorchCompileOptions",
    "compile",
    "explain",
    "generate",
    "lmul",
    "lmul_matmul",
    "load",
    "memory_statistics",
    "predict",
    "torch_backend",
]

# Read on first use: the compiler imports torch, which takes seconds.
_LATER = {
    "CompileOptions": ".compiler.options",
    "CompiledModule": ".compiler.compiled",
    "Explanation": ".compiler.dynamo.explain",
    "FallbackWarning": ".compiler.dynamo.report",
    "Generation": ".datasets.generation",
    "GenerationTiming": ".datasets.generation",
    "Generator": ".datasets.generator",
    "MemoryStatistics": ".compiler.memory",
    "Sampling": ".datasets.sampling",
    "SkipPaths": ".compiler.options",
    "SkipSchedule": ".compiler.skip_schedule",
    "Target": ".target",
    "compile": ".compiler.api",
    "generate": ".datasets.generator",
    "lmul": ".kernels.lmul_torch",
    "lmul_matmul": ".kernels.lmul_torch_matmul",
    "load": ".compiler.load",
    "memory_statistics": ".compiler.memory",
    "GraphReport": ".compiler.dynamo.report",
    "LossAndGradients": ".compiler.training",
    "TorchCompileOptions": ".compiler.dynamo.options",
    "explain": ".compiler.dynamo.explain",
    "predict": ".compiler.prediction",
    "torch_backend": ".compiler.dynamo.backend",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("slipstick")
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_LATER[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
