"""Tasks for a pool of processes: a module of its own, so that these start without torch."""

from __future__ import annotations

import os
import time


def behave(task: str) -> str:
    """Answer, die, or hang."""
    if task == "die":
        os._exit(3)
    if task == "hang":
        time.sleep(600)
    return task.upper()
