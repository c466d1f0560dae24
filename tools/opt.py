"""The entry of `slipstick-opt`: an interruption ends in one line, also while the tool is imported."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool with `argv` (default: the command line); return the exit status, 0 or 1."""
    try:
        from .opt_tool import run

        return run(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            os.write(2, b"slipstick-opt: interrupted\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
