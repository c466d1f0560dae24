"""The pages of the documentation that code is the source of: options, passes, the public API, pictures, the notebook.

    python -m slipstick.tools.site FOLDER      write them into FOLDER (--notebook runs the notebook, too)

`docs/hooks.py` hands them to mkdocs, so that the site never shows what the code does not have.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..files import write_atomically
from . import site_api, site_commands, site_notebook, site_passes, site_pictures
from .command import guarded

PROGRAM: Final = "python -m slipstick.tools.site"
NOTEBOOK: Final = "journey.ipynb"


def generated(root: Path, *, run_notebook: bool) -> dict[str, str]:
    """Return the texts of the generated files by their paths in the site.

    `root` is the repository. The notebook's outputs are those of a run that is made now, or left out. Raises what its
    cells raise.
    """
    docs = root / "docs"
    return {
        "readme.md": (root / "README.md").read_text("utf-8").replace("](docs/", "]("),
        "rooms.svg": site_pictures.rooms(root),
        "stages.svg": site_pictures.stages(),
        "reference/api.md": site_api.page(root),
        "reference/commands.md": site_commands.page(),
        "reference/passes.md": site_passes.page(),
        "journey.md": site_notebook.page(docs / NOTEBOOK, run=run_notebook),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Write the files; return the exit status, 0 or 1 (2 for a wrong flag)."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Write the generated pages of the documentation.")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--notebook", action="store_true", help="run the notebook and show what its cells print")
    arguments = parser.parse_args(argv)

    def work() -> int:
        root = Path(__file__).resolve().parents[1]
        for name, text in generated(root, run_notebook=arguments.notebook).items():
            path = arguments.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, text)
        return 0

    return guarded(PROGRAM, work)


if __name__ == "__main__":
    sys.exit(main())
