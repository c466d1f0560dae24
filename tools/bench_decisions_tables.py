"""Tables of decisions: each nest, each policy, and what the chosen kernels spill."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from rich import box
from rich.table import Table

from ..compiler.agreement import Agreement
from ..compiler.regret import TENTH, NestRegret, summary
from .bench_decisions_spills import Spilled
from .bench_nests import choice_text


def nest_table(found: Sequence[NestRegret]) -> Table:
    """Return a table with a line for each nest; shares of the optimum in percent."""
    targets = list(dict.fromkeys(one.target for one in found))
    title = f"decisions on {', '.join(targets)}: shares of the measured optimum"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    has_model = any(one.model is not None for one in found)
    headings = ["nest", "candidates (kernels)", "heuristic µs", "best µs", "heuristic %"]
    headings += [*(["model %", "5 more %"] if has_model else []), "random %", "search 5 %", "best choice"]
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("nest", "best choice") else "right")
    for one in found:
        shares = one.shares
        numbers = [shares["heuristic"][0]]
        numbers += [shares["model"][0], shares["model"][5]] if "model" in shares else []
        numbers += [shares["random"][0], shares["search"][5]]
        times = (f"{seconds * 1e6:.1f}" for seconds in (one.heuristic_s, one.best_s))
        best = "the heuristic's" if one.best == one.heuristic else choice_text(one.best)
        what = one.what if len(targets) == 1 else f"{one.what} [{one.target}]"
        count = f"{one.candidates} ({one.codes})"
        table.add_row(what, count, *times, *(f"{100 * share:.1f}" for share in numbers), best)
    return table


def family_table(families: Sequence[str], found: Sequence[NestRegret]) -> Table:
    """Return a table with a line for each family of nests, held out when its choices were predicted."""
    title = "share of the measured optimum by family that was held out, %: geometric mean (worst)"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for heading in ("family", "nests", "heuristic", "random", "model", "5 more"):
        table.add_column(heading, justify="left" if heading == "family" else "right", no_wrap=True)
    for family in sorted(set(families)):
        own = [one for name, one in zip(families, found, strict=True) if name == family]
        tables = summary(own)
        shown = (tables["heuristic"][0], tables["random"][0], tables["model"][0], tables["model"][5])
        table.add_row(family, str(len(own)), *(f"{100 * mean:.1f} ({100 * worst:.1f})" for mean, worst in shown))
    return table


def agreement_table(found: Agreement) -> Table:
    """Return a table of how predictions, and a second round of measurements, agree with the first."""
    title = "predicted and measured times; a second round as the ceiling"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left", show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right", no_wrap=True)
    table.add_row(f"Spearman inside nests, mean of {found.nests}", f"{found.within:.3f}")
    table.add_row("Spearman of seconds over all candidates", f"{found.across:.3f}")
    if found.again:
        table.add_row(
            f"Spearman inside the {found.again} nests measured twice, both rounds", f"{found.within_again:.3f}"
        )
        table.add_row("the two rounds' own, inside these nests", f"{found.ceiling:.3f}")
        table.add_row("median distance of the two rounds", f"{100 * found.error:.1f} %")
    for who, (mean, worst) in found.shares.items():
        what = f"share of the first round's optimum in the second, %: {who}"
        table.add_row(what, f"{100 * mean:.1f} ({100 * worst:.1f})")
    return table


def summary_table(found: Sequence[NestRegret], which: str = "") -> Table:
    """Return a table of geometric means and worst cases, by policy and number of measurements."""
    tables = summary(found)
    what = f"{len(found)} nests{', ' if which else ''}{which}"
    title = f"share of the measured optimum over {what}, %: geometric mean (worst)"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    counts = sorted({k for own in tables.values() for k in own}, key=lambda k: (k == TENTH, k))
    headings = ("a tenth measured" if k == TENTH else f"{k} measured" for k in counts)
    for heading in ("policy", *headings):
        table.add_column(heading, justify="left" if heading == "policy" else "right", no_wrap=True)
    for policy, own in tables.items():
        cells = [f"{100 * own[k][0]:.1f} ({100 * own[k][1]:.1f})" if k in own else "" for k in counts]
        table.add_row(policy, *cells)
    gains = [one.shares["model"][0] / one.shares["heuristic"][0] for one in found if "model" in one.shares]
    if gains:
        slower, faster = sum(gain < 1 / 1.03 for gain in gains), sum(gain > 1.03 for gain in gains)
        mean = math.exp(sum(map(math.log, gains)) / len(gains))
        table.caption = (
            f"the model's, nothing measured, beside the heuristic's: {mean:.3f}x as fast; {faster} nests are faster by "
            f"more than 3 %, {slower} slower, at worst {min(gains):.2f}x"
        )
        table.caption_justify = "left"
    return table


def spill_table(found: Sequence[Spilled]) -> Table:
    """Return a table of the kernels that each policy chose: how many spill, as predicted and in the assembly."""
    title = "vector registers put on the stack by the chosen kernels: foreseen on their loops, counted in the assembly"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for heading in ("chosen by", "kernels", "free of spills", "foreseen as free", "free of these", "spills in all"):
        table.add_column(heading, justify="left" if heading == "chosen by" else "right")
    groups = {policy: [one for one in found if one.policy == policy] for policy in {one.policy: None for one in found}}
    if len(groups) > 1:
        # What several policies chose counts once.
        groups["all"] = list({(one.what, json.dumps(one.choice)): one for one in found}.values())
    for policy, own in groups.items():
        free = [one for one in own if one.is_free]
        kept = [one for one in free if one.spills == 0]
        share = f"{len(kept)} ({100 * len(kept) / len(free):.1f} %)" if free else ""
        counts = len(own), sum(one.spills == 0 for one in own), len(free)
        table.add_row(policy, *map(str, counts), share, str(sum(one.spills for one in own)))
    return table


def surprise_table(found: Sequence[Spilled]) -> Table:
    """Return a table of kernels that spill though they were chosen as free of spills."""
    title = "foreseen as free of spills, but not so in the assembly"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for heading in ("nest", "chosen by", "choice", "predicted", "in the assembly"):
        table.add_column(heading, justify="right" if heading in ("predicted", "in the assembly") else "left")
    for one in found:
        predicted = "" if one.predicted is None else f"{one.predicted:.1f}"
        table.add_row(one.what, one.policy, choice_text(one.choice), predicted, str(one.spills))
    return table
