"""One panel of the packed matrix product: pack the panel of B, multiply all row tiles of a block of A with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..bindings import arith, func, ir, memref, vector
from .contraction_epilogue import TileEpilogue
from .contraction_inner import LINE_BYTES, TO_L1, Fetch, Operand, PackedRows, Prefetch, RowsInPlace, multiply_tile
from .contraction_packing import Packing
from .contraction_prefetch import MatrixPrefetch
from .epilogue import Epilogue
from .matrices import row_major, strided_matrix_type
from .structured import branch, equal, index, loop, transposed
from .weight_emit import channel_exponents, code_bits


def emit_panel(
    body: ir.Block,
    name: str,
    packing: Packing,
    mark: ir.Attribute | None,
    *,
    overwrite: bool = False,
    by_blocks: bool = False,
    epilogue: Epilogue | None = None,
) -> func.FuncOp:
    """Append the function of one panel to a module's body and return it.

    `func @name(A, B[K, N], C[M, N], row, row tiles, depth, depths, column)` multiplies a block of A with columns
    `column` and on of B, and adds the products of the row tiles, the first at `row`, to C; with `overwrite`, what C
    held before depth 0 plays no part; with `by_blocks`, they are summed
    before C is added. A is packed for the depth `depth` to `depth + depths` or, where the schedule says
    so, the matrix A[M, K] itself. Where B is codes with exponent biases, these, one for each column, are a last
    argument. B is packed, a block of the depth at a time; where it is panels it is read in place and what follows in
    memory, the next block, is prefetched; so is the next row tile of C where it is read. With the last block of the
    depth the `epilogue` is done, whose operands are the very last arguments.
    """
    size = ir.IndexType.get(body.owner.context)
    with ir.InsertionPoint(body), ir.Location.name(name):
        result = strided_matrix_type(packing.element, unit_columns=True)
        inputs = [packing.rows_type, packing.b_type, result, *[size] * 5, *packing.bias_types]
        inputs += epilogue.types(packing.element) if epilogue is not None else []
        function = func.FuncOp(name, (inputs, []), visibility="private")
        entry = function.add_entry_block()
    with ir.InsertionPoint(entry), ir.Location.name(name):
        _Panel(packing, mark, overwrite, by_blocks, epilogue, *entry.arguments).emit()
        func.ReturnOp([])
    return function


class _Panel:
    """Emits the body of a panel's function at the current insertion point."""

    def __init__(
        self,
        packing: Packing,
        mark: ir.Attribute | None,
        overwrite: bool,
        by_blocks: bool,
        epilogue: Epilogue | None,
        a: ir.Value,
        b: ir.Value,
        c: ir.Value,
        row: ir.Value,
        row_tiles: ir.Value,
        depth: ir.Value,
        depths: ir.Value,
        column: ir.Value,
        *others: ir.Value,
    ):
        self.packing, self.schedule, self.mark, self.overwrite = packing, packing.schedule, mark, overwrite
        self.by_blocks = by_blocks
        self.a, self.b, self.c = a, b, c
        self.row, self.row_tiles, self.depth, self.depths, self.column = row, row_tiles, depth, depths, column
        self.biases = others[0] if packing.bias_types else None
        operands = others[len(packing.bias_types) :]
        self.epilogue = None if epilogue is None else TileEpilogue(packing, epilogue, operands)
        self.columns = arith.minsi(arith.subi(memref.dim(c, index(1)), column), index(self.schedule.tile_columns))

    def emit(self) -> None:
        """Emit the blocks of the depth; the panel's part of C stays in the cache from one to the next."""
        s = self.schedule
        if not self.packing.is_ready:
            self.packed_b = memref.alloca(self.packing.panel_type, [], [], alignment=64)
        first, end = self.depth, arith.addi(self.depth, self.depths)
        for block in loop(first, end, s.k_block):
            self.depth = block
            self.depths = arith.minsi(arith.subi(end, block), index(s.k_block))
            depth_of_b = memref.dim(self.b, index(1 if self.packing.is_ready else 0))
            self.is_last = arith.cmpi(arith.CmpIPredicate.eq, arith.addi(block, self.depths), depth_of_b)
            self.emit_block(arith.subi(block, first), self.next_part(first, end))

    def next_part(self, first: ir.Value, end: ir.Value) -> MatrixPrefetch | None:
        """Return what fetches what is packed next: the next block of this panel, or the first one of the next."""
        packing = self.packing
        if not self.schedule.prefetch or packing.is_ready or packing.contiguous is None:
            return None
        if packing.stored != packing.element:
            return None  # Codes are few bytes; on NEON a loop with the prefetches beside runs out of registers.
        behind = arith.addi(self.depth, self.depths)
        has_more = arith.cmpi(arith.CmpIPredicate.slt, behind, end)
        depth = arith.select(has_more, behind, first)
        beside = arith.addi(self.column, index(self.schedule.tile_columns))
        column = arith.select(has_more, self.column, beside)
        return MatrixPrefetch.of_next(self.b, depth, column, packing.contiguous)

    def emit_block(self, packed_depth: ir.Value, next_part: MatrixPrefetch | None) -> None:
        """Emit one block of the depth, which begins at `packed_depth` of the packed A; fetch `next_part` beside."""
        s = self.schedule
        prefetch: Fetch | None = next_part
        if self.packing.is_ready:
            number = arith.divsi(self.column, index(s.tile_columns))
            panel = [number, self.depth]
            prefetch = Prefetch.of_next(self.packing, self.b, panel, self.depths) if s.prefetch else None
            right = self.b
        else:
            self.pack()
            panel, right = [index(0)], self.packed_b
        accumulators = [self.packing.vector] * (s.tile_rows * s.tile_columns // s.vector_length)
        for tile in loop(index(0), self.row_tiles):
            first = arith.addi(self.row, arith.muli(tile, index(s.tile_rows)))
            rows = arith.minsi(arith.subi(memref.dim(self.c, index(0)), first), index(s.tile_rows))
            full = arith.andi(equal(rows, s.tile_rows), equal(self.columns, s.tile_columns))
            self.prefetch_sums(arith.addi(first, index(s.tile_rows)))
            start = self.zero_tile() if self.by_blocks else self.start(accumulators, full, first, rows)
            product = self.product(tile, first, rows, packed_depth, Operand(right, panel), start, prefetch)
            if self.by_blocks:
                before = self.start(accumulators, full, first, rows)
                product = [arith.addf(*pair) for pair in zip(before, product, strict=True)]
            self.store(product, first, rows, full)

    def prefetch_sums(self, first: ir.Value) -> None:
        """Emit prefetches of a row tile of C, where its sums so far are to be read: they may have left the caches."""
        if not self.overwrite:
            self.prefetch_rows(first)
            return
        is_later = arith.cmpi(arith.CmpIPredicate.ne, self.depth, index(0))
        branch(is_later, [], partial(self.prefetch_rows, first), lambda: None)

    def prefetch_rows(self, first: ir.Value) -> None:
        """Emit prefetches of each line of a row tile of C, which may reach beyond C."""
        last = arith.subi(memref.dim(self.c, index(0)), index(1))
        line = max(1, LINE_BYTES * 8 // self.packing.element.width)
        width = self.schedule.tile_columns
        # From the last element back: no line is left out where a panel begins in the middle of one.
        places = [arith.minsi(index(j), arith.subi(self.columns, index(1))) for j in range(width - 1, -1, -line)]
        for i in range(self.schedule.tile_rows):
            row = arith.minsi(arith.addi(first, index(i)), last)
            for place in places:
                memref.prefetch(self.c, [row, arith.addi(self.column, place)], False, TO_L1, True)

    def product(
        self,
        tile: ir.Value,
        first: ir.Value,
        rows: ir.Value,
        packed_depth: ir.Value,
        right: Operand,
        start: list[ir.Value],
        prefetch: Fetch | None,
    ) -> list[ir.Value]:
        """Emit the products of a tile, `rows` rows from `first` on, with a block of the panel; return the sums."""
        s = self.schedule
        multiply = partial(multiply_tile, self.packing, right=right, depths=self.depths, start=start, mark=self.mark)
        whole = partial(multiply, steps=s.k_unroll, prefetch=prefetch and (prefetch, tile))
        if s.pack_left:
            return whole(PackedRows(self.a, tile, packed_depth))
        # The rows of a whole tile are equally far apart, so that one pointer serves for all.
        return branch(
            equal(rows, s.tile_rows),
            [value.type for value in start],
            lambda: whole(self.rows_in_place(first)),
            lambda: multiply(self.rows_in_place(first, rows), steps=1),
        )

    def rows_in_place(self, first: ir.Value, rows: ir.Value | None = None) -> RowsInPlace:
        """Return a tile of A; if it has only so many `rows`, the first stands for each that is missing."""
        count = self.schedule.tile_rows
        numbers = [
            index(i)
            if rows is None
            else arith.select(arith.cmpi(arith.CmpIPredicate.slt, index(i), rows), index(i), index(0))
            for i in range(count)
        ]
        return RowsInPlace(self.a, [arith.addi(first, number) for number in numbers], self.depth)

    def start(self, types: Sequence[ir.Type], full: ir.Value, first: ir.Value, rows: ir.Value) -> list[ir.Value]:
        """Emit what the accumulators of a tile begin with: what C holds, or zero."""
        loaded = partial(branch, full, types, partial(self.load_tile, first), partial(self.load_edge, first, rows))
        if not self.overwrite:
            return loaded()
        return branch(equal(self.depth, 0), types, self.zero_tile, loaded)

    def pack(self) -> None:
        """Pack the panel of B as [k][column]; columns beyond the matrix hold anything, their sums are not stored."""
        # Taken apart, so that a stride known to be one can be stated; a cast to unit stride would be folded away.
        base, offset, k_size, n_size, k_stride, n_stride = memref.ExtractStridedMetadataOp(self.b).results
        whole = equal(self.columns, self.schedule.tile_columns)
        rows = partial(self.pack_rows, base, offset, (k_size, n_size), k_stride)
        columns = partial(self.pack_columns, base, offset, (n_size, k_size), n_stride)
        by_elements = partial(
            branch, arith.andi(whole, equal(k_stride, 1)), [], columns, lambda: self.pack_elements(index(0))
        )
        if self.packing.stored != self.packing.element:
            branch(arith.andi(whole, equal(n_stride, 1)), [], rows, by_elements)
            return
        ragged = partial(branch, whole, [], rows, lambda: rows(self.columns))
        branch(equal(n_stride, 1), [], ragged, by_elements)

    def pack_rows(
        self,
        base: ir.Value,
        offset: ir.Value,
        sizes: tuple[ir.Value, ir.Value],
        row_stride: ir.Value,
        left: ir.Value | None = None,
    ) -> None:
        """Pack a B whose rows are contiguous, of which only `left` columns are read where that is given."""
        matrix = row_major(self.packing.stored, base, offset, sizes, row_stride)
        exponents = self.exponents() if left is None else [None] * len(self.vectors())
        masks = [None if left is None else self.lanes(left, j) for j in self.vectors()]
        for k in loop(index(0), self.depths):
            for j, exponent, mask in zip(self.vectors(), exponents, masks, strict=True):
                at = [arith.addi(self.depth, k), arith.addi(self.column, index(j))]
                value = (
                    vector.load(self.packing.stored_vector, matrix, at)
                    if mask is None
                    else vector.maskedload(self.packing.vector, matrix, at, mask, self.zero())
                )
                vector.store(self.packing.packed_right(value, exponent), self.packed_b, [k, index(j)])

    def lanes(self, columns: ir.Value, first: int) -> ir.Value:
        """Return which lanes of the vector at column `first` of the panel are among its first `columns`."""
        return vector.create_mask(self.packing.mask_type, [arith.maxsi(arith.subi(columns, index(first)), index(0))])

    def pack_columns(
        self, base: ir.Value, offset: ir.Value, sizes: tuple[ir.Value, ir.Value], column_stride: ir.Value
    ) -> None:
        """Pack a B whose columns are contiguous, as the weight of a linear layer: squares are turned in registers."""
        matrix = row_major(self.packing.stored, base, offset, sizes, column_stride)
        length = self.schedule.vector_length
        exponents = self.exponents()
        whole = arith.muli(arith.divsi(self.depths, index(length)), index(length))
        for k in loop(index(0), whole, length):
            for j, exponent in zip(self.vectors(), exponents, strict=True):
                columns = [
                    vector.load(
                        self.packing.stored_vector,
                        matrix,
                        [arith.addi(self.column, index(j + i)), arith.addi(self.depth, k)],
                    )
                    for i in range(length)
                ]
                # Codes are turned as they are: a quarter or half of the bytes.
                if self.packing.weights is not None:
                    columns = [code_bits(value) for value in columns]
                for i, value in enumerate(transposed(columns)):
                    packed = self.packing.packed_right(value, exponent)
                    vector.store(packed, self.packed_b, [arith.addi(k, index(i)), index(j)])
        self.pack_elements(whole)

    def pack_elements(self, start: ir.Value) -> None:
        """Pack the panel from row `start` on, element by element, for any strides and any edge."""
        for j in loop(index(0), index(self.schedule.tile_columns)):
            inside = arith.cmpi(arith.CmpIPredicate.slt, j, self.columns)
            source = arith.addi(self.column, arith.select(inside, j, index(0)))
            exponent = None if self.biases is None else channel_exponents(memref.load(self.biases, [source]))
            for k in loop(start, self.depths):
                value = memref.load(self.b, [arith.addi(self.depth, k), source])
                memref.store(self.packing.packed_right(value, exponent), self.packed_b, [k, j])

    def exponents(self) -> list[ir.Value | None]:
        """Return for each vector of a row of the register tile, all of it inside B, what lm8's decoding adds."""
        if self.biases is None:
            return [None] * len(self.vectors())
        at = [arith.addi(self.column, index(j)) for j in self.vectors()]
        return [channel_exponents(vector.load(self.packing.bias_vector, self.biases, [first])) for first in at]

    def vectors(self) -> range:
        """Return the first column of each vector of a row of the register tile."""
        return range(0, self.schedule.tile_columns, self.schedule.vector_length)

    def places(self, first: ir.Value) -> list[list[ir.Value]]:
        """Return the indices in C of each vector of a tile, row after row."""
        return [
            [arith.addi(first, index(i)), arith.addi(self.column, index(j))]
            for i in range(self.schedule.tile_rows)
            for j in self.vectors()
        ]

    def masks(self, rows: ir.Value) -> list[ir.Value]:
        """Return for each vector of a ragged tile which lanes lie in C."""
        left = [arith.maxsi(arith.subi(self.columns, index(j)), index(0)) for j in self.vectors()]
        inside = [arith.cmpi(arith.CmpIPredicate.slt, index(i), rows) for i in range(self.schedule.tile_rows)]
        return [
            vector.create_mask(self.packing.mask_type, [arith.select(row, lanes, index(0))])
            for row in inside
            for lanes in left
        ]

    def load_tile(self, first: ir.Value) -> list[ir.Value]:
        return [vector.load(self.packing.vector, self.c, at) for at in self.places(first)]

    def load_edge(self, first: ir.Value, rows: ir.Value) -> list[ir.Value]:
        zero = self.zero()
        return [
            vector.maskedload(self.packing.vector, self.c, at, mask, zero)
            for at, mask in zip(self.places(first), self.masks(rows), strict=True)
        ]

    def zero_tile(self) -> list[ir.Value]:
        return [self.zero()] * (self.schedule.tile_rows * len(self.vectors()))

    def zero(self) -> ir.Value:
        type_ = self.packing.vector
        return arith.constant(type_, ir.DenseElementsAttr.get_splat(type_, ir.FloatAttr.get(self.packing.element, 0.0)))

    def store(self, product: Sequence[ir.Value], first: ir.Value, rows: ir.Value, full: ir.Value) -> None:
        """Emit the stores of a tile, and behind the last block of the depth the epilogue."""
        tile, edge = partial(self.store_tile, product, first), partial(self.store_edge, product, first, rows)
        epilogue = self.epilogue
        if epilogue is None:
            branch(full, [], tile, edge)
            return
        left = self.is_last
        if epilogue.epilogue.place == "registers":
            left = arith.andi(self.is_last, arith.xori(full, arith.constant(full.type, 1)))
            finished = arith.andi(self.is_last, full)
            as_they_are = partial(branch, full, [], tile, edge)
            branch(
                finished,
                [],
                lambda: self.store_tile(epilogue.on_registers(product, self.places(first)), first),
                as_they_are,
            )
        else:
            branch(full, [], tile, edge)
        on_tile = partial(epilogue.on_tile, self.c, first, rows, self.column, self.columns)
        branch(left, [], on_tile, lambda: None)

    def store_tile(self, product: Sequence[ir.Value], first: ir.Value) -> None:
        for value, at in zip(product, self.places(first), strict=True):
            vector.store(value, self.c, at)

    def store_edge(self, product: Sequence[ir.Value], first: ir.Value, rows: ir.Value) -> None:
        for value, at, mask in zip(product, self.places(first), self.masks(rows), strict=True):
            vector.maskedstore(self.c, at, mask, value)
