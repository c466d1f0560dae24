"""The analytical decision for products of a few rows: B is read in place, or in panels where it can be packed once."""

from __future__ import annotations

from typing import Literal, TypeAlias

from ..bindings import ir
from ..kernels.decision import RowsSchedule, SkinnySchedule
from ..kernels.weight_emit import WEIGHTS_ATTRIBUTE
from .values import defining_op

Multiply: TypeAlias = Literal["exact", "finite", "ieee"]

BYTES_AHEAD = 8192
"""What is on its way from memory at one time, in all the columns of a tile."""
LEAST_BYTES_AHEAD = 512
MOST_COLUMNS = 4
"""Columns at a time, each with a pointer to what is read and one to what is prefetched."""
MOST_ROWS = 8
"""Rows at a time."""
ROWS_K_UNROLL = 4
FEW_VECTORS = 1
"""Vectors of a row of C up to which a turn takes twice as many steps."""
ROWS_BLOCK_BYTES = (1024, 8192)
"""Least and greatest width of a block of columns: a stream long enough, C in the first-level cache."""
LINE_BITS = 512
_FINITE_REGISTERS = 10
"""What L-Mul under "finite" holds beside sums and columns: five constants, what it computes."""
_WORDS_REGISTERS = 8
"""What decoding narrow weights by the register holds: masks and words."""


_PACKED_FROM: dict[Multiply, int] = {"exact": 4, "finite": 1, "ieee": 4}
"""From so many rows on parameters are packed."""


_SHORT_DEPTH = 2
"""Vectors of depth up to which a product of some rows is better packed."""
_PACKED_SHORT_FROM = 4
_PACKED_FINITE_FROM = 6


def wants_panels(rows: int, multiply: Multiply) -> bool:
    """Return whether a product of so many rows should read B, if a parameter, as panels packed ahead of all calls.

    In panels columns lie side by side: a vector of B serves all rows of A with a broadcast each, where in place each
    vector of B meets one of A for every row, which must come from the cache too, and the lanes are summed at the end.
    One row or two or three hide all that behind memory, and a second copy of the weights would be a waste. For L-Mul
    under `finite` panels hold what is added: nothing of its preparation is left to the loop.
    """
    return rows >= _PACKED_FROM[multiply]


def wants_packing(rows: int, depth: int | None, multiply: Multiply, lanes: int) -> bool:
    """Return whether a product of so many rows should pack a B whose columns it would else read in place.

    In place the lanes of each sum are added up at the end, which a short depth does not pay for, and L-Mul under
    `finite` prepares every vector of B again for each tile of rows.
    """
    short = depth is not None and depth <= _SHORT_DEPTH * lanes
    return (rows >= _PACKED_SHORT_FROM and short) or (rows >= _PACKED_FINITE_FROM and multiply == "finite")


def decide_columns(
    rows: int, bits: int, vector_bits: int, registers: int, weights: str | None, multiply: Multiply
) -> SkinnySchedule:
    """Return the tiling for B stored column after column.

    The accumulators and a vector of each column fill the registers. What a multiply holds itself is left out: a vector
    of A where it is exact; where it is L-Mul, which B in place leaves to the loop under either policy, also masks,
    bounds and intermediate values. `weights` is the format of B if it is narrow.
    """
    free = max(2, registers - {"exact": 2, "finite": _FINITE_REGISTERS, "ieee": registers // 2 + 2}[multiply])
    if weights is not None:
        free = max(1, free - _WORDS_REGISTERS)
    # A step is a line of the cache: of short vectors several, which are loaded ahead of their products.
    shortened = max(2, free - 2 * (LINE_BITS // vector_bits - 1)) if vector_bits < LINE_BITS else free
    tile_rows = min(rows, 8, max(1, shortened // 2))
    columns = max(1, min(MOST_COLUMNS, shortened // (tile_rows + 1)))
    if multiply == "exact" and weights is None and columns == 1 and rows > 1:
        # One column at a time loads nearly a vector for each product: fewer rows at a time, of more columns, load less.
        sizes = _tiles(rows, registers - 1)
        tile_rows, columns = min(sizes, key=lambda size: -(-rows // size[0]) * sum(size) / size[1])
    free = shortened
    if multiply == "finite":
        # A vector that is loaded is brought into its range, too: a square tile loads the fewest for its products.
        sizes = _tiles(rows, free)
        tile_rows, columns = max(sizes, key=lambda size: size[0] * size[1] / sum(size), default=(1, 1))
    ahead = max(LEAST_BYTES_AHEAD, BYTES_AHEAD // columns)
    return SkinnySchedule(tile_rows, columns, vector_bits // bits, ahead)


def _tiles(rows: int, most: int) -> list[tuple[int, int]]:
    """Return the tiles, rows and columns, whose sums and a vector of each column take at most so many registers."""
    return [(r, c) for r in range(1, min(rows, 8) + 1) for c in range(1, MOST_COLUMNS + 1) if c * (r + 1) <= most]


def decide_rows(rows: int, columns: int | None, bits: int, vector_bits: int) -> RowsSchedule:
    """Return the tiling for B, of so many columns or any, stored row after row: an even number of blocks, if there are.

    Two threads then share them equally.
    """
    vector = vector_bits // bits
    least, most = (size * 8 // bits for size in ROWS_BLOCK_BYTES)
    width = most
    if columns:
        pairs = -(-columns // (2 * most))
        width = max(least, -(-columns // (2 * pairs * vector)) * vector)
    # Tiles of about equal height: the last one, of few rows, would load as much of B as the others.
    height = -(-rows // -(-rows // MOST_ROWS))
    # Each turn adds to what the last one stored, and little else is there to do until that can be loaded again.
    waits = columns is not None and columns <= FEW_VECTORS * vector and height < MOST_ROWS
    steps = 2 * ROWS_K_UNROLL if waits else ROWS_K_UNROLL
    return RowsSchedule(height, -(-width // vector) * vector, vector, steps)


def weight_format(matrix: ir.Value) -> str | None:
    """Return the format of the codes that a tensor is decoded from; None where it is not."""
    op = defining_op(matrix)
    return op.attributes[WEIGHTS_ATTRIBUTE].value if op is not None and WEIGHTS_ATTRIBUTE in op.attributes else None
