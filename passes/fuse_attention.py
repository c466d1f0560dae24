"""Gather the operations of attention into one loop over heads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import ClassVar, Final

from ..bindings import arith, ir, linalg, math, scf, tensor
from .attention_groups import Group, find_group
from .base import Pass, PassContext
from .calls import Calls
from .layer import LAYER
from .lmul_scope import MARK
from .walk import find

ATTENTION: Final = "slipstick.attention"
"""The attribute of the loop: `{scale = 1.250000e-01 : f32, causal = 0 : i64, zero_masked_rows}`."""


@dataclass(frozen=True)
class FuseAttention(Pass):
    """Gather softmax(scale · Q Kᵀ + mask) V into an `scf.forall` over batch and heads, ready for one kernel.

    Found are batched f32 products with a softmax between, of known sizes, as torch-mlir makes them of attention that
    is written out or of `scaled_dot_product_attention`. The loop's body computes one head on slices of Q, K, V and of
    the mask, which are taken from behind transposes, reshapes and copies of grouped heads, so that these are not made.
    Constant factors of Q and K move behind the product, unless L-Mul multiplies there. The loop's attribute
    `slipstick.attention` says what the kernel must know of the scores, with `causal = c` where the mask hides from row
    t the keys beyond t + c; a mask that does only that is not read but computed, also where it is an argument that all
    calls pass the same for. What is not recognised stays.
    """

    name: ClassVar[str] = "fuse-attention"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite every group; what it leaves unread dies in canonicalisation."""
        products = find(op, lambda inner: inner.name == "linalg.batch_matmul")
        calls = Calls.around(op)
        for product in products:
            group = find_group(product, calls)
            if group is not None:
                _replace(group)
                ctx.count("attention groups fused")


def _replace(group: Group) -> None:
    op = group.result
    with ir.InsertionPoint(op), op.location:
        type_ = ir.RankedTensorType(group.output.value.type)
        group = replace(group, queries=group.queries.scaled(), key_slice=group.key_slice.scaled())
        empty = tensor.EmptyOp(type_.shape, type_.element_type).result
        heads = scf.ForallOp([0], [group.heads], [1], [empty])
        heads.operation.attributes[ATTENTION] = _attribute(group)
        if LAYER in op.attributes:
            heads.operation.attributes[LAYER] = op.attributes[LAYER]
        head, output = heads.body.arguments
        with ir.InsertionPoint(heads.body):
            result = _Body(group).emit(head, group.output.extract_from(output, head))
            group.output.insert(result, output, head)
    group.output.value.replace_all_uses_with(heads.results[0])


def _attribute(group: Group) -> ir.Attribute:
    entries: dict[str, ir.Attribute] = {"scale": ir.FloatAttr.get(ir.F32Type.get(), group.scale)}
    if group.causal is not None:
        entries["causal"] = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), group.causal.offset)
    if group.zero_masked_rows:
        entries["zero_masked_rows"] = ir.UnitAttr.get()
    if group.scale_mark is not None:
        entries["scale_lmul"] = group.scale_mark
    return ir.DictAttr.get(entries)


