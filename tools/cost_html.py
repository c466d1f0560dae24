"""The report of `slipstick-cost eval` as one HTML page: tables, and plots as pictures inside it."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from pathlib import Path

from ..costmodel.evaluation import Judgement
from ..costmodel.labels import LABELS
from ..files import write_atomically
from .cost_goals import Goal

_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 72em; color: #222 }
table { border-collapse: collapse; margin: 0.5em 0 2em } td, th { padding: 0.15em 0.8em; text-align: right }
td:nth-child(-n+2), th:nth-child(-n+2) { text-align: left } thead { border-bottom: 1px solid #888 }
tr.first td { border-top: 1px solid #ddd } svg { max-width: 100% }
"""
_SHOWN = ("vector_registers", "spills", "instructions", "cycles", "utilisation", "time_ns")


def write_html(found: Sequence[Judgement], goals: Sequence[Goal], rows: int, path: Path) -> None:
    """Write the page. Raises OSError."""
    from .cost_eval import title
    from .cost_figures import COLUMNS, number

    parts = [f"<h1>Cost model: judged on {rows} rows</h1>", _goals(goals)]
    for level in dict.fromkeys(judgement.level for judgement in found):
        own = [judgement for judgement in found if judgement.level == level]
        parts += [f"<h2>{html.escape(level)}</h2>", _plot(own)]
        for judgement in own:
            heads = "".join(f"<th>{heading}</th>" for heading in ("quantity", "model", *COLUMNS.values()))
            lines = []
            for label in LABELS:
                place = 0
                for model, metrics in judgement.metrics.items():
                    figures = metrics[label.name]
                    if figures.rows:
                        cells = [label.name if place == 0 else "", model]
                        cells += [number(name, getattr(figures, name)) for name in COLUMNS]
                        data = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
                        lines.append(f"<tr class={'first' if place == 0 else 'more'}>{data}</tr>")
                        place += 1
            parts.append(f"<h3>{html.escape(title(judgement))}</h3>")
            parts.append(f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>")
    head = f'<meta charset="utf-8"><title>Cost model</title><style>{_STYLE}</style>'
    write_atomically(path, f"<!doctype html><html><head>{head}</head><body>{''.join(parts)}</body></html>")


def _goals(goals: Sequence[Goal]) -> str:
    lines = []
    for goal in goals:
        mark = "" if goal.is_met is None else "yes" if goal.is_met else "no"
        cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in (goal.what, goal.asked, goal.reached, mark))
        lines.append(f"<tr>{cells}</tr>")
    heads = "".join(f"<th>{heading}</th>" for heading in ("quantity", "asked", "reached", "met"))
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _plot(found: Sequence[Judgement]) -> str:
    """Return bars of each quantity's error by split and model, as SVG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    shown = [label for label in LABELS if label.name in _SHOWN]
    shown = [label for label in shown if any(j.metrics["trees"][label.name].rows for j in found)]
    models = list(dict.fromkeys(model for judgement in found for model in judgement.metrics))
    figure, axes = plt.subplots(1, len(shown), figsize=(3.2 * len(shown), 1.2 + 0.35 * len(found)), sharey=True)
    for axis, label in zip([axes] if len(shown) == 1 else axes, shown, strict=True):
        for place, model in enumerate(models):
            values = [100 * j.metrics[model][label.name].rmse_of_range if model in j.metrics else 0.0 for j in found]
            offset = (place - len(models) / 2) * 0.8 / len(models)
            axis.barh([n + offset for n in range(len(found))], values, 0.8 / len(models), label=model)
        axis.set_title(f"{label.name}: RMSE, % of range", fontsize=9, loc="left")
        axis.set_yticks(range(len(found)), [judgement.split for judgement in found], fontsize=8)
        axis.invert_yaxis()
    figure.axes[-1].legend(fontsize=7)
    figure.tight_layout()
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg")
    plt.close(figure)
    text = buffer.getvalue()
    return text[text.index("<svg") :]
