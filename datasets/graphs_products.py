"""Matrix products as linear layers compute them: the rows of `x` times the rows of a weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .graph import Graph, Sizes, number

if TYPE_CHECKING:
    from .graph import Built


def product(rows: int, depth: int, columns: int) -> Graph:
    """Return `x @ weight.T`: x [rows, depth], weight (a parameter) [columns, depth] -> [rows, columns], all f32."""
    return Graph(
        name=f"matmul-{rows}x{depth}x{columns}",
        family="product",
        what=f"x [{rows}, {depth}] times a weight [{columns}, {depth}] transposed",
        build=lambda: _build(rows, depth, columns),
        flops=2 * rows * depth * columns,
        bytes=4 * (rows * depth + columns * depth + rows * columns),
        tolerance=1e-5,
        workload="matmul",
        sizes={"rows": rows, "depth": depth, "columns": columns},
        # Few rows are computed by other kernels than many.
        small_sizes={"rows": min(rows, 32), "depth": min(depth, 72), "columns": min(columns, 80)},
        make=_sized,
        tags=("linear",),
        source="x W^T",
    )


def _sized(sizes: Sizes) -> Graph:
    return product(number(sizes, "rows"), number(sizes, "depth"), number(sizes, "columns"))


def _build(rows: int, depth: int, columns: int) -> Built:
    import torch

    torch.manual_seed(0)
    module = torch.nn.Linear(depth, columns, bias=False).eval()
    return module, (torch.randn(rows, depth),)


PRODUCTS: tuple[Graph, ...] = (
    product(128, 768, 768),
    product(128, 768, 3072),
    product(512, 512, 512),
    product(1024, 1024, 1024),
    product(1, 2048, 2048),
    product(8, 2048, 8192),
)
