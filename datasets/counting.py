"""What one call of a built graph computes and moves, counted from the module itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import _pytree as pytree
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Counts:
    """Operations and bytes of one call, as `Graph` has them."""

    flops: int | None
    bytes: int


def count(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> Counts:
    """Run the module once and count.

    Operations are those of products and convolutions, a multiply-add counted as two. Bytes are those of weights, inputs
    and results, each once; of a table that is only looked up, those of the rows that the call looks up.
    """
    with (
        torch.inference_mode(),
        # The fused attention of the CPU is not among what torch counts.
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as counter,
        _lookups(module) as looked_up,
    ):
        results = pytree.tree_leaves(module(*inputs))
    weights = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
    size = sum(looked_up.get(key, tensor.nbytes) for key, tensor in weights.items())
    given = {id(tensor) for tensor in inputs}
    size += sum(tensor.nbytes for tensor in inputs)
    size += sum(leaf.nbytes for leaf in results if isinstance(leaf, torch.Tensor) and id(leaf) not in given)
    return Counts(counter.get_total_flops() or None, size)


@contextmanager
def _lookups(module: torch.nn.Module) -> Iterator[dict[int, int]]:
    """Yield the bytes that a call looks up in each table, by the table's id; a table that is read whole is left out."""
    found: dict[int, int] = {}
    tables = [part for part in module.modules() if isinstance(part, torch.nn.Embedding)]
    own = {id(table) for table in tables}
    whole = {id(p) for part in module.modules() if id(part) not in own for p in part.parameters(recurse=False)}

    def note(table: torch.nn.Module, _: Any, rows: torch.Tensor) -> None:
        assert isinstance(table.weight, torch.Tensor)
        found[id(table.weight)] = min(table.weight.nbytes, found.get(id(table.weight), 0) + rows.nbytes)

    hooks = [table.register_forward_hook(note) for table in tables if id(table.weight) not in whole]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()
