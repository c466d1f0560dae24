"""What became of a case; here because it needs nothing else: a crowd of processes must not import torch each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """What became of a graph.

    "right", "unstable" (right within what rounding does to it), "unknown" (right exactly, with L-Mul there is no
    reference), "refused" (not imported), "wrong", "error"; processes add "crash", "hang". "suspect" is for what is
    looked at again, alone.
    """

    kind: str
    text: str = ""
    way: str = ""
    inputs: int = 0
    """Which set of inputs it is about; see `with_other_inputs`."""

    @property
    def is_failure(self) -> bool:
        """Whether this must not happen."""
        return self.kind not in ("right", "unstable", "refused", "unknown")

    @property
    def sort(self) -> str:
        """What failures of one cause have in common."""
        first = self.text.partition("\n")[0]
        return self.kind if self.kind in ("wrong", "hang") else f"{self.kind} {first[:60]}"
