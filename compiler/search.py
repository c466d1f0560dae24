"""Measured search: the candidates of a nest timed on this machine, beside the heuristic's; records are kept.

They run in a process of their own. One that crashes or does not return is a failed candidate, and is remembered as one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from ..errors import ArgumentError, CodegenError, SlipstickError
from ..kernels.choice import Choice
from ..passes.candidates import candidates, neighbours
from ..passes.nests import Nest, key_for
from ..target import Target
from .decision_table import DecisionTable, Measured
from .kernel_bench import Operands
from .kernel_process import KernelFailure, KernelProcess
from .kernel_timing import Compiled, compile_choice, operands
from .search_store import Record, SearchStore

LOG = logging.getLogger("slipstick")
EXHAUSTIVE = 100
"""Candidates up to which all are measured, where there is no budget."""
BATCH = 8
"""Candidates that are measured beside one another, and beside the heuristic's and the best one so far."""
ROUNDS, FINAL_ROUNDS = 9, 41
FINALISTS = 6
MOST_FINALS = 4
LEAST_GAIN = 0.01
"""What does not gain so much over the heuristic is not taken for it: it may be noise."""

Say = Callable[[int, int], None]
"""Told how many candidates are done, of how many."""


@dataclass
class Search:
    """The search of one nest: what is known of its candidates, and how to learn more."""

    nest: Nest
    target: Target
    store: SearchStore
    cache_dir: Path | None = None
    relative: dict[Choice, float] = field(default_factory=dict)
    """Seconds of each candidate that was measured, as a share of the heuristic's."""
    seconds: dict[Choice, float] = field(default_factory=dict)
    failed: dict[Choice, str] = field(default_factory=dict)
    """Candidates that could not be compiled or run, and why."""
    measured: int = 0
    """Candidates that were timed now, not taken from the store."""
    process: KernelProcess = field(default_factory=KernelProcess)
    """Where candidates run; searches may share one."""

    def __post_init__(self) -> None:
        if not self.nest.is_static:
            raise ArgumentError(f"{self.nest.description}: cannot be measured: not all sizes are known")
        self.text = self.nest.text
        self.key = key_for(self.nest, self.target)
        self.space = candidates(self.nest, self.target)
        self.base = compile_choice(self.text, self.space[0], self.target, self.cache_dir)
        self._known = self.store.read(self.key, self.base.digest)
        self._objects: dict[Choice, str] = {self.space[0]: self.base.digest}
        self._operands: Operands | None = None
        self.relative[self.space[0]] = 1.0
        if self.base.digest in self._known:
            self.seconds[self.space[0]] = self._known[self.base.digest].seconds

    @property
    def codes(self) -> int:
        """How many different kernels those candidates are that were compiled."""
        return len(set(self._objects.values()))

    @property
    def heuristic(self) -> Choice:
        """What the nest had."""
        return self.space[0]

    def best(self) -> Choice:
        """Return the best candidate known, the heuristic's unless one gains more than noise would."""
        found = min(self.relative, key=self.relative.__getitem__)
        return found if self.relative[found] <= 1.0 - LEAST_GAIN else self.heuristic

    def prepare(self, choices: Iterable[Choice]) -> None:
        """Compile candidates, which puts their code into the compile cache; nothing is timed."""
        for choice in choices:
            self._compiled(choice)

    def table(self) -> DecisionTable:
        """Return all that is known of the candidates, the heuristic's first."""
        lines = [
            Measured(
                choice,
                self._objects.get(choice, ""),
                self.seconds.get(choice),
                self.relative.get(choice),
                self.failed.get(choice, ""),
            )
            for choice in self.space
        ]
        return DecisionTable(self.nest.description, self.key, self.target.cpu, self.text, tuple(lines))

    def measure(self, choices: Iterable[Choice], rounds: int = ROUNDS, say: Say = lambda done, total: None) -> None:
        """Time those candidates that are not known yet; of those that become the same code, one."""
        wanted = [choice for choice in dict.fromkeys(choices) if choice not in self.failed]
        for start in range(0, len(wanted), BATCH):
            self._batch(wanted[start : start + BATCH], rounds)
            say(min(start + BATCH, len(wanted)), len(wanted))

    def run(self, budget: int = 0, say: Say = lambda done, total: None) -> Choice:
        """Search with at most `budget` candidates beside the heuristic's, 0: all, up to a bound; return the best.

        Where not all may be measured, those nearest to the best so far come next.
        """
        limit = min(budget or EXHAUSTIVE, len(self.space) - 1)
        if limit == len(self.space) - 1:
            self.measure(self.space, say=say)
        else:
            tried = {self.heuristic}
            while len(tried) < limit + 1:
                following = next_choices(self.relative, self.space, tried, min(BATCH, limit + 1 - len(tried)))
                self.measure(following)
                tried.update(following)
                say(len(tried) - 1, limit)
        self.settle()
        return self.best()

    def settle(self) -> None:
        """Time the best few longer, until the best is one of those: the best of many is in part the luckiest."""
        for _ in range(MOST_FINALS):
            finalists = sorted(self.relative, key=self.relative.__getitem__)[:FINALISTS]
            if finalists[0] == self.heuristic or self._rounds(finalists[0]) >= FINAL_ROUNDS:
                return
            doubtful = [c for c in finalists if c != self.heuristic and self._rounds(c) < FINAL_ROUNDS]
            self._batch(doubtful, FINAL_ROUNDS, again=True)

    def _rounds(self, choice: Choice) -> int:
        record = self._known.get(self._objects.get(choice, ""))
        return record.rounds if record else 0

    def _compiled(self, choice: Choice) -> Compiled | None:
        """Compile a candidate; None for one that cannot be, which is noted."""
        try:
            compiled = compile_choice(self.text, choice, self.target, self.cache_dir)
        except SlipstickError as problem:
            self.failed[choice] = str(problem).partition("\n")[0]
            return None
        self._objects[choice] = compiled.digest
        return compiled

    def _batch(self, choices: Sequence[Choice], rounds: int, *, again: bool = False) -> None:
        """Compile some candidates, and time those whose code has no record yet, or all `again`."""
        new: dict[str, Compiled] = {}
        for choice in choices:
            if choice in self.relative and not again:
                continue
            compiled = self._compiled(choice)
            if compiled is not None and (
                again or (compiled.digest not in self._known and compiled.digest != self.base.digest)
            ):
                new.setdefault(compiled.digest, compiled)
        if new:
            self._time(list(new.values()), rounds)
        for choice in choices:
            self._look_up(choice)

    def _look_up(self, choice: Choice) -> None:
        """Take what the records say of a candidate."""
        record = self._known.get(self._objects.get(choice, ""))
        if record is not None and record.failed:
            self.failed[choice] = record.failed
        elif record is not None:
            self.relative[choice], self.seconds[choice] = record.relative, record.seconds
        elif self._objects.get(choice) == self.base.digest:
            self.relative[choice] = 1.0

    def _time(self, new: list[Compiled], rounds: int) -> None:
        """Time candidates, and keep records; without those that crash or hang, whose records say so."""
        while new:
            try:
                records = self._timed(new, rounds)
            except KernelFailure as failure:
                if not 0 < failure.place <= len(new):
                    raise CodegenError(f"the kernel of the heuristic's decision {failure.reason}") from failure
                own = new.pop(failure.place - 1)
                LOG.warning("%s: a candidate %s: %s", self.nest.description, failure.reason, own.choice.json())
                records = [Record(own.digest, self.base.digest, 0.0, 0.0, 0, own.choice.json(), failed=failure.reason)]
            else:
                self.measured += len(new)
                new = []
            self.store.add(self.key, records)
            self._known.update((record.object, record) for record in records)

    def _timed(self, new: Sequence[Compiled], rounds: int) -> list[Record]:
        """Return the records of candidates, the heuristic's last. Raises KernelFailure."""
        self._operands = self._operands or operands(self.text)
        # The heuristic's stands among them twice, first and last: what changes in between changes both.
        subjects = [self.base, *new, self.base]
        artifacts = [subject.built.artifact for subject in subjects]
        first, *others, last = self.process.time(self.key, self._operands, artifacts, rounds)
        both = [(one + other) / 2 for one, other in zip(first, last, strict=True)]
        records = []
        for own, seconds in zip(new, others, strict=True):
            # Round by round: what slows the machine for some rounds slows all.
            relative = median(time / base for time, base in zip(seconds, both, strict=True))
            records.append(
                Record(own.digest, self.base.digest, median(seconds), relative, len(both), own.choice.json())
            )
        base = self.seconds[self.heuristic] = median(both)
        records.append(Record(self.base.digest, self.base.digest, base, 1.0, len(both), self.base.choice.json()))
        return records


