"""Decide how each contraction is tiled: the analytical heuristic."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from ..bindings import ir
from ..errors import ArgumentError
from ..kernels.decision import (
    DECISION_ATTRIBUTE,
    MAX_BLOCK_ELEMENTS,
    MAX_PANEL_ELEMENTS,
    ContractionSchedule,
    RowsSchedule,
    SkinnySchedule,
    write_decision,
)
from .base import Pass, PassContext, option
from .contraction_dims import CONTRACTIONS, is_permuted
from .parameter_values import parameter_values
from .product_facts import multiply_kind as multiply_kind
from .product_facts import product_of
from .schedule_few_rows import Multiply, decide_columns, decide_rows, wants_packing, wants_panels, weight_format
from .vector_registers import check_vector_registers

MANY_REGISTERS = 32
"""From so many vector registers on, as AVX-512 and NEON have them, tiles are wider."""
MASKED_BITS = 512
"""Vectors of this width, those of AVX-512, have registers for masks."""
MOST_DEPTH = 1024
"""The longest block of the depth: in a longer one, loading and storing the sums costs hardly less."""
FEW_TILES = 2
FEW_TILES_DEPTH = 256
"""The longest where so few row tiles share a block of the panel: they wait for memory, not for sums, and what they
prefetch, the next block, is then a few pages ahead."""
PACKED_ROWS = 256
PACKED_ROWS_DEPTH = 128
"""Of a product of at most so many rows, the longest where rows of B are packed in the call. Pieces of them lie far
apart, often a page: of more than these the translations of addresses, and the sets of the second-level cache, run out
before what was fetched ahead is packed. With more rows packing counts for little."""
DEPTH_STEP = 16
LEAST_DEPTH = 256
"""What a block of A has at least, and a block of a depth that is not known."""
LEAST_TILES = 8
"""Row tiles that a block of rows has at least where threads share blocks out: a panel is read once for so many."""
SHARE_MARGIN = 1.04
"""How much more than the shortest possible the longest share of a thread may be, if that takes fewer blocks."""
K_UNROLL = 4
"""Steps of k in a turn of the inner loop: few prefetches and little loop control for each multiply.

Half as many where a multiply is two instructions, but for AVX-512 with few row tiles: of more, LLVM computes some ahead
and runs out of registers.
"""
LOW_WIDE, LOW_ROWS = 4, 6
"""A tile so many vectors wide fits AVX-512's registers up to so many rows. Three vectors of so few rows would leave a
third of them empty, and meet fewer multiplies with each broadcast of A."""
BROADCAST_SHARE = 1 / 4
"""What loading a row's element of A costs beside its multiply-adds with one vector of B."""
CACHE_LINE_BYTES = 64


