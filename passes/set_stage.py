"""Record on a module which stage of lowering it has reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import ir
from .base import Pass, PassContext, option

STAGE_ATTRIBUTE = "slipstick.stage"


@dataclass(frozen=True)
class SetStage(Pass):
    """Record the stage that the module has reached in its attribute `slipstick.stage`."""

    name: ClassVar[str] = "set-stage"
    anchor: ClassVar[str | None] = "builtin.module"
    stage: str = option("linalg", "the stage's name")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Set the attribute."""
        op.attributes[STAGE_ATTRIBUTE] = ir.StringAttr.get(self.stage)
