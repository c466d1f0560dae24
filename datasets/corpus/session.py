"""Lowering many small modules in one process: one MLIR context, each pipeline resolved once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...bindings import ir, new_context
from ...compiler.build import parse
from ...compiler.stages import STAGES, stage_of, stage_pipelines
from ...kernels.lmul import LMul
from ...passes.manager import Plan, resolve, run_plan
from ...passes.registry import DEFAULT
from ...target import Target

FUSIONS: Mapping[str, tuple[str, ...]] = {
    "full": (),
    "no-epilogues": ("fuse-epilogues",),
    "none": ("fuse-elementwise", "fuse-epilogues", "fuse-rows"),
}
"""Ways to group operations into kernels, with the passes that each leaves out."""


@dataclass(frozen=True)
class Form:
    """How a program is compiled: its arithmetic, the format of its weights, what is fused."""

    lmul: LMul | None = None
    weights: str = "f32"
    fusion: str = "full"


@dataclass
class Session:
    """A context and what was resolved in it. Types and attributes live as long as it: take a new one now and then."""

    context: ir.Context = field(default_factory=new_context)
    _plans: dict[str, Plan] = field(default_factory=dict)

    def parse(self, text: str) -> ir.Module:
        """Parse a module. Raises IRError."""
        return parse(text, self.context)

    def run(self, module: ir.Module, pipeline: str) -> None:
        """Run a pipeline on a module, in place. Raises IRError."""
        plan = self._plans.get(pipeline)
        if plan is None:
            plan = self._plans[pipeline] = resolve(pipeline, DEFAULT, self.context)
        run_plan(plan, module.operation, verify="none")

    def bring(self, module: ir.Module, until: str, target: Target, form: Form) -> None:
        """Bring a module, in place, to a stage as `run_stages` does, what the form does not fuse left out."""
        pipelines = stage_pipelines(target, form.lmul, 1, form.weights)
        start = stage_of(module)
        for stage in STAGES[STAGES.index(start) + 1 : STAGES.index(until) + 1]:
            text = pipelines[stage].text()
            for name in FUSIONS[form.fusion]:
                text = text.replace(f"{name},", "")
            self.run(module, text)
