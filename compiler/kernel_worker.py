"""The process that runs candidates: it loads code, times it, and says whose turn it is before each turn.

    python -m slipstick.compiler.kernel_worker DESCRIPTOR

Requests are pickles on standard input: a key of the nest, its operands, packed artifacts, rounds. Answers are lines of
JSON to the descriptor: {"turn": 3} before the turn of candidate 3, then {"seconds": [...]} or {"error": "..."}.
"""

from __future__ import annotations

import json
import os
import pickle
import sys

from ..errors import SlipstickError
from .artifact import Artifact
from .kernel_bench import Bench, time_beside


def main(descriptor: int) -> None:
    """Answer requests until there are none."""

    def answer(event: object) -> None:
        os.write(descriptor, json.dumps(event).encode() + b"\n")

    known: tuple[str, Bench] | None = None
    while True:
        try:
            key, operands, artifacts, rounds = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            # Operands and panels of the nest before are given back first: both may be large.
            if known is None or known[0] != key:
                known = None
                known = key, Bench(operands)
            bench = known[1]
            calls = [bench.calls(Artifact.unpack(data)) for data in artifacts]
            answer({"seconds": time_beside(calls, rounds, lambda which: answer({"turn": which}))})
        except SlipstickError as problem:
            answer({"error": str(problem)})


if __name__ == "__main__":
    main(int(sys.argv[1]))
