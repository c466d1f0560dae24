"""`slipstick-lmul errors`: the relative error of L-Mul against the exact product, for each k, rounding and offset."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from rich import box
from rich.console import Console
from rich.table import Table

from ..kernels.lmul import LMul, Rounding
from ..kernels.lmul_offset import Offset
from .progress import Steps

if TYPE_CHECKING:
    from ..kernels.lmul_torch_errors import Pairs, RelativeError

NAME = "errors"
HELP = "The relative error of L-Mul against the exact product, for each k, rounding and offset."

MANTISSA_BITS: Final = (2, 3, 4, 5, 6, 7, 23)
TIES_UP: Final = "ties-up"
"""Not a rounding of L-Mul: to nearest, ties away from zero."""

PairsName = Literal["all", "sampled"]

_TITLES: Final[dict[tuple[Offset, PairsName], str]] = {
    ("paper", "sampled"): "Offset `paper`, 2^-l(k); 4,000,000 random pairs",
    ("paper", "all"): "Offset `paper`, 2^-l(k); all pairs",
    ("unbiased", "all"): "Offset `unbiased`, the constant c that makes the mean zero; all pairs",
    ("min-rms", "all"): "Offset `min-rms`, the constant c of the least root mean square; all pairs",
}
_NOTES: Final = (
    "Relative error against the exact product. k to 7: pairs of bfloat16 numbers in [1, 2), in bfloat16, all of them "
    "or drawn by NumPy's default_rng(0); k = 23: pairs of evenly spaced binary32 numbers, in binary32.",
    "truncate, rne: how L-Mul loses mantissa bits (rne: to nearest, ties to even). ties up: to nearest, ties away from "
    "zero, for comparison; L-Mul does not do it. So few bits have many ties.",
    "c is rounded to the format's last place, 2^-7 or 2^-23, so that the mean of `unbiased` is not quite zero.",
)


@dataclass(frozen=True)
class Row:
    """The error of one configuration; `error` in percent."""

    offset: Offset
    pairs: PairsName
    mantissa_bits: int
    rounding: str
    """As L-Mul names it, or `TIES_UP`."""
    format: str
    constant: float
    error: RelativeError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead of tables")


def run(arguments: argparse.Namespace, command: str, stderr: Console) -> None:
    """Print the tables, or the figures as JSON."""
    steps = Steps(stderr)
    with steps.step("load torch"):
        from ..kernels import lmul_torch_errors  # noqa: F401 - slow to import
    with steps.step("multiply"):
        rows = measure()
    if arguments.json:
        sys.stdout.write(json.dumps({"command": command, "unit": "percent", "rows": [asdict(r) for r in rows]}) + "\n")
    else:
        print_tables(rows, Console())


def measure() -> list[Row]:
    """Return the errors of every offset, k and rounding, table by table."""
    from ..kernels.lmul_torch_errors import all_bfloat16_pairs, sampled_bfloat16_pairs, spaced_binary32_pairs

    narrow = {"all": all_bfloat16_pairs(), "sampled": sampled_bfloat16_pairs()}
    wide = spaced_binary32_pairs()
    return [
        _row(offset, name, k, rounding, narrow[name] if k <= 7 else wide)
        for offset, name in _TITLES
        for k in MANTISSA_BITS
        for rounding in (*get_args(Rounding), *([TIES_UP] if offset == "paper" else []))
    ]


def _row(offset: Offset, name: PairsName, k: int, rounding: str, pairs: Pairs) -> Row:
    from ..kernels.lmul_torch_bits import FORMAT_OF
    from ..kernels.lmul_torch_errors import constant, relative_error

    dtype = pairs.x.dtype
    configuration = LMul(k, "rne" if rounding == "rne" else "truncate", offset=offset)
    error = relative_error(configuration, pairs, ties_up=rounding == TIES_UP)
    return Row(offset, name, k, rounding, FORMAT_OF[dtype].name, constant(configuration, dtype), error)


def print_tables(rows: list[Row], console: Console) -> None:
    """Print the tables, and what must be known to read them."""
    for (offset, pairs), title in _TITLES.items():
        console.print(_table([row for row in rows if (row.offset, row.pairs) == (offset, pairs)], title))
    for note in _NOTES:
        console.print(note, style="dim", highlight=False)


def _table(rows: list[Row], title: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("k", justify="right")
    for rounding in dict.fromkeys(row.rounding for row in rows):
        for heading in _headings(rounding, rows[0].offset):
            table.add_column(heading, justify="right", no_wrap=True)
    for k in MANTISSA_BITS:
        table.add_row(str(k), *(cell for row in rows if row.mantissa_bits == k for cell in _cells(row)))
    return table


def _headings(rounding: str, offset: Offset) -> list[str]:
    headings = [] if offset == "paper" else ["\nc"]
    headings.append(f"{rounding.replace('-', ' ')}\nmean / rms, %")
    return [*headings, "\nmin .. max, %"] if rounding == "truncate" else headings


def _cells(row: Row) -> list[str]:
    e = row.error
    cells = [] if row.offset == "paper" else [f"{row.constant:.4f}"]
    cells.append(f"{_signed(e.mean)} / {e.rms:.2f}")
    return [*cells, f"{_signed(e.least)} .. {_signed(e.greatest)}"] if row.rounding == "truncate" else cells


def _signed(percent: float) -> str:
    """Return a figure with its sign, zero with a plus."""
    return f"{round(percent, 2) + 0.0:+.2f}"
