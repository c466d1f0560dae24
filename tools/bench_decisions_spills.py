"""What chosen kernels spill: as the model predicted it, and as their assembly says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..compiler.candidate_texts import KernelTexts
from ..compiler.decision_table import DecisionTable
from ..compiler.regret import NestRegret
from ..costmodel.predictor import Predicted, Predictor
from ..datasets.corpus.assembly import CompiledLabels, count
from ..datasets.corpus.lowering import lower
from ..datasets.corpus.machine_code import machine_code
from ..datasets.corpus.session import Session
from ..errors import SlipstickError
from ..kernels.choice import Choice
from ..target import Target


@dataclass(frozen=True)
class Spilled:
    """A kernel that a policy chose for a nest."""

    what: str
    policy: str
    choice: dict[str, Any]
    predicted: float | None
    """Spills, as the model says; None without a model."""
    unsure: bool
    """Whether the model says that it should not be believed."""
    spills: int
    """Instructions of the assembly that put a vector register on the stack."""
    registers: int
    """Vector registers that the assembly names."""

    @property
    def is_free(self) -> bool:
        """Whether it was chosen as free of spills, by a model that is sure of it."""
        return self.predicted is not None and round(self.predicted) == 0 and not self.unsure

    @property
    def is_surprise(self) -> bool:
        """Whether it spills though it was not predicted to."""
        return self.is_free and self.spills > 0


def compiled_labels(texts: KernelTexts, choice: Choice, target: Target) -> CompiledLabels | None:
    """Return what the assembly of the function with most code says; None for a choice that is illegal for the nest."""
    try:
        session = Session()
        made = machine_code(session, [lower(session, texts.of(choice), target)], target)[0]
    except SlipstickError:
        return None
    labels = [count(function.assembly, target.architecture) for function in made.values()]
    return max(labels, key=lambda one: one.instructions, default=None)


def spilled(table: DecisionTable, found: NestRegret, model: Predictor | None) -> list[Spilled]:
    """Return what the heuristic's, the model's and the best kernel of a nest spill."""
    texts, target = KernelTexts(table.text), table.machine
    chosen = {"heuristic": found.heuristic, "model": found.model, "best measured": found.best}
    known: dict[Choice, tuple[CompiledLabels | None, Predicted | None]] = {}
    lines = []
    for policy, choice in chosen.items():
        if choice is None:
            continue
        own = Choice.from_json(choice)
        if own not in known:
            predicted = None if model is None else model.predict([texts.of(own)], target)[0]
            known[own] = compiled_labels(texts, own, target), predicted
        labels, predicted = known[own]
        if labels is not None:
            spills = None if predicted is None else predicted.predictions.get("spills")
            value = None if spills is None else spills.value
            unsure = predicted is not None and bool(predicted.unsure)
            lines.append(Spilled(table.what, policy, choice, value, unsure, labels.spills, labels.vector_registers))
    return lines
