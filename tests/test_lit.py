"""Runs the FileCheck tests under tests/lit, so that one pytest run covers everything."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parent / "lit"


@contextmanager
def tool_server() -> Iterator[Path]:
    """Yield a folder with the tools, served by one process; a short path, as sockets want it."""
    with tempfile.TemporaryDirectory(prefix="lit-") as folder:
        command = [sys.executable, str(Path(__file__).with_name("tool_server.py")), folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
            assert server.stdout is not None and server.stdout.readline() == b"ready\n"
            yield Path(folder)


@pytest.mark.timeout(1200)
def test_filecheck_tests(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lit = Path(sys.executable).with_name("lit")
    workers = str(min(os.cpu_count() or 1, 8))
    command = [lit, "-v", "-j", workers, "--timeout", "120", "-D", f"output={tmp_path}", "--no-progress-bar", ROOT]
    with tool_server() as tools:
        done = subprocess.run([*command, "-D", f"tools={tools}"], capture_output=True, text=True, check=False)
    failures = [line for line in done.stdout.splitlines() if not line.startswith("PASS: ")]
    with capfd.disabled():
        print(
            "\n" + "\n".join(line for line in failures if line.startswith(("Total Discovered", "  Passed", "  Failed")))
        )
    assert done.returncode == 0, "\n".join(failures)[-8000:] + done.stderr
    assert sum(1 for _ in (ROOT / "opt").glob("*.mlir")) >= 40
