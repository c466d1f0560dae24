"""The page of `slipstick-medcalc evaluate --html`: tables and plot in one file."""

from __future__ import annotations

from ..datasets.medcalc.survival import Comparison
from .medcalc_plot import survival_figure
from .medcalc_survival import survival, why_whole_numbers
from .medcalc_table import agreement, disagreements, summary, unreadable
from .pages import page, paragraph, section
from .plots import as_svg

_LEAD = (
    "The calculators of MedCalc-Bench, compiled by slipstick, judged by the data set's rules: dates and whole numbers "
    "exactly, decimals inside their limits."
)


def report(comparison: Comparison) -> str:
    """Return the whole page."""
    exact = comparison.evaluations[0]
    parts = [section("Summary", *map(paragraph, summary(comparison).splitlines()))]
    if len(comparison.evaluations) > 1:
        parts.append(section("What survives which multiply", as_svg(survival_figure(comparison))))
        parts += [section(one.title, one.html()) for one in (survival(comparison), why_whole_numbers(comparison))]
    parts += [
        section(one.title, one.html())
        for one in (agreement(exact), disagreements(exact), unreadable(exact))
        if one is not None
    ]
    return page("slipstick: clinical calculators", _LEAD, *parts)
