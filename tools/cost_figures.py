"""How figures of the cost model are shown: the columns of its tables."""

from __future__ import annotations

TABLE_WIDTH = 130
"""Columns of the tables where they do not go to a terminal."""
COLUMNS = {
    "rmse_of_range": "RMSE % range",
    "rmse_of_mean": "RMSE % mean",
    "mape": "MAPE %",
    "within_one": "within 1 %",
    "f1_some": "F1 some/none %",
    "spearman": "Spearman",
    "pairs": "pairs right %",
    "coverage": "in interval %",
    "width": "interval % range",
}


def number(name: str, value: float) -> str:
    """Return a figure as it is shown."""
    if value != value:
        return "-"
    return f"{value:.3f}" if name == "spearman" else f"{100 * value:.1f}"
