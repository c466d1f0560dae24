"""The disagreements of the development half of MedCalc-Bench v1.0, row by row, as they were reviewed.

`disagreements.csv` names for each row that disagrees the defects of its label; nothing of the data set is in it. The
evaluation finds the same without it: the record is what it is held against.
"""

from __future__ import annotations

import csv
from importlib.resources import files

from .defects import Defect
from .defects_seen import DEFECTS
from .evaluate import Evaluation


def recorded() -> dict[int, tuple[Defect, ...]]:
    """Return the defects by row number."""
    by_name = {(defect.calculator, defect.name): defect for defect in DEFECTS}
    text = files(__package__).joinpath("disagreements.csv").read_text("utf-8")
    return {
        int(record["row"]): tuple(by_name[int(record["calculator"]), name] for name in record["defects"].split())
        for record in csv.DictReader(text.splitlines())
    }


def as_record(evaluation: Evaluation) -> str:
    """Return the text of such a file for an evaluation: its rows that disagree, those unexplained with no defects."""
    lines = [
        f"{verdict.row},{verdict.calculator},{' '.join(defect.name for defect in verdict.defects)}"
        for verdict in evaluation.verdicts
        if not verdict.agrees
    ]
    return "\n".join(["row,calculator,defects", *lines]) + "\n"
