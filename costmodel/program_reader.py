"""Reads loop-level MLIR into a program; what is not understood is an operation `other`."""

from __future__ import annotations

import re

from .lines import Form, Value, form
from .loop_bounds import index_range, indices_of, turns_by_cases, turns_of
from .program import NONE, Alternative, Life, Loop, Program, Statement
from .promotion import promote
from .ranges import exactly, result

_NAMES = re.compile(r"(%[\w.$-]+(?:#\d+|:\d+)?)", re.ASCII)
_CARRIED = re.compile(r"(%[\w.$-]+) = (%[\w.$-]+(?:#\d+)?)")
_COMMENT = re.compile(r'//[^\n"]*$')


def read(text: str) -> Program:
    """Return the program of a text as `str(operation)` prints it."""
    program = _Reader().read(text)
    if "memref.alloca" in text:
        promote(program)
    return program


class _Reader:
    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.loops: list[Loop] = []
        self.lives: list[Life] = []
        self._numbers: dict[str, int] = {}
        self._splats: dict[str, int] = {}
        """Constant vectors outside of loops, by what is in their lanes."""
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
        forms, names = _lines(text)
        statements, lives, numbers, splats = self.statements, self.lives, self._numbers, self._splats
        alternatives = self._alternatives
        loop, readers, is_dead, at = NONE, _NOWHERE, False, 0
        # Everything that is done for each operation is in this one loop: calls would take half of the time.
        for found in forms:
            start, at = at, at + found.names
            closed = NONE
            if not found.is_plain:
                closed = self._begin(found, names[start:at])
                loop = self._inside[-1] if self._inside else NONE
                readers = self.loops[loop].readers if loop != NONE else _NOWHERE
                is_dead = bool(self._dead) and self._dead[-1]
                if found.is_apart:
                    continue
            here, count = len(statements), found.defines
            operands = []
            for name in names[start + count : at]:
                try:
                    number = numbers[name]
                except KeyError:
                    number = self._define(name, _UNKNOWN)
                life = lives[number]
                life.uses += 1
                if life.first < 0:
                    life.first = here
                if alternatives:
                    self._note_gaps(life)
                life.end = here
                if life.loop != loop and life.loop in readers:
                    readers[life.loop].add(number)
                operands.append(number)
            is_folded, results = is_dead, []
            if found.splat and (number := splats.get(found.splat, NONE)) != NONE:
                # Another constant has the same in all lanes: they are one register.
                numbers[names[start]] = number
                statements.append(Statement(found, operands, [number], loop, True))
                continue
            if count:
                value = found.result or _UNKNOWN
                if count > 1 or found.results or ":" in names[start]:
                    results = self._results(found, names[start : start + count], value)
                    own = lives[results[0]]
                else:
                    numbers[names[start]] = number = len(lives)
                    own = Life(value, here, here, loop)
                    lives.append(own)
                    results = [number]
                if found.fold is not None:
                    own.range = result(found.fold, tuple([lives[one].range for one in operands]))
                    if own.range is not None and value.element in ("index", "i1"):
                        own.constant = own.range.constant
                        is_folded = is_dead or own.constant is not None
                elif found.class_ == "constant":
                    own.constant = found.constant
                    own.range = exactly(found.constant) if found.constant is not None else None
                    own.splat = found.splat
                    if found.splat and loop == NONE:
                        splats.setdefault(found.splat, results[0])
            elif found.name == "scf.yield" and self._regions and self._regions[-1] > NONE:
                self.loops[loop].yielded = operands
            statements.append(Statement(found, operands, results, loop, is_folded))
            if found.opens:
                self._branch(found, closed)
                is_dead = self._dead[-1]
        return Program(statements, self.loops, lives)

    def _begin(self, found: Form, names: list[str]) -> int:
        """Close regions, begin loops, functions and other regions of a branch; return what was closed last."""
        closed = NONE
        for _ in range(found.closes):
            closed = self._close()
        if found.is_loop:
            self._loop(_line_of(found, names), found, names)
        elif found.class_ == "function":
            self._function(found, names)
            if found.opens:
                self._open(closed, False)
        elif not found.name and found.opens:
            never = False
            if closed < NONE:
                # What opens where another region closes, `} else {`, is of the same branch.
                begin = self._branches[NONE - 1 - closed][1]
                self._alternatives.append(Alternative(begin, len(self.statements)))
                never = self._conditions[begin] == 1
            self._open(closed, never)
        return closed

    def _branch(self, found: Form, closed: int) -> None:
        """Open the region of the operation that was read last."""
        never = False
        if found.class_ == "branch":
            here = len(self.statements)
            self._branches.append((self.statements[-1].results, here))
            closed = NONE - len(self._branches)
            operands = self.statements[-1].operands
            self._conditions[here] = self.lives[operands[0]].constant if operands else None
            never = self._conditions[here] == 0
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
        self._splats.clear()
        for name, value in zip(names, found.values, strict=False):
            self._define(name, value)
        self.statements.append(Statement(found, [], [], NONE, False))

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
        indices, names = indices_of(line, names[1:] if results_name else names)
        carried = _CARRIED.findall(line, line.index("iter_args")) if "iter_args" in line else []
        inside = {name for name, _ in carried}
        operands = [self._use(name, here, parent) for name in names if name not in inside]
        (trips, step), share = turns_of(line, self._known), 1.0
        if trips != trips:
            trips, share = turns_by_cases(line, self._known)
        if self._dead and self._dead[-1]:
            trips = 0.0
        if parent != NONE:
            self.loops[parent].is_innermost = False
        loop = Loop(parent, len(self._inside) + 1, here + 1, trips, step, share)
        loop.readers = {parent: loop.read, **(self.loops[parent].readers if parent != NONE else {})}
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
            self.lives[loop.index].range = index_range(line, loop, number, self._known)
        for (name, _), value in zip(carried, found.results, strict=False):
            loop.carried.append(self._define(name, value))

    def _known(self, name: str) -> Life | None:
        """Return what is known of a value by its name, None where it has not been seen."""
        number = self._numbers.get(name)
        return self.lives[number] if number is not None else None

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
        if loop != NONE and life.loop in self.loops[loop].readers:
            self.loops[loop].readers[life.loop].add(number)
        return number

    def _note_gaps(self, life: Life) -> None:
        """Note the open alternatives up to which a value is not needed after its last use so far."""
        for own in self._alternatives:
            if life.end < own.begin and life.begin < own.first:
                life.gaps = [*(life.gaps or ()), (max(life.end, own.first), own)]


def _lines(text: str) -> tuple[list[Form], list[str]]:
    """Return the form of each line, and the values that all of them name.

    All names are found at once: line by line that would take as long as everything that is done with them.
    """
    if "//" in text:
        text = "\n".join(_COMMENT.sub("", line.rstrip()) for line in text.split("\n"))
    parts = _NAMES.split(text)
    names, rest = parts[1::2], parts[::2]
    erased = "%".join(rest)
    if erased.count("%") != len(names):
        erased = "%".join(part.replace("%", "") for part in rest)
    return [form(line) for raw in erased.split("\n") if (line := raw.strip())], names


def _line_of(found: Form, names: list[str]) -> str:
    """Return the line that a form and its names are of."""
    parts = found.text.split("%")
    return parts[0] + "".join(name + part for name, part in zip(names, parts[1:], strict=True))


_NOWHERE: dict[int, set[int]] = {}
_UNKNOWN = Value("integer", 1, 64, "index")
_INDEX = Value("integer", 1, 64, "index")
