"""What the README tells a reader to type works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text("utf-8")
BIN = Path(sys.executable).parent

MODEL = """
func.func @main(%a: tensor<4x8xf32>, %b: tensor<8x4xf32>) -> tensor<4x4xf32> {
  %e = tensor.empty() : tensor<4x4xf32>
  %c = linalg.matmul ins(%a, %b : tensor<4x8xf32>, tensor<8x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %c : tensor<4x4xf32>
}
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def test_the_example_runs(tmp_path: Path) -> None:
    (code,) = blocks("python")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "torch.Size([3, 256])" in done.stdout
    assert "slipstick.decision" in done.stdout and "define" in done.stdout and ".globl" in done.stdout


@pytest.mark.parametrize("command", [line[2:] for block in blocks("console") for line in block.splitlines()])
def test_the_commands_run(command: str, tmp_path: Path) -> None:
    (tmp_path / "model.mlir").write_text(MODEL)
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout or (tmp_path / "out.mlir").stat().st_size


def test_the_files_it_names_exist() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", TEXT)
    rooms = re.findall(r"^\| `([a-z]+/)`", TEXT, re.MULTILINE)
    files = re.findall(r"`((?:kernels|datasets|tests)/[\w/.]+)`", TEXT)
    assert len(rooms) == 7
    for name in (*links, *rooms, *files):
        assert (ROOT / name).exists(), name
