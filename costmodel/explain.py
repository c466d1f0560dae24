"""Which parts of a text a prediction rests on: the prediction without the features of each part."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ..target import Target
from .features import text_features
from .tree_model import TreeModel, group

MOST = 12
"""Parts that are shown."""


@dataclass(frozen=True)
class Share:
    """A part of a text, and what the prediction is without it."""

    without: str
    """The part: an operation, `shapes`, `loops`, `decision`, ...; empty for the whole text."""
    value: float
    change: float


def shares(model: TreeModel, text: str, target: Target, label: str) -> list[Share]:
    """Return the prediction of `label`, and behind it those without each part, the greatest change first."""
    features = text_features(text, target)
    parts: dict[str, list[str]] = defaultdict(list)
    for name in features:
        part = _part(name)
        if part:
            parts[part].append(name)
    rows = [features, *({k: v for k, v in features.items() if k not in set(names)} for names in parts.values())]
    predicted = [one.predictions[label].value for one in model.predict_features(rows, [group(features)] * len(rows))]
    whole = Share("", predicted[0], 0.0)
    found = [Share(part, value, value - whole.value) for part, value in zip(parts, predicted[1:], strict=True)]
    return [whole, *sorted(found, key=lambda share: -abs(share.change))[:MOST]]


def _part(name: str) -> str:
    """Return the part of a text that a feature belongs to; empty for what is of the target."""
    head, _, rest = name.partition(".")
    if head in ("op", "inner"):
        return rest
    if head.startswith("loop") and rest.count("."):
        return rest
    return {
        "target": "",
        "cpu": "",
        "argument0": "shapes",
        "argument1": "shapes",
        "argument2": "shapes",
        "argument3": "shapes",
        "argument4": "shapes",
        "argument5": "shapes",
        "largest": "shapes",
        "attribute": "decision",
        "kind": "decision",
        "alive": "values alive at once",
        "type": "types",
        "vectors": "types",
    }.get(head, "loops" if head.startswith("loop") else "")
