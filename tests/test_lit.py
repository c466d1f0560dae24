"""Runs the FileCheck tests under tests/lit, so that one pytest run covers everything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tool_client import tool_server

ROOT = Path(__file__).parent / "lit"


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
