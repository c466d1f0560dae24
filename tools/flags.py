"""Types of command-line flags, and flags that several tools have."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path


def integer_flag(low: int, high: int) -> Callable[[str], int]:
    """Return a type for argparse: integers from `low` to `high`, both included."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"expected an integer from {low} to {high}, found {text!r}")
        return value

    return read


def plot_flag(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--plot FILE`, also called `--picture`, to a parser: where to write `what` as an SVG file, `args.picture`."""
    parser.add_argument(
        "--plot", "--picture", dest="picture", type=Path, metavar="FILE", help=f"write {what} as an SVG file too"
    )