class _Body:
    """Emits one head's attention at the current insertion point."""

    def __init__(self, group: Group):
        self.group = group
        self.element = ir.F32Type.get()

    def emit(self, head: ir.Value, output: ir.Value) -> ir.Value:
        """Emit it; return the result, which takes the place of `output`."""
        g = self.group
        scores = self.product(
            g.scores, g.queries.extract(head), g.key_slice.extract(head), self.empty(g.rows, g.keys), ("mk", "nk")
        )
        scores = self.finished(scores, None if g.mask is None else g.mask.extract(head))
        maxima = self.reduced(scores, -inf, arith.maximumf)
        weights = self.by_row([scores, maxima], lambda x, m: math.exp(arith.subf(x, m)))
        sums = self.reduced(weights, 0.0, arith.addf)
        if g.zero_masked_rows:
            weights = self.by_row([weights, sums, maxima], self.divided_or_zero)
        else:
            weights = self.by_row([weights, sums], arith.divf)
        return self.product(g.result, weights, g.values.extract(head), output, ("mk", "kn"))

    def product(
        self, original: ir.Operation, left: ir.Value, right: ir.Value, into: ir.Value, forms: tuple[str, str]
    ) -> ir.Value:
        """Emit a product that is marked as the original is."""
        loops = {name: ir.AffineDimExpr.get(i) for i, name in enumerate("mnk")}
        maps = [ir.AffineMap.get(3, 0, [loops[c] for c in form]) for form in (*forms, "mn")]
        zero = linalg.fill(self.constant(0.0), outs=[into])
        attributes = ir.ArrayAttr.get([ir.AffineMapAttr.get(m) for m in maps])
        result: ir.Value = linalg.matmul(left, right, outs=[zero], indexing_maps=attributes)
        self.label(result.owner)
        if MARK in original.attributes:
            result.owner.attributes[MARK] = original.attributes[MARK]
        return result

    def finished(self, scores: ir.Value, mask: ir.Value | None) -> ir.Value:
        """Emit scale and mask."""
        g = self.group
        hidden = g.causal.offset if g.causal is not None and g.causal.exact else None
        if g.scale == 1.0 and g.scale_mark is None and mask is None and hidden is None:
            return scores

        def body(value: ir.Value, *masked: ir.Value) -> ir.Value:
            if g.scale != 1.0 or g.scale_mark is not None:
                multiply = arith.MulFOp(value, self.constant(g.scale))
                if g.scale_mark is not None:
                    multiply.operation.attributes[MARK] = g.scale_mark
                value = multiply.result
            if hidden is not None:
                last = arith.addi(linalg.IndexOp(0).result, arith.constant(ir.IndexType.get(), hidden))
                seen = arith.cmpi(arith.CmpIPredicate.sle, linalg.IndexOp(1).result, last)
                value = arith.select(seen, value, self.constant(-inf))
            return arith.addf(value, masked[0]) if masked else value

        inputs = [scores] if mask is None else [scores, mask]
        ranks = [ir.RankedTensorType(value.type).rank for value in inputs]
        maps = [_row_key() if rank == 2 else _key() for rank in ranks]
        return self.generic(inputs, maps, self.empty(g.rows, g.keys), _row_key(), ("parallel", "parallel"), body)

    def by_row(self, inputs: Sequence[ir.Value], body: Callable[..., ir.Value]) -> ir.Value:
        """Emit an element-wise operation on scores; the inputs after the first have a value for each row."""
        maps = [_row_key()] + [_row()] * (len(inputs) - 1)
        if ir.RankedTensorType(inputs[-1].type).rank == 2:
            maps = [_row_key()] * len(inputs)
        output = self.empty(self.group.rows, self.group.keys)
        return self.generic(inputs, maps, output, _row_key(), ("parallel", "parallel"), body)

    def reduced(self, scores: ir.Value, start: float, combine: Callable[..., ir.Value]) -> ir.Value:
        """Emit a reduction over keys."""
        output = linalg.fill(self.constant(start), outs=[self.empty(self.group.rows)])
        return self.generic([scores], [_row_key()], output, _row(), ("parallel", "reduction"), combine, True)

    def divided_or_zero(self, weight: ir.Value, total: ir.Value, maximum: ir.Value) -> ir.Value:
        empty = arith.cmpf(arith.CmpFPredicate.OEQ, maximum, self.constant(-inf))
        return arith.select(empty, self.constant(0.0), arith.divf(weight, total))

    def generic(
        self,
        inputs: Sequence[ir.Value],
        maps: Sequence[ir.AffineMap],
        output: ir.Value,
        written: ir.AffineMap,
        kinds: Sequence[str],
        body: Callable[..., ir.Value],
        with_output: bool = False,
    ) -> ir.Value:
        """Emit a `linalg.generic` whose body is given its inputs, and the output if asked."""
        op = linalg.GenericOp(
            [output.type],
            list(inputs),
            [output],
            ir.ArrayAttr.get([ir.AffineMapAttr.get(m) for m in (*maps, written)]),
            ir.ArrayAttr.get([ir.Attribute.parse(f"#linalg.iterator_type<{kind}>") for kind in kinds]),
        )
        self.label(op.operation)
        block = op.regions[0].blocks.append(*[self.element] * (len(inputs) + 1))
        with ir.InsertionPoint(block):
            linalg.YieldOp([body(*list(block.arguments)[: len(inputs) + with_output])])
        if self.group.scale_mark is not None and any(MARK in inner.attributes for inner in block.operations):
            op.operation.attributes[MARK] = self.group.scale_mark
        result: ir.Value = op.results[0]
        return result

    def label(self, op: ir.Operation) -> None:
        """Say which layer an operation comes from."""
        if LAYER in self.group.result.attributes:
            op.attributes[LAYER] = self.group.result.attributes[LAYER]

    def empty(self, *sizes: int) -> ir.Value:
        return tensor.EmptyOp(sizes, self.element).result

    def constant(self, value: float) -> ir.Value:
        return arith.constant(self.element, value)


def _row_key() -> ir.AffineMap:
    return ir.AffineMap.get_identity(2)


def _row() -> ir.AffineMap:
    return ir.AffineMap.get(2, 0, [ir.AffineDimExpr.get(0)])


def _key() -> ir.AffineMap:
    return ir.AffineMap.get(2, 0, [ir.AffineDimExpr.get(1)])
