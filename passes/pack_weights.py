"""Pack weights ahead of all calls: parameters that contractions read become panels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

from ..bindings import func, ir, linalg, tensor
from ..kernels.decision import DECISION_ATTRIBUTE, ContractionSchedule, read_decision
from ..kernels.lmul import LMul, Rounding
from ..kernels.panels import PANELS, panel_count
from ..kernels.weight_emit import WEIGHTS_ATTRIBUTE
from .base import Pass, PassContext
from .contraction_dims import canonical_dims, is_permuted, operand_dims
from .encode_weights import PARAMETER_ATTRIBUTE, parameters
from .lmul_scope import MARK, read_mark
from .prepare_entry import find_entry

PACKED_ATTRIBUTE: Final = "slipstick.packed_weights"
"""On the module: the arguments of the entry that take panels, and of which matrix of its signature."""


@dataclass(frozen=True)
class PackedArgument:
    """An argument of the entry function that takes a matrix of weights as panels."""

    source: int
    """The number of the argument that was the matrix; it still is where something else reads it too."""
    argument: int
    """The number of the argument that takes the panels."""
    axis: int
    """The dimension of the matrix that counts output channels."""
    width: int
    """Columns a panel."""
    mantissa_bits: int | None = None
    rounding: Rounding | None = None
    """Of L-Mul under `finite`, whose operands the elements are; None: they are the matrix's own."""

    @property
    def lmul(self) -> LMul | None:
        """The L-Mul that the elements are prepared for."""
        if self.mantissa_bits is None or self.rounding is None:
            return None
        return LMul(mantissa_bits=self.mantissa_bits, rounding=self.rounding, specials="finite")


_Form: TypeAlias = tuple[int, int, int | None, Rounding | None]
"""Axis, width and what L-Mul prepares: the fields of `PackedArgument` behind the numbers."""


