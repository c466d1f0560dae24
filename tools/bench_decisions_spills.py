"""What chosen kernels spill: as the model predicted it, and as their assembly says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..compiler.candidate_texts import KernelTexts
from ..compiler.decision_table import DecisionTable
from ..compiler.regret import NestRegret
from ..costmodel.predictor import Predictor
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
    spills: int
    """Instructions of the assembly that put a vector register on the stack."""
    registers: int
    """Vector registers that the assembly names."""


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
    lines = []
    for policy, choice in chosen.items():
        if choice is None:
            continue
        own = Choice.from_json(choice)
        labels = compiled_labels(texts, own, target)
        predicted = None if model is None else model.predict([texts.of(own)], target)[0].predictions.get("spills")
        if labels is not None:
            value = None if predicted is None else predicted.value
            lines.append(Spilled(table.what, policy, choice, value, labels.spills, labels.vector_registers))
    return lines