def next_choices(
    relative: Mapping[Choice, float], space: Sequence[Choice], tried: Set[Choice], count: int
) -> list[Choice]:
    """Return the candidates that a search tries next: those nearest to the best of the tried, else any."""
    best = min((choice for choice in tried if choice in relative), key=relative.__getitem__)
    near = [choice for choice in neighbours(best, space) if choice not in tried]
    others = [choice for choice in space if choice not in tried and choice not in near]
    return [*near, *others][:count]


@dataclass(frozen=True)
class SearchPolicy:
    """The policy `search`."""

    budget: int = 0
    cache_dir: Path | None = None
    say: Callable[[str, int, int], None] = lambda what, done, total: None
    """Told the nest, how many candidates are done, of how many."""

    def decide(self, nests: Sequence[Nest], target: Target) -> list[Choice]:
        """Return the best choice that was measured for each nest.

        The heuristic's for one whose sizes are not known. Raises ArgumentError where the target is not the host's kind.
        """
        if not target.is_host_compatible():
            raise ArgumentError(f"code for {target.cpu} cannot be measured on this machine ({Target.host().cpu})")
        return [self._decide(nest, target) for nest in nests]

    def _decide(self, nest: Nest, target: Target) -> Choice:
        if not nest.is_static:
            return nest.choice
        try:
            search = Search(nest, target, SearchStore(self.cache_dir), self.cache_dir)
            best = search.run(self.budget, lambda done, total: self.say(nest.description, done, total))
        except SlipstickError as problem:
            LOG.warning("%s: the heuristic's decision stays: %s", nest.description, problem)
            return nest.choice
        gain = 1.0 / search.relative[best]
        LOG.info("%s: %d measured, %.2fx of the heuristic", nest.description, search.measured, gain)
        return best
