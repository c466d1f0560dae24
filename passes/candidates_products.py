"""The candidates of matrix products: register tiles that fit, steps of k, blocks, prefetches, packing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..kernels.decision import ContractionSchedule, RowsSchedule, SkinnySchedule
from ..target import Target
from .product_facts import Product
from .schedule_contractions import ScheduleContractions, lines_to_prefetch

MOST_ROWS = 14
"""Rows of the highest tile."""
MOST_WIDE = 4
"""Vectors of the widest tile."""
_STEPS = (1, 2, 4, 8)


def packed_candidates(
    product: Product, now: ContractionSchedule, analytical: ScheduleContractions, *, beyond: bool = False
) -> Iterator[ContractionSchedule]:
    """Yield tilings of a packed kernel; with `beyond` also those that need up to half as many registers again."""
    registers = analytical.vector_registers
    for rows, wide in packed_tiles(product, registers, registers * 3 // 2 if beyond else registers):
        tiled = analytical.with_tile(
            rows, wide, product.bits, product.multiply, product.rows, product.depth, pack_left=now.pack_left
        )
        for steps in dict.fromkeys((now.k_unroll, max(1, now.k_unroll // 2), 2 * now.k_unroll)):
            yield with_steps(tiled, steps, product)
    yield from variations(product, now)


def packed_tiles(product: Product, registers: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield the rows and the vectors of tiles whose sums, row of B and broadcast of A take at most `most` registers.

    Tiles that leave most of them empty are left out, unless L-Mul's own values need the room or the product is low.
    """
    highest = min(MOST_ROWS, product.rows or MOST_ROWS)
    least = registers // (3 if product.multiply == "exact" else 8)
    for wide in range(1, MOST_WIDE + 1):
        for rows in range(1, highest + 1):
            fills = rows * wide >= least or rows == highest
            if rows * wide + wide + 1 <= most and fills and (wide - 1) * 64 <= (product.columns or 64 * wide):
                yield rows, wide


def with_steps(schedule: ContractionSchedule, steps: int, product: Product) -> ContractionSchedule:
    """Return the tiling with so many steps of k in a turn, and the prefetches that go with them."""
    height = product.rows and min(product.rows, schedule.m_block)
    bytes_a_turn = steps * schedule.tile_columns * product.bits // 8
    return replace(schedule, k_unroll=steps, prefetch=lines_to_prefetch(height, schedule.tile_rows, bytes_a_turn))


def variations(product: Product, now: ContractionSchedule) -> Iterator[ContractionSchedule]:
    """Yield the present tiling with one of its other sizes changed."""
    for prefetch in dict.fromkeys((0, max(1, now.prefetch // 2), 2 * now.prefetch, 4 * now.prefetch)):
        yield from _legal(now, prefetch=min(prefetch, 64))
    for k_block in (now.k_block // 2, 2 * now.k_block):
        if k_block >= 16 and k_block < 2 * (product.depth or 2 * now.k_block):
            yield from _legal(now, k_block=k_block, pack_depth=-(-now.a_depth // k_block) * k_block)
    for m_block in (now.m_block // 2, 2 * now.m_block):
        height = -(-m_block // now.tile_rows) * now.tile_rows
        if m_block >= now.tile_rows and m_block < 2 * (product.rows or 2 * m_block):
            yield from _legal(now, m_block=height)
    if product.reads_known_rows and product.multiply != "finite":
        yield from _legal(now, pack_left=not now.pack_left)


def few_rows_candidates(
    product: Product, now: SkinnySchedule | RowsSchedule, target: Target
) -> Iterator[SkinnySchedule | RowsSchedule]:
    """Yield tilings of a kernel that reads B in place."""
    rows = product.rows or 1
    heights = sorted({size for size in (1, 2, 3, 4, 6, 8, rows, -(-rows // 2)) if size <= min(rows, 8)})
    if isinstance(now, SkinnySchedule):
        for height in heights:
            for columns in (1, 2, 3, 4, 6, 8):
                if height * columns + columns + 1 <= target.vector_registers:
                    yield from _legal(now, tile_rows=height, tile_columns=columns)
        for prefetch in (0, 512, 1024, 2048, 4096, 8192):
            yield from _legal(now, prefetch=prefetch)
        return
    for height in heights:
        for steps in _STEPS:
            if height * steps + 2 <= 2 * target.vector_registers:
                yield from _legal(now, tile_rows=height, k_unroll=steps)
    for columns in (now.tile_columns // 2, 2 * now.tile_columns):
        yield from _legal(now, tile_columns=max(now.vector_length, columns // now.vector_length * now.vector_length))


def _legal(schedule: Any, **changes: Any) -> Iterator[Any]:
    try:
        yield replace(schedule, **changes)
    except ValueError:
        return
