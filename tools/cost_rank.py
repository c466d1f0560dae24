"""`slipstick-cost rank`: a ranker of candidate decisions from tables of measured ones, judged on families not seen."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from rich.console import Console

from ..compiler.agreement import agreement
from ..compiler.candidate_features import VERSION
from ..compiler.decision_table import load_tables
from ..compiler.ranking_training import trained
from ..compiler.regret import regret, summary
from ..costmodel.ranker_files import save_ranker
from ..costmodel.ranker_training import PARAMETERS
from ..errors import ArgumentError
from .bench_decisions_tables import agreement_table, family_table, summary_table
from .cost_figures import TABLE_WIDTH

_LEAST_FAMILIES = 2


def rank(arguments: argparse.Namespace) -> int:
    """Train on the tables, print how families that were held out fare, save; return the exit status."""
    start = time.perf_counter()
    tables = {table.key: table for file in arguments.files for table in load_tables(file)}
    own = [table for table in tables.values() if table.codes > 1]
    families = Counter(table.family or table.shape for table in own)
    if len(families) < _LEAST_FAMILIES:
        raise ArgumentError(f"expected nests of {_LEAST_FAMILIES} families at least, found {len(families)}")
    console = Console(stderr=True)
    with console.status(f"{len(own)} nests of {len(families)} families"):
        record: dict[str, object] = {
            "families": dict(sorted(families.items())),
            "targets": dict(sorted(Counter(table.target for table in own).items())),
            "nests": len(own),
            "candidates": sum(len(table.relative) for table in own),
            "parameters": PARAMETERS.json(),
        }
        ranker, rankings = trained(own, record)
        found = [regret(table, None, ranking) for table, ranking in zip(own, rankings, strict=True)]
        agreed = agreement(own, rankings)
    record["held-out families"] = {
        policy: {str(k): [round(value, 4) for value in pair] for k, pair in shares.items()}
        for policy, shares in summary(found).items()
    }
    record["agreement"] = vars(agreed)
    out = Console(width=None if sys.stdout.isatty() else TABLE_WIDTH)
    out.print(family_table([table.family or table.shape for table in own], found))
    out.print(summary_table(found, "families held out"))
    out.print(agreement_table(agreed))
    save_ranker(ranker, arguments.output, VERSION)
    console.print(
        f"{arguments.output}: {len(ranker.forest.roots)} trees, margins {dict(ranker.margins)}, "
        f"in {time.perf_counter() - start:.0f} s"
    )
    return 0
