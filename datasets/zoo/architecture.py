"""An architecture: a model class of transformers, its configuration at a true and at a small size."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ..graph import Family, Graph, Sizes

if TYPE_CHECKING:
    import torch

    from ..graph import Built

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Architecture:
    """A model of transformers; sizes are called as its configuration calls them."""

    name: str
    """As people call it, with its size: `vit-base`."""
    model: str
    """The name of its class, or of one of the `AutoModel...`."""
    config: str
    """The name of its configuration's class."""
    sizes: Sizes
    """The true sizes: those that its first release was published with."""
    small: Sizes
    """Those of the sizes that are others in the small form."""
    source: str
    tags: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The rest of the configuration, where it is not the default."""
    part: str = ""
    """The part of the model that is used, an attribute; empty: all of it."""

    def at(self, sizes: Sizes) -> Architecture:
        """Return it in other sizes; names that are none of its own are left alone."""
        return replace(self, sizes={name: sizes.get(name, size) for name, size in self.sizes.items()})

    def build(self) -> torch.nn.Module:
        """Return the model in evaluation mode with random weights, always the same."""
        import torch
        import transformers

        from ..random_weights import unsettle

        torch.manual_seed(0)
        sizes = {name: list(size) if isinstance(size, tuple) else size for name, size in self.sizes.items()}
        config = getattr(transformers, self.config)(**sizes, **self.settings)
        kind = getattr(transformers, self.model)
        model = kind.from_config(config) if self.model.startswith("Auto") else kind(config)
        return unsettle(getattr(model, self.part) if self.part else model).eval()


Draw: TypeAlias = Callable[[Sizes], "tuple[torch.Tensor, ...]"]
"""Makes example inputs for sizes; torch's generator is seeded before."""

_INPUT_SIZES: Final = re.compile(r"-\d+x\d+$")
"""What a name ends with that tells of which sizes the inputs are."""


@dataclass(frozen=True)
class Use:
    """How a model is called: with which inputs, and which of its results is wanted."""

    keys: tuple[str, ...]
    """The names of its arguments."""
    result: str
    """The attribute of what the model returns."""
    sizes: Sizes
    """Sizes of the inputs: `batch`, `tokens`."""
    small: Sizes
    draw: Draw
    """Make the inputs; gets these sizes together with the model's."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments, always the same."""

    def graph(self, family: Family, architecture: Architecture, what: str, suffix: str = "") -> Graph:
        """Return an architecture used this way as a graph; `suffix` makes its name differ from others' of it."""

        def build() -> Built:
            import torch

            from .called import Called

            module = Called(architecture.build(), self.keys, self.result, self.fixed).eval()
            torch.manual_seed(1)
            return module, self.draw({**architecture.sizes, **self.sizes})

        def make(sizes: Sizes) -> Graph:
            own = replace(self, sizes={name: sizes[name] for name in self.sizes})
            return own.graph(family, architecture.at(sizes), what, suffix)

        name = f"{architecture.name}{suffix}"
        without = _INPUT_SIZES.sub("", name)
        return Graph(
            name=name,
            family=family,
            what=f"{architecture.name}, random weights: {what}",
            build=build,
            flops=None,
            bytes=None,
            tolerance=TOLERANCE,
            workload=without if without != name else "",
            sizes={**self.sizes, **architecture.sizes},
            small_sizes={**self.small, **architecture.small},
            make=make,
            tags=architecture.tags,
            source=architecture.source,
        )
