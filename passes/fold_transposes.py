"""Fold transposes of matrices into the contractions that read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import ir, linalg
from .base import Pass, PassContext
from .contraction_dims import CONTRACTIONS
from .values import defining_op
from .walk import find


@dataclass(frozen=True)
class FoldTransposes(Pass):
    """Fold `linalg.transpose` operands into the indexing maps of `linalg.matmul` and `linalg.batch_matmul`.

    A packed kernel reads its operands through strides, so a transposed copy of a weight would be written for nothing.
    """

    name: ClassVar[str] = "fold-transposes"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Fold what can be folded; dead transposes are left to canonicalisation."""
        for contraction in find(op, lambda inner: inner.name in CONTRACTIONS and len(inner.results) == 1):
            self._fold(contraction, ctx)

    def _fold(self, contraction: ir.Operation, ctx: PassContext) -> None:
        maps = [attribute.value for attribute in linalg.get_indexing_maps(contraction)]
        folded = False
        for number in (0, 1):
            producer = defining_op(contraction.operands[number])
            if producer is None or producer.name != "linalg.transpose":
                continue
            permutation = list(producer.attributes["permutation"])
            # result[i] = source[i'] with source dimension permutation[d] at result dimension d.
            results: list[ir.AffineExpr | None] = [None] * len(permutation)
            for position, dimension in enumerate(permutation):
                results[dimension] = maps[number].results[position]
            if contraction.name == "linalg.batch_matmul" and permutation[0] != 0:
                continue
            maps[number] = ir.AffineMap.get(maps[number].n_dims, 0, results)
            contraction.operands[number] = producer.operands[0]
            folded = True
            ctx.count("transposes folded")
        if folded:
            contraction.attributes["indexing_maps"] = ir.ArrayAttr.get([ir.AffineMapAttr.get(m) for m in maps])
