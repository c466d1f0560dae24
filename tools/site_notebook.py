"""A notebook as a page: its text, its code, and what the code prints when it is run now."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ..errors import ArgumentError

_TIMEOUT_S: Final = 300
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;]*m")


def page(path: Path, *, run: bool) -> str:
    """Return a notebook as Markdown; with `run`, its cells are run first, in a kernel of this Python.

    Raises ArgumentError, with the cell's own error, where a cell fails.
    """
    notebook = executed(path) if run else read(path)
    return "\n".join(line for cell in notebook["cells"] for line in _cell(cell)) + "\n"


def read(path: Path) -> dict[str, Any]:
    """Return a notebook as it stands in its file."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def executed(path: Path) -> dict[str, Any]:
    """Return a notebook with the outputs of a run, in an empty folder."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, timeout=_TIMEOUT_S, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        try:
            client.execute()
        except CellExecutionError as error:
            raise ArgumentError(f"{path.name}: {_ESCAPES.sub('', str(error)).strip()}") from None
    found: dict[str, Any] = json.loads(nbformat.writes(notebook))
    return found


def _cell(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield f"{source}\n"
        return
    yield f"```python\n{source}\n```\n"
    for output in cell["outputs"]:
        yield from _output(output)


def _output(output: dict[str, Any]) -> Iterator[str]:
    data = output.get("data", {})
    if "image/svg+xml" in data:
        # On one line: Markdown would take an empty one as the end of the element.
        yield " ".join("".join(data["image/svg+xml"]).split("\n")) + "\n"
        return
    text = "".join(output.get("text", data.get("text/plain", "")))
    if text.strip() and output.get("name") != "stderr":
        yield f"```text\n{_ESCAPES.sub('', text).rstrip()}\n```\n"
