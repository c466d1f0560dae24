"""The peer IREE: the graph's ONNX file, imported and compiled by IREE's own tools, its weights as parameters.

Weights as parameters, rather than as arguments, let IREE pack them once when the module is loaded.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from ..errors import SlipstickError
from .bench_subjects import Prepared
from .bench_workload import Workload

_SCOPE = "model"
_FLAGS = (
    "--iree-input-type=onnx",
    "--iree-hal-target-backends=llvm-cpu",
    "--iree-llvmcpu-target-cpu=host",
    "--iree-opt-level=O3",
    "--iree-opt-data-tiling=true",
    # The LayerNorm of ONNX needs more stack than the default, 32 KiB, allows.
    "--iree-llvmcpu-stack-allocation-limit=262144",
)
_TOOL_SECONDS = 1800


def prepare_iree(workload: Workload) -> Prepared:
    """Compile and load the graph. Raises SlipstickError with the tool's first error."""
    import iree.runtime as runtime

    form = workload.functional
    source, parameters, code = (workload.folder / name for name in ("model.mlir", "model.irpa", "model.vmfb"))
    importer = ["--externalize-params", "--params-scope", _SCOPE, "--num-elements-threshold", "64"]
    importer += ["--save-params-to", str(parameters), "-o", str(source), str(workload.onnx)]
    _tool("iree.compiler.tools.import_onnx", *importer)
    _tool("iree.compiler.tools.scripts.iree_compile", *_FLAGS, str(source), "-o", str(code))
    if workload.threads == 1:
        driver = "local-sync"
    else:
        driver = "local-task"
        runtime.flags.parse_flags(f"--task_topology_group_count={workload.threads}")
    device = runtime.get_device(driver)
    instance = runtime.VmInstance()
    modules = [runtime.create_hal_module(instance, device)]
    if parameters.exists():
        index = runtime.ParameterIndex()
        index.load(str(parameters))
        modules.insert(0, runtime.create_io_parameters_module(instance, index.create_provider(scope=_SCOPE)))
    module = runtime.VmModule.mmap(instance, str(code))
    context = runtime.VmContext(instance, modules=[*modules, module])
    name = next(name for name in module.function_names if "$" not in name and not name.startswith("__"))
    invoke = runtime.FunctionInvoker(context, device, module.lookup_function(name))
    inputs = [runtime.asdevicearray(device, tensor.numpy()) for tensor in form.inputs]

    def run() -> list[Any]:
        results = invoke(*inputs)
        return [array.to_host() for array in (results if isinstance(results, tuple) else (results,))]

    settings = f"import_onnx --externalize-params, {' '.join(_FLAGS)}, {driver}, results mapped to the host"
    return Prepared(form, run, settings, phases={"export to ONNX": workload.onnx_seconds})


def _tool(module: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, timeout=_TOOL_SECONDS, check=False
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line.lower()] or done.stderr.splitlines()
        text = (lines or [f"exit status {done.returncode}"])[0].replace(f"{Path(arguments[-1]).parent}/", "")
        raise SlipstickError(f"{module.rpartition('.')[2]}: {text}"[:300])
