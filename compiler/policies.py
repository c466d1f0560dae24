"""The policies that need the compiler: provided to the pass `decide` by name, loaded when first asked for.

Those that measure show how far they are: a bar on a terminal, lines of the log "slipstick" anywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..passes.policy import PROVIDERS, Policy

if TYPE_CHECKING:
    from ..kernels.choice import Choice
    from ..passes.nests import Nest
    from ..target import Target

Say = Callable[[str, int, int], None]
"""Told a nest, how many of its candidates are measured, of how many."""


def provide() -> None:
    """Make `search` and `model` known to the pass."""
    PROVIDERS.update(search=_search, model=_model)


def _search(budget: int) -> Policy:
    from .search import SearchPolicy

    return _Shown(lambda say: SearchPolicy(budget, say=say), measures=True)


def _model(budget: int) -> Policy:
    from .model_policy import ModelPolicy

    return _Shown(lambda say: ModelPolicy(budget, say=say), measures=budget > 0)


class _Shown:
    """A policy with a bar on standard error while it decides, where that is a terminal and there is much to do."""

    def __init__(self, make: Callable[[Say], Policy], *, measures: bool):
        self._make = make
        self._measures = measures

    def decide(self, nests: Sequence[Nest], target: Target) -> list[Choice]:
        """Return the choice for each nest. Raises what the policy raises."""
        if not self._measures or not sys.stderr.isatty():
            return self._make(lambda what, done, total: None).decide(nests, target)
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("measuring", total=len(nests))
            seen: dict[str, float] = {}

            def say(what: str, done: int, total: int) -> None:
                seen[what] = done / max(1, total)
                text = f"measuring: {what}: {done} of {total} candidates"
                progress.update(bar, description=text, completed=sum(seen.values()))

            return self._make(say).decide(nests, target)
