"""Who decides: policies other than the heuristic, which need more than passes know, are provided from above.

A policy is asked about all nests of a module at once. The heuristic has no policy: its decisions stand in the IR.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias, get_args

from ..target import Target

if TYPE_CHECKING:  # the names of policies are asked for where no bindings are
    from ..kernels.choice import Choice
    from .nests import Nest

PolicyName: TypeAlias = Literal["heuristic", "search", "model"]
POLICIES: Final[tuple[str, ...]] = get_args(PolicyName)


class Policy(Protocol):
    """Chooses among the candidates of nests."""

    def decide(self, nests: Sequence[Nest], target: Target) -> list[Choice]:
        """Return the choice for each nest. Raises SlipstickError where it cannot decide at all."""
        ...


PROVIDERS: Final[dict[str, Callable[[int], Policy]]] = {}
"""By name, what makes a policy that may measure so many candidates of each nest; 0: as many as it likes, or none."""
