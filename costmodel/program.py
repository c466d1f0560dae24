"""Loop-level MLIR as operations, loops and the lives of values: the program behind the features of its cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from .lines import Form, Value
from .ranges import Range

NONE = -1
Kinds: TypeAlias = Mapping[tuple[Form, int], int]
"""How many operations of a form stand in a loop, or in none."""


@dataclass(slots=True)
class Alternative:
    """The second region of a branch: when it runs, the first does not."""

    first: int
    """Where the first region begins."""
    begin: int
    end: int = 1 << 60


@dataclass
class Life:
    """A value from its definition to its last use."""

    # No slots: what keeps its default need not be set, and there is one for each value of a text.
    value: Value
    begin: int
    """The operation that defines it."""
    end: int
    loop: int
    """The loop that it is defined in."""
    uses: int = field(default=0, init=False)
    first: int = field(default=-1, init=False)
    """The first operation that uses it."""
    constant: int | None = field(default=None, init=False)
    """Of an integer constant, or of one that follows from constants."""
    range: Range | None = field(default=None, init=False)
    splat: str = field(default="", init=False)
    """What a constant vector has in all lanes: one register, however long it is and however often it is defined."""
    gaps: list[tuple[int, Alternative]] | None = field(default=None, init=False)
    """From when it is not needed until the begin of an alternative, if it ends in that."""


@dataclass(slots=True)
class Statement:
    """An operation: its form, its operands' and results' numbers, the loop around it."""

    form: Form
    operands: list[int]
    results: list[int]
    loop: int
    is_folded: bool
    """Whether nothing of it is in the code: its result is a constant, or it never runs."""


@dataclass(slots=True)
class Loop:
    """A loop; `end` is the number of the first operation behind it."""

    parent: int
    depth: int
    begin: int
    trips: float
    """NaN where the bounds are not constant."""
    step: float
    share: float = 1.0
    """The share of the turns of a loop of few turns around it in which it runs at all."""
    index: int = NONE
    """The value that counts its turns."""
    end: int = 0
    is_innermost: bool = True
    carried: list[int] = field(default_factory=list)
    """Values that it hands from turn to turn, as the body reads them."""
    yielded: list[int] = field(default_factory=list)
    """The same, as the body makes them."""
    results: list[int] = field(default_factory=list)
    read: set[int] = field(default_factory=set)
    """Values from outside that it, or a loop in it, reads: alive as long as it runs."""
    readers: dict[int, set[int]] = field(default_factory=dict)
    """By each loop around it, and for none: what `read` an operation in it adds a value of that one to."""


@dataclass(slots=True)
class Program:
    """All operations of a text in order."""

    statements: list[Statement]
    loops: list[Loop]
    lives: list[Life]

    def kinds(self, begin: int = 0, end: int | None = None) -> Kinds:
        """Count operations from `begin` to `end` that are in the code, by form and the loop around them.

        Unrolled text repeats itself: what is added up over operations is added up over these.
        """
        return Counter([(own.form, own.loop) for own in self.statements[begin:end] if not own.is_folded])
