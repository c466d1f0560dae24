"""Which overwritten arguments native code overwrites itself, and which the caller overwrites after the call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from .signature import Argument, Mutation, Result


@dataclass(frozen=True)
class Outputs:
    """What native code computes: the nodes that it returns, then those that it puts into arguments."""

    returned: tuple[torch.fx.Node, ...]
    written: tuple[torch.fx.Node, ...]
    results: tuple[Result, ...]
    mutations: tuple[Mutation, ...]

    def overwrites(self, arguments: Sequence[Argument]) -> list[tuple[int, int]]:
        """Return (native argument, number of the result in MLIR) of everything that native code overwrites."""
        pairs = []
        for mutation in self.mutations:
            native = arguments[mutation.argument].native
            if mutation.result.kind == "written":
                assert native is not None
                pairs.append((native, mutation.result.index))
        return pairs


def write_natively(
    native: Sequence[torch.fx.Node],
    results: Sequence[Result],
    mutations: Sequence[Mutation],
    possible: Callable[[int, torch.fx.Node], bool],
) -> Outputs:
    """Leave to native code the overwriting of each argument for which `possible(argument, node)` holds.

    `native` are the nodes that results and mutations count by `Result.index`. An argument whose old value overwrites
    another one is not overwritten by native code: the other is written after the call, and would get the new value.
    """
    read_later = {mutation.result.index for mutation in mutations if mutation.result.kind == "argument"}
    chosen = [
        mutation.result.kind == "native"
        and mutation.argument not in read_later
        and possible(mutation.argument, native[mutation.result.index])
        for mutation in mutations
    ]
    returned: list[torch.fx.Node] = []

    def renumber(result: Result) -> Result:
        if result.kind != "native":
            return result
        node = native[result.index]
        if node not in returned:
            returned.append(node)
        return replace(result, index=returned.index(node))

    new_results = [renumber(result) for result in results]
    kept = [
        m if by_native else Mutation(m.argument, renumber(m.result))
        for m, by_native in zip(mutations, chosen, strict=True)
    ]
    written: list[torch.fx.Node] = []
    for position, (mutation, by_native) in enumerate(zip(mutations, chosen, strict=True)):
        if by_native:
            kept[position] = Mutation(mutation.argument, Result("written", len(returned) + len(written)))
            written.append(native[mutation.result.index])
    return Outputs(tuple(returned), tuple(written), tuple(new_results), tuple(kept))
