"""What chosen kernels spill: as the model predicted it, and as their assembly says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..compiler.candidate_texts import KernelTexts
from ..compiler.decision_table import DecisionTable
from ..compiler.regret import NestRegret
from ..costmodel.predictor import Predicted, Predictor
from ..datasets.corpus.assembly import CompiledLabels, count
from ..datasets.corpus.lowering import lower
from ..datasets.corpus.machine_code import Function, machine_code
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
    most: float | None
    """The upper ends of the intervals that the model gives, added up."""
    unsure: bool
    """Whether the model says that it should not be believed."""
    spills: int
    """Instructions of the assembly that put a vector register on the stack."""
    registers: int
    """Vector registers that the assembly of one of its functions names at most."""

    @property
    def is_free(self) -> bool:
        """Whether it was chosen as free of spills: by a model that is sure that there are none."""
        return self.most is not None and round(self.most) == 0 and not self.unsure

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
    """Return what the heuristic's, the model's and the best kernel of a nest spill, all functions of each together.

    The model is asked about the loops that a kernel is lowered to, as the compiler lowers each that it chooses: there
    epilogues are fused, tiles unrolled, and all values stand that need registers.
    """
    texts, target, session = KernelTexts(table.text), table.machine, Session()
    chosen = {"heuristic": found.heuristic, "model": found.model, "best measured": found.best}
    known: dict[Choice, Spilled | None] = {}
    lines = []
    for policy, choice in chosen.items():
        if choice is None:
            continue
        own = Choice.from_json(choice)
        if own not in known:
            try:
                lowered = lower(session, texts.of(own), target)
                predicted = [] if model is None else model.predict(list(lowered.loops.values()), target)
                made = machine_code(session, [lowered], target)[0]
                known[own] = _spilled(table.what, choice, predicted, made, target)
            except SlipstickError:
                known[own] = None
        line = known[own]
        if line is not None:
            lines.append(replace(line, policy=policy))
    return lines


def _spilled(
    what: str, choice: dict[str, Any], predicted: Sequence[Predicted], made: Mapping[str, Function], target: Target
) -> Spilled:
    spills = [one.predictions["spills"] for one in predicted if "spills" in one.predictions]
    is_known = bool(predicted) and len(spills) == len(predicted)
    labels = [count(function.assembly, target.architecture) for function in made.values()]
    return Spilled(
        what,
        "",
        choice,
        sum(one.value for one in spills) if is_known else None,
        sum(one.high for one in spills) if is_known else None,
        any(one.unsure for one in predicted),
        sum(one.spills for one in labels),
        max((one.vector_registers for one in labels), default=0),
    )
