"""From decision tables to a ranker, and to the rankings of families that it did not see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..costmodel.ranker import Ranker
from ..costmodel.ranker_training import Group, HeldOut, held_out, train
from .candidate_features import NestFacts, features
from .decision_table import DecisionTable
from .ranking import Ranking


def groups_of(tables: Sequence[DecisionTable]) -> list[Group]:
    """Return the candidates of each nest as features and times. Raises what `DecisionTable.nest` does."""
    return list(_groups(tables))


def _groups(tables: Sequence[DecisionTable]) -> Iterator[Group]:
    for table in tables:
        rows = features(NestFacts.of(table.nest, table.machine), table.space)
        relative = np.asarray([np.nan if one.relative is None else one.relative for one in table.lines], np.float64)
        # Tables without families stand for themselves.
        family, seconds = table.family or table.shape, table.heuristic.seconds or np.nan
        yield Group(family, table.shape, table.space[0].kind, rows, relative, seconds)


def held_out_rankings(tables: Sequence[DecisionTable], held: HeldOut) -> list[Ranking]:
    """Return a ranking of each table's candidates by trees that saw neither its family nor its shape."""
    return [
        Ranking(table.space, gains, seconds, margin)
        for table, gains, seconds, margin in zip(tables, held.gains, held.seconds, held.margins, strict=True)
    ]


def trained(tables: Sequence[DecisionTable], record: Mapping[str, object]) -> tuple[Ranker, list[Ranking]]:
    """Train a ranker; return it with the rankings of held-out families."""
    groups = groups_of(tables)
    held = held_out(groups)
    return train(groups, held, record), held_out_rankings(tables, held)
