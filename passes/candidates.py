"""What could be decided for a nest: legal candidates, enumerated from the IR and the target. The one place for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..bindings import ir
from ..kernels.choice import Choice, Decision
from ..kernels.decision import AttentionSchedule, ContractionSchedule, RowsSchedule, SkinnySchedule
from ..kernels.decision_nest import NestSchedule
from ..kernels.epilogue import APART, PLACES
from ..target import Target
from .candidates_products import few_rows_candidates, packed_candidates
from .contraction_dims import CONTRACTIONS
from .nests import Nest
from .product_facts import Product, product_of
from .schedule_contractions import ScheduleContractions

LONGEST_LINE = 64
"""Registers of a row that may stand in a line in a candidate: more are code that no cache of instructions likes."""


def candidates(nest: Nest, target: Target, *, beyond: bool = False) -> list[Choice]:
    """Return what may be decided for a nest on a CPU, the present decision first, none twice.

    Of a product: register tiles that fit the registers with each number of steps of k; what else there is to decide
    varied one by one around the present decision; the other kinds of kernel as the heuristic would tile them. Of
    attention the tiles, of rows the vectors. `beyond`: also tiles that need up to half as many registers again, which a
    model has to have seen. Raises ValueError where the present decision is illegal.
    """
    now = nest.choice
    found = dict.fromkeys([now])
    found.update(
        dict.fromkeys(Choice(decision, now.epilogue) for decision in _decisions(nest, now.decision, target, beyond))
    )
    if now.epilogue is not None and isinstance(now.decision, ContractionSchedule):
        found.update(dict.fromkeys(Choice(now.decision, place) for place in (*PLACES, APART)))
    return list(found)


def neighbours(choice: Choice, space: Sequence[Choice]) -> list[Choice]:
    """Return the candidates of a space that differ from a choice in the fewest ways, at most two."""
    own = _flat(choice)
    distance = {other: _distance(own, _flat(other)) for other in space}
    return sorted((c for c, steps in distance.items() if 0 < steps <= 2), key=distance.__getitem__)


def _decisions(nest: Nest, now: Decision, target: Target, beyond: bool) -> Iterator[Decision]:
    if isinstance(now, NestSchedule):
        yield from _nest(nest, now, target)
    elif isinstance(now, AttentionSchedule):
        yield from _attention(now, target)
    else:
        yield from _product(nest, product_of(nest.op), now, target, beyond)


def _product(
    nest: Nest,
    product: Product,
    now: ContractionSchedule | SkinnySchedule | RowsSchedule,
    target: Target,
    beyond: bool,
) -> Iterator[Decision]:
    analytical = ScheduleContractions(target.vector_bits, target.vector_registers, target.l1d_bytes, target.l2_bytes)
    packed = now if isinstance(now, ContractionSchedule) else analytical.decide_packed(nest.op)
    if isinstance(now, ContractionSchedule):
        yield from packed_candidates(product, now, analytical, beyond=beyond)
    else:
        yield packed
        yield from few_rows_candidates(product, now, target)
    few = product.rows is not None and 0 < product.rows <= analytical.skinny_rows
    if few and product.rows is not None and isinstance(now, ContractionSchedule):
        yield analytical.decide_few(nest.op, product.rows, product.columns, product.bits)


def _attention(now: AttentionSchedule, target: Target) -> Iterator[AttentionSchedule]:
    """Yield the tiles of scores that leave room for a row of keys and a broadcast query."""
    for wide in range(1, 5):
        for rows in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14):
            if rows * wide + wide + 1 <= target.vector_registers and 4 * rows * wide >= target.vector_registers:
                yield replace(now, tile_rows=rows, tile_columns=wide * now.vector_length)


def _nest(nest: Nest, now: NestSchedule, target: Target) -> Iterator[NestSchedule]:
    """Yield vectors of the whole width and of half of it, one to eight at a time, rows alone or in pairs."""
    over_rows = nest.op.name == "scf.forall"
    registers = row_length(nest.op) * 32 // target.vector_bits
    # What is computed differs only by whether the row is a loop.
    other = 0 if registers <= now.straight else registers
    straights = {now.straight, other} if other <= LONGEST_LINE else {now.straight}
    for bits in dict.fromkeys((target.vector_bits, max(128, target.vector_bits // 2))):
        for interleave in (1, 2, 4, 8):
            for straight in sorted(straights):
                for pair in (True, False) if over_rows else (now.pair,):
                    yield NestSchedule(bits, interleave, straight, pair)


def row_length(op: ir.Operation) -> int:
    """Return how many elements the rows of a nest have, 1 where that is not known."""
    if op.name in CONTRACTIONS or not op.results:
        return 1
    shape = [size for size in ir.ShapedType(op.results[0].type).shape if size > 0]
    length: int = shape[-1] if shape else 1
    return length


class _Unset:
    """Stands for what a decision of another kind has not."""


def _flat(choice: Choice) -> dict[str, Any]:
    return choice.json()


def _distance(one: dict[str, Any], other: dict[str, Any]) -> int:
    """Return in how many ways two decisions differ; blocks and tiles count once, the kind thrice."""
    names = {*one, *other} - {"m_block", "pack_depth", "prefetch", "kind"}
    steps = len([name for name in names if one.get(name, _Unset()) != other.get(name, _Unset())])
    return steps + 3 * int(one["kind"] != other["kind"])
