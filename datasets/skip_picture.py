"""A picture of a SkipDecode schedule: positions by layers."""

from __future__ import annotations

from typing import Any

from ..compiler.skip_schedule import SkipSchedule

RUNS, LEFT_OUT = "#2f81f7", "#7f7f7f"


def draw_schedule(axes: Any, schedule: SkipSchedule, total: int | None = None) -> None:
    """Draw on axes of matplotlib which of `total` layers (default: `max_layers`) run at each position.

    Raises `ArgumentError` where a model of so many layers cannot run the schedule.
    """
    import numpy as np
    from matplotlib.colors import ListedColormap

    layers = schedule.max_layers if total is None else total
    positions = range(schedule.start, schedule.length)
    cells = np.zeros((layers, len(positions)))
    for column, position in enumerate(positions):
        cells[list(schedule.layers(position, layers)), column] = 1
    extent = (schedule.start - 0.5, schedule.length - 0.5, -0.5, layers - 0.5)
    colours = ListedColormap([f"{LEFT_OUT}30", RUNS])
    axes.imshow(
        cells, origin="lower", aspect="auto", interpolation="nearest", cmap=colours, vmin=0, vmax=1, extent=extent
    )
    axes.set_xlabel("position")
    axes.set_ylabel("layer")
