"""Where decisions for L-Mul, two instructions where an FMA is one, differ from those for exact products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.table import Table

from ..compiler.decision_table import DecisionTable
from ..compiler.regret import NestRegret
from .bench_nests import choice_text
from .bench_results import geometric_mean

_PRODUCTS = ("packed", "skinny", "rows", "attention")
_MARK = "L-Mul"


@dataclass(frozen=True)
class LmulPair:
    """One nest of products, exact and with L-Mul, both of which were measured."""

    what: str
    target: str
    exact: NestRegret
    lmul: NestRegret
    kept: float | None
    """Share of its optimum that L-Mul reaches with the kind, tile and unrolling that are best for exact products; None
    where no such candidate was measured."""

    def differ(self, policy: str) -> bool | None:
        """Return whether `heuristic`, `model` or `best` choose otherwise for L-Mul; None where one chooses nothing."""
        one, other = getattr(self.exact, policy), getattr(self.lmul, policy)
        return None if one is None or other is None else _core(one) != _core(other)


def lmul_pairs(tables: Sequence[DecisionTable], found: Sequence[NestRegret]) -> list[LmulPair]:
    """Return the nests that the tables hold both ways."""
    exact: dict[tuple[str, str], NestRegret] = {}
    lmul: list[tuple[str, NestRegret, DecisionTable]] = []
    for table, own in zip(tables, found, strict=True):
        parts = table.what.split(", ")
        plain = ", ".join(part for part in parts if not part.startswith(_MARK))
        if own.heuristic["kind"] not in _PRODUCTS:
            continue
        if plain == table.what:
            exact[plain, table.target] = own
        else:
            lmul.append((plain, own, table))
    return [
        LmulPair(own.what, own.target, exact[plain, own.target], own, _kept(table, exact[plain, own.target].best))
        for plain, own, table in lmul
        if (plain, own.target) in exact
    ]


def lmul_table(pairs: Sequence[LmulPair]) -> Table:
    """Return a table with a line for each nest, and one that counts them."""
    title = "decisions for L-Mul beside those for exact products of the same nests"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left", show_footer=True)
    kept = geometric_mean(pair.kept for pair in pairs if pair.kept is not None)
    share = "" if kept is None else f"{100 * kept:.1f}"
    columns = {
        "nest": f"{len(pairs)} nests",
        "best, exact": "",
        "best, L-Mul": _count(pairs, "best"),
        "L-Mul with the exact kernel's, %": share,
        "heuristic": _count(pairs, "heuristic"),
        "model": _count(pairs, "model"),
    }
    for heading, footer in columns.items():
        table.add_column(heading, footer, justify="right" if heading.endswith("%") else "left")
    for pair in pairs:
        best = choice_text(pair.lmul.best) if pair.differ("best") else "the same"
        reached = "" if pair.kept is None else f"{100 * pair.kept:.1f}"
        words = {True: "differs", False: "the same", None: ""}
        policies = (words[pair.differ(policy)] for policy in ("heuristic", "model"))
        table.add_row(f"{pair.what} [{pair.target}]", choice_text(pair.exact.best), best, reached, *policies)
    return table


def _count(pairs: Sequence[LmulPair], policy: str) -> str:
    known = [pair.differ(policy) for pair in pairs if pair.differ(policy) is not None]
    return f"{sum(map(bool, known))} of {len(known)} differ" if known else ""


def _core(choice: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what of a choice may well be the same for both: A is packed for L-Mul anyway, prefetches follow tiles."""
    return choice["kind"], tuple(choice["register_tile"]), choice.get("k_unroll")


def _kept(table: DecisionTable, best: Mapping[str, Any]) -> float | None:
    times = [time for choice, time in table.relative.items() if _core(choice.json()) == _core(best)]
    return min(table.relative.values()) / min(times) if times else None
