"""A candidate in numbers, for models that were trained on measured times: the nest, the decision, and how both meet.

Everything follows from the IR, the decision and the CPU's description; nothing is lowered. Names of features are
stable: a model knows its columns by them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..bindings import ir
from ..kernels.choice import Choice
from ..kernels.decision import AttentionSchedule, ContractionSchedule, RowsSchedule, SkinnySchedule
from ..kernels.decision_nest import NestSchedule
from ..kernels.epilogue import APART
from ..passes.candidates import row_length
from ..passes.contraction_dims import CONTRACTIONS
from ..passes.lmul_scope import MARK
from ..passes.nests import Nest
from ..passes.walk import find
from ..target import Target
from .candidate_estimate import INSTRUCTIONS, Facts, estimate

Features = dict[str, float]
VERSION = 2
"""Of these features: a ranker fits those that it was trained on."""
_SLOW = ("math.", "arith.divf")
"""Operations that become many instructions."""
_WIDE_BITS = 64
"""Of elements that take two registers where an f32 takes one: integers that a mask is computed from."""
_MASKING = ("arith.select", "arith.cmpi", "arith.cmpf")
_PLACES = {None: 0.0, "registers": 1.0, "tile": 2.0, APART: 3.0}
_KINDS = ("packed", "skinny", "rows", "attention", "nest")


@dataclass(frozen=True)
class NestFacts:
    """A nest on a CPU, read once for all its candidates."""

    facts: Facts
    own: Mapping[str, float]
    """What is the same for all candidates."""
    rows: int
    """Of a product or of attention's scores, or how many rows a loop over rows has."""
    columns: int
    """Of a product, or the length of a row."""
    depth: int
    size: int
    """Bytes of an element."""

    @classmethod
    def of(cls, nest: Nest, target: Target) -> NestFacts:
        """Read a nest."""
        facts = Facts.of(nest, target)
        product = facts.product
        size = 4 if product is None else product.bits // 8
        own: Features = {
            "target.vector": target.vector_bits,
            "target.registers": target.vector_registers,
            "nest.weights": facts.weights,
            **_bodies(nest),
        }
        if product is not None:
            rows, columns, depth = product.rows or 0, product.columns or 0, product.depth or 0
            own |= {
                "nest.batch": _log(_elements(nest.op.results[0]) / max(1, rows * columns)),
                "nest.instructions": INSTRUCTIONS[product.multiply],
                "nest.reads_columns": product.reads_columns,
                "nest.b_bytes": _log(depth * columns * size),
                "nest.intensity": _log(
                    rows * columns * depth / max(1, rows * depth + depth * columns + rows * columns)
                ),
            }
        else:
            rows, columns, depth = _scores(nest.op) or _rows(nest.op)
        own |= {"nest.rows": _log(rows), "nest.columns": _log(columns), "nest.depth": _log(depth)}
        return cls(facts, {name: float(value) for name, value in own.items()}, rows, columns, depth, size)


def features(nest: NestFacts, space: Sequence[Choice]) -> list[Features]:
    """Return the features of candidates beside the first one's, the present decision's of the nest."""
    present = space[0]
    before = _decision(nest, present)
    # What matters is often in which way a candidate departs; a change of kind is one of everything.
    names = [(name, f"change.{name}") for name in before if not name.startswith(("kind.", "place"))]
    rows = []
    for choice in space:
        found = _decision(nest, choice)
        changes = {change: found[name] - before[name] for name, change in names if name in found}
        changes["change.kind"] = float(choice.kind != present.kind)
        changes["change.place"] = float(choice.epilogue != present.epilogue)
        rows.append({**nest.own, **found, **changes})
    return rows


