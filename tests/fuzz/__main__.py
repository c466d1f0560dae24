"""`python -m fuzz TOOL ...`: one of the fuzzers, by name; without one, what they have done so far."""

from __future__ import annotations

import sys
from importlib import import_module

TOOLS = ("graphs", "assembled", "inputs", "bounds", "valgrind", "leaks", "crowd")

if __name__ == "__main__":
    if len(sys.argv) < 2:
        from .record import FOLDER, Record

        print(*Record(FOLDER).lines(), sep="\n")
        sys.exit()
    if sys.argv[1] not in TOOLS:
        sys.exit(f"expected one of {', '.join(TOOLS)} and its options, as in: graphs --cases 1000")
    sys.exit(import_module(f"fuzz.{sys.argv[1]}").main(sys.argv[2:]))
