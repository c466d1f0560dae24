"""The loss curves of fine-tuning, and how far each arithmetic's lies from the exact one's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from ..datasets.language.finetune import Run
from .plots import new_figure

_COLOURS: Final = ("#7f7f7f", "#2f81f7", "#8250df", "#d29922", "#cf222e")
_WINDOW: Final = 10
"""Steps of the moving mean."""


def loss_curves(runs: Sequence[Run]) -> Figure:
    """Draw the training losses, smoothed, and beside them their differences from the first run's, batch by batch."""
    figure = new_figure(9.0, 3.2)
    losses, apart = figure.subplots(1, 2)
    exact = np.array(runs[0].losses)
    for run, colour in zip(runs, _COLOURS, strict=False):
        values = np.array(run.losses)
        places, smooth = _moving_mean(values)
        losses.plot(places, smooth, color=colour, label=run.arithmetic, linewidth=1.2)
        if run is not runs[0]:
            places, smooth = _moving_mean(values - exact)
            apart.plot(places, smooth, color=colour, label=run.arithmetic, linewidth=1.2)
    apart.axhline(0, color=_COLOURS[0], linewidth=0.8)
    losses.set_ylabel("training loss, nats a token")
    apart.set_ylabel("beside exact, same batches")
    for axes in (losses, apart):
        axes.set_xlabel("step")
        axes.grid(axis="y")
        axes.legend(fontsize=8)
    return figure


def _moving_mean(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return steps, counted from 1, and the mean of the window that ends at each."""
    window = min(_WINDOW, len(values))
    smooth = np.convolve(values, np.ones(window) / window, "valid")
    return np.arange(window, len(values) + 1), smooth