def _decision(nest: NestFacts, choice: Choice) -> Features:
    match choice.decision:
        case ContractionSchedule() as own:
            found = _packed(nest, own, choice)
        case SkinnySchedule() as own:
            found = _in_place(nest, own.tile_rows, own.tile_columns, own.vector_length, 1)
            found |= {"prefetch": _log(own.prefetch), "tail.columns": _waste(nest.columns, own.tile_columns)}
            found |= {"tail.depth": _waste(nest.depth, own.vector_length)}
        case RowsSchedule() as own:
            found = _in_place(nest, own.tile_rows, own.k_unroll, own.vector_length, own.k_unroll)
            found |= {
                "block.columns": _log(own.tile_columns * nest.size),
                "tail.depth": _waste(nest.depth, own.k_unroll),
            }
            found |= {
                "tail.columns": _waste(nest.columns, own.vector_length),
                "l1.c": _log(own.tile_rows * own.tile_columns * nest.size / nest.facts.target.l1d_bytes),
            }
        case AttentionSchedule() as own:
            wide = own.tile_columns // own.vector_length
            found = _tile(nest, own.tile_rows, wide, own.tile_columns)
        case NestSchedule() as own:
            found = _nest(nest, own)
    found |= {"place": _PLACES[choice.epilogue], **{f"kind.{kind}": float(kind == choice.kind) for kind in _KINDS}}
    return found


