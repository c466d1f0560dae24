"""Kernels of one nest as the cost model reads them, one for each candidate, without lowering each from the start."""

from __future__ import annotations

from ..bindings import ir
from ..errors import IRError
from ..kernels.choice import Choice
from ..kernels.decision import ContractionSchedule
from ..passes.manager import run_pipeline
from ..passes.nests import nests, with_choice
from .build import parse

_PREPARE = "builtin.module(pack-weights,set-stage{stage=scheduled})"


class KernelTexts:
    """The texts of a nest's module, as `Nest.text`, at the stage "scheduled".

    What comes before that stage depends on the kind of kernel, the width of its panels and whether A is packed alone:
    modules are lowered once for each of these, and then only get another decision.
    """

    def __init__(self, text: str):
        self._text = text
        self._modules: dict[tuple[object, ...], ir.Module] = {}

    def of(self, choice: Choice) -> str:
        """Return the text with a choice. Raises IRError where the choice is illegal for the nest."""
        module = self._module(choice)
        found = nests(module.operation)
        if len(found) != 1:
            raise IRError(f"expected one nest at the stage scheduled, found {len(found)}")
        found[0].write(choice)
        return str(module.operation.get_asm(use_local_scope=True))

    def _module(self, choice: Choice) -> ir.Module:
        decision = choice.decision
        panels = (decision.tile_columns, decision.pack_left) if isinstance(decision, ContractionSchedule) else ()
        key = (choice.kind, choice.epilogue, *panels)
        if key not in self._modules:
            module = parse(with_choice(self._text, choice))
            run_pipeline(module, _PREPARE)
            self._modules[key] = module
        return self._modules[key]
