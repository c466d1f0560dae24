"""Decide again what the heuristic has decided: by a file, by measuring, or by the cost model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from ..bindings import ir
from ..errors import ArgumentError, SlipstickError
from ..kernels.decision_nest import NestSchedule
from ..kernels.decisions import Decided, Decisions
from ..target import Target
from .base import Pass, PassContext, option
from .nests import Nest, checked_nests, key_for
from .policy import PROVIDERS

DECISIONS_ATTRIBUTE: Final = "slipstick.decisions"
"""On the module: what was decided, the entries of a file of decisions as JSON."""


@dataclass(frozen=True)
class Decide(Pass):
    """Rewrite the attribute `slipstick.decision` of every contraction, attention, row and element-wise nest.

    Nests that a file of decisions knows get what it says; `policy` is asked about the others: `heuristic` leaves what
    `schedule-contractions`, `schedule-attention` and `schedule-nests` wrote; `search` measures candidates on this
    machine, with `budget` at most so many of each nest, and keeps the records in the cache folder; `model` asks the
    cost model, and measures the `budget` best where it is given. Equal nests are decided once. Nothing is applied here.
    The module's attribute `slipstick.decisions` tells what was decided, unless all is the heuristic's.
    """

    name: ClassVar[str] = "decide"
    anchor: ClassVar[str | None] = "builtin.module"
    policy: Literal["heuristic", "search", "model"] = option("heuristic", "who decides")
    target: str = option("host", "the CPU, as LLVM calls it")
    budget: int = option(0, "candidates of a nest that may be measured; 0: all up to a bound (search), none (model)")
    decisions: str = option("", "a file of decisions")
    record: bool = option(False, "tell what was decided, whoever did")

    def __post_init__(self) -> None:
        if self.budget < 0:
            raise ArgumentError(f"budget: expected at least 0, found {self.budget}")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Decide for each nest; raise where a decision is illegal or the policy cannot decide."""
        if self.policy == "heuristic" and not self.decisions and not self.record:
            return
        target = Target.resolve(self.target)
        known = Decisions.load(self.decisions) if self.decisions else Decisions()
        groups: dict[str, list[Nest]] = {}
        for nest in checked_nests(op, ctx):
            groups.setdefault(key_for(nest, target), []).append(nest)
        for key in groups.keys() & known.keys():
            for nest in groups[key]:
                _take(nest, known[key], ctx)
            ctx.count("nests decided by the file", len(groups[key]))
        asked = [key for key in groups if key not in known]
        if self.policy != "heuristic":
            self._ask([groups[key] for key in asked], target, op, ctx)
        policies = {key: known[key].policy if key in known else self.policy for key in groups}
        decided = [
            Decided(key, target.cpu, same[0].description, policies[key], same[0].choice) for key, same in groups.items()
        ]
        text = json.dumps([entry.json() for entry in decided])
        op.attributes[DECISIONS_ATTRIBUTE] = ir.StringAttr.get(text, op.context)

    def _ask(self, groups: Sequence[Sequence[Nest]], target: Target, op: ir.Operation, ctx: PassContext) -> None:
        if self.policy not in PROVIDERS:
            raise ctx.fail(op, f"policy: nothing here provides '{self.policy}'")
        try:
            choices = PROVIDERS[self.policy](self.budget).decide([same[0] for same in groups], target)
        except SlipstickError as problem:
            raise ctx.fail(op, f"policy {self.policy}: {problem}") from problem
        for same, choice in zip(groups, choices, strict=True):
            ctx.count("nests decided", len(same))
            ctx.count("nests decided otherwise than by the heuristic", len(same) * (choice != same[0].choice))
            for nest in same:
                nest.write(choice)


def decisions_of(module: ir.Operation) -> Decisions:
    """Return what the pass has noted on a module. Raises ArgumentError where the attribute is damaged."""
    if DECISIONS_ATTRIBUTE not in module.attributes:
        return Decisions()
    try:
        entries = json.loads(ir.StringAttr(module.attributes[DECISIONS_ATTRIBUTE]).value)
    except ValueError as problem:
        raise ArgumentError(f"{DECISIONS_ATTRIBUTE}: expected JSON, {problem}") from None
    return Decisions.from_entries(entries, DECISIONS_ATTRIBUTE)


def _take(nest: Nest, decided: Decided, ctx: PassContext) -> None:
    """Give a nest the decision of a file; raise where it is one for another kind of nest."""
    now, then = nest.choice, decided.choice
    is_row, is_attention = isinstance(now.decision, NestSchedule), now.kind == "attention"
    if is_row != isinstance(then.decision, NestSchedule) or is_attention != (then.kind == "attention"):
        reason = f'expected a decision for "{now.kind}", found kind "{then.kind}"'
        raise ctx.fail(nest.op, f"decisions: {decided.key} ({nest.description}): {reason}")
    nest.write(then)