def _tile(nest: NestFacts, rows: int, wide: int, columns: int) -> Features:
    """Return what a register tile of sums is: `wide` vectors that hold `columns` elements of each of its rows."""
    target = nest.facts.target
    sums = rows * wide
    return {
        "tile.rows": rows,
        "tile.wide": wide,
        "tile.sums": sums,
        "tile.free": target.vector_registers - sums - wide - 1,
        "tile.loads": (rows + wide) / sums,
        "tail.rows": _waste(nest.rows, rows),
        "rest.rows": float(nest.rows % rows),
        "tail.columns": _waste(nest.columns, columns),
        "turns.rows": _log(-(-nest.rows // rows)),
        "turns.columns": _log(-(-nest.columns // columns)),
    }


def _packed(nest: NestFacts, own: ContractionSchedule, choice: Choice) -> Features:
    target, size = nest.facts.target, nest.size
    wide = own.tile_columns // own.vector_length
    blocks = -(-nest.depth // own.k_block)
    steps = min(own.k_block, nest.depth) or own.k_block
    cycles = estimate(nest.facts, choice)
    found = _tile(nest, own.tile_rows, wide, own.tile_columns)
    found |= {
        "unroll": own.k_unroll,
        "body": own.k_unroll * own.tile_rows * wide,
        "prefetch": own.prefetch,
        "prefetch.bytes": own.prefetch
        * 64
        * max(1, -(-nest.rows // own.tile_rows))
        / max(1, own.k_unroll * own.tile_columns * size),
        "pack_left": own.pack_left,
        "blocks": blocks,
        "turns.depth": _log(steps / own.k_unroll),
        "tail.depth": float(steps % own.k_unroll),
        "blocks.rows": _log(-(-nest.rows // own.m_block)),
        "l1.panel": _log(steps * own.tile_columns * size / target.l1d_bytes),
        "l1.a": _log(steps * own.tile_rows * size / target.l1d_bytes),
        "l2.panel": _log(steps * own.tile_columns * size / target.l2_bytes),
        "l2.a": _log(
            min(own.m_block, nest.rows or own.m_block)
            * min(own.a_depth, nest.depth or own.a_depth)
            * size
            / target.l2_bytes
        ),
        "estimate": 0.0 if cycles is None else _log(cycles / max(1, nest.rows * nest.columns * nest.depth)),
    }
    return {name: float(value) for name, value in found.items()}


def _in_place(nest: NestFacts, rows: int, columns: int, vector: int, steps: int) -> Features:
    """Return what a tile of a kernel is that reads B in place: `columns` pointers into it for each of its rows."""
    sums = rows * columns
    return {
        "tile.rows": float(rows),
        "tile.wide": float(columns),
        "tile.sums": float(sums),
        "tile.free": float(nest.facts.target.vector_registers - sums - columns - 1),
        "tile.loads": (rows + columns) / sums,
        "tail.rows": _waste(nest.rows, rows),
        "rest.rows": float(nest.rows % rows),
        "turns.rows": _log(-(-nest.rows // rows)),
        "turns.depth": _log(nest.depth / (vector if steps == 1 else steps)),
        "unroll": float(steps),
    }


def _nest(nest: NestFacts, own: NestSchedule) -> Features:
    lanes = own.vector_bits // 32
    registers = -(-nest.columns // lanes)
    straight = registers <= own.straight
    return {
        "vector": own.vector_bits / nest.facts.target.vector_bits,
        "interleave": float(own.interleave),
        "straight": float(straight),
        "pair": float(own.pair and nest.rows % 2 == 0),
        "row.registers": _log(registers),
        "row.turns": nest.columns / (lanes * own.interleave),
        "tail.columns": _waste(nest.columns, lanes * own.interleave),
        "tail.vector": _waste(nest.columns, lanes),
        "tile.sums": float(min(own.interleave, registers) * (2 if own.pair else 1)),
    }


def _scores(op: ir.Operation) -> tuple[int, int, int] | None:
    """Return the sizes of attention's product of scores: rows, columns, depth; None for other nests."""
    products = find(op, lambda inner: inner.name in CONTRACTIONS)
    if not products:
        return None
    left, scores = ([size for size in ir.ShapedType(products[0].operands[n].type).shape if size > 0] for n in (0, 2))
    depth = math.prod(left) // max(1, math.prod(scores[:-1]))
    return (scores[-2], scores[-1], depth) if len(scores) > 1 else (1, 1, depth)


def _rows(op: ir.Operation) -> tuple[int, int, int]:
    """Return how many rows a nest has, how long they are, and 1."""
    length = row_length(op)
    return _elements(op.results[0]) // max(1, length), length, 1


def _bodies(nest: Nest) -> Features:
    """Return what is computed beside products: operations and slow ones of an element, operands, bytes, reductions."""
    generics = list(find(nest.op, lambda inner: inner.name == "linalg.generic"))
    generics += [] if nest.epilogue is None else [nest.epilogue]
    operations = [view.operation for op in generics for view in op.regions[0].blocks[0].operations]
    inner = [op.name for op in operations]
    operands = {value for op in generics for value in op.operands if isinstance(value.type, ir.RankedTensorType)}
    outer = [nest.op, *([] if nest.epilogue is None else [nest.epilogue])]
    result = outer[-1].results[0]
    reads = len([value for value in operands if ir.RankedTensorType(value.type).rank])
    maps = [str(one) for op in generics[:1] for one in op.attributes["indexing_maps"]]
    return {
        "body.operations": float(len(inner)),
        "body.slow": float(len([name for name in inner if name.startswith(_SLOW)])),
        "body.exp": float(len([name for name in inner if name == "math.exp"])),
        "body.lmul": float(len([op for op in operations if MARK in op.attributes])),
        "body.selects": float(len([name for name in inner if name in _MASKING])),
        "body.places": float(len([name for name in inner if name == "linalg.index"])),
        "body.wide": float(len([op for op in operations if any(_is_wide(value) for value in op.operands)])),
        "body.generics": float(len(generics)),
        "body.reads": float(reads),
        "body.moves": float(bool(maps) and maps[0] != maps[-1]),
        "body.reductions": float(len([op for op in generics if "reduction" in str(op.attributes["iterator_types"])])),
        "nest.elements": _log(_elements(result)),
        "nest.rank": float(ir.ShapedType(result.type).rank),
        "nest.over_rows": float(nest.op.name == "scf.forall"),
    }


def _is_wide(value: ir.Value) -> bool:
    return isinstance(value.type, ir.IndexType) or (
        isinstance(value.type, ir.IntegerType) and value.type.width >= _WIDE_BITS
    )


def _elements(value: ir.Value) -> int:
    return math.prod(size for size in ir.ShapedType(value.type).shape if size > 0)


def _waste(size: int, tile: int) -> float:
    """Return how much more is computed than is needed because tiles do not divide a size: 0 for nothing."""
    return 0.0 if not size or not tile else -(-size // tile) * tile / size - 1.0


def _log(value: float) -> float:
    return math.log2(value) if value > 0 else -1.0
