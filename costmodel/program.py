"""Loop-level MLIR read into operations, loops and the lives of values: the program behind the features of its cost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from .lines import Form, Value, form
from .ranges import Range, exactly, result, turns

_NAMES = re.compile(r"(%[\w.$-]+(?:#\d+|:\d+)?)")
_CARRIED = re.compile(r"(%[\w.$-]+) = (%[\w.$-]+(?:#\d+)?)")
_BOUNDS = re.compile(r"= (\S+) to (\S+?)(?: step (\S+))?(?= |$)")
_COMMENT = re.compile(r'//[^\n"]*$')
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


@dataclass(slots=True)
class Life:
    """A value from its definition to its last use."""

    value: Value
    begin: int
    """The operation that defines it."""
    end: int
    loop: int
    """The loop that it is defined in."""
    uses: int = 0
    first: int = -1
    """The first operation that uses it."""
    constant: int | None = None
    """Of an integer constant, or of one that follows from constants."""
    range: Range | None = None
    is_splat: bool = False
    gaps: list[tuple[int, Alternative]] | None = None
    """From when it is not needed until the begin of an alternative, if it ends in that."""


@dataclass(slots=True)
class Statement:
    """An operation: its form, its operands' and results' numbers, the loop around it."""

    form: Form
    operands: list[int]
    results: list[int]
    loop: int
    is_folded: bool = False
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


def read(text: str) -> Program:
    """Return the program of a text as `str(operation)` prints it; what is not understood is an operation `other`."""
    return _Reader().read(text)


class _Reader:
    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.loops: list[Loop] = []
        self.lives: list[Life] = []
        self._numbers: dict[str, int] = {}
        self._regions: list[int] = []
        """For each open region: the number of the loop that it is the body of, else NONE or the branch below that."""
        self._branches: list[tuple[list[int], int]] = []
        """Results and begin of each branch: the number N stands as NONE - 1 - N among the regions."""
        self._alternatives: list[Alternative] = []
        """Those that are open."""
        self._inside: list[int] = []
        self._dead: list[bool] = []
        """For each open region: whether it, or one around it, never runs."""
        self._conditions: dict[int, int | None] = {}
        """By the begin of a branch: what its condition is, where that is known."""

    def read(self, text: str) -> Program:
        for found, names in _lines(text):
            if found.is_plain and found.class_ != "branch":
                self._statement(found, names)
            else:
                self._line(found, names)
        return Program(self.statements, self.loops, self.lives)

    def _line(self, found: Form, names: list[str]) -> None:
        closed = NONE
        for _ in range(found.closes):
            closed = self._close()
        if found.name:
            if found.is_loop:
                self._loop(_line_of(found, names), found, names)
                return
            if found.class_ == "function":
                self._function(found, names)
            else:
                self._statement(found, names)
        if found.opens:
            never = False
            if found.class_ == "branch":
                here = len(self.statements)
                self._branches.append((self.statements[-1].results, here))
                closed = NONE - len(self._branches)
                operands = self.statements[-1].operands
                self._conditions[here] = self.lives[operands[0]].constant if operands else None
                never = self._conditions[here] == 0
            elif closed < NONE and not found.name:
                # What opens where another region closes, `} else {`, is of the same branch.
                begin = self._branches[NONE - 1 - closed][1]
                self._alternatives.append(Alternative(begin, len(self.statements)))
                never = self._conditions[begin] == 1
            self._open(closed, never)

    def _open(self, region: int, never: bool) -> None:
        self._regions.append(region)
        self._dead.append(never or (bool(self._dead) and self._dead[-1]))

    def _close(self) -> int:
        """Leave a region; return what it was, NONE for a loop's."""
        if not self._regions:
            return NONE
        loop = self._regions.pop()
        self._dead.pop()
        if loop < NONE:
            results, begin = self._branches[NONE - 1 - loop]
            if self._alternatives and self._alternatives[-1].first == begin:
                self._alternatives.pop().end = len(self.statements)
            for number in results:
                # They are what the regions make, and take no registers beside that.
                self.lives[number].begin = self.lives[number].end = len(self.statements)
            return loop
        if loop != NONE:
            self._inside.pop()
            own = self.loops[loop]
            own.end = len(self.statements)
            for number in (*own.read, *own.yielded):
                self.lives[number].end = own.end
            for number in own.results:
                # The last turn's values: no registers of their own while the loop runs.
                self.lives[number].begin = self.lives[number].end = own.end
        return NONE

    def _function(self, found: Form, names: list[str]) -> None:
        self._numbers.clear()
        for name, value in zip(names, found.values, strict=False):
            self._define(name, value)
        self.statements.append(Statement(found, [], [], NONE))

    def _statement(self, found: Form, names: list[str]) -> None:
        # Almost every line comes here: what it calls is inlined where that is short.
        statements, lives, numbers = self.statements, self.lives, self._numbers
        loop = self._inside[-1] if self._inside else NONE
        here, count = len(statements), min(found.defines, len(names))
        operands = []
        for name in names[count:] if count else names:
            number = numbers.get(name)
            if number is None:
                number = self._define(name, _UNKNOWN)
            life = lives[number]
            life.uses += 1
            if life.first < 0:
                life.first = here
            if self._alternatives:
                self._note_gaps(life)
            life.end = here
            if loop != life.loop and loop != NONE:
                self._read_inside(number, life, loop)
            operands.append(number)
        is_folded = bool(self._dead) and self._dead[-1]
        if not count:
            if found.name == "scf.yield" and self._regions and self._regions[-1] > NONE:
                self.loops[loop].yielded = operands
            statements.append(Statement(found, operands, [], loop, is_folded))
            return
        value = found.result or _UNKNOWN
        if count == 1 and not found.results and ":" not in names[0]:
            number = len(lives)
            numbers[names[0]] = number
            own = Life(value, here, here, loop)
            lives.append(own)
            results = [number]
        else:
            results = self._results(found, names[:count], value)
            own = lives[results[0]]
        if found.class_ == "constant":
            own.constant = found.constant
            own.range = exactly(found.constant) if found.constant is not None else None
            own.is_splat = found.is_splat
        elif found.fold is not None:
            own.range = result(found.fold, [lives[one].range for one in operands])
            if own.range is not None and value.element in ("index", "i1"):
                own.constant = own.range.constant
                is_folded = is_folded or own.constant is not None
        statements.append(Statement(found, operands, results, loop, is_folded))

    def _results(self, found: Form, names: list[str], value: Value) -> list[int]:
        """Define several results, or those of a branch."""
        several = found.results or (value,)
        results: list[int] = []
        for number, name in enumerate(names):
            results += self._define_all(name, several[number:] if len(names) > 1 else several, value)
        return results

    def _loop(self, line: str, found: Form, names: list[str]) -> None:
        parent = self._inside[-1] if self._inside else NONE
        here, number = len(self.statements), len(self.loops)
        results_name = names[0] if line[0] == "%" else None
        indices, names = self._indices(line, names[1:] if results_name else names)
        carried = _CARRIED.findall(line, line.index("iter_args")) if "iter_args" in line else []
        inside = {name for name, _ in carried}
        operands = [self._use(name, here, parent) for name in names if name not in inside]
        (trips, step), share = self._trips(line), 1.0
        if trips != trips:
            trips, share = self._cases(line)
        if self._dead and self._dead[-1]:
            trips = 0.0
        if parent != NONE:
            self.loops[parent].is_innermost = False
        loop = Loop(parent, len(self._inside) + 1, here + 1, trips, step, share)
        self.loops.append(loop)
        results = self._define_all(results_name, found.results, _UNKNOWN) if results_name else []
        loop.results = results
        self.statements.append(Statement(found, operands, results, parent, trips == 0))
        self._inside.append(number)
        if found.opens:
            self._open(number, trips == 0)
        for name in indices:
            loop.index = self._define(name, _INDEX)
        if len(indices) == 1:
            self._bound(line, loop, number)
        for (name, _), value in zip(carried, found.results, strict=False):
            loop.carried.append(self._define(name, value))

    @staticmethod
    def _indices(line: str, names: list[str]) -> tuple[list[str], list[str]]:
        """Return the names of a loop's indices, and the others."""
        if "for" in line.split("(", 1)[0]:
            return names[:1], names[1:]
        head = line.partition("(")[2].partition(")")[0].count("%")
        return names[:head], names[head:]

    def _trips(self, line: str) -> tuple[float, float]:
        bounds = _BOUNDS.search(line)
        if bounds is None:
            return float("nan"), 1.0
        low, high, step = (self._constant(bound) for bound in bounds.groups())
        if bounds[3] is None:
            step = 1.0
        if low != low or high != high or not step:
            return float("nan"), step
        return max(0.0, -((low - high) // step)), step

    def _cases(self, line: str) -> tuple[float, float]:
        """Return the turns of a loop whose bound is known by the turns of one around it, and in what share it runs."""
        bounds = _BOUNDS.search(line)
        if bounds is not None:
            low, step = (self._constant(bounds[group]) for group in (1, 3))
            number = self._numbers.get(bounds[2])
            high = self.lives[number].range if number is not None else None
            if low == low and step == step and step and high is not None and high.cases:
                counts = [max(0.0, -((low - case) // step)) for case in high.cases]
                running = sum(count > 0 for count in counts)
                return max(counts), running / len(counts) if running else 1.0
        return float("nan"), 1.0

    def _bound(self, line: str, loop: Loop, number: int) -> None:
        """Note what a loop's index can be."""
        bounds = _BOUNDS.search(line)
        if bounds is None:
            return
        first = self._constant(bounds[1])
        if first != first:
            return
        if loop.trips == loop.trips:
            if loop.trips >= 1:
                self.lives[loop.index].range = turns(number, int(first), int(loop.step), int(loop.trips))
        else:
            last = self._numbers.get(bounds[2])
            high = self.lives[last].range if last is not None else None
            if high is not None and high.high > first:
                self.lives[loop.index].range = Range(int(first), high.high - 1)

    def _constant(self, name: str | None) -> float:
        if name is None:
            return float("nan")
        if name[0] != "%":
            return float(name) if name.lstrip("-").isdigit() else float("nan")
        number = self._numbers.get(name)
        known = self.lives[number].constant if number is not None else None
        return float("nan") if known is None else known

    def _define_all(self, name: str, several: tuple[Value, ...], value: Value) -> list[int]:
        """Define `%x` or `%x:N`."""
        base, _, count = name.partition(":")
        if not count:
            return [self._define(base, several[0] if several else value)]
        own = [
            self._define(f"{base}#{place}", several[place] if place < len(several) else value)
            for place in range(int(count))
        ]
        self._numbers[base] = own[0]
        return own

    def _define(self, name: str, value: Value) -> int:
        number = len(self.lives)
        here = len(self.statements)
        self._numbers[name] = number
        self.lives.append(Life(value, here, here, self._inside[-1] if self._inside else NONE))
        return number

    def _use(self, name: str, here: int, loop: int) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._define(name, _UNKNOWN)
        life = self.lives[number]
        life.uses += 1
        if life.first < 0:
            life.first = here
        self._note_gaps(life)
        life.end = here
        self._read_inside(number, life, loop)
        return number

    def _note_gaps(self, life: Life) -> None:
        """Note the open alternatives up to which a value is not needed after its last use so far."""
        for own in self._alternatives:
            if life.end < own.begin and life.begin < own.first:
                life.gaps = [*(life.gaps or ()), (max(life.end, own.first), own)]

    def _read_inside(self, number: int, life: Life, loop: int) -> None:
        """Note that a loop reads a value of one around it, or of none."""
        while loop != life.loop and loop != NONE:
            outer, loop = loop, self.loops[loop].parent
            if loop == life.loop:
                self.loops[outer].read.add(number)


def _lines(text: str) -> Iterator[tuple[Form, list[str]]]:
    """Yield the form of each line and the values that it names."""
    if "//" not in text:
        parts = _NAMES.split(text)
        names = parts[1::2]
        erased = "%".join(parts[::2])
        if erased.count("%") == len(names):
            # All names at once: line by line, finding them would take as long as everything that is done with them.
            at = 0
            for raw in erased.split("\n"):
                line = raw.strip()
                if line:
                    found = form(line)
                    end = at + found.names
                    yield found, names[at:end]
                    at = end
            return
    for raw in text.split("\n"):
        line = _COMMENT.sub("", raw).strip()
        if line:
            parts = _NAMES.split(line)
            yield form("%".join(parts[::2])), parts[1::2]


def _line_of(found: Form, names: list[str]) -> str:
    """Return the line that a form and its names are of."""
    parts = found.text.split("%")
    return parts[0] + "".join(name + part for name, part in zip(names, parts[1:], strict=False))


_UNKNOWN = Value("integer", 1, 64, "index")
_INDEX = Value("integer", 1, 64, "index")
