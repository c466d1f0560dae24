"""Decompositions in less time: the tables that torch itself makes, the same graphs, and nothing left behind."""

from __future__ import annotations

import torch
from slipstick.compiler.composite_operations import listed_once, registered_at_once
from slipstick.compiler.decompositions import decomposition_table
from torch import nn
from torch.export import exported_program


class Composites(nn.Module):
    """Operations that torch has as composites of others; x [2, 4, 8]."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.convolution, self.gru = nn.Linear(8, 8), nn.Conv1d(4, 2, 3), nn.GRU(8, 8)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y = self.linear(x)
        attended = nn.functional.scaled_dot_product_attention(y, y, y, is_causal=True)
        return (
            self.convolution(attended),
            torch.einsum("abc,abc->ab", y, y),
            nn.functional.layer_norm(y, (8,)),
            nn.functional.pad(y, (1, 1), mode="reflect"),
            self.gru(y)[0],
        )


def test_the_tables_are_those_of_torch_and_are_restored() -> None:
    with listed_once():
        callables, _ = exported_program._split_decomp_table_to_cia_and_python_decomp(decomposition_table())
    before = {operation: dict(operation.py_kernels) for operation in callables}
    with exported_program._override_composite_implicit_decomp(callables):
        expected = {operation: set(operation.py_kernels) for operation in callables}
    original = exported_program._override_composite_implicit_decomp
    with registered_at_once(), exported_program._override_composite_implicit_decomp(callables):
        assert exported_program._override_composite_implicit_decomp is not original
        assert {operation: set(operation.py_kernels) for operation in callables} == expected
        composite = torch._C.DispatchKey.CompositeImplicitAutograd
        assert all(operation.py_kernels[composite] is how for operation, how in callables.items())
    assert exported_program._override_composite_implicit_decomp is original
    assert {operation: dict(operation.py_kernels) for operation in callables} == before


def test_the_graph_is_the_same() -> None:
    program = torch.export.export(Composites().eval(), (torch.randn(2, 4, 8),))
    expected = program.run_decompositions(decomposition_table())
    with listed_once(), registered_at_once():
        found = program.run_decompositions(decomposition_table())
    assert str(found.graph) == str(expected.graph)
    assert str(found.graph_signature) == str(expected.graph_signature)
