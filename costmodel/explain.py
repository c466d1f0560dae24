"""Which parts of a text a prediction rests on: the prediction without the features of each part."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ..target import Target
from .features import level, text_features
from .tree_model import TreeModel

MOST = 12
"""Parts that are shown."""
_WORK = frozenset({"n", "u", "l", "h", "hl"})
_PARTS = {
    "target": "",
    "cpu": "",
    "isa": "",
    "largest": "shapes",
    "transfer": "memory accesses",
    "fill": "memory accesses",
    "attribute": "decision",
    "kind": "decision",
    "all": "values alive at once",
    "hot": "the hottest loop",
    "kept": "values kept through loops",
    "access": "memory accesses",
    "type": "types",
    "vectors": "types",
    "loops": "loops",
    "leaf0": "loops",
    "leaf1": "loops",
}


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
    for name, value in features.items():
        part = _part(name)
        if part and value:
            parts[part].append(name)
    rows = [features, *({k: v for k, v in features.items() if k not in set(names)} for names in parts.values())]
    found = model.predict_features(rows, [level(text)] * len(rows), target)
    predicted = [one.predictions[label].value for one in found]
    whole = Share("", predicted[0], 0.0)
    own = [Share(part, value, value - whole.value) for part, value in zip(parts, predicted[1:], strict=True)]
    return [whole, *sorted(own, key=lambda share: -abs(share.change))[:MOST]]


def _part(name: str) -> str:
    """Return the part of a text that a feature belongs to; empty for what is of the target."""
    head, _, rest = name.partition(".")
    if head == "op":
        return rest
    if head in _WORK:
        # Reads that are folded, and scalars that become vectors, are the text's operations all the same.
        rest = rest.removeprefix("f.")
        return f"s.{rest[2:]}" if rest.startswith(("w.", "q.")) else rest
    if head.startswith("argument"):
        return "shapes"
    return _PARTS.get(head, "")
