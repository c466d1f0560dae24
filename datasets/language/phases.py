"""The phases of a training, by name: importable in no time, for the command line."""

from __future__ import annotations

from typing import Final

FULL, SCHEDULED, CONTINUED, MIXED = "full", "scheduled", "continued", "mixed"
PHASES: Final = (FULL, SCHEDULED, CONTINUED)
"""The models that are trained: at full depth; on from there along random schedules, taught by the text and by the full
model; on from there at full depth, with the same text and steps as `SCHEDULED`, to compare."""
ALL_PHASES: Final = (*PHASES, MIXED)
"""With what is trained only where it is asked for: a model along random schedules from its first step on, for as many
tokens as `FULL` and one that goes on from it together."""
