"""Recognising attention on tensors: softmax(scale · Q Kᵀ + mask) V, from the second product backwards.

Variables of an element (see `access.py`): `head`, over batch and heads as one; `row`, a query; `key`; `depth`, which
the first product sums over; `column` of the values and of the result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..bindings import ir
from .access import Access, looked_through, read, whole
from .attention_mask import Causal, find_causal
from .attention_softmax import find_softmax, stripped
from .calls import Calls
from .contraction_dims import operand_dims
from .lmul_scope import MARK
from .scalar_body import constant_of, expression
from .tensor_slices import Slice, forward_slice, slice_of
from .values import defining_op

MAX_WIDTH = 256
"""Largest depth or number of columns: a row of them is held in vectors."""


@dataclass(frozen=True)
class Group:
    """Attention of `heads` heads: what its two products read, and how the scores become weights."""

    scores: ir.Operation
    result: ir.Operation
    heads: int
    rows: int
    keys: int
    depth: int
    columns: int
    queries: Slice
    key_slice: Slice
    values: Slice
    mask: Slice | None
    output: Slice
    """Of the value that the group's result stands in place of."""
    scale: float
    scale_mark: ir.Attribute | None
    causal: Causal | None
    zero_masked_rows: bool


def find_group(result: ir.Operation, calls: Calls) -> Group | None:
    """Return the attention whose product of weights and values is `result`; None where it is none.

    `calls` are those of its module.
    """
    sizes = _product_sizes(result)
    if sizes is None:
        return None
    heads, rows, columns, keys = sizes
    weights = _operand(result, 0, rows, columns, keys, heads, ("row", "column", "key"))
    softmax = find_softmax(weights, keys)
    if softmax is None:
        return None
    chain = _score_chain(softmax.argument, rows, keys, heads)
    if chain is None or chain.scores.block != result.block:
        return None
    depth = _product_sizes(chain.scores)[3]  # type: ignore[index]
    if not 2 <= depth <= MAX_WIDTH or not 2 <= columns <= MAX_WIDTH:
        return None
    names = ("row", "key", "depth")
    factors = [_operand(chain.scores, i, rows, keys, depth, heads, names) for i in (0, 1)]
    # A factor of Q or K may move behind an exact product; L-Mul's result would be another.
    movable = MARK not in chain.scores.attributes and chain.scale_mark is None
    queries, query_scale = _factor(factors[0], ("row", "depth"), {"row": rows, "depth": depth}, heads, movable)
    key_slice, key_scale = _factor(factors[1], ("key", "depth"), {"key": keys, "depth": depth}, heads, movable)
    product = _operand(result, 1, rows, columns, keys, heads, ("row", "column", "key"))
    values, _ = _factor(product, ("key", "column"), {"key": keys, "column": columns}, heads, False)
    position = {"d0": whole("head", heads), "d1": whole("row", rows), "d2": whole("column", columns)}
    start = Access(result.results[0], tuple(position[d] for d in operand_dims(result)[2]))
    output = forward_slice(start, ("row", "column"), {"row": rows, "column": columns}, heads)
    if queries is None or key_slice is None or values is None or output is None:
        return None
    mask, causal = None, None
    if chain.mask is not None:
        mask = _mask(chain.mask, rows, keys, heads)
        if mask is None:
            return None
        causal = find_causal(chain.mask, whole("row", rows), whole("key", keys), calls)
        if causal is not None and causal.exact:
            mask = None
    return Group(
        chain.scores,
        result,
        heads,
        rows,
        keys,
        depth,
        columns,
        queries,
        key_slice,
        values,
        mask,
        output,
        chain.scale * query_scale * key_scale,
        chain.scale_mark,
        causal,
        softmax.zero_masked_rows,
    )


def _product_sizes(op: ir.Operation) -> tuple[int, int, int, int] | None:
    """Return batch, rows, columns and depth of a batched f32 product of known sizes that adds to zeros; else None."""
    if op.name != "linalg.batch_matmul" or len(op.results) != 1 or constant_of(op.operands[2]) != 0.0:
        return None
    sizes: dict[str, int] = {}
    for operand, dims in zip(op.operands, operand_dims(op), strict=True):
        type_ = ir.RankedTensorType(operand.type)
        if not isinstance(type_.element_type, ir.F32Type) or not type_.has_static_shape or len(dims) != 3:
            return None
        sizes |= dict(zip(dims, type_.shape, strict=True))
    batch, rows, columns, depth = (sizes[f"d{i}"] for i in range(4))
    # Of one head there is no loop, of one key no softmax.
    return (batch, rows, columns, depth) if batch > 1 and rows >= 1 and depth > 1 else None