@dataclass(frozen=True)
class PackWeights(Pass):
    """Take parameters that packed contractions read as B in panels, which the caller packs once.

    Changed are arguments of the entry function that have the attribute `slipstick.parameter`, are matrices of static
    shape, and are read, all in one form, by `linalg.matmul` with a decision of the kind "packed". The panels take the
    argument's place, or that of a new last argument where something else reads the matrix too, as an embedding does. A
    `linalg.generic` with the attribute `slipstick.weights = "panels"` lays them out as the matrix again;
    `lower-contractions` reads the panels instead. The module's attribute `slipstick.packed_weights` lists them.
    """

    name: ClassVar[str] = "pack-weights"
    anchor: ClassVar[str | None] = "builtin.module"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Change the entry function; raise where there is none."""
        entry = find_entry(op)
        if entry is None:
            raise ctx.fail(op, "expected a function named 'main' or exactly one public func.func with a body")
        first = entry.regions[0].blocks[0].operations[0]
        packed = packed_arguments(op)
        for number in parameters(entry):
            readers = _contractions(entry.arguments[number], ctx)
            forms = set(readers.values())
            if len(forms) > 1:
                ctx.count("matrices read in several forms")
            if len(forms) == 1:
                packed.append(_pack(entry, number, *forms.pop(), list(readers), first))
                ctx.count("matrices packed")
        if packed:
            op.attributes[PACKED_ATTRIBUTE] = _written(packed, op.context)


def packed_arguments(module: ir.Operation) -> list[PackedArgument]:
    """Return what the pass has noted on a module."""
    if PACKED_ATTRIBUTE not in module.attributes:
        return []
    return [
        PackedArgument(**{named.name: named.attr.value for named in entry})
        for entry in module.attributes[PACKED_ATTRIBUTE]
    ]


def _written(packed: list[PackedArgument], context: ir.Context) -> ir.Attribute:
    i64 = ir.IntegerType.get_signless(64, context)
    entries = []
    for item in packed:
        fields: dict[str, ir.Attribute] = {}
        for name, value in vars(item).items():
            if value is not None:
                is_text = isinstance(value, str)
                fields[name] = ir.StringAttr.get(value, context) if is_text else ir.IntegerAttr.get(i64, value)
        entries.append(ir.DictAttr.get(fields, context))
    return ir.ArrayAttr.get(entries, context)


def _contractions(argument: ir.Value, ctx: PassContext) -> dict[ir.Operation, _Form]:
    """Return the contractions that read an argument as B and can read panels, each with the form it wants."""
    if not _is_static_matrix(argument.type):
        return {}
    found: dict[ir.Operation, _Form] = {}
    for use in argument.uses:
        user = use.owner.operation
        is_product = user.name == "linalg.matmul" and use.operand_number == 1 and is_permuted(user)
        if not is_product or DECISION_ATTRIBUTE not in user.attributes:
            continue
        try:
            schedule = read_decision(user)
        except ValueError as problem:
            raise ctx.fail(user, str(problem)) from problem
        if isinstance(schedule, ContractionSchedule):
            axis = operand_dims(user)[1].index(canonical_dims(user)[1][-1])
            lmul = read_mark(user, ctx) if MARK in user.attributes else None
            if lmul is not None and lmul.specials == "finite":
                found[user] = (axis, schedule.tile_columns, lmul.mantissa_bits, lmul.rounding)
            else:
                found[user] = (axis, schedule.tile_columns, None, None)
    return found


def _is_static_matrix(type_: ir.Type) -> bool:
    return (
        isinstance(type_, ir.RankedTensorType)
        and type_.rank == 2
        and type_.has_static_shape
        and isinstance(type_.element_type, ir.F32Type | ir.F64Type)
    )


def _pack(
    entry: func.FuncOp,
    number: int,
    axis: int,
    width: int,
    mantissa_bits: int | None,
    rounding: Rounding | None,
    readers: list[ir.Operation],
    before: ir.OpView,
) -> PackedArgument:
    """Give the entry panels for argument `number`, and its readers among contractions what they stand for."""
    argument = entry.arguments[number]
    block = entry.regions[0].blocks[0]
    matrix = ir.RankedTensorType(argument.type)
    columns, depth = matrix.shape[axis], matrix.shape[1 - axis]
    has_other_readers = len({use.owner.operation for use in argument.uses}) > len(readers)
    with entry.context, entry.location as location:
        panels = ir.RankedTensorType.get([panel_count(columns, width), depth, width], matrix.element_type)
        source = block.add_argument(panels, location) if has_other_readers else argument
        if has_other_readers:
            attributes = {n.name: n.attr for n in entry.arg_attrs[number] if n.name != PARAMETER_ATTRIBUTE}
            entry.arg_attrs = ir.ArrayAttr.get([*entry.arg_attrs, ir.DictAttr.get(attributes)])
        else:
            argument.set_type(panels)
        type_ = ir.FunctionType.get([value.type for value in block.arguments], entry.type.results)
        entry.attributes["function_type"] = ir.TypeAttr.get(type_)
        with ir.InsertionPoint(before):
            laid_out = _lay_out(source, matrix, axis, width)
    for reader in readers:
        reader.operands[1] = laid_out
    place = len(block.arguments) - 1 if has_other_readers else number
    return PackedArgument(number, place, axis, width, mantissa_bits, rounding)


def _lay_out(panels: ir.Value, matrix: ir.RankedTensorType, axis: int, width: int) -> ir.Value:
    """Emit the `linalg.generic` that makes the matrix out of its panels."""
    column, depth = ir.AffineDimExpr.get(axis), ir.AffineDimExpr.get(1 - axis)
    read = ir.AffineMap.get(
        2, 0, [ir.AffineExpr.get_floor_div(column, width), depth, ir.AffineExpr.get_mod(column, width)]
    )
    maps = [read, ir.AffineMap.get_identity(2)]
    parallel = ir.Attribute.parse("#linalg.iterator_type<parallel>")
    generic = linalg.GenericOp(
        [matrix],
        [panels],
        [tensor.empty(matrix.shape, matrix.element_type)],
        ir.ArrayAttr.get([ir.AffineMapAttr.get(m) for m in maps]),
        ir.ArrayAttr.get([parallel, parallel]),
    )
    generic.operation.attributes[WEIGHTS_ATTRIBUTE] = ir.StringAttr.get(PANELS)
    body = generic.regions[0].blocks.append(matrix.element_type, matrix.element_type)
    with ir.InsertionPoint(body):
        linalg.YieldOp([body.arguments[0]])
    return generic.results[0]
