"""The policies that need the compiler: provided to the pass `decide` by name, loaded when first asked for."""

from __future__ import annotations

from ..passes.policy import PROVIDERS, Policy


def provide() -> None:
    """Make `search` and `model` known to the pass."""
    PROVIDERS.update(search=_search, model=_model)


def _search(budget: int) -> Policy:
    from .search import SearchPolicy

    return SearchPolicy(budget)


def _model(budget: int) -> Policy:
    from .model_policy import ModelPolicy

    return ModelPolicy(budget)
