"""Native code of a part, called with all that it reads: the state is recognised, and packed once."""

from __future__ import annotations

import operator
import threading
from typing import Any

import torch

from ...target import Target
from ..artifact import Built
from ..compiled import CompiledModule
from ..frontend import Imported
from ..options import CompileOptions
from ..state import Slot

_MODULES = 256
"""How many states are remembered: a graph that many layers share has one for each."""


class NativePart:
    """A part's code. Called with the tensors of its state, then those of its inputs; returns a tuple of results.

    Parameters and buffers come with each call, as dynamo wants it. They are compared with those of the last call, which
    takes some 15 ns each; panels and codes made of them are kept as `CompiledModule` keeps them, for each set of
    tensors that was seen. Any number of threads may call it.
    """

    def __init__(
        self, imported: Imported, built: Built, options: CompileOptions, target: Target, text: str, state: list[str]
    ):
        """`state` are the names of the arguments that are state, in the order of calls."""
        # Not all of it: that would keep the MLIR module with its context.
        self._signature, self._form, self._timings = imported.signature, imported.call, imported.timings
        self._constants = {name: tensor for name, tensor in imported.state.items() if name not in state}
        self._built, self._options, self._target, self._text = built, options, target, text
        self._names = state
        self._count = len(state)
        self._lock = threading.Lock()
        self._modules: dict[tuple[int, ...], tuple[CompiledModule, dict[str, Any]]] = {}
        self._last: tuple[tuple[Any, ...], CompiledModule | None] = ((), None)
        if not state:
            self._last = ((), self._module({})[0])

    def __call__(self, *args: Any) -> Any:
        """Run the code."""
        count = self._count
        if not count:
            return self._last[1](*args)  # type: ignore[misc]
        state = args[:count]
        before, module = self._last
        if module is None or not all(map(operator.is_, state, before)):
            module = self._find(state)
        return module(*args[count:])

    def _find(self, state: tuple[torch.Tensor, ...]) -> CompiledModule:
        """Return the module that reads these tensors, or other objects for the same memory."""
        with self._lock:
            key = tuple(tensor.data_ptr() for tensor in state)
            found = self._modules.get(key)
            if found is None:
                if len(self._modules) >= _MODULES:
                    del self._modules[next(iter(self._modules))]
                found = self._modules[key] = self._module(dict(zip(self._names, state, strict=True)))
            module, held = found
            # An object's address may come back with another's memory: what lies there decides.
            held.update(zip(self._names, state, strict=True))
            self._last = (state, module)
            return module

    def _module(self, held: dict[str, Any]) -> tuple[CompiledModule, dict[str, Any]]:
        slots: dict[str, Slot] = {name: (held, name) for name in self._names}
        slots.update({name: (self._constants, name) for name in self._constants})
        module = CompiledModule(
            self._text,
            self._built,
            self._signature,
            self._options,
            self._target,
            slots=slots,
            form=self._form,
            timings=self._timings,
            name="part of a graph",
        )
        return module, held

    @property
    def modules(self) -> list[CompiledModule]:
        """The compiled module of each state that was seen."""
        return [module for module, _ in self._modules.values()] or [one for one in (self._last[1],) if one is not None]
