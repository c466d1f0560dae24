"""Judgements of the cost model on disk: an evaluation that was stopped goes on, and reports are made later."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..costmodel.evaluation import Judgement
from ..costmodel.metrics import Metrics
from ..costmodel.released import FEATURES
from ..errors import ArgumentError
from ..files import write_atomically

_EXPECTED = "expected judgements that `slipstick-cost eval --json` wrote"


@dataclass
class Judgements:
    """What was judged, and of what: the corpus, the features and the trees' parameters."""

    path: Path | None
    """Where they are kept; None: nowhere."""
    of: dict[str, Any]
    found: list[Judgement] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path | None, rows: Iterable[Mapping[str, Any]], parameters: Mapping[str, object]) -> Judgements:
        """Return those of a file if it is of the same, else none. Raises ArgumentError for a file of something else."""
        digest = hashlib.sha256()
        for row in rows:
            digest.update(f"{row['canonical']} {row['target']}\n".encode())
        of = {"corpus": digest.hexdigest(), "features": FEATURES, "parameters": dict(parameters)}
        if path is None or not path.exists() or not path.stat().st_size:
            return cls(path, of)
        known, found = _read(path)
        if known != of:
            raise ArgumentError(f"{path}: holds judgements of another corpus, or by other parameters; remove it")
        return cls(path, of, read([path]) if found else [])

    def names(self, level: str) -> set[str]:
        """Return the splits of a level that were judged."""
        return {judgement.split for judgement in self.found if judgement.level == level}

    def add(self, judgement: Judgement) -> None:
        """Note a judgement, and write all to the file. Raises OSError."""
        self.found.append(judgement)
        if self.path is not None:
            content = {**self.of, "judgements": [asdict(one) for one in self.found]}
            write_atomically(self.path, json.dumps(content, indent=1))


def read(paths: Sequence[Path]) -> list[Judgement]:
    """Return the judgements of files, with those of networks that were judged alone beside the others of their split.

    Raises ArgumentError for a file that holds none.
    """
    found: dict[tuple[str, str], Judgement] = {}
    alone: list[dict[str, Any]] = []
    for path in paths:
        try:
            for entry in _read(path)[1]:
                entry["metrics"] = {
                    model: {label: _metrics(own) for label, own in labels.items()}
                    for model, labels in entry["metrics"].items()
                }
                if "unsure" in entry:
                    found[entry["level"], entry["split"]] = Judgement(**entry)
                else:
                    alone.append(entry)
        except (AttributeError, KeyError, TypeError) as error:
            raise ArgumentError(f"{path}: {_EXPECTED}: {error}") from None
    for entry in alone:
        key = entry["level"], entry["split"]
        if key in found:
            found[key] = replace(found[key], metrics={**found[key].metrics, **entry["metrics"]})
    return list(found.values())


def _read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what judgements are of, empty where the file does not say so, and the judgements."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentError(f"{path}: {_EXPECTED}: {error}") from None
    if isinstance(content, list):
        return {}, content
    if not isinstance(content, dict) or not isinstance(content.get("judgements"), list):
        raise ArgumentError(f"{path}: {_EXPECTED}")
    found: list[dict[str, Any]] = content.pop("judgements")
    return content, found


def _metrics(figures: Mapping[str, Any]) -> Metrics:
    found: dict[str, Any] = {name: float("nan") if value is None else value for name, value in figures.items()}
    return Metrics(**found)
