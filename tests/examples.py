"""The examples of a page of documentation: its fenced blocks, as one Python program that runs them in their order.

    ```python              runs, in one namespace with the page's other Python blocks
    ```console             each line that begins with "$ " runs in a shell and must succeed
    ```mlir title="NAME"   is written to the file NAME
    <!-- exhaustive: WHY -->   in the line before a block: it runs in the exhaustive tests only

All else (text, mlir without a title) is for reading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_BLOCK = re.compile(r"(?:^<!-- exhaustive: (.+?) -->\n)?^```(\w+)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_TITLE = re.compile(r' title="([\w./-]+)"')

_PRELUDE = """\
import linecache, subprocess
def _shell(line):
    print("$", line, flush=True)
    done = subprocess.run(line, shell=True, executable="/bin/bash", timeout=300)
    if done.returncode:
        raise RuntimeError(f"{line}: exit status {done.returncode}")
def _python(name, line, code):
    # With its own lines in tracebacks, and for what reads the source of functions.
    text = "\\n" * line + code
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    exec(compile(text, name, "exec"), globals())
"""


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str
    text: str
    line: int
    """Of the page, where the block's text begins, counted from 0."""
    title: str = ""
    exhaustive: str = ""
    """Why it does not run each time; empty: it does."""

    @property
    def runs(self) -> bool:
        """Whether there is anything to run."""
        return self.language in ("python", "console")

    @property
    def commands(self) -> list[str]:
        """The lines of a console that are typed."""
        return [line[2:] for line in self.text.splitlines() if line.startswith("$ ")]


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page in Markdown."""
    found = []
    for match in _BLOCK.finditer(page):
        why, language, rest, text = match.groups()
        title = _TITLE.fullmatch(rest)
        line = page.count("\n", 0, match.start(4))
        found.append(Block(language, text, line, title[1] if title else "", why or ""))
    return found


def program(name: str, chosen: Sequence[Block]) -> str:
    """Return the Python program that writes the files and runs the blocks of a page called `name`."""
    lines = [_PRELUDE]
    for number, block in enumerate(chosen):
        if block.language == "python":
            lines.append(f"_python({f'{name}, block {number}'!r}, {block.line}, {block.text!r})")
        elif block.language == "console":
            lines += [f"_shell({command!r})" for command in block.commands]
        elif block.title:
            lines.append(f"open({block.title!r}, 'w').write({block.text!r})")
    return "\n".join(lines) + "\n"
