"""How a pass is declared: a frozen dataclass whose typed fields are its options.

    @dataclass(frozen=True)
    class FoldThing(Pass):
        \"\"\"Fold things into other things.\"\"\"

        name: ClassVar[str] = "fold-thing"
        max_depth: int = option(4, "how deep to look")

        def run(self, op: ir.Operation, ctx: PassContext) -> None: ...

In pipeline text the options are `fold-thing{max-depth=4}`.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from ..bindings import ir
from ..errors import IRError

Severity = Literal["error", "warning", "remark", "note"]


@dataclass(frozen=True)
class Message:
    """A diagnostic: its severity, location, text, and the notes that belong to it."""

    severity: Severity
    location: ir.Location
    text: str
    notes: tuple[Message, ...] = ()


class PassFailure(IRError):
    """Raised by `PassContext.fail`; carries the message so that a tool can place it at its source line."""

    def __init__(self, message: Message):
        super().__init__(f"{message.severity}: {message.text}")
        self.message = message


@dataclass
class PassContext:
    """What a running pass may use besides the IR: diagnostics and statistics."""

    emit: Callable[[Message], None] = lambda message: None
    statistics: Counter[str] = field(default_factory=Counter)

    def count(self, what: str, amount: int = 1) -> None:
        """Add to a statistic of the running pass, e.g. `"multiplies rewritten"`."""
        self.statistics[what] += amount

    def remark(self, op: ir.Operation, text: str) -> None:
        """Tell the user something about `op` that is no fault."""
        self.emit(Message("remark", op.location, text))

    def warn(self, op: ir.Operation, text: str) -> None:
        """Warn about `op`; the pass goes on."""
        self.emit(Message("warning", op.location, text))

    def fail(self, op: ir.Operation, text: str) -> PassFailure:
        """Return the error to raise when `op` cannot be handled: `raise ctx.fail(op, "...")`."""
        return PassFailure(Message("error", op.location, text))


def option(default: Any, help: str) -> Any:
    """Declare an option of a pass: its default and the line that `--help` shows."""
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class Pass(ABC):
    """A rewrite of IR, usable by name in pipelines. The first line of the class's docstring is its description."""

    name: ClassVar[str]
    anchor: ClassVar[str | None] = None
    """The operation name the pass runs on; `None`: any. A pass with anchor "builtin.module" cannot be nested lower."""

    @abstractmethod
    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite the IR under `op` in place; raise `ctx.fail(...)` where that is impossible."""

    @classmethod
    def options(cls) -> tuple[dataclasses.Field[Any], ...]:
        """Return the dataclass fields that are the pass's options, in order."""
        return dataclasses.fields(cls)

    @classmethod
    def description(cls) -> str:
        """Return the one-line description."""
        return (cls.__doc__ or "").strip().splitlines()[0]


@dataclass(frozen=True)
class NamedPipeline(ABC):
    """A pipeline with a name and options, usable wherever a pass is; declared as a pass is."""

    name: ClassVar[str]

    @abstractmethod
    def text(self) -> str:
        """Return the text of the pipeline that it stands for, with or without an outer anchor."""

    @classmethod
    def options(cls) -> tuple[dataclasses.Field[Any], ...]:
        """Return the dataclass fields that are the pipeline's options, in order."""
        return dataclasses.fields(cls)

    @classmethod
    def description(cls) -> str:
        """Return the one-line description."""
        return (cls.__doc__ or "").strip().splitlines()[0]
