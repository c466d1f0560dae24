"""Types of command-line flags."""

from __future__ import annotations

import argparse
from collections.abc import Callable


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
