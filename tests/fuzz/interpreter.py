"""linalg on tensors, run as it is written: by torch, one operation after the other, sharing no code with the compiler.

Of a `linalg.generic` all points that differ in parallel dimensions are computed at once, those of reductions one after
the other. Sizes must be known. How floats are multiplied is the caller's choice; so is noise in what each operation on
tensors makes, at each step of a sum. Multiplies that no given tensor goes into are exact: those of positions.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import torch
from slipstick.bindings import ir
from torch import Tensor

from .scalars import BINARY, CASTS, UNARY, UnsupportedError, compare_floats, compare_integers, dtype_of

Multiply = Callable[[Tensor, Tensor], Tensor]
_ROUNDING = ("arith.addf", "arith.subf", "arith.mulf", "arith.divf", "arith.truncf", "arith.sitofp", "math.")
_IGNORED = ("cf.assert", "linalg.yield", "func.return")


class Environment(dict[ir.Value, Tensor]):
    """Values by what they are in MLIR; what has none, because an operation is not known here, is asked for in vain."""

    def __init__(self, values: Iterable[tuple[ir.Value, Tensor]] = (), outer: Environment | None = None):
        super().__init__(values)
        self._outer = outer

    def __missing__(self, value: ir.Value) -> Tensor:
        if self._outer is None:
            raise UnsupportedError("the result of an operation that is not known here")
        return self._outer[value]


class Interpreter:
    """Runs the entry function of a module, with named operations already made generic."""

    def __init__(self, function: Any, multiply: Multiply):
        self._function = function
        self._multiply = multiply
        self._noise: Callable[[Tensor], Tensor] = lambda value: value
        self._given: set[ir.Value] = set()
        """What the inputs go into."""

    def __call__(
        self, inputs: Sequence[Tensor], noise: Callable[[Tensor], Tensor] | None = None
    ) -> list[Tensor | None]:
        """Return the results for inputs as MLIR sees them; None for what needs an operation that is not known here."""
        self._noise = noise or (lambda value: value)
        block = self._function.regions[0].blocks[0]
        self._given = set(block.arguments)
        values = Environment(zip(block.arguments, inputs, strict=True))
        for op in block.operations:
            if op.operation.name == "func.return":
                return [values.get(operand) for operand in op.operation.operands]
            with suppress(UnsupportedError):
                self._tensor_operation(op.operation, values)
        raise UnsupportedError("a function without a return")

    def _tensor_operation(self, op: ir.Operation, values: Environment) -> None:
        name = op.name
        if name in _IGNORED:
            return
        if name == "linalg.generic":
            values.update(zip(op.results, self._generic(op, values), strict=True))
        elif name in _TENSORS:
            operands = [values[operand] for operand in op.operands]
            values[op.results[0]] = _TENSORS[name](op, operands)
            self._pass_on(op.operands if name != "tensor.dim" else (), op.results)
        else:
            self._scalar_operation(op, values, ())

    def _generic(self, op: ir.Operation, values: Environment) -> list[Tensor]:
        maps = [ir.AffineMapAttr(attribute).value for attribute in ir.ArrayAttr(op.attributes["indexing_maps"])]
        kinds = ["reduction" in str(kind) for kind in ir.ArrayAttr(op.attributes["iterator_types"])]
        operands = [values[operand] for operand in op.operands]
        ranges = _ranges(maps, operands, len(kinds))
        first = len(operands) - len(op.results)
        results = [operand.clone() for operand in operands[first:]]
        body = op.regions[0].blocks[0]
        self._pass_on(op.operands, body.arguments[first:])
        for operand, argument in zip(op.operands, body.arguments, strict=True):
            self._pass_on((operand,), (argument,))
        rounds = any(one.operation.name.startswith(_ROUNDING) for one in body.operations)
        reductions = [range(size) if kind else (None,) for size, kind in zip(ranges, kinds, strict=True)]
        if 0 in ranges:
            return results
        for point in itertools.product(*reductions):
            index = _indices(ranges, point)
            shape = torch.broadcast_shapes((1,) * len(index), *(i.shape for i in index))
            local = Environment(outer=values)
            sources = [*operands[:first], *results]
            for argument, source, map_ in zip(body.arguments, sources, maps, strict=True):
                local[argument] = _read(source, map_, index).expand(shape)
            yielded = self._body(body, local, index)
            for number, value in enumerate(map(self._noise, yielded) if rounds else yielded):
                _write(results[number], maps[first + number], index, value.expand(shape))
        self._pass_on(list(body.operations)[-1].operation.operands, op.results)
        return results

    def _pass_on(self, operands: Iterable[ir.Value], results: Iterable[ir.Value]) -> None:
        """Note that what goes into operands goes into results."""
        if not self._given.isdisjoint(operands):
            self._given.update(results)

    def _body(self, block: ir.Block, local: Environment, index: Sequence[Tensor]) -> list[Tensor]:
        for op in block.operations:
            if op.operation.name == "linalg.yield":
                return [local[operand] for operand in op.operation.operands]
            self._scalar_operation(op.operation, local, index)
        raise UnsupportedError("a body without a yield")

    def _scalar_operation(self, op: ir.Operation, values: Environment, index: Sequence[Tensor]) -> None:
        name = op.name
        if name in _IGNORED:
            return
        if len(op.results) != 1 or (op.regions and len(op.regions[0].blocks)):
            raise UnsupportedError(name)
        operands = [values[operand] for operand in op.operands]
        self._pass_on(op.operands, op.results)
        values[op.results[0]] = self._scalar(op, name, operands, index)

    def _scalar(self, op: ir.Operation, name: str, operands: list[Tensor], index: Sequence[Tensor]) -> Tensor:
        if name == "arith.mulf":
            made = [number for number, value in enumerate(op.operands) if value not in self._given]
            # Times what is 1 when the graph is compiled, torch.eye(1), is no multiply in the end.
            is_exact = len(made) == 2 or any(bool((operands[number] == 1).all()) for number in made)
            return torch.mul(*operands) if is_exact else self._multiply(*torch.broadcast_tensors(*operands))
        if name in BINARY:
            return BINARY[name](*operands)
        if name in UNARY:
            return UNARY[name](*operands)
        if name in CASTS:
            return CASTS[name](operands[0], dtype_of(op.results[0].type))
        if name == "arith.constant":
            return _constant(op)
        if name == "arith.select":
            return torch.where(*operands)
        if name in ("arith.cmpi", "arith.cmpf"):
            predicate = ir.IntegerAttr(op.attributes["predicate"]).value
            return (compare_integers if name == "arith.cmpi" else compare_floats)(predicate, *operands)
        if name == "linalg.index":
            return index[ir.IntegerAttr(op.attributes["dim"]).value]
        if name == "tensor.extract":
            source, *places = operands
            return source[tuple(places)] if places else source
        raise UnsupportedError(name)


def _ranges(maps: Sequence[Any], operands: Sequence[Tensor], count: int) -> list[int]:
    """Return how far each loop runs, from the operands that it indexes alone."""
    ranges = [-1] * count
    for map_, operand in zip(maps, operands, strict=True):
        for size, expression in zip(operand.shape, map_.results, strict=True):
            if isinstance(expression, ir.AffineDimExpr):
                ranges[expression.position] = size
    if -1 in ranges:
        raise UnsupportedError("a loop whose range no operand tells")
    return ranges


def _indices(ranges: Sequence[int], point: Sequence[int | None]) -> list[Tensor]:
    """Return, for each loop, its index at all points: along an axis of its own, or one number."""
    count = len(ranges)
    found = []
    for number, (size, at) in enumerate(zip(ranges, point, strict=True)):
        index = torch.arange(size) if at is None else torch.tensor([at])
        found.append(index.view([-1 if number == other else 1 for other in range(count)]))
    return found


def _place(map_: Any, index: Sequence[Tensor]) -> tuple[Tensor, ...]:
    return tuple(_evaluate(expression, index) for expression in map_.results)


def _evaluate(expression: Any, index: Sequence[Tensor]) -> Tensor:
    if isinstance(expression, ir.AffineDimExpr):
        return index[expression.position]
    if isinstance(expression, ir.AffineConstantExpr):
        return torch.tensor(expression.value)
    for kind, how in _EXPRESSIONS:
        if isinstance(expression, kind):
            return how(_evaluate(expression.lhs, index), _evaluate(expression.rhs, index))
    raise UnsupportedError(str(expression))


_EXPRESSIONS: tuple[tuple[Any, Callable[[Tensor, Tensor], Tensor]], ...] = (
    (ir.AffineAddExpr, torch.add),
    (ir.AffineMulExpr, torch.mul),
    (ir.AffineFloorDivExpr, lambda x, y: torch.div(x, y, rounding_mode="floor")),
    (ir.AffineModExpr, torch.remainder),
)


def _read(source: Tensor, map_: Any, index: Sequence[Tensor]) -> Tensor:
    place = _place(map_, index)
    return source[place] if place else source


def _write(target: Tensor, map_: Any, index: Sequence[Tensor], value: Tensor) -> None:
    place = _place(map_, index)
    if not place:
        target.copy_(value.reshape(()))
        return
    full = torch.broadcast_tensors(*place)
    target[full] = value.expand(torch.broadcast_shapes(value.shape, full[0].shape)).reshape(full[0].shape)


def _constant(op: ir.Operation) -> Tensor:
    attribute = op.attributes["value"]
    type_ = op.results[0].type
    if isinstance(type_, ir.RankedTensorType):
        dtype = dtype_of(type_.element_type)
        dense = ir.DenseElementsAttr(attribute)
        if dense.is_splat:
            return torch.full(tuple(type_.shape), _number(dense.get_splat_value()), dtype=dtype)
        kind = ir.DenseFPElementsAttr if dtype.is_floating_point else ir.DenseIntElementsAttr
        return torch.tensor(list(kind(attribute)), dtype=dtype).reshape(tuple(type_.shape))
    return torch.tensor(_number(attribute), dtype=dtype_of(type_))


def _number(attribute: Any) -> Any:
    if isinstance(attribute, ir.FloatAttr | ir.IntegerAttr | ir.BoolAttr):
        return attribute.value
    raise UnsupportedError(str(attribute))


def _shape(op: ir.Operation) -> tuple[int, ...]:
    type_ = ir.RankedTensorType(op.results[0].type)
    if not type_.has_static_shape:
        raise UnsupportedError("a size that is not known")
    return tuple(type_.shape)


def _empty(op: ir.Operation, operands: list[Tensor]) -> Tensor:
    return torch.zeros(_shape(op), dtype=dtype_of(ir.RankedTensorType(op.results[0].type).element_type))


def _slices(op: ir.Operation, operands: Sequence[Tensor]) -> tuple[slice, ...]:
    dynamic = iter([int(operand) for operand in operands])
    fields = []
    for name in ("static_offsets", "static_sizes", "static_strides"):
        fields.append(
            [next(dynamic) if number == _DYNAMIC else number for number in ir.DenseI64ArrayAttr(op.attributes[name])]
        )
    return tuple(
        slice(start, start + (size - 1) * step + 1 if size else start, step)
        for start, size, step in zip(*fields, strict=True)
    )


_DYNAMIC = ir.ShapedType.get_dynamic_size()


def _insert(op: ir.Operation, operands: list[Tensor]) -> Tensor:
    source, target, *rest = operands
    result = target.clone()
    part = result[_slices(op, rest)]
    part.copy_(source.reshape(part.shape))
    return result


def _pad(op: ir.Operation, operands: list[Tensor]) -> Tensor:
    low, high = (list(ir.DenseI64ArrayAttr(op.attributes[name])) for name in ("static_low", "static_high"))
    body = list(op.regions[0].blocks[0].operations)
    source, *rest = operands
    if rest or _DYNAMIC in low + high or len(body) != 1:
        raise UnsupportedError("a padding that is not known")
    owner = body[0].operation.operands[0].owner
    if not isinstance(owner, ir.Operation) or owner.name != "arith.constant":
        raise UnsupportedError("padding with what is computed")
    result = torch.full(_shape(op), 0, dtype=source.dtype) + _constant(owner).to(source.dtype)
    result[tuple(slice(start, start + size) for start, size in zip(low, source.shape, strict=True))] = source
    return result


_TENSORS: dict[str, Callable[[ir.Operation, list[Tensor]], Tensor]] = {
    "tensor.empty": _empty,
    "tensor.cast": lambda op, operands: operands[0],
    "tensor.collapse_shape": lambda op, operands: operands[0].reshape(_shape(op)),
    "tensor.expand_shape": lambda op, operands: operands[0].reshape(_shape(op)),
    "tensor.concat": lambda op, operands: torch.cat(operands, ir.IntegerAttr(op.attributes["dim"]).value),
    "tensor.extract_slice": lambda op, operands: operands[0][_slices(op, operands[1:])].reshape(_shape(op)),
    "tensor.insert_slice": _insert,
    "tensor.pad": _pad,
    "tensor.dim": lambda op, operands: torch.tensor(operands[0].shape[int(operands[1])]),
    "tensor.splat": lambda op, operands: operands[0].expand(_shape(op)).clone(),
    "tensor.from_elements": lambda op, operands: torch.stack(operands).reshape(_shape(op)),
}
