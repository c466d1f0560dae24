"""The options of `slipstick.compile`, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from ..errors import ArgumentError
from ..kernels.lmul import LMul
from ..passes.policy import POLICIES, PolicyName
from ..target import Target

WEIGHTS = ("f32", "bf16", "lm8")
SCHEDULES = POLICIES


@dataclass(frozen=True)
class SkipPaths:
    """Which exit depths a decode step is compiled for (SkipDecode): one path a depth, over the same weights and caches.

    Raises `ArgumentError` unless 0 <= warmup <= min_layers <= max_layers and min_layers >= 1.
    """

    min_layers: int
    """Layers of the shallowest path."""
    max_layers: int | None = None
    """Layers of the deepest path besides the one of all layers, which is always there; `None`: all."""
    warmup: int = 1
    """Layers at the beginning that every path runs."""

    def __post_init__(self) -> None:
        for name, optional in (("min_layers", False), ("max_layers", True), ("warmup", False)):
            value = getattr(self, name)
            if not (optional and value is None) and (not isinstance(value, int) or isinstance(value, bool)):
                raise _wrong(name, "an integer", value)
        if self.min_layers < 1:
            raise _wrong("min_layers", "at least 1", self.min_layers)
        if self.max_layers is not None and self.max_layers < self.min_layers:
            raise _wrong("max_layers", f"at least {self.min_layers} (min_layers)", self.max_layers)
        if not 0 <= self.warmup <= self.min_layers:
            raise _wrong("warmup", f"0 to {self.min_layers} (min_layers)", self.warmup)


@dataclass(frozen=True)
class Deciding:
    """Who decides tiling, unrolling, vectors and epilogues, where it is not the heuristic alone."""

    policy: PolicyName = "heuristic"
    budget: int = 0
    """Candidates of a nest that may be measured; 0: all up to a bound (search), none (model)."""
    file: Path | None = None
    """A file of decisions, whose nests nobody is asked about."""


@dataclass(frozen=True)
class CompileOptions:
    """How a graph is compiled. Raises `ArgumentError` for a value outside what each field says."""

    lmul: LMul | None = None
    """The L-Mul configuration; `None`: exact multiplies."""
    weights: str = "f32"
    """How native code reads the weights of linear layers: "f32", each parameter where it lies; "bf16", or "lm8", 8 bits
    and an exponent bias per output channel (`kernels/weight_formats.py`): encoded once, again when they change."""
    threads: int | None = None
    """Threads that one call may use, at least 1; `None`: as many as torch uses when the graph is compiled."""
    target: str | Target = "host"
    """The CPU that code is made for: "host", a name that LLVM knows, or a `Target`."""
    schedule: str = "heuristic"
    """The policy that decides tiling, unrolling, vectors and epilogues: "heuristic"; "search", which measures on this
    machine and keeps what it measured; "model", the cost model's."""
    budget: int = 0
    """Candidates of a nest that may be measured; 0: all up to a bound ("search"), none ("model")."""
    decisions: Path | None = None
    """A file of decisions (`Decisions.save`), which come before the policy's."""
    pack_weights: bool = True
    """Whether products of 4 rows and more (L-Mul under `finite`: of any) read weights from panels, a second copy of
    them made at the first call; `False`: from where they lie, those of many rows through panels that each call makes
    anew, slower but in no further memory."""
    skip: SkipPaths | None = None
    """The depths besides the full one that a decode step is compiled for; `None`: none."""
    cache_dir: Path | None = None
    """Where objects are cached; `None`: the user's cache folder."""

    def __post_init__(self) -> None:
        if self.lmul is not None and not isinstance(self.lmul, LMul):
            raise _wrong("lmul", "an LMul or None", self.lmul)
        _choice("weights", self.weights, WEIGHTS)
        _choice("schedule", self.schedule, SCHEDULES)
        if not isinstance(self.budget, int) or isinstance(self.budget, bool) or self.budget < 0:
            raise _wrong("budget", "an integer of at least 0", self.budget)
        if self.threads is not None and (
            not isinstance(self.threads, int) or isinstance(self.threads, bool) or self.threads < 1
        ):
            raise _wrong("threads", "an integer of at least 1, or None", self.threads)
        if not isinstance(self.pack_weights, bool):
            raise _wrong("pack_weights", "True or False", self.pack_weights)
        if self.skip is not None and not isinstance(self.skip, SkipPaths):
            raise _wrong("skip", "SkipPaths or None", self.skip)
        if not isinstance(self.target, str | Target):
            raise _wrong("target", '"host", the name of a CPU, or a Target', self.target)
        if self.cache_dir is not None:
            if not isinstance(self.cache_dir, str | Path):
                raise _wrong("cache_dir", "a path or None", self.cache_dir)
            object.__setattr__(self, "cache_dir", Path(self.cache_dir))

    @property
    def deciding(self) -> Deciding | None:
        """Who decides; None: the heuristic alone."""
        if self.schedule == "heuristic" and self.decisions is None:
            return None
        policy = next(name for name in get_args(PolicyName) if name == self.schedule)
        return Deciding(policy, self.budget, self.decisions)

    @property
    def parallel(self) -> bool:
        """Tell whether parallel loops run on more than one thread."""
        return self.threads is not None and self.threads > 1


def _choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise _wrong(name, "one of " + ", ".join(f'"{choice}"' for choice in choices), value)


def _wrong(name: str, expected: str, found: object) -> ArgumentError:
    return ArgumentError(f"{name}: expected {expected}, found {found!r}")
