"""The documentation: every example runs, the generated pages say what the code has, the site builds without network."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import slipstick
from examples import blocks, program
from slipstick.passes.registry import PASSES
from slipstick.tools import site, site_api, site_commands, site_pictures
from tool_client import tool_server

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in DOCS.rglob("*.md"))]

README_MODEL = """
func.func @main(%a: tensor<4x8xf32>, %b: tensor<8x4xf32>) -> tensor<4x4xf32> {
  %e = tensor.empty() : tensor<4x4xf32>
  %c = linalg.matmul ins(%a, %b : tensor<4x8xf32>, tensor<8x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %c : tensor<4x4xf32>
}
"""


# ---- examples


@pytest.fixture(scope="module")
def served():
    with tool_server("--all") as tools:
        yield tools


def run_page(name: str, chosen, tools: Path, folder: Path) -> str:
    """Run blocks of a page in `folder`; return what they print."""
    script = folder / "page.py"
    path = os.pathsep.join((str(tools), str(Path(sys.executable).parent), os.environ["PATH"]))
    # The server runs it in an environment of its own.
    script.write_text(f"import os\nos.environ['PATH'] = {path!r}\n{program(name, chosen)}")
    (folder / "model.mlir").write_text(README_MODEL)
    done = subprocess.run(
        [tools / "script", script],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=550,
        check=False,
    )
    assert done.returncode == 0, f"{name}:\n{done.stdout[-6000:]}"
    return done.stdout


@pytest.mark.parametrize("name", [name for name in PAGES if any(b.runs for b in blocks((ROOT / name).read_text()))])
def test_the_examples_of_a_page_run(name, served, tmp_path):
    found = [block for block in blocks((ROOT / name).read_text("utf-8")) if not block.exhaustive]
    shown = run_page(name, found, served, tmp_path)
    for command in (one for block in found if block.language == "console" for one in block.commands):
        assert f"$ {command}\n" in shown
    if name == "README.md":
        assert "torch.Size([3, 256])" in shown
        assert "slipstick.decision" in shown and "define" in shown and ".globl" in shown


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [name for name in PAGES if "<!-- exhaustive: " in (ROOT / name).read_text()])
def test_all_examples_of_a_page_run(name, served, tmp_path):
    run_page(name, blocks((ROOT / name).read_text("utf-8")), served, tmp_path)


def test_a_failing_example_is_seen(served, tmp_path):
    page = "```python\nx = 3\n```\n\n```python\nassert x == 4\n```\n"
    with pytest.raises(AssertionError, match=r'bad\.md, block 1", line 6'):
        run_page("bad.md", blocks(page), served, tmp_path)
    with pytest.raises(AssertionError, match="slipstick-opt --nothing: exit status 1"):
        run_page("bad.md", blocks("```console\n$ slipstick-opt --nothing\n```\n"), served, tmp_path)


def test_blocks_of_a_page():
    text = '<!-- exhaustive: slow -->\n```console\n$ a b\noutput\n$ c\n```\ntext\n```mlir title="x.mlir"\nfunc\n```\n'
    one, other = blocks(text)
    assert (one.exhaustive, one.commands, one.runs) == ("slow", ["a b", "c"], True)
    assert (other.title, other.text, other.line, other.runs) == ("x.mlir", "func\n", 8, False)


# ---- generated pages


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    return site.generated(ROOT, run_notebook=False)


def test_every_pass_and_option_is_on_its_page(generated):
    page = generated["reference/passes.md"]
    for cls in PASSES:
        assert f"### `{cls.name}`\n" in page and cls.description() in page
        for option in cls.options():
            assert f"| `{option.name.replace('_', '-')}` |" in page
    assert "### `stage-rewritten`" in page


def test_every_command_and_flag_is_on_its_page(generated):
    page = generated["reference/commands.md"]
    for name in site_commands.COMMANDS:
        for parser in site_commands.parsers(name):
            assert re.search(rf"^##+ {re.escape(parser.prog)}$", page, re.MULTILINE)
            for flag in parser._option_string_actions:
                assert flag in ("-h", "--help") or f"`{flag}" in page
    for heading in (
        "## slipstick-opt",
        "### slipstick-bench generate",
        "### slipstick-lmul finetune",
        "### slipstick-cost label",
    ):
        assert f"{heading}\n" in page
    assert "--pass-pipeline" in page and "%(default)s" not in page


def test_every_export_is_on_the_page_of_the_api(generated):
    page = generated["reference/api.md"]
    assert set(site_api.exports(ROOT)) == set(slipstick.__all__)
    for name in slipstick.__all__:
        assert f"### `slipstick.{name}`\n" in page
    assert "slipstick.compile(\n    obj: torch.nn.Module" in page and "| `mantissa_bits: int` | `4` |" in page
    # What the command writes is the same.
    assert generated["readme.md"].count("](docs/") == 0


def test_the_pictures_are_drawn_from_the_sources(generated, tmp_path):
    for name in ("rooms.svg", "stages.svg"):
        assert ElementTree.fromstring(generated[name]).tag.endswith("svg")
    found = site_pictures.imports(ROOT)
    assert found["tools", "compiler"] > 10 and found["passes", "kernels"] > 10
    assert ("kernels", "passes") not in found and ("costmodel", "compiler") not in found
    for room in ("tools", "passes"):
        (tmp_path / room).mkdir()
    (tmp_path / "tools" / "x.py").write_text("from ..passes.y import z\nfrom ..passes import w\nfrom .a import b\n")
    assert site_pictures.imports(tmp_path) == {("tools", "passes"): 1}


def test_the_notebook_is_kept_without_outputs():
    notebook = json.loads((DOCS / site.NOTEBOOK).read_text("utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code and all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert notebook["nbformat"] == 4


# ---- the site


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    # A proxy that is not there: what asks the network fails.
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **nowhere}, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_site_is_built_and_the_notebook_run(built):
    for page in (*PAGES[1:], "journey.md", "readme.md", "reference/api.md"):
        assert (built / page.removeprefix("docs/")).with_suffix(".html").is_file()
    journey = (built / "journey.html").read_text("utf-8")
    assert "largest difference from torch:" in journey and "same results: True" in journey


def test_pages_load_nothing_from_elsewhere(built):
    loaded = re.compile(r"<(?:script|img|iframe|source)[^>]*?\ssrc=\"([^\"]+)|<link[^>]*?\shref=\"([^\"]+)")
    for page in built.rglob("*.html"):
        for match in loaded.finditer(page.read_text("utf-8")):
            assert not re.match(r"(https?:)?//", match[1] or match[2]), f"{page.name}: {match[0]}"
    for style in built.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//|@import ['\"]?(https?:)?//", style.read_text("utf-8"))
