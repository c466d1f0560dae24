"""What a tool may do around every pass: print, time, count."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ..bindings import ir


@dataclass
class Execution:
    """One run of one pass on one operation."""

    name: str
    """The pass as pipelines call it, e.g. `canonicalize`."""
    text: str
    """The pass with its options, e.g. `canonicalize{max-iterations=3}`."""
    title: str
    """The name in reports: of a pass of slipstick the name of its class."""
    op: ir.Operation
    path: tuple[str, ...]
    """The anchors around the pass, from the outermost one, e.g. `("builtin.module", "func.func")`."""
    step: int
    """The position of the pass in the whole pipeline, from 0; the same for every operation it runs on."""
    statistics: Counter[str] = field(default_factory=Counter)
    """What a pass of slipstick counted; filled when it has run."""


class Instrumentation:
    """Hooks around passes; the base class does nothing."""

    def before_pass(self, execution: Execution) -> None:
        """Called before a pass runs."""

    def after_pass(self, execution: Execution) -> None:
        """Called after a pass has succeeded and the IR has been verified."""

    def failed_pass(self, execution: Execution) -> None:
        """Called instead of `after_pass` when the pass or the verification after it failed."""


class Instrumentations(Instrumentation):
    """Several instrumentations as one; what comes first in `parts` is innermost, nearest to the pass."""

    def __init__(self, *parts: Instrumentation):
        self.parts = parts

    def before_pass(self, execution: Execution) -> None:
        """Call the parts from the outermost one."""
        for part in reversed(self.parts):
            part.before_pass(execution)

    def after_pass(self, execution: Execution) -> None:
        """Call the parts from the innermost one."""
        for part in self.parts:
            part.after_pass(execution)

    def failed_pass(self, execution: Execution) -> None:
        """Call the parts from the innermost one."""
        for part in self.parts:
            part.failed_pass(execution)
