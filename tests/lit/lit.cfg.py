"""lit configuration: `slipstick-opt` against FileCheck comments, as in MLIR's own tests.

`%mlir-opt` is the tool of the torch-mlir wheel; a case that runs it too shows that slipstick-opt behaves alike.
"""

import os
import sys
from pathlib import Path

import lit.formats
import torch_mlir

config.name = "slipstick"  # noqa: F821
config.test_format = lit.formats.ShTest(execute_external=False)  # noqa: F821
config.suffixes = [".mlir"]  # noqa: F821
config.excludes = ["Inputs"]  # noqa: F821
config.test_source_root = str(Path(__file__).parent)  # noqa: F821
config.test_exec_root = lit_config.params.get("output", config.test_source_root)  # noqa: F821

config.substitutions.append(("%python", sys.executable))  # noqa: F821
# `tools` is a folder of scripts that come before the installed ones: those of tool_server, which start faster.
scripts = [lit_config.params.get("tools", ""), str(Path(sys.executable).parent), os.environ.get("PATH", "")]  # noqa: F821
config.environment["PATH"] = os.pathsep.join(filter(None, scripts))  # noqa: F821
if "PYTHONPATH" in os.environ:  # the sources under test need not be the installed ones
    config.environment["PYTHONPATH"] = os.environ["PYTHONPATH"]  # noqa: F821
config.substitutions.append(  # noqa: F821
    ("%mlir-opt", str(Path(torch_mlir.__path__[0]) / "_mlir_libs" / "torch-mlir-opt"))
)
