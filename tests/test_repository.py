"""The repository keeps its own rules: floors, relative imports, what a wheel holds, what the commands are."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]

FLOORS = {"": 0, "kernels": 1, "costmodel": 1, "passes": 2, "compiler": 3, "datasets": 4, "tools": 5}
"""A room imports from itself and from floors below; the rooms of one floor know nothing of each other."""

INNER = {
    "compiler/dynamo",
    "datasets/corpus",
    "datasets/language",
    "datasets/medcalc",
    "datasets/peft",
    "datasets/zoo",
}
"""Folders inside a room: packages too, on the room's floor."""

IMPORTER = ("torch_mlir.fx", "torch_mlir.extras")
"""The parts of `torch_mlir` that import torch graphs: the compiler may use them; all else comes through bindings.py."""


def modules() -> list[Path]:
    """The package's modules, relative to the root."""
    folders = [ROOT / folder for folder in {*FLOORS, *INNER}]
    return sorted(file.relative_to(ROOT) for folder in folders for file in folder.glob("*.py"))


def imports(module: Path) -> Iterator[tuple[int, int, str]]:
    """Yield line, level (number of leading dots) and name of everything that a module imports, in functions too."""
    for node in ast.walk(ast.parse((ROOT / module).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, 0, alias.name
        elif isinstance(node, ast.ImportFrom):
            if node.level and node.module is None:
                for alias in node.names:
                    yield node.lineno, node.level, alias.name
            else:
                yield node.lineno, node.level, node.module or ""


def room_of(module: Path) -> str:
    return module.parts[0] if module.parent != Path() else ""


def imported_room(module: Path, level: int, name: str) -> str | None:
    """The room that a relative import reaches into; None for one that leaves the package."""
    above = [*module.parent.parts]
    if level - 1 > len(above):
        return None
    parts = above[: len(above) - (level - 1)] + [part for part in name.split(".") if part]
    return parts[0] if parts and parts[0] in FLOORS else ""


def may_import_torch_mlir(module: Path, name: str) -> bool:
    return module == Path("bindings.py") or (room_of(module) == "compiler" and name.startswith(IMPORTER))


def violations(module: Path) -> list[str]:
    room = room_of(module)
    found = []
    for line, level, name in imports(module):
        where = f"{module}:{line}: {'.' * level}{name}"
        if level == 0:
            if name.partition(".")[0] == "slipstick":
                found.append(f"{where}: absolute import inside the package")
            elif name.partition(".")[0] == "torch_mlir" and not may_import_torch_mlir(module, name):
                found.append(f"{where}: torch_mlir outside bindings.py")
            continue
        target = imported_room(module, level, name)
        if target is None:
            found.append(f"{where}: leaves the package")
        elif target != room and FLOORS[target] >= FLOORS[room] and module != Path("__init__.py"):
            found.append(f"{where}: '{room or 'ground'}' may not import from '{target or 'ground'}'")
    return found


@pytest.mark.parametrize("module", modules(), ids=str)
def test_imports_are_relative_and_go_down(module: Path) -> None:
    assert violations(module) == []


@pytest.mark.parametrize(
    ("where", "line", "complaint"),
    [
        ("passes/x.py", "from ..compiler.stages import STAGES", "may not import from 'compiler'"),
        ("kernels/x.py", "from .. import passes", "may not import from 'passes'"),
        ("kernels/x.py", "def f():\n    from ..costmodel import y", "may not import from 'costmodel'"),
        ("errors.py", "from .kernels import lmul", "may not import from 'kernels'"),
        ("tools/x.py", "import slipstick.errors", "absolute import"),
        ("passes/x.py", "from slipstick.errors import IRError", "absolute import"),
        ("compiler/x.py", "from torch_mlir import ir", "outside bindings.py"),
        ("tools/x.py", "from ...elsewhere import y", "leaves the package"),
        ("datasets/medcalc/x.py", "from ...tools.y import z", "may not import from 'tools'"),
    ],
)
def test_a_forbidden_import_is_seen(
    where: str, line: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / where).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / where).write_text(line)
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    found = violations(Path(where))
    assert len(found) == 1 and complaint in found[0]


@pytest.fixture(scope="module")
def project() -> Any:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_every_room_is_in_the_list_of_packages(project: Any) -> None:
    packages = project["tool"]["setuptools"]["packages"]
    listed = {name.removeprefix("slipstick").lstrip(".").replace(".", "/") for name in packages}
    assert listed == {*FLOORS, *INNER}


def test_a_wheel_holds_the_package_and_its_data_and_no_tests(project: Any, tmp_path: Path) -> None:
    source = tmp_path / "source"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-c", "import setuptools.build_meta as b; print(b.build_wheel('..'))"]
    subprocess.run(build, cwd=source, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    folders = {name.rpartition("/")[0] for name in names if name.endswith(".py")}
    assert folders == {"slipstick" + (f"/{room}" if room else "") for room in {*FLOORS, *INNER}}
    assert "slipstick/datasets/medcalc/disagreements.csv" in names
    assert "slipstick/datasets/sentences.txt" in names and "slipstick/py.typed" in names
    assert any(name.endswith("/LICENSE") for name in names)


def test_commands_start_and_say_what_they_are_for(project: Any) -> None:
    for command in project["project"]["scripts"]:
        run = subprocess.run(
            [Path(sys.executable).parent / command, "--help"], capture_output=True, text=True, timeout=60
        )
        assert run.returncode == 0, f"{command}: {run.stderr}"
        assert command in run.stdout


def test_every_target_of_the_makefile_is_listed_by_help() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    shown = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert targets == set(re.findall(r"make ([a-z-]+)", shown))
    assert {"setup", "run", "test", "test-exhaustive", "bench", "format"} <= targets


def test_continuous_integration_runs_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert "make test" in script.read_text("utf-8")
    assert script.stat().st_mode & 0o100
