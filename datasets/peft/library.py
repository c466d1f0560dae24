"""The methods that Hugging Face `peft` has, each with the settings of its graph.

Every trainable number is moved away from where the method begins: many start as the base model's own function, which
would hide whether an adapter is computed at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import ArgumentError
from ..transformer_sizes import TransformerSizes

if TYPE_CHECKING:
    import torch

Settings = Mapping[str, Any]
RANK = 8
TOKENS = 8
"""Virtual tokens of prompts and prefixes."""


@dataclass(frozen=True)
class LibraryMethod:
    """One way to use one type of `peft`: its type's name and what its configuration sets."""

    type: str
    settings: Settings | Callable[[TransformerSizes], Settings] = field(default_factory=dict)
    targets: tuple[str, ...] | None = ("q_proj", "v_proj")
    """The linear layers that get an adapter; `None` where the method finds its own."""

    def model(self, sizes: TransformerSizes) -> torch.nn.Module:
        """Return the model with its adapter, in evaluation mode, its values always the same."""
        peft = peft_package()
        from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

        settings = self.settings(sizes) if callable(self.settings) else self.settings
        targets = {} if self.targets is None else {"target_modules": list(self.targets)}
        make = PEFT_TYPE_TO_CONFIG_MAPPING[peft.PeftType[self.type]]
        config = make(task_type="CAUSAL_LM", **targets, **settings)
        base = sizes.model(logits=True)
        model: torch.nn.Module = peft.get_peft_model(base, config)
        return unsettle(model.eval())


def peft_package() -> Any:
    """Return Hugging Face `peft`; raises ArgumentError where it is not installed."""
    try:
        import peft
    except ImportError as problem:
        raise ArgumentError("the package peft is not installed: pip install 'slipstick[peft]'") from problem
    return peft


def unsettle(model: torch.nn.Module, spread: float = 0.05) -> torch.nn.Module:
    """Add noise of the deviation `spread` to every trainable number, the same at each call; return the model."""
    import torch

    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=spread)
    return model
