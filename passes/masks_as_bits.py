"""Masks of AVX-512 made from bits of a general register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from ..bindings import arith, ir, vector
from .base import Pass, PassContext
from .values import constant_lanes
from .walk import find

_LANES: Final = (8, 16, 32)
"""Lanes of masks that are moved from a general register by one instruction, and can be made by one shift of 64 bits."""


@dataclass(frozen=True)
class MasksAsBits(Pass):
    """Make each `vector.create_mask` of 8, 16 or 32 lanes whose count is not a constant from bits: `(1 << count) - 1`.

    For CPUs whose masks have registers of their own. MLIR's lowering compares 0, 1, 2, ... with the count in all lanes:
    vectors that do not change in a loop, for which LLVM takes registers around the tiles that fill all of them.
    """

    name: ClassVar[str] = "masks-as-bits"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Replace the masks under `op`."""
        for mask in find(op, lambda inner: inner.name == "vector.create_mask"):
            shape = ir.VectorType(mask.results[0].type).shape
            if len(shape) != 1 or shape[0] not in _LANES or constant_lanes(mask.operands[0]) is not None:
                continue
            with ir.InsertionPoint(mask), mask.location:
                mask.results[0].replace_all_uses_with(_mask(mask.operands[0], shape[0]))
            mask.erase()
            ctx.count("masks made from bits")


def _mask(count: ir.Value, lanes: int) -> ir.Value:
    """Emit a mask of the first `count` lanes: none if that is negative, all if it is more than there are."""
    index, wide, word = ir.IndexType.get(), ir.IntegerType.get_signless(64), ir.IntegerType.get_signless(lanes)
    inside = arith.minsi(arith.maxsi(count, arith.constant(index, 0)), arith.constant(index, lanes))
    one = arith.constant(wide, 1)
    bits = arith.trunci(word, arith.subi(arith.shli(one, arith.index_cast(wide, inside)), one))
    pattern = vector.broadcast(ir.VectorType.get([1], word), bits)
    return vector.bitcast(ir.VectorType.get([lanes], ir.IntegerType.get_signless(1)), pattern)