@dataclass(frozen=True)
class ScheduleContractions(Pass):
    """Write a tiling decision on every `linalg.matmul` and `linalg.batch_matmul` of f32 or f64 without broadcasts.

    The register tile fills the vector registers but for one row of B and one broadcast of A (Goto and van de Geijn); a
    block of a panel of B, which is read from L2, takes an eighth of it, or half as much again as L1 if that is more; a
    block of A takes half of L2, as deep as makes the traffic beyond it least; where several threads read panels that
    were packed ahead, fewer rows, so that they get equal shares. An A whose rows lie at places known while
    compiling is read in place; else, and where L-Mul prepares it, it is packed. Where the size of the result is known,
    a narrower or lower tile is taken if that leaves no ragged panel or less of the last tile empty; a low one of panels
    that are ready is wider. A product of at most `skinny-rows` rows reads B in place: column after column (kind
    "skinny") or row after row (kind "rows"), as it is stored; but parameters in the panels of a packed kernel, from
    four rows on or for L-Mul under `finite`, and what has its columns stored is packed where the depth is short, or for
    several rows of L-Mul under `finite`. A decision that is there already is left alone.
    """

    name: ClassVar[str] = "schedule-contractions"
    vector_bits: int = option(256, "width of a vector register, in bits")
    vector_registers: int = option(16, "number of vector registers")
    l1_bytes: int = option(32 << 10, "size of the first-level data cache, in bytes")
    l2_bytes: int = option(512 << 10, "size of the second-level cache, in bytes")
    skinny_rows: int = option(16, "rows up to which B is read in place; 0: never")
    pack_few_rows: bool = option(True, "so few rows, too, read parameters from panels where that is faster")
    threads: int = option(1, "threads that share a product")

    def __post_init__(self) -> None:
        check_vector_registers(self.vector_bits, self.vector_registers)
        if self.skinny_rows < 0:
            raise ArgumentError(f"skinny-rows: expected at least 0, found {self.skinny_rows}")
        for name in ("l1_bytes", "l2_bytes", "threads"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"{name.replace('_', '-')}: expected at least 1, found {getattr(self, name)}")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Decide for each contraction under `op`."""
        parameters = parameter_values(op)
        op.walk(lambda inner: self._visit(inner, parameters, ctx))

    def _visit(self, op: ir.Operation, parameters: set[ir.Value], ctx: PassContext) -> ir.WalkResult:
        if op.name in CONTRACTIONS and DECISION_ATTRIBUTE not in op.attributes:
            elements = {str(ir.ShapedType(operand.type).element_type) for operand in op.operands}
            if elements in ({"f32"}, {"f64"}) and is_permuted(op):
                product = product_of(op)
                rows = product.rows
                is_few = rows is not None and 0 < rows <= self.skinny_rows
                is_weight = self.pack_few_rows and op.operands[1] in parameters
                packs = rows is not None and is_weight and wants_panels(rows, product.multiply)
                # Parameters that are not to be packed, and codes, are read where they lie.
                is_computed = op.operands[1] not in parameters and weight_format(op.operands[1]) is None
                if rows is not None and is_computed and product.reads_columns:
                    packs = wants_packing(rows, product.depth, product.multiply, self.vector_bits // product.bits)
                if rows is not None and is_few and not packs:
                    write_decision(op, self.decide_few(op, rows, product.columns, product.bits))
                else:
                    in_call = op.name == "linalg.matmul" and not is_weight and not product.reads_columns
                    write_decision(op, self.decide_packed(op, packs_rows=in_call, in_panels=is_weight))
                ctx.count("contractions scheduled")
        return ir.WalkResult.ADVANCE

    def decide_few(self, op: ir.Operation, rows: int, columns: int | None, bits: int) -> SkinnySchedule | RowsSchedule:
        """Return the tiling of a product of a few rows."""
        if not product_of(op).reads_columns:
            return decide_rows(rows, columns, bits, self.vector_bits)
        weights = weight_format(op.operands[1])
        return decide_columns(rows, bits, self.vector_bits, self.vector_registers, weights, multiply_kind(op))

    def decide_packed(
        self, op: ir.Operation, *, packs_rows: bool = False, in_panels: bool = False
    ) -> ContractionSchedule:
        """Return the tiling of a product whose B is packed, or a parameter in panels.

        `packs_rows` says that each call packs a B whose rows are contiguous, `in_panels` that no call packs B.
        """
        product = product_of(op)
        pack_left = product.multiply == "finite" or not product.reads_known_rows
        few = packs_rows and product.rows is not None and product.rows <= PACKED_ROWS
        most_depth = PACKED_ROWS_DEPTH if few else MOST_DEPTH
        sizes = (product.columns, product.bits, product.multiply, product.rows, product.depth)
        return self.decide(*sizes, pack_left=pack_left, most_depth=most_depth, in_panels=in_panels)

    def decide(
        self,
        columns: int | None,
        bits: int,
        multiply: Multiply,
        rows: int | None = None,
        depth: int | None = None,
        *,
        pack_left: bool = True,
        most_depth: int = MOST_DEPTH,
        in_panels: bool = False,
    ) -> ContractionSchedule:
        """Return the tiling for elements of `bits` bits, a result of so many rows and columns, a depth; None: of any.

        L-Mul that expands in the loop needs registers of its own. `pack_left` says whether A is packed, `most_depth`
        how long a block of the depth is at most, `in_panels` that B is panels already.
        """
        vector = self.vector_bits // bits
        many = self.vector_registers >= MANY_REGISTERS
        expands_in_loop = multiply == "ieee"
        # A multiply that is not one instruction needs a register for what it computes.
        widest = 3 if multiply == "exact" or (many and not expands_in_loop) else 2
        is_low = rows is not None and _rows_without_waste(rows, 8) <= LOW_ROWS
        if is_low and in_panels and multiply == "exact" and self.vector_bits == MASKED_BITS:
            widest = LOW_WIDE
        vectors_wide = _vectors_wide(columns, vector, widest)
        free = self.vector_registers - vectors_wide - 1
        # The integer sequence of one multiply and its constants hold about twice as many values as there are sums, more
        # where comparisons fill vectors and not masks. In 16 registers not even the constants find room; there a
        # smaller tile would save nothing.
        share = (3 if self.vector_bits == MASKED_BITS else 6) if many else 2
        tile_rows = max(1, (free // share if expands_in_loop else free) // vectors_wide)
        tile_rows = _rows_without_waste(rows, min(tile_rows, 8))
        schedule = self.with_tile(
            tile_rows, vectors_wide, bits, multiply, rows, depth, pack_left=pack_left, most_depth=most_depth
        )
        if self.threads > 1 and in_panels and not pack_left and rows and columns:
            return self.shared_out(schedule, rows, columns, bits)
        return schedule

    def shared_out(self, schedule: ContractionSchedule, rows: int, columns: int, bits: int) -> ContractionSchedule:
        """Return `schedule` with blocks of rows that threads can share out evenly: the panels of all blocks are shared.

        Where panels alone do not divide by the threads, panels of more and lower blocks do better. No lower ones are
        taken than pay: each block reads all panels, and of many threads these reads add up.
        """
        s = schedule
        tiles, panels = -(-rows // s.tile_rows), -(-columns // s.tile_columns)
        least = -(-rows // s.m_block)
        counts = range(least, max(least, tiles // LEAST_TILES) + 1)
        shares = [-(-blocks * panels // self.threads) * -(-tiles // blocks) for blocks in counts]
        enough = min(shares) * SHARE_MARGIN
        blocks = next(blocks for blocks, share in zip(counts, shares, strict=True) if share <= enough)
        m_block = -(-tiles // blocks) * s.tile_rows
        bytes_a_turn = s.k_unroll * s.tile_columns * bits // 8
        prefetch = lines_to_prefetch(min(rows, m_block), s.tile_rows, bytes_a_turn)
        return replace(s, m_block=m_block, prefetch=prefetch)

    def with_tile(
        self,
        tile_rows: int,
        vectors_wide: int,
        bits: int,
        multiply: Multiply,
        rows: int | None = None,
        depth: int | None = None,
        *,
        pack_left: bool = True,
        most_depth: int = MOST_DEPTH,
    ) -> ContractionSchedule:
        """Return the tiling with a register tile of so many rows and vectors, blocks and prefetches to go with it."""
        vector = self.vector_bits // bits
        width = vectors_wide * vector
        panel = min(max(self.l1_bytes * 3 // 2, self.l2_bytes // 8) * 8 // bits, MAX_PANEL_ELEMENTS)
        block = min(self.l2_bytes // 2 * 8 // bits, MAX_BLOCK_ELEMENTS)
        has_few_tiles = rows is not None and rows <= FEW_TILES * tile_rows
        most_depth = min(panel // width, FEW_TILES_DEPTH if has_few_tiles else most_depth)
        k_block, pack_depth = _depths(rows, depth, most_depth, block)
        m_block = max(tile_rows, _round_down(block // pack_depth, tile_rows))
        if rows:
            # Blocks of about equal height: in a low one few row tiles share the prefetching of B out.
            m_block = -(-rows // (-(-rows // m_block) * tile_rows)) * tile_rows
        finite_unroll = K_UNROLL if has_few_tiles and self.vector_bits == MASKED_BITS else K_UNROLL // 2
        k_unroll = {"exact": K_UNROLL, "finite": finite_unroll, "ieee": 1}[multiply]
        prefetch = lines_to_prefetch(rows and min(rows, m_block), tile_rows, k_unroll * width * bits // 8)
        return ContractionSchedule(
            tile_rows, width, k_block, m_block, vector, pack_depth, k_unroll, prefetch, pack_left
        )


def _depths(rows: int | None, depth: int | None, most: int, block: int) -> tuple[int, int]:
    """Return how deep a block of a panel is, at most `most`, and a block of A, of `block` elements at most.

    B is read once for each block of rows, C is read and written once for each block of the depth: of blocks of A of
    equal depth those are taken for which this is the least.
    """
    most = max(DEPTH_STEP, _round_down(most, DEPTH_STEP))
    if depth is None:
        return min(LEAST_DEPTH, most), min(LEAST_DEPTH, most)
    depth = max(1, depth)

    def traffic(parts: int) -> int:
        height, count = max(1, block // -(-depth // parts)), rows or 1
        return -(-count // height) * depth + 2 * count * parts

    parts = -(-depth // most) if rows is None else min(range(1, -(-depth // LEAST_DEPTH) + 1), key=traffic)
    blocks = -(-depth // (parts * most))
    k_block = -(-depth // (parts * blocks * DEPTH_STEP)) * DEPTH_STEP
    return k_block, k_block * blocks


def _rows_without_waste(rows: int | None, most: int) -> int:
    """Return how many rows the register tile has: the most, or a few less where the last tile would be mostly empty."""
    if rows is None:
        return most
    most = max(1, min(most, rows))
    # A turn of a tile costs its rows and about one more, for the loads of B.
    return min(range(most, most // 2, -1), key=lambda count: -(-rows // count) * (count + 1))


def lines_to_prefetch(rows: int | None, tile_rows: int, bytes_a_turn: int) -> int:
    """Return how many lines of the next panel a turn of the inner loop fetches, so that all row tiles fetch enough."""
    if rows is None:
        return 1
    tiles = max(1, -(-rows // tile_rows))
    return max(1, math.ceil(bytes_a_turn / CACHE_LINE_BYTES / tiles))


def _vectors_wide(columns: int | None, vector: int, most: int) -> int:
    """Return how many vectors wide the register tile is: the widest, unless a narrower one leaves less of it empty."""
    if columns is None:
        return most
    # A step of k costs the vectors of the tile and a share of one more, for the broadcasts of A.
    return min(range(most, 0, -1), key=lambda wide: -(-columns // (wide * vector)) * (wide + BROADCAST_SHARE))


def _round_down(value: int, multiple: int) -> int:
    return value // multiple * multiple
