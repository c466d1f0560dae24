"""Pack weights ahead of all calls: parameters that contractions read become panels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from ..bindings import func, ir, linalg, tensor
from ..kernels.panels import PANELS
from ..kernels.weight_arguments import PackedArgument
from ..kernels.weight_emit import WEIGHTS_ATTRIBUTE
from .base import Pass, PassContext
from .calls import Calls, retype
from .encode_weights import PARAMETER_ATTRIBUTE, parameters
from .prepare_entry import find_entry
from .weight_readers import Form, WeightReaders

PACKED_ATTRIBUTE: Final = "slipstick.packed_weights"
"""On the module: the arguments of the entry that take panels, and of which matrix of its signature."""


@dataclass(frozen=True)
class PackWeights(Pass):
    """Take parameters that packed contractions read as B in panels, which the caller packs once.

    Changed are arguments of the entry function that have the attribute `slipstick.parameter`, are matrices of static
    shape, and are read, all in one form, by `linalg.matmul` with a decision of the kind "packed", in the entry or in
    private functions that get nothing but such arguments. The panels take the argument's place, or that of a new last
    argument where something else reads the matrix too, as an embedding does. A `linalg.generic` with the attribute
    `slipstick.weights = "panels"` lays them out as the matrix again; `lower-contractions` reads the panels instead. The
    module's attribute `slipstick.packed_weights` lists them.
    """

    name: ClassVar[str] = "pack-weights"
    anchor: ClassVar[str | None] = "builtin.module"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Change the entry function and those that it calls; raise where there is no entry."""
        entry = find_entry(op)
        if entry is None:
            raise ctx.fail(op, "expected a function named 'main' or exactly one public func.func with a body")
        readers = WeightReaders.of(entry, Calls.of(op), ctx)
        packed = packed_arguments(op)
        first = _first(entry)
        for number in parameters(entry):
            forms = readers.forms(number)
            if len(forms) > 1:
                ctx.count("matrices read in several forms")
            if len(forms) == 1:
                packed.append(_pack(entry, number, forms.pop(), readers, first))
                ctx.count("matrices packed")
        starts = {name: _first(function) for name, function in readers.calls.functions.items()}
        for slot, form in readers.slots.items():
            matrix = ir.RankedTensorType(readers.calls.argument(slot).type)
            with op.context:
                argument = readers.calls.retype(slot, form.panels(matrix))
            _read_panels(argument, matrix, form, readers.contractions(slot), starts[slot[0]])
        if packed:
            with op.context:
                retype(entry)
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


def _first(function: func.FuncOp) -> ir.Operation:
    return function.regions[0].blocks[0].operations[0].operation


def _pack(entry: func.FuncOp, number: int, form: Form, readers: WeightReaders, before: ir.Operation) -> PackedArgument:
    """Give the entry panels for argument `number`, and its readers these or what they stand for."""
    argument = entry.arguments[number]
    block = entry.regions[0].blocks[0]
    matrix = ir.RankedTensorType(argument.type)
    contractions = readers.contractions(number)
    passed = [(use.owner.operation, use.operand_number) for use in argument.uses if readers.takes_panels(use)]
    has_other_readers = len(list(argument.uses)) > len(contractions) + len(passed)
    with entry.context, entry.location as location:
        panels = form.panels(matrix)
        source = block.add_argument(panels, location) if has_other_readers else argument
        if has_other_readers:
            attributes = {n.name: n.attr for n in entry.arg_attrs[number] if n.name != PARAMETER_ATTRIBUTE}
            entry.arg_attrs = ir.ArrayAttr.get([*entry.arg_attrs, ir.DictAttr.get(attributes)])
        else:
            argument.set_type(panels)
    for call, operand in passed:
        call.operands[operand] = source
    _read_panels(source, matrix, form, contractions, before)
    place = len(block.arguments) - 1 if has_other_readers else number
    return PackedArgument(number, place, form.axis, form.width, form.mantissa_bits, form.rounding)


def _read_panels(
    panels: ir.Value, matrix: ir.RankedTensorType, form: Form, contractions: list[ir.Operation], before: ir.Operation
) -> None:
    """Let contractions read the matrix that the panels stand for, laid out before an operation."""
    if not contractions:
        return
    with before.context, before.location, ir.InsertionPoint(before):
        laid_out = _lay_out(panels, matrix, form.axis, form.width)
    for contraction in contractions:
        contraction.operands[1] = laid_out


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
