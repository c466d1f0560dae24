"""Systems of linear equations as a sequence of operations that torch-mlir lowers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from .retrace import retrace

LARGEST = 64
"""The largest system that is taken apart: each of its rows is a step."""


def without_solves(program: ExportedProgram) -> ExportedProgram:
    """Return the program with each `torch.linalg.solve` of a small system taken apart; the same where it has none."""
    if not any(_is_small(node) for node in program.graph.nodes):
        return program
    return retrace(program, lambda values: _Solves(program.graph_module).run(*values))


def _is_small(node: torch.fx.Node) -> bool:
    if node.target is not torch.ops.aten.linalg_solve.default:
        return False
    matrix, right = (operand.meta["val"] for operand in node.all_input_nodes[:2])
    return right.dim() == matrix.dim() and isinstance(matrix.shape[-1], int) and matrix.shape[-1] <= LARGEST


class _Solves(torch.fx.Interpreter):
    def run_node(self, n: torch.fx.Node) -> Any:
        if not _is_small(n):
            return super().run_node(n)
        (matrix, right), kwargs = self.fetch_args_kwargs_from_env(n)
        if kwargs.get("left", True):
            return solve(matrix, right)
        return solve(matrix.mT, right.mT).mT


def solve(matrix: Tensor, right: Tensor) -> Tensor:
    """Return x with `matrix @ x = right`: f32 [..., n, n] and [..., n, m] -> [..., n, m].

    Gauss and Jordan, with the largest of each column as its pivot. A singular matrix gives infinities or NaN, where
    torch raises an error.
    """
    size = matrix.shape[-1]
    rows = torch.arange(size)
    left = matrix
    for step in range(size):
        column = left[..., step]
        candidates = torch.where(rows < step, -1.0, column.abs())
        pivot = candidates.argmax(-1, keepdim=True)
        # The rows `step` and `pivot` change places: a product with a matrix of zeros and ones, as its gradient is.
        order = torch.where(rows == step, pivot, torch.where(rows == pivot, step, rows))
        exchange = (order.unsqueeze(-1) == rows).to(left.dtype)
        left, right = exchange @ left, exchange @ right
        divisor = left[..., step : step + 1, step : step + 1]
        own, own_right = left[..., step : step + 1, :] / divisor, right[..., step : step + 1, :] / divisor
        factor = torch.where(rows == step, 0.0, left[..., step]).unsqueeze(-1)
        here = (rows == step).unsqueeze(-1)
        left = torch.where(here, own, left - factor * own)
        right = torch.where(here, own_right, right - factor * own_right)
    return right
