"""Tasks for a pool of processes: a module of its own, so that these start without torch."""

from __future__ import annotations

import os
import time


def behave(task: str) -> str:
    """Answer, die, hang, or never come to an end."""
    if task == "die":
        os._exit(3)
    while task == "spin":
        pass
    if task == "hang":
        time.sleep(600)
    return task.upper()
