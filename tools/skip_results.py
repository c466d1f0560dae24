"""What the SkipDecode study found: figures with intervals, and their form as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import torch

from ..datasets.scoring import Scores
from ..files import write_atomically
from .study_statistics import Bootstrap, Estimate

SHARES: Final = (1.0, 0.75, 0.5, 0.33, 0.2)
"""The mean depths of the schedules, as shares of the layers."""


@dataclass(frozen=True)
class Quality:
    """How well one model foresees held-out text along one schedule in one arithmetic."""

    trained: str
    """The phase of the training."""
    arithmetic: str
    share: float
    mean_depth: float
    windows: int
    perplexity: Estimate
    of_full: Estimate
    """Perplexity over that of the full model, exact, at full depth, on the same windows."""
    of_exact: Estimate
    """Perplexity over that of the same model and schedule in exact arithmetic, on the same windows."""
    accuracy: Estimate
    """Share of tokens that were the likeliest."""
    agreement: Estimate
    """Share of the tokens of the full model's greedy continuations that are the likeliest here too, behind the same."""
    parts: dict[str, float]
    """Perplexity of each part of the text."""


@dataclass(frozen=True)
class Speed:
    """How fast one arithmetic decodes along one schedule."""

    arithmetic: str
    share: float
    mean_depth: float
    tokens_per_second: float
    nominal: float
    """Speed-up over full depth that the bytes of a step promise."""
    of_layers: float
    """Speed-up that the number of layers promises: all of them over the mean depth."""
    measured: float
    nominal_at: tuple[float, ...]
    """Of each decode step, by position."""
    measured_at: tuple[float, ...]


@dataclass(frozen=True)
class Results:
    """All that the study found, or a part of it."""

    settings: dict[str, Any]
    quality: tuple[Quality, ...] = ()
    speed: tuple[Speed, ...] = ()
    torch_tokens_per_second: float = 0.0
    """Of a decode step of torch eager with a cache, at full depth."""

    def find(self, trained: str, arithmetic: str) -> list[Quality]:
        """Return the figures of one model in one arithmetic, the deepest schedule first."""
        return [one for one in self.quality if (one.trained, one.arithmetic) == (trained, arithmetic)]

    def speed_of(self, arithmetic: str, share: float) -> Speed | None:
        """Return the speed of an arithmetic along a schedule, where it was measured."""
        return next((one for one in self.speed if (one.arithmetic, one.share) == (arithmetic, share)), None)


def write(results: Results, path: Path) -> None:
    """Write results as JSON."""
    write_atomically(path, json.dumps(asdict(results), indent=1) + "\n")


def read(path: Path, settings: Mapping[str, Any]) -> Results:
    """Return the results of a file that was made with these settings; otherwise none."""
    if not path.is_file():
        return Results(dict(settings))
    try:
        found = json.loads(path.read_text("utf-8"))
        if found["settings"] != dict(settings):
            return Results(dict(settings))
        quality = tuple(_with_estimates(Quality, one) for one in found["quality"])
        speed = tuple(
            Speed(**{**one, "nominal_at": tuple(one["nominal_at"]), "measured_at": tuple(one["measured_at"])})
            for one in found["speed"]
        )
        return Results(dict(settings), quality, speed, found["torch_tokens_per_second"])
    except (ValueError, KeyError, TypeError):
        return Results(dict(settings))


_T = TypeVar("_T")


def _with_estimates(kind: type[_T], fields: Mapping[str, Any]) -> _T:
    estimates = {"perplexity", "of_full", "of_exact", "accuracy", "agreement"}
    return kind(**{name: Estimate(**value) if name in estimates else value for name, value in fields.items()})


def quality(
    trained: str,
    arithmetic: str,
    share: float,
    mean_depth: float,
    scores: Scores,
    agreement: Scores,
    *,
    full: Scores,
    exact: Scores,
    parts: Sequence[str],
) -> Quality:
    """Return the figures of scores; `full` and `exact` are those of the same windows that they are compared with.

    `parts` names the part of the text that each window is of. Windows are what is drawn anew for the intervals, which
    of quotients are paired.
    """
    losses, draw = _means(scores), Bootstrap(len(parts))
    names = np.array(parts)
    return Quality(
        trained,
        arithmetic,
        share,
        mean_depth,
        len(parts),
        _exponential(draw.mean(losses)),
        _exponential(draw.mean(losses - _means(full))),
        _exponential(draw.mean(losses - _means(exact))),
        draw.mean(scores.hits.double().mean(1).numpy()),
        Bootstrap(len(agreement.hits)).mean(agreement.hits.double().mean(1).numpy()),
        {name: float(np.exp(losses[names == name].mean())) for name in dict.fromkeys(parts)},
    )


def _means(scores: Scores) -> np.ndarray[Any, Any]:
    """Return the mean loss of each window."""
    means: torch.Tensor = scores.losses.double().mean(1)
    return means.numpy()


def _exponential(estimate: Estimate) -> Estimate:
    return Estimate(*(float(np.exp(value)) for value in (estimate.mean, estimate.low, estimate.high)))
