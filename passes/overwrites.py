"""Arguments that a function overwrites: how MLIR says so while it is still functional.

    func.func @main(%x: tensor<4xf32> {slipstick.overwritten = 1 : i64}) -> (tensor<4xf32>, tensor<4xf32>)

The entry's result number 1 is not returned: it is what `%x` holds after the call. `prepare-entry` notes this on the
module, next to the signature; after bufferisation `overwrite-arguments` makes it so.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..bindings import func, ir

OVERWRITTEN_ATTRIBUTE = "slipstick.overwritten"
"""On an argument of the entry: the number of the result that it is overwritten with."""
OVERWRITES_ATTRIBUTE = "slipstick.overwrites"
"""On the module: the pairs of argument and result, in the order of the arguments."""


def marked_overwrites(entry: func.FuncOp) -> list[tuple[int, int]]:
    """Return the pairs (argument, result) that the arguments' attributes name.

    Raises ValueError, with a text for the user, where one is no number of a result of the argument's type.
    """
    if "arg_attrs" not in entry.attributes:
        return []
    pairs = []
    for number, attributes in enumerate(entry.arg_attrs):
        if OVERWRITTEN_ATTRIBUTE not in attributes:
            continue
        attribute = attributes[OVERWRITTEN_ATTRIBUTE]
        results = entry.type.results
        if not isinstance(attribute, ir.IntegerAttr) or not 0 <= attribute.value < len(results):
            raise ValueError(f"{OVERWRITTEN_ATTRIBUTE}: expected the number of a result, found {attribute}")
        input_type, result_type = entry.type.inputs[number], results[attribute.value]
        if input_type != result_type or not isinstance(input_type, ir.RankedTensorType):
            raise ValueError(
                f"{OVERWRITTEN_ATTRIBUTE}: argument {number}: expected a tensor of one type with result "
                f"{attribute.value}, found {input_type} and {result_type}"
            )
        pairs.append((number, attribute.value))
    results_taken = [result for _, result in pairs]
    if len(set(results_taken)) < len(results_taken):
        raise ValueError(f"{OVERWRITTEN_ATTRIBUTE}: expected a result of its own for each argument")
    return pairs


def mark_overwrites(entry: func.FuncOp, pairs: Iterable[tuple[int, int]]) -> None:
    """Set the attribute on the arguments of `entry`: pairs (argument, result)."""
    results = dict(pairs)
    if not results:
        return
    old = list(entry.arg_attrs) if "arg_attrs" in entry.attributes else [ir.DictAttr.get({})] * len(entry.arguments)
    i64 = ir.IntegerType.get_signless(64)
    entry.arg_attrs = ir.ArrayAttr.get(
        [
            ir.DictAttr.get(
                {
                    **{n.name: n.attr for n in attributes},
                    OVERWRITTEN_ATTRIBUTE: ir.IntegerAttr.get(i64, results[number]),
                }
            )
            if number in results
            else attributes
            for number, attributes in enumerate(old)
        ]
    )


def note_overwrites(module: ir.Operation, pairs: Iterable[tuple[int, int]]) -> None:
    """Note the pairs (argument, result) on the module, where there are any."""
    noted = [ir.DenseI64ArrayAttr.get(list(pair)) for pair in pairs]
    if noted:
        module.attributes[OVERWRITES_ATTRIBUTE] = ir.ArrayAttr.get(noted)


def noted_overwrites(module: ir.Operation) -> list[tuple[int, int]]:
    """Return the pairs (argument, result) that are noted on the module.

    Raises ValueError, with a text for the user, where the attribute holds anything else.
    """
    if OVERWRITES_ATTRIBUTE not in module.attributes:
        return []
    attribute = module.attributes[OVERWRITES_ATTRIBUTE]
    pairs = []
    for item in attribute if isinstance(attribute, ir.ArrayAttr) else [attribute]:
        numbers = list(item) if isinstance(item, ir.DenseI64ArrayAttr) else []
        if len(numbers) != 2 or min(numbers) < 0:
            raise ValueError(f"{OVERWRITES_ATTRIBUTE}: expected pairs of an argument and a result, found {attribute}")
        pairs.append((numbers[0], numbers[1]))
    return pairs
