"""Read weights in a narrow format: parameters become codes, decoded where they are used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from ..bindings import func, ir, linalg, tensor
from ..kernels.weight_arguments import EncodedArgument
from ..kernels.weight_emit import WEIGHTS_ATTRIBUTE, channel_exponents, code_type, decode, has_biases
from .base import Pass, PassContext, option
from .prepare_entry import find_entry
from .weight_use import output_axis

PARAMETER_ATTRIBUTE: Final = "slipstick.parameter"
"""On an argument of the entry function: it is a parameter of the model, not an input."""

ENCODED_ATTRIBUTE: Final = "slipstick.encoded_weights"
"""On the module: the arguments of the entry that take codes in place of the f32 matrix of its signature."""


@dataclass(frozen=True)
class EncodeWeights(Pass):
    """Take parameters of linear layers as codes of a narrow format and decode them where they are used.

    Changed are arguments of the entry function that have the attribute `slipstick.parameter`, are f32 matrices of
    static shape, and are read by contractions alone, all the same way round. The argument becomes a matrix of codes;
    for lm8 an argument of biases is appended. A `linalg.generic` with the attribute `slipstick.weights` decodes the
    matrix; `lower-contractions` does it while it packs. The module's attribute `slipstick.encoded_weights` lists what
    has become of which argument. A parameter that is read in another way, as an embedding table is, stays f32.
    """

    name: ClassVar[str] = "encode-weights"
    anchor: ClassVar[str | None] = "builtin.module"
    format: Literal["lm8", "bf16"] = option("lm8", "8 bits with an exponent bias per output channel, or bfloat16")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Change the entry function; raise where there is none."""
        entry = find_entry(op)
        if entry is None:
            raise ctx.fail(op, "expected a function named 'main' or exactly one public func.func with a body")
        encoded = encoded_arguments(op)
        first = entry.regions[0].blocks[0].operations[0]
        for number in parameters(entry):
            argument = entry.arguments[number]
            if not _is_static_matrix(argument.type):
                continue
            axis = output_axis(argument)
            if axis is None:
                continue
            if not isinstance(axis, int):
                ctx.remark(axis, f"parameter {number} stays f32: '{axis.name}' reads it in another way than as weights")
                ctx.count("matrices left in f32")
                continue
            encoded.append(_encode(entry, number, self.format, axis, first))
            ctx.count("matrices encoded")
        if encoded:
            op.attributes[ENCODED_ATTRIBUTE] = _written(encoded, op.context)


def parameters(entry: func.FuncOp) -> list[int]:
    """Return the numbers of the arguments that are marked as parameters."""
    if "arg_attrs" not in entry.attributes:
        return []
    return [number for number, attributes in enumerate(entry.arg_attrs) if PARAMETER_ATTRIBUTE in attributes]


def is_parameter(value: ir.Value) -> bool:
    """Return whether a value is an argument, a matrix of static shape, that is marked as a parameter of the model."""
    if not isinstance(value.owner, ir.Block):
        return False
    function = value.owner.owner
    if not isinstance(function.opview, func.FuncOp) or not isinstance(value.type, ir.RankedTensorType):
        return False
    is_matrix = value.type.rank == 2 and value.type.has_static_shape
    return is_matrix and ir.BlockArgument(value).arg_number in parameters(function.opview)


def encoded_arguments(module: ir.Operation) -> list[EncodedArgument]:
    """Return what the pass has noted on a module: which arguments of its entry take codes."""
    if ENCODED_ATTRIBUTE not in module.attributes:
        return []
    found = []
    for entry in module.attributes[ENCODED_ATTRIBUTE]:
        biases = entry["biases"].value if "biases" in entry else None
        found.append(EncodedArgument(entry["argument"].value, entry["format"].value, entry["axis"].value, biases))
    return found


def _written(encoded: list[EncodedArgument], context: ir.Context) -> ir.Attribute:
    i64 = ir.IntegerType.get_signless(64, context)
    entries = []
    for item in encoded:
        numbers = {"argument": item.argument, "axis": item.axis, "biases": item.biases}
        fields: dict[str, ir.Attribute] = {
            name: ir.IntegerAttr.get(i64, number) for name, number in numbers.items() if number is not None
        }
        fields["format"] = ir.StringAttr.get(item.format, context)
        entries.append(ir.DictAttr.get(fields, context))
    return ir.ArrayAttr.get(entries, context)


def _is_static_matrix(type_: ir.Type) -> bool:
    return (
        isinstance(type_, ir.RankedTensorType)
        and type_.rank == 2
        and type_.has_static_shape
        and isinstance(type_.element_type, ir.F32Type)
    )


def _encode(entry: func.FuncOp, number: int, format: str, axis: int, before: ir.OpView) -> EncodedArgument:
    """Give the entry codes for argument `number` and decode them before an operation of its body."""
    argument = entry.arguments[number]
    readers = [(use.owner, use.operand_number) for use in argument.uses]
    matrix = ir.RankedTensorType(argument.type)
    block = entry.regions[0].blocks[0]
    with entry.context, entry.location as location:
        argument.set_type(ir.RankedTensorType.get(matrix.shape, code_type(format)))
        inputs = [argument]
        if has_biases(format):
            channels = ir.RankedTensorType.get([matrix.shape[axis]], ir.IntegerType.get_signless(32))
            inputs.append(block.add_argument(channels, location))
            attributes = [*entry.arg_attrs, _without_parameter(entry.arg_attrs[number])]
            entry.arg_attrs = ir.ArrayAttr.get(attributes)
        type_ = ir.FunctionType.get([value.type for value in block.arguments], entry.type.results)
        entry.attributes["function_type"] = ir.TypeAttr.get(type_)
        with ir.InsertionPoint(before):
            decoded = _decode_op(inputs, matrix, format, axis)
    for reader, operand in readers:
        reader.operation.operands[operand] = decoded
    return EncodedArgument(number, format, axis, len(block.arguments) - 1 if has_biases(format) else None)


def _without_parameter(attributes: ir.DictAttr) -> ir.DictAttr:
    return ir.DictAttr.get({named.name: named.attr for named in attributes if named.name != PARAMETER_ATTRIBUTE})


def _decode_op(inputs: list[ir.Value], matrix: ir.RankedTensorType, format: str, axis: int) -> ir.Value:
    """Emit the `linalg.generic` that decodes; `inputs` are the codes and, of lm8, the biases."""
    identity = ir.AffineMap.get_identity(2)
    channel = ir.AffineMap.get(2, 0, [ir.AffineDimExpr.get(axis)])
    maps = [identity, *[channel] * (len(inputs) - 1), identity]
    empty = tensor.empty(matrix.shape, matrix.element_type)
    parallel = ir.Attribute.parse("#linalg.iterator_type<parallel>")
    generic = linalg.GenericOp(
        [matrix],
        inputs,
        [empty],
        ir.ArrayAttr.get([ir.AffineMapAttr.get(m) for m in maps]),
        ir.ArrayAttr.get([parallel, parallel]),
    )
    generic.operation.attributes[WEIGHTS_ATTRIBUTE] = ir.StringAttr.get(format)
    elements = [ir.ShapedType(value.type).element_type for value in (*inputs, empty)]
    body = generic.regions[0].blocks.append(*elements)
    with ir.InsertionPoint(body):
        exponents = channel_exponents(body.arguments[1]) if has_biases(format) else None
        linalg.YieldOp([decode(format, body.arguments[0], exponents)])
    return generic.results[0]
