"""What all command lines share: `--version`, and one line, no traceback, for what goes wrong."""

from __future__ import annotations

import errno
import importlib
import os
import subprocess
import sys

import pytest
import slipstick
from slipstick import ArgumentError
from slipstick.tools.command import guarded

PROGRAM = "import sys; from slipstick.tools.command import guarded; sys.exit(guarded('tool', lambda: {} or 0))"
DOORS = ("bench", "cost", "demo", "lmul", "medcalc", "skip")


def raised(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("door", DOORS)
def test_each_tells_the_version(door: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as done:
        importlib.import_module(f"slipstick.tools.{door}").main(["--version"])
    assert done.value.code == 0
    assert capsys.readouterr().out == f"slipstick-{door} {slipstick.__version__}\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ArgumentError("n: expected 1, found 2"), "n: expected 1, found 2"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "x.mlir"), "x.mlir: No such file or directory"),
        (OSError("no more"), "no more"),
        (ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow.lib"), "pip install 'slipstick[cost]'"),
        (ModuleNotFoundError("No module named 'mine'", name="mine"), "No module named 'mine'"),
        (KeyboardInterrupt(), "interrupted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_error_is_one_line(error: BaseException, line: str, capsys: pytest.CaptureFixture[str]):
    assert guarded("tool", lambda: raised(error)) == 1
    written = capsys.readouterr().err
    assert written.startswith("tool: error: ") and written.endswith(f"{line}\n") and written.count("\n") == 1


def test_signs_that_the_terminal_has_not_are_question_marks():
    program = PROGRAM.format("print('µ')")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"?\n", b"")


@pytest.mark.parametrize(("end", "error"), [("closed", ""), ("full", "tool: error: No space left on device\n")])
def test_output_that_cannot_be_written(end: str, error: str):
    program = (
        "import sys; from slipstick.tools.command import guarded; sys.exit(guarded('tool', lambda: print('x') or 0))"
    )
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
        reader.wait()
        output = full if end == "full" else reader.stdin
        done = subprocess.run([sys.executable, "-c", program], stdout=output, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, error)
