"""The packed matrix product: two functions of scheduled MLIR for any size and any strides.

The shape of the loops, from outside in (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication"):

    rows in blocks of m_block
      depth in blocks of pack_depth
        pack the block of A as tiles [row tile][k][tile rows]           (once a block, parallel over row tiles)
        panels of tile columns                                          (parallel; a call of the panel's function)
          depth in blocks of k_block
            pack the block of the panel of B as [k][tile columns]       (stays in L1)
            row tiles
              one loop over k that carries the register tile of accumulators

A whose rows are contiguous and a known distance apart need not be packed: the inner loop reads a column of a tile by
one pointer and constant offsets, and what packing would cost, reading A from beyond the caches before anything is
multiplied, is spread over the first panel. Blocks of the panel are long, so that C is loaded and stored seldom: that B
then comes from the second-level cache is hidden. Several threads then share out the panels of all blocks of rows in one
loop, inside the one over the depth: they meet once, and each has the same number of panels, or one more or less, of all
there are. A thread's share is consecutive panels of one block of rows, or a few: its own cache holds the block.

Ragged edges are padded while packing and a ragged tile reads and writes C by masks, so the inner loop has no tail.
Strides are free: a transposed operand is read in place while it is packed. The panel is a function so that its buffers
live on the stack of the thread that runs it.

For L-Mul under the policy `finite`, clamp, truncation and offset are folded into packing, and the inner loop holds one
integer and one floating-point addition a multiply. Under `ieee` the inner loop keeps its fused multiply-add, marked for
the pass `lmul`, which expands it last.

B may be weights in a narrow format: the panel is decoded while it is packed, so that the f32 matrix is never made. Or
it is weights packed ahead of all calls (`kernels/panels.py`): panels are read in place, and while one is multiplied the
next is prefetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..bindings import arith, func, ir, memref, vector
from .contraction_packing import Packing
from .contraction_panel import emit_panel
from .decision import ContractionSchedule
from .epilogue import Epilogue
from .lmul import LMul
from .matrices import Contiguous, row_major, strided_matrix_type
from .structured import branch, equal, index, loop, parallel_loop, transposed


def emit_contraction(
    body: ir.Block,
    name: str,
    element: ir.Type,
    schedule: ContractionSchedule,
    *,
    lmul: LMul | None = None,
    mark: ir.Attribute | None = None,
    parallel: bool = False,
    weights: str | None = None,
    overwrite: bool = False,
    by_blocks: bool = False,
    epilogue: Epilogue | None = None,
    row_stride: int | None = None,
    contiguous: Contiguous | None = None,
) -> func.FuncOp:
    """Append `func @name(A[M, K], B[K, N], C[M, N])`, computing C += A · B, to a module's body and return it.

    `element` is f32 or f64; A and B have any strides, C has unit column stride. `mark` is the attribute
    `slipstick.lmul` to put on the inner multiply-add when `lmul` has the policy `ieee`. With `parallel`, packing of A
    and the panels of B are `scf.parallel` loops. With `weights`, "lm8" or "bf16", `element` is f32 and B is codes of
    that format (i8 or bf16); lm8 has a last argument `memref<?xi32>`, the exponent bias of each column. With "panels",
    B is panels, `memref<?x?xWIDTHxT>`; of another B `contiguous` says which lines have no gaps, if any. An A that is
    read in place has unit column stride, and `row_stride` if that is known. With `overwrite`, C = A · B: what C held
    plays no part, and K is at least 1. With `by_blocks`, for exact products, each block of the depth is summed by
    itself. With `epilogue`, whose operands are the last arguments, that is done to each element of the sum; K is at
    least 1. A second function, `@name_panel`,
    is appended before it.
    """
    packing = Packing(element, schedule, lmul, weights, row_stride, contiguous)
    panel = emit_panel(
        body, f"{name}_panel", packing, mark, overwrite=overwrite, by_blocks=by_blocks, epilogue=epilogue
    )
    with ir.InsertionPoint(body), ir.Location.name(name):
        inputs = [
            strided_matrix_type(element) if schedule.pack_left else packing.rows_type,
            packing.b_type,
            strided_matrix_type(element, unit_columns=True),
            *packing.bias_types,
            *(epilogue.types(element) if epilogue is not None else []),
        ]
        function = func.FuncOp(name, (inputs, []), visibility="private")
        entry = function.add_entry_block()
    with ir.InsertionPoint(entry), ir.Location.name(name):
        _emit_blocks(packing, panel, parallel, *entry.arguments)
        func.ReturnOp([])
    return function


def _emit_blocks(
    packing: Packing, panel: func.FuncOp, parallel: bool, a: ir.Value, b: ir.Value, c: ir.Value, *others: ir.Value
) -> None:
    """Emit the loops over blocks of rows and depth, the packing of A and the calls of the panel."""
    s = packing.schedule
    rows_of_a, depth_of_a, columns = (memref.dim(v, index(d)) for v, d in ((a, 0), (a, 1), (c, 1)))
    if parallel and not s.pack_left:
        _emit_shared_blocks(packing, panel, (rows_of_a, depth_of_a, columns), a, b, c, *others)
        return
    block = memref.alloc(packing.rows_type, [], [], alignment=64) if s.pack_left else a
    for row in loop(index(0), rows_of_a, s.m_block):
        rows = arith.minsi(arith.subi(rows_of_a, row), index(s.m_block))
        row_tiles = arith.ceildivsi(rows, index(s.tile_rows))
        for depth in loop(index(0), depth_of_a, s.a_depth):
            depths = arith.minsi(arith.subi(depth_of_a, depth), index(s.a_depth))
            if s.pack_left:
                for tile in parallel_loop(row_tiles) if parallel else loop(index(0), row_tiles):
                    _emit_pack_rows(packing, block, tile, a, row, depth, depths)
            panels = arith.ceildivsi(columns, index(s.tile_columns))
            for number in parallel_loop(panels) if parallel else loop(index(0), panels):
                column = arith.muli(number, index(s.tile_columns))
                func.CallOp(panel, [block, b, c, row, row_tiles, depth, depths, column, *others])
    if s.pack_left:
        memref.dealloc(block)


def _emit_shared_blocks(
    packing: Packing,
    panel: func.FuncOp,
    sizes: tuple[ir.Value, ir.Value, ir.Value],
    a: ir.Value,
    b: ir.Value,
    c: ir.Value,
    *others: ir.Value,
) -> None:
    """Emit the loop over blocks of the depth and in it a parallel one over the panels of all blocks of rows.

    `sizes` are the rows and the depth of A, and the columns of C.
    """
    s = packing.schedule
    rows_of_a, depth_of_a, columns = sizes
    panels = arith.ceildivsi(columns, index(s.tile_columns))
    blocks = arith.ceildivsi(rows_of_a, index(s.m_block))
    for depth in loop(index(0), depth_of_a, s.a_depth):
        depths = arith.minsi(arith.subi(depth_of_a, depth), index(s.a_depth))
        for number in parallel_loop(arith.muli(blocks, panels)):
            row = arith.muli(arith.divui(number, panels), index(s.m_block))
            column = arith.muli(arith.remui(number, panels), index(s.tile_columns))
            rows = arith.minsi(arith.subi(rows_of_a, row), index(s.m_block))
            row_tiles = arith.ceildivsi(rows, index(s.tile_rows))
            func.CallOp(panel, [a, b, c, row, row_tiles, depth, depths, column, *others])


def _emit_pack_rows(
    packing: Packing, packed_a: ir.Value, tile: ir.Value, a: ir.Value, row: ir.Value, depth: ir.Value, depths: ir.Value
) -> None:
    """Pack one tile of rows of A as [k][row], rows beyond the matrix as copies of the first."""
    count = packing.schedule.tile_rows
    first = arith.addi(row, arith.muli(tile, index(count)))
    # A padding row reads row 0 instead of branching in the loop; its products never reach C.
    sources = [arith.addi(first, index(i)) for i in range(count)]
    rows_of_a = memref.dim(a, index(0))
    sources = [
        arith.select(arith.cmpi(arith.CmpIPredicate.slt, source, rows_of_a), source, index(0)) for source in sources
    ]
    elements = partial(_emit_pack_elements, packing, packed_a, tile, a, sources, depth, depths)
    if count < 4 or count & (count - 1):
        elements(index(0))
        return
    base, offset, m_size, k_size, m_stride, k_stride = memref.ExtractStridedMetadataOp(a).results
    squares = partial(
        _emit_pack_squares, packing, packed_a, tile, base, offset, (m_size, k_size), m_stride, sources, depth, depths
    )
    columns = partial(
        _emit_pack_columns, packing, packed_a, tile, base, offset, (k_size, m_size), k_stride, first, depth, depths
    )
    inside = arith.cmpi(arith.CmpIPredicate.sle, arith.addi(first, index(count)), rows_of_a)
    branch(
        equal(k_stride, 1),
        [],
        lambda: elements(squares()),
        lambda: branch(arith.andi(equal(m_stride, 1), inside), [], columns, lambda: elements(index(0))),
    )


def _emit_pack_elements(
    packing: Packing,
    packed_a: ir.Value,
    tile: ir.Value,
    a: ir.Value,
    sources: Sequence[ir.Value],
    depth: ir.Value,
    depths: ir.Value,
    start: ir.Value,
) -> None:
    """Pack from `start` on, element by element, for any strides."""
    for i, source in enumerate(sources):
        for k in loop(start, depths):
            value = memref.load(a, [source, arith.addi(depth, k)])
            memref.store(packing.packed_left(value), packed_a, [tile, k, index(i)])


def _emit_pack_columns(
    packing: Packing,
    packed_a: ir.Value,
    tile: ir.Value,
    base: ir.Value,
    offset: ir.Value,
    sizes: tuple[ir.Value, ir.Value],
    column_stride: ir.Value,
    first: ir.Value,
    depth: ir.Value,
    depths: ir.Value,
) -> None:
    """Pack columns that are contiguous, all of the tile's rows inside A: a column of the tile is one vector."""
    matrix = row_major(packing.element, base, offset, sizes, column_stride)
    vector_type = ir.VectorType.get([packing.schedule.tile_rows], packing.element)
    for k in loop(index(0), depths):
        value = vector.load(vector_type, matrix, [arith.addi(depth, k), first])
        vector.store(packing.packed_left(value), packed_a, [tile, k, index(0)])


def _emit_pack_squares(
    packing: Packing,
    packed_a: ir.Value,
    tile: ir.Value,
    base: ir.Value,
    offset: ir.Value,
    sizes: tuple[ir.Value, ir.Value],
    row_stride: ir.Value,
    sources: Sequence[ir.Value],
    depth: ir.Value,
    depths: ir.Value,
) -> ir.Value:
    """Pack rows that are contiguous: squares are turned in registers. Return where they end; the rest is left."""
    matrix = row_major(packing.element, base, offset, sizes, row_stride)
    count = len(sources)
    vector_type = ir.VectorType.get([count], packing.element)
    whole = arith.muli(arith.divsi(depths, index(count)), index(count))
    for k in loop(index(0), whole, count):
        rows = [vector.load(vector_type, matrix, [source, arith.addi(depth, k)]) for source in sources]
        for i, value in enumerate(transposed(rows)):
            vector.store(packing.packed_left(value), packed_a, [tile, arith.addi(k, index(i)), index(0)])
    return whole
