"""The figures of `slipstick-bench dynamo`: as values, and as the JSON file that a run goes on from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ArgumentError
from ..files import write_atomically

MODES = ("inference", "training step")
FORMAT = 2


@dataclass(frozen=True)
class Mode:
    """Inference, or a training step, of one model."""

    kinds: tuple[str, ...]
    """The graphs that slipstick was given: "inference", "forward", "backward"."""
    error: float
    """The largest difference from eager, of results or of gradients, as a share of the largest magnitude of eager's."""
    operations: int = 0
    """The operations of all graphs."""
    compiled: int = 0
    """How many of them are in native code; the rest are views of results, and what torch runs."""
    fallbacks: tuple[str, ...] = ()
    """The operations that torch runs because they cannot be compiled, each once."""
    breaks: int = 0
    """How often dynamo broke the module's code into two graphs."""
    recompiled: int = 0
    """How many graphs later calls, of the same shapes, made compiled anew."""
    kinks: int = 0
    """Inputs of ReLU that lie so near zero that rounding decides gradients; what follows of it is not in `error`."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """The median of a call when it is warm, by the name of the subject."""

    def speed(self, name: str) -> float | None:
        """Return how many times as fast slipstick is as a subject; None where one of them was not timed."""
        times = self.seconds
        return times[name] / times["slipstick"] if name in times and "slipstick" in times else None


@dataclass(frozen=True)
class Measured:
    """Both modes of one model."""

    graph: str
    modes: Mapping[str, Mode] = field(default_factory=dict)
    """By the names in `MODES`; none where the model failed."""
    failure: str = ""
    """Why nothing could be measured: the first line of an error."""

    @property
    def error(self) -> float:
        """The larger of the differences; infinity where nothing was compared."""
        return max((mode.error for mode in self.modes.values()), default=math.inf)


@dataclass(frozen=True)
class Settings:
    """What figures of one file have in common: a run with other settings does not go on from it."""

    repeats: int
    threads: int
    inductor: bool
    versions: str
    """Of slipstick and torch."""
    target: str
    """The CPU."""


@dataclass
class Store:
    """The figures of a run, written to a file after each model."""

    settings: Settings
    path: Path | None = None
    rows: dict[str, Measured] = field(default_factory=dict)
    """By the names of the graphs."""

    @classmethod
    def open(cls, path: Path | None, settings: Settings) -> Store:
        """Return what an earlier run with the same settings has written to `path`, or nothing.

        Raises `ArgumentError` for a file that is no such run's, or of a run with other settings.
        """
        store = cls(settings, path)
        if path is None or not path.exists():
            return store
        try:
            data = json.loads(path.read_text("utf-8"))
            found = Settings(**data["settings"])
            store.rows = {row["graph"]: _measured(row) for row in data["rows"]}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ArgumentError(f"--json: {path}: expected the figures of `slipstick-bench dynamo`: {error}") from error
        if found != settings:
            names = ", ".join(name for name, value in asdict(found).items() if value != getattr(settings, name))
            raise ArgumentError(f"--json: {path}: it holds a run with other settings ({names}): name another file")
        return store

    def add(self, row: Measured) -> None:
        """Take the figures of one model, and write the file."""
        self.rows[row.graph] = row
        if self.path is not None:
            data = {
                "format": FORMAT,
                "settings": asdict(self.settings),
                "rows": [asdict(one) for one in self.rows.values()],
            }
            write_atomically(self.path, json.dumps(data, indent=1) + "\n")

    def has(self, graph: str) -> bool:
        """Tell whether a model was measured; one that failed is measured again."""
        return graph in self.rows and not self.rows[graph].failure


def _measured(row: Mapping[str, Any]) -> Measured:
    modes = {}
    for name, mode in row["modes"].items():
        lists = {key: tuple(mode[key]) for key in ("kinds", "fallbacks")}
        modes[name] = Mode(**{**mode, **lists})
    return Measured(row["graph"], modes, row["failure"])


def geometric_mean(values: Iterable[float]) -> float | None:
    """Return the geometric mean of positive numbers; None of none."""
    logarithms = [math.log(value) for value in values]
    return math.exp(sum(logarithms) / len(logarithms)) if logarithms else None


def speeds(rows: Iterable[Measured], mode: str, name: str) -> list[float]:
    """Return how many times as fast as a subject slipstick is in a mode, of each model where both were timed."""
    found = (row.modes[mode].speed(name) for row in rows if mode in row.modes)
    return [speed for speed in found if speed is not None]
