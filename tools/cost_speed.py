"""How fast predictions are, beside compiling and counting."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

from ..costmodel.features import text_features
from ..costmodel.tree_model import TreeModel
from ..datasets.corpus.assembly import count
from ..datasets.corpus.lowering import lower
from ..datasets.corpus.machine_code import machine_code
from ..datasets.corpus.session import Session
from ..target import Target

_TEXTS = 200
_COMPILED = 8


def speeds(model: TreeModel, rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return seconds for one kernel: predicted alone, in a batch, from features, and compiled and counted.

    `rows` are rows of a corpus; those of the CPU that the first is of are taken, `_TEXTS` of loops at most.
    """
    own = [row for row in rows if row["target"] == rows[0]["target"]]
    target = Target.named(rows[0]["target"])
    loops = [row["text"] for row in own if row["level"] == "loops"]
    texts = loops[:: max(1, len(loops) // _TEXTS)][:_TEXTS]
    graphs = [row["text"] for row in own if row["level"] == "graph"]
    features = [text_features(text, target) for text in texts]
    found = {}
    if texts:
        found["alone"] = median(_seconds(partial(model.predict, [text], target)) for text in texts[:50])
        found["batch"] = min(_seconds(lambda: model.predict(texts, target)) for _ in range(3)) / len(texts)
        levels = ["loops"] * len(texts)
        found["batch from features"] = min(
            _seconds(lambda: model.predict_features(features, levels, target)) for _ in range(3)
        ) / len(texts)
    if graphs:
        compiled = graphs[:: max(1, len(graphs) // _COMPILED)][:_COMPILED]
        # Pipelines are resolved once, by the first kernel: the median leaves that out.
        session = Session()
        found["compiled and counted"] = median(_seconds(partial(_compile, session, text, target)) for text in compiled)
    return found


def _compile(session: Session, text: str, target: Target) -> None:
    for function in machine_code(session, [lower(session, text, target)], target)[0].values():
        count(function.assembly, target.architecture)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
