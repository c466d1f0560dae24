"""The pass that turns float multiplies into integer additions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import arith, ir, linalg
from ..kernels.lmul import LMul
from ..kernels.lmul_chain import Chains
from ..kernels.lmul_emit import Proved
from .base import PassContext, option
from .lmul_options import LMulPass
from .lmul_range import prove
from .lmul_scope import (
    MARK,
    OPEN_BODIES,
    advice_to_lower,
    check_format,
    in_scope,
    multiplies,
    read_mark,
    structured_op,
)
from .lmul_vector import NotRewritableError, expand_contract, expand_outer_product, expand_reduction
from .values import constant, constant_lanes


@dataclass(frozen=True)
class RewriteMultiplies(LMulPass):
    """Rewrite float multiplies into L-Mul's integer additions.

    Rewritten are `arith.mulf`, `math.fma` and `vector.fma` wherever they stand (the addition stays a float addition),
    the multiplies of named linalg operations, which become `linalg.generic`, and `vector.contract`,
    `vector.outerproduct` and `vector.reduction <mul>`; of f16, bf16, f32 and f64 scalars, vectors and tensors. What
    multiplies floats in another form or of another type is an error that says what to lower or widen first.
    `kernels/lmul.py` defines the product, `passes/lmul_scope.py` the scopes.

    Under the policy `finite` operands are clamped, but for bounds that `passes/lmul_range.py` proves; a remark says
    which. An operand that is known to be an infinity or a NaN is an error: no clamp makes it what it was meant to be.

    The scope `marked` rewrites the operations that `lmul-mark` marked and only those, as their marks say; the other
    options are then ignored. Multiplies that lowering brings in later, as in the polynomials of `approximate-math`,
    carry no mark: they stay exact.
    """

    name: ClassVar[str] = "lmul"
    scope: str = option("all", "attention, linear, elementwise, all, op:PATTERN, layer:PATTERN, joined by +; or marked")

    def configuration(self) -> LMul:
        """Return the options as the kernels take them; the scope `marked` is this pass's own."""
        scope = "all" if self.scope == "marked" else self.scope
        return LMul(self.mantissa_bits, self.rounding, self.specials, scope, self.offset)

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite every multiply under `op` that is in scope; raise where one cannot be."""
        chosen = [(multiply, self._lmul(multiply, ctx)) for multiply in multiplies(op)]
        marked = []
        chains: dict[LMul, Chains] = {}
        for multiply, lmul in chosen:
            if lmul is None:
                continue
            _check(multiply, lmul, ctx)
            holder = structured_op(multiply)
            if holder is not None and holder.name not in OPEN_BODIES:
                holder = _generalise(holder)
            if holder is not None and MARK in holder.attributes:
                marked.append(holder)
            _rewrite(multiply, chains.setdefault(lmul, Chains(lmul, _is_uniform)), ctx)
            ctx.count("multiplies rewritten")
        for holder in marked:
            if MARK in holder.attributes:
                del holder.attributes[MARK]

    def _lmul(self, multiply: ir.Operation, ctx: PassContext) -> LMul | None:
        """Return how `multiply` is to be rewritten; None where it is out of scope."""
        if self.scope != "marked":
            if not in_scope(multiply, self.scope):
                return None
            return self.configuration()
        for op in (multiply, structured_op(multiply)):
            if op is not None and MARK in op.attributes:
                return read_mark(op, ctx)
        return None


_INHERENT = frozenset(
    {"cast", "dilations", "indexing_maps", "kind", "linalg.memoized_indexing_maps", "operandSegmentSizes", "strides"}
)
"""Attributes of named operations that say what `linalg.generic` says in its maps and body."""


def _check(multiply: ir.Operation, lmul: LMul, ctx: PassContext) -> None:
    """Raise where `multiply` is of a form or a type that is not rewritten."""
    advice = advice_to_lower(multiply)
    if advice is not None:
        raise ctx.fail(multiply, f"'{multiply.name}' may multiply floats in a form that is not rewritten: {advice}")
    type_ = multiply.results[0].type
    check_format(multiply, type_, lmul, ctx)
    if isinstance(type_, ir.UnrankedTensorType):
        raise ctx.fail(multiply, f"'{multiply.name}' multiplies unranked tensors, which are not rewritten")


def _rewrite(multiply: ir.Operation, chains: Chains, ctx: PassContext) -> None:
    type_ = multiply.results[0].type
    proved = prove(multiply, chains.lmul, ctx)
    if isinstance(type_, ir.RankedTensorType) and not type_.has_static_shape:
        multiply = _in_loop_over_elements(multiply)
    with ir.InsertionPoint(multiply), multiply.location:
        try:
            result = _product(multiply, chains, proved)
        except NotRewritableError as error:
            raise ctx.fail(multiply, f"'{multiply.name}' {error}") from error
    multiply.results[0].replace_all_uses_with(result)
    multiply.erase()


def _product(multiply: ir.Operation, chains: Chains, proved: tuple[Proved, Proved]) -> ir.Value:
    lmul = chains.lmul
    match multiply.name:
        case "arith.mulf":
            x, y = multiply.operands
            return chains.expand(x, y, *proved)
        case "math.fma" | "vector.fma":
            x, y, z = multiply.operands
            how = {name: multiply.attributes.get(name, None) for name in ("fastmath", "roundingmode")}
            return arith.addf(chains.expand(x, y, *proved), z, **how)
        case "vector.contract":
            return expand_contract(lmul, multiply)
        case "vector.outerproduct":
            return expand_outer_product(lmul, multiply)
        case _:
            return expand_reduction(lmul, multiply)


def _is_uniform(factor: ir.Value) -> bool:
    """Tell whether a factor is one number for all elements of an innermost loop."""
    if constant(factor) is not None:
        return constant_lanes(factor) is not None
    if not isinstance(factor, ir.BlockArgument):
        return False
    generic = factor.owner.owner.operation
    if generic.name != "linalg.generic" or factor.arg_number >= generic.attributes["operandSegmentSizes"][0]:
        return False
    map_ = ir.AffineMapAttr(generic.attributes["indexing_maps"][factor.arg_number]).value
    dimensions = [e.position if isinstance(e, ir.AffineDimExpr) else map_.n_dims - 1 for e in map_.results]
    return map_.n_dims > 0 and map_.n_dims - 1 not in dimensions


def _in_loop_over_elements(multiply: ir.Operation) -> ir.Operation:
    """Move a multiply of dynamically shaped tensors into a `linalg.generic`; return the multiply of scalars there."""
    type_ = multiply.results[0].type
    operands = list(multiply.operands)
    with ir.InsertionPoint(multiply), multiply.location:
        identity = ir.AffineMap.get_identity(type_.rank)
        # The first operand gives the shape; its elements are not read as the initial value.
        loop = _generic([*operands, operands[0]], 1, [identity] * (len(operands) + 1), [])
        body = loop.regions[0].blocks.append(*[type_.element_type] * (len(operands) + 1))
        with ir.InsertionPoint(body):
            attributes = {name: multiply.attributes[name] for name in multiply.attributes}
            scalar = ir.Operation.create(
                multiply.name, [type_.element_type], list(body.arguments)[:-1], attributes=attributes
            )
            linalg.yield_([scalar.results[0]])
    multiply.results[0].replace_all_uses_with(loop.results[0])
    multiply.erase()
    return scalar


def _generalise(op: ir.Operation) -> ir.Operation:
    """Replace a named linalg operation by the `linalg.generic` it stands for, the body moved, attributes kept."""
    outputs = op.attributes["operandSegmentSizes"][1]
    maps = [attribute.value for attribute in linalg.get_indexing_maps(op)]
    kept = [(name, op.attributes[name]) for name in op.attributes if name not in _INHERENT]
    with ir.InsertionPoint(op), op.location:
        generic = _generic(list(op.operands), outputs, maps, kept)
    op.regions[0].blocks[0].append_to(generic.regions[0])
    for old, new in zip(op.results, generic.results, strict=True):
        old.replace_all_uses_with(new)
    op.erase()
    return generic


def _generic(
    operands: list[ir.Value], outputs: int, maps: list[ir.AffineMap], attributes: list[tuple[str, ir.Attribute]]
) -> ir.Operation:
    """Create a `linalg.generic` without a body: dimensions that index an output are parallel, the others reductions."""
    inputs = len(operands) - outputs
    parallel = {
        expression.position
        for map_ in maps[inputs:]
        for expression in map_.results
        if isinstance(expression, ir.AffineDimExpr)
    }
    iterators = [
        ir.Attribute.parse(f"#linalg.iterator_type<{'parallel' if i in parallel else 'reduction'}>")
        for i in range(maps[0].n_dims)
    ]
    return ir.Operation.create(
        "linalg.generic",
        results=[value.type for value in operands[inputs:] if isinstance(value.type, ir.RankedTensorType)],
        operands=operands,
        attributes={
            **dict(attributes),
            "indexing_maps": ir.ArrayAttr.get([ir.AffineMapAttr.get(map_) for map_ in maps]),
            "iterator_types": ir.ArrayAttr.get(iterators),
            "operandSegmentSizes": ir.DenseI32ArrayAttr.get([inputs, outputs]),
        },
        regions=1,
    )