def _operand(
    op: ir.Operation, number: int, rows: int, columns: int, depth: int, heads: int, names: tuple[str, str, str]
) -> Access:
    """Return the access to an operand of a batched product, its loops after the batch called `names`."""
    sizes = dict(zip(("d1", "d2", "d3"), zip(names, (rows, columns, depth), strict=True), strict=True))
    positions = {"d0": whole("head", heads)} | {d: whole(*named) for d, named in sizes.items()}
    return Access(op.operands[number], tuple(positions[d] for d in operand_dims(op)[number]))


@dataclass(frozen=True)
class _Chain:
    scores: ir.Operation
    scale: float
    scale_mark: ir.Attribute | None
    mask: Access | None


def _score_chain(argument: Access, rows: int, keys: int, heads: int) -> _Chain | None:
    """Return the product and what follows it up to the softmax: one mask at most is added, after any scaling."""
    access, scale, mark, mask = argument, 1.0, None, None
    plain = (whole("head", heads), whole("row", rows), whole("key", keys))
    while True:
        access = stripped(access)
        op = defining_op(access.value)
        if op is None:
            return None
        if op.name == "linalg.batch_matmul":
            sizes = _product_sizes(op)
            if sizes is None or sizes[:3] != (heads, rows, keys) or operand_dims(op)[2] != ["d0", "d1", "d2"]:
                return None
            return _Chain(op, scale, mark, mask) if access.positions == plain else None
        found = expression(op)
        if found == ("arith.addf", ("in", 0), ("in", 1)) and mask is None and scale == 1.0 and mark is None:
            sides = [read(op, access, i) for i in (0, 1)]
            number = next((i for i, side in enumerate(sides) if side is not None and _leads_to_product(side)), None)
            if number is None or sides[1 - number] is None:
                return None
            access, mask = sides[number], sides[1 - number]  # type: ignore[assignment]
            continue
        factor = _constant_factor(op)
        source = None if factor is None else read(op, access, 0)
        if factor is None or source is None or mark is not None:
            return None
        new_mark = _mark_of_multiply(op)
        if new_mark is not None and scale != 1.0:
            return None
        access, scale, mark = source, scale * factor, new_mark


def _leads_to_product(access: Access) -> bool:
    while True:
        op = defining_op(stripped(access).value)
        if op is None:
            return False
        if op.name == "linalg.batch_matmul":
            return True
        source = None if _constant_factor(op) is None else read(op, stripped(access), 0)
        if source is None:
            return False
        access = source


def _constant_factor(op: ir.Operation) -> float | None:
    """Return the constant that an element-wise operation multiplies its first input by, or divides it by."""
    match expression(op):
        case ("arith.mulf", ("in", 0), ("const", factor)):
            return float(factor)
        case ("arith.divf", ("in", 0), ("const", divisor)) if divisor:
            return 1.0 / float(divisor)
    return None


def _mark_of_multiply(op: ir.Operation) -> ir.Attribute | None:
    marks = [inner.attributes[MARK] for inner in op.regions[0].blocks[0].operations if MARK in inner.attributes]
    return marks[0] if marks else op.attributes.get(MARK, None)


def _factor(
    access: Access, variables: tuple[str, str], sizes: dict[str, int], heads: int, movable: bool
) -> tuple[Slice | None, float]:
    """Return the farthest tensor behind views that a factor of a product is a slice of, and the scale on the way.

    On the way is one multiply by a constant at most. If that may not move behind the product, the slice has it.
    """
    best, best_scale = slice_of(access, variables, sizes, heads), 1.0
    scale, factor_op = 1.0, None
    while True:
        inner = looked_through(access)
        if inner is None:
            op = defining_op(access.value)
            factor = None if op is None or len(op.operands) != 2 else _constant_factor(op)
            if op is None or factor is None or scale != 1.0 or factor_op is not None:
                return best, best_scale
            inner = read(op, access, 0)
            if inner is None:
                return best, best_scale
            if movable and _mark_of_multiply(op) is None:
                scale = factor
            else:
                factor_op = op
        access = inner
        found = slice_of(access, variables, sizes, heads)
        if found is not None:
            best, best_scale = replace(found, factor=factor_op), scale


def _mask(access: Access, rows: int, keys: int, heads: int) -> Slice | None:
    """Return the slice of an added mask: of rows and keys, or of keys that are the same in each row."""
    sizes = {"row": rows, "key": keys}
    best = None
    while True:
        for variables in (("row", "key"), ("key",)):
            if len(variables) == 1 and rows > 1 and any(d.variable == "row" for p in access.positions for d in p):
                continue
            best = slice_of(access, variables, sizes, heads) or best
        inner = looked_through(access)
        if inner is None or not isinstance(ir.RankedTensorType(access.value.type).element_type, ir.F32Type):
            return best
        access = inner
