"""Element-wise operations behind a contraction, read as what its kernel can do: shared by deciding and applying."""

from __future__ import annotations

from ..bindings import ir
from ..kernels.epilogue import APART, EPILOGUE_ATTRIBUTE, PLACES, Epilogue, Step
from .access import is_elementwise
from .row_forms import maps_of
from .values import constant

_DIALECTS = ("arith.", "math.")
_SCALARS = (ir.F16Type, ir.BF16Type, ir.F32Type, ir.F64Type, ir.IntegerType)


def read_epilogue(op: ir.Operation) -> Epilogue:
    """Return what a `linalg.generic` with the attribute `slipstick.epilogue` does to the result of a contraction.

    The result, its output, has the dimensions ([batch,] m, n), in the order of the loops; operands keep some of them,
    of which the batch does not count: a kernel sees one slice. Raises ValueError with the reason for any other form.
    """
    attribute = op.attributes[EPILOGUE_ATTRIBUTE]
    place = next((p for p in PLACES if isinstance(attribute, ir.StringAttr) and attribute.value == p), None)
    if place is None:
        expected = " or ".join(f'"{name}"' for name in (*PLACES, APART))
        raise ValueError(f"{EPILOGUE_ATTRIBUTE}: expected {expected}, found {attribute}")
    if not is_epilogue_form(op):
        raise ValueError(
            f"{EPILOGUE_ATTRIBUTE}: expected an element-wise linalg.generic that updates one output in the order of "
            "its two or three loops, and reads operands of the same float type by some of them in that order"
        )
    found = body_steps(op)
    if found is None:
        raise ValueError(f"{EPILOGUE_ATTRIBUTE}: expected a body of operations of arith and math on scalars alone")
    steps, result = found
    loops = maps_of(op)[-1].n_dims
    dims = tuple(tuple(d - (loops - 2) for d in kept if d >= loops - 2) for kept in operand_loops(op))
    return Epilogue(dims, steps, result, place)


def is_apart(op: ir.Operation) -> bool:
    """Return whether an operation with the attribute `slipstick.epilogue` is to be a loop of its own."""
    attribute = op.attributes[EPILOGUE_ATTRIBUTE]
    return isinstance(attribute, ir.StringAttr) and bool(attribute.value == APART)


def is_epilogue_form(op: ir.Operation) -> bool:
    """Return whether the operands of a `linalg.generic`, on tensors or memrefs, are such as an epilogue has."""
    kinds = op.attributes["iterator_types"] if op.name == "linalg.generic" else []
    if len(kinds) not in (2, 3) or any("parallel" not in str(kind) for kind in kinds):
        return False
    if len(op.opview.outputs) != 1 or maps_of(op)[-1] != ir.AffineMap.get_identity(len(kinds)):
        return False
    element = ir.ShapedType(op.operands[-1].type).element_type
    if not isinstance(element, ir.F32Type | ir.F64Type):
        return False
    for operand, map_ in zip(op.opview.inputs, maps_of(op), strict=False):
        if not isinstance(operand.type, ir.ShapedType) or ir.ShapedType(operand.type).element_type != element:
            return False
        if not all(isinstance(e, ir.AffineDimExpr) for e in map_.results):
            return False
        loops = [e.position for e in map_.results]
        if loops != sorted(set(loops)):
            return False
    return True


def operand_loops(op: ir.Operation) -> list[tuple[int, ...]]:
    """Return by which loops each input of an epilogue is read."""
    return [tuple(e.position for e in map_.results) for map_ in maps_of(op)[: len(op.opview.inputs)]]


def body_steps(op: ir.Operation) -> tuple[tuple[Step, ...], int] | None:
    """Return the body of a `linalg.generic` of one result as steps and the number of what it yields.

    None where it holds anything but operations of `arith` and `math` on numbers, and constants from outside. The
    numbers of the first values are those of the block's arguments.
    """
    body = op.regions[0].blocks[0]
    numbers: dict[ir.Value, int] = {argument: number for number, argument in enumerate(body.arguments)}
    steps: list[Step] = []
    for view in body.operations:
        inner = view.operation
        for value in inner.operands:
            if value in numbers:
                continue
            attribute = constant(value)
            if attribute is None or not isinstance(value.type, _SCALARS):
                return None
            numbers[value] = len(body.arguments) + len(steps)
            steps.append(Step("arith.constant", (), (("value", attribute),), value.type))
        operands = tuple(numbers[value] for value in inner.operands)
        if inner.name == "linalg.yield":
            return (tuple(steps), operands[0]) if len(operands) == 1 else None
        if not inner.name.startswith(_DIALECTS) or len(inner.regions) or len(inner.results) != 1:
            return None
        result = inner.results[0]
        if not isinstance(result.type, _SCALARS):
            return None
        numbers[result] = len(body.arguments) + len(steps)
        attributes = tuple((name, inner.attributes[name]) for name in inner.attributes)
        steps.append(Step(inner.name, operands, attributes, result.type))
    return None


def is_fusable_consumer(op: ir.Operation) -> bool:
    """Return whether a `linalg.generic` on tensors computes each element of one result from numbers alone."""
    if not is_elementwise(op) or body_steps(op) is None:
        return False
    if any(name.startswith("slipstick.") and name not in _HARMLESS for name in op.attributes):
        return False
    return not any(True for _ in list(op.regions[0].blocks[0].arguments)[-1].uses)


_HARMLESS = frozenset({"slipstick.layer", "slipstick.lmul"})
