"""`slipstick-cost explain`: which operations a prediction rests on, found by leaving each out."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from ..compiler.prediction import kernel_texts
from ..compiler.released_model import load_model
from ..costmodel.explain import Share, shares
from ..costmodel.labels import LABELS
from ..errors import ArgumentError
from ..target import Target
from .cost_predict import read
from .files import check_writable


def explain(arguments: argparse.Namespace) -> int:
    """Print, for each kernel, how a prediction changes without each group of features; return the exit status."""
    names = [label.name for label in LABELS]
    if arguments.label not in names:
        raise ArgumentError(f"--label: expected one of {', '.join(names)}, found {arguments.label!r}")
    if arguments.plot is not None:
        check_writable(arguments.plot, "--plot")
    target = Target.resolve(arguments.target)
    model = load_model(arguments.model)
    named = kernel_texts(read(arguments.file), target)
    found = {name: shares(model, text, target, arguments.label) for name, text in named.items()}
    if arguments.json:
        shown = {name: [vars(share) for share in own] for name, own in found.items()}
        print(json.dumps({"label": arguments.label, "target": target.cpu, "kernels": shown}, indent=1))
    else:
        _print(found, arguments.label, target)
    if arguments.plot is not None:
        _plot(found, arguments.label, arguments.plot)
    return 0


def _print(found: dict[str, list[Share]], label: str, target: Target) -> None:
    console = Console()
    for name, own in found.items():
        table = Table(
            box=box.SIMPLE_HEAD, pad_edge=False, title=f"{name}: {label} on {target.cpu}", title_justify="left"
        )
        for heading in ("without", "predicted", "change"):
            table.add_column(heading, justify="left" if heading == "without" else "right")
        for share in own:
            table.add_row(share.without, f"{share.value:.4g}", f"{share.change:+.4g}" if share.without else "")
        console.print(table)


def _plot(found: dict[str, list[Share]], label: str, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(len(found), 1, figsize=(8, 0.6 + 3 * len(found)), squeeze=False)
    for axis, (name, own) in zip(axes[:, 0], found.items(), strict=True):
        bars = [share for share in own if share.without][::-1]
        axis.barh([share.without for share in bars], [-share.change for share in bars], color="#4477aa")
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set_title(f"{name}: what raises (right) or lowers (left) {label}", loc="left", fontsize=9)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
