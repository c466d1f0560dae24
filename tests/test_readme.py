"""What the README names is there; that its examples run is shown with those of the other pages."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text("utf-8")


def test_the_files_it_names_exist() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", TEXT)
    rooms = re.findall(r"^\| `([a-z]+/)`", TEXT, re.MULTILINE)
    files = re.findall(r"`((?:kernels|datasets|tests)/[\w/.]+)`", TEXT)
    assert len(rooms) == 7
    for name in (*links, *rooms, *files):
        assert (ROOT / name).exists(), name
