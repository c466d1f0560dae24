"""Run depthwise convolutions and poolings along the rows of an image, where its elements lie side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from ..bindings import arith, ir, linalg
from .base import Pass, PassContext
from .lmul_scope import MARK
from .walk import find

WINDOWS: Final = frozenset(
    {
        "linalg.depthwise_conv_1d_ncw_cw",
        "linalg.depthwise_conv_2d_nchw_chw",
        "linalg.pooling_ncw_max",
        "linalg.pooling_ncw_sum",
        "linalg.pooling_nchw_max",
        "linalg.pooling_nchw_sum",
    }
)
"""Operations that slide a window over each channel of images stored channel by channel."""


@dataclass(frozen=True)
class WindowsAlongRows(Pass):
    """Turn operations that slide a window over channels into `linalg.generic` with the places of a row innermost.

    As named operations, their innermost loops go over the window: a few steps, each with the sum of the one before. Row
    by row, neighbouring results are computed side by side, for each place of the window in turn.
    """

    name: ClassVar[str] = "windows-along-rows"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite each such operation under `op`."""
        for window in find(op, lambda inner: inner.name in WINDOWS and len(inner.results) == 1):
            _rewrite(window)
            ctx.count("windows turned")


def _rewrite(op: ir.Operation) -> None:
    maps = [attribute.value for attribute in linalg.get_indexing_maps(op)]
    written = maps[-1]
    count = written.n_dims
    # The result's dimensions are the parallel loops; the last of them becomes the last of all.
    parallel = [ir.AffineDimExpr(expression).position for expression in written.results]
    order = [d for d in range(count) if d != parallel[-1]] + [parallel[-1]]
    with ir.InsertionPoint(op), op.location:
        renamed = ir.AffineMap.get(count, 0, [ir.AffineDimExpr.get(order.index(d)) for d in range(count)])
        turned = [ir.AffineMap.get(count, 0, [e.compose(renamed) for e in map_.results]) for map_ in maps]
        kinds = ["parallel" if d in parallel else "reduction" for d in order]
        generic = linalg.GenericOp(
            [op.results[0].type],
            list(op.operands)[:-1],
            [op.operands[len(op.operands) - 1]],
            ir.ArrayAttr.get([ir.AffineMapAttr.get(m) for m in turned]),
            ir.ArrayAttr.get([ir.Attribute.parse(f"#linalg.iterator_type<{kind}>") for kind in kinds]),
        )
    for name in op.attributes:
        if name.startswith("slipstick."):
            generic.operation.attributes[name] = op.attributes[name]
    op.regions[0].blocks[0].append_to(generic.regions[0])
    if MARK in op.attributes:
        for inner in generic.regions[0].blocks[0].operations:
            if isinstance(inner, arith.MulFOp):
                inner.operation.attributes[MARK] = op.attributes[MARK]
    op.results[0].replace_all_uses_with(generic.results[0])
    op.erase()
