"""What every cost model is asked and answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from ..target import Target


class Prediction(NamedTuple):
    """One quantity with the interval that holds it nine times out of ten."""

    value: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True)
class Predicted:
    """What is predicted of one text."""

    predictions: dict[str, Prediction]
    """By name, as in `costmodel.labels`."""
    unsure: tuple[str, ...] = ()
    """Why the model should not be believed here: empty where it may be."""

    def json(self) -> dict[str, Any]:
        """Return the part of `slipstick-cost predict --json` that a model knows."""
        shown = {
            name: {"value": found.value, "low": found.low, "high": found.high, "unit": found.unit}
            for name, found in self.predictions.items()
        }
        return {"unsure": bool(self.unsure), "predictions": shown}


class Predictor(Protocol):
    """A cost model."""

    def predict(self, texts: Sequence[str], target: Target) -> list[Predicted]:
        """Return what is predicted of each text: a kernel on tensors with its decision, or a function of loops."""
        ...
