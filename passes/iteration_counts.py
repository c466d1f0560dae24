"""How often an operation executes in one call of the entry function, from loop bounds and linalg iteration spaces.

Sizes that the types leave open follow from the sizes of the entry function's arguments, through the operations that
compute them (`tensor.dim`, index arithmetic, reshapes). What cannot be told (a `while` loop, bounds that depend on data
or on an outer induction variable, recursion, blocks that branches lead to, scalable vectors) is `None`, never a guess.
Both branches of a conditional count as taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from ..bindings import func, ir, linalg
from ..errors import ArgumentError
from .prepare_entry import find_entry
from .values import constant, trip_count
from .walk import find

Sizes = Mapping[int, Sequence[int]]
"""For an argument of the entry function, by number, the sizes of its dimensions."""


def parse_sizes(items: Iterable[str]) -> dict[int, tuple[int, ...]]:
    """Read sizes written as `argument:AxBxC`, e.g. `0:8x64`. Raises ArgumentError for anything else."""
    sizes: dict[int, tuple[int, ...]] = {}
    for item in items:
        number, colon, shape = item.partition(":")
        parts = shape.split("x")
        if not colon or not all(part.isascii() and part.isdigit() for part in (number, *parts)):
            raise ArgumentError(f"sizes: expected an argument's number and its sizes, as in 0:8x64, found {item!r}")
        sizes[int(number)] = tuple(int(part) for part in parts)
    return sizes


_ONCE = frozenset(
    {
        "builtin.module",
        "scf.if",
        "affine.if",
        "scf.execute_region",
        "memref.alloca_scope",
        "scf.reduce",
        "vector.mask",
        "omp.parallel",
    }
)
_SAME_SHAPE = frozenset({"tensor.cast", "memref.cast", "bufferization.to_tensor", "bufferization.to_buffer"})
_BINARY: dict[str, Callable[[int, int], int | None]] = {
    "arith.addi": lambda x, y: x + y,
    "arith.subi": lambda x, y: x - y,
    "arith.muli": lambda x, y: x * y,
    "arith.minsi": min,
    "arith.maxsi": max,
    "arith.ceildivsi": lambda x, y: -(-x // y) if y else None,
    "arith.floordivsi": lambda x, y: x // y if y else None,
    "arith.divsi": lambda x, y: int(math.copysign(abs(x) // abs(y), x * y)) if y else None,
    "arith.remsi": lambda x, y: int(math.fmod(x, y)) if y else None,
}


class IterationCounts:
    """Answers for one module; the module must not change meanwhile.

    Raises ArgumentError where `sizes` does not fit the arguments of the module's entry function.
    """

    def __init__(self, module: ir.Operation, sizes: Sizes | None = None):
        self._module = module
        self._sizes = sizes or {}
        self._active: set[str] = set()
        self._calls_of: dict[str, int | None] = {}
        self._check_sizes()

    def executions(self, op: ir.Operation) -> int | None:
        """Return how often `op` executes in one call of the entry function; None where that cannot be told."""
        total: int | None = 1
        parent = op.parent
        while parent is not None and parent != self._module:
            entered = 1 if _is_in_first_block(op, parent.operation) else None
            total = _times(_times(total, entered), self._trips(parent.operation))
            op, parent = parent.operation, parent.parent
        return total

    def iteration_space(self, op: ir.Operation) -> tuple[int | None, ...]:
        """Return the size of each loop of a linalg operation that has a body; None where one cannot be told."""
        maps = [ir.AffineMapAttr(attribute).value for attribute in linalg.get_indexing_maps(op)]
        sizes: list[int | None] = [None] * maps[0].n_dims
        for operand, map_ in zip(op.operands, maps, strict=True):
            for number, expression in enumerate(map_.results):
                if isinstance(expression, ir.AffineDimExpr):
                    position = expression.position
                    if sizes[position] is None:
                        sizes[position] = self.dimension(operand, number)
        return tuple(sizes)

    def shape(self, value: ir.Value) -> tuple[int | None, ...] | None:
        """Return the size of each dimension of `value`, () for a scalar; None where there is no rank."""
        if not isinstance(value.type, ir.ShapedType):
            return ()
        if not value.type.has_rank:
            return None
        return tuple(self.dimension(value, number) for number in range(value.type.rank))

    def dimension(self, value: ir.Value, number: int) -> int | None:
        """Return the size of dimension `number` of a tensor, memref or vector; None where it cannot be told."""
        type_ = value.type
        if not isinstance(type_, ir.ShapedType) or not type_.has_rank:
            return None
        if isinstance(type_, ir.VectorType) and type_.scalable_dims[number]:
            return None
        if not type_.is_dynamic_dim(number):
            return int(type_.get_dim_size(number))
        if isinstance(value, ir.BlockArgument):
            return self._argument_size(value, number)
        return self._result_dimension(value, number)

    def elements(self, value: ir.Value) -> int | None:
        """Return how many elements `value` has, 1 for a scalar."""
        shape = self.shape(value)
        return None if shape is None else product(shape)

    def _check_sizes(self) -> None:
        if not self._sizes:
            return
        if self._entry is None:
            raise ArgumentError("sizes: expected a module with an entry function, found none")
        arguments = list(self._entry.arguments)
        for number, sizes in self._sizes.items():
            if number >= len(arguments):
                raise ArgumentError(f"sizes: expected an argument's number below {len(arguments)}, found {number}")
            type_ = arguments[number].type
            if not isinstance(type_, ir.ShapedType) or not type_.has_rank or not _fits(sizes, type_):
                found = "x".join(map(str, sizes))
                raise ArgumentError(f"sizes: argument {number}: expected sizes of {type_}, found {found}")

    # ---- how often a region runs

    def _trips(self, op: ir.Operation) -> int | None:
        if op.name in _ONCE:
            return 1
        if op.name.startswith("linalg."):
            return product(self.iteration_space(op))
        if "function_type" in op.attributes:
            return self._calls(op)
        match op.name:
            case "scf.for":
                return trip_count(*(self._index(value) for value in list(op.operands)[:3]))
            case "scf.parallel":
                groups = (self._indices(group) for group in self._segments(op)[:3])
                return product(trip_count(*bounds) for bounds in zip(*groups, strict=True))
            case "scf.forall":
                return self._forall(op)
            case "tensor.generate":
                return self.elements(op.results[0])
            case "affine.for":
                bounds = [_constant_of_map(op.attributes[name]) for name in ("lowerBoundMap", "upperBoundMap")]
                return trip_count(bounds[0], bounds[1], ir.IntegerAttr(op.attributes["step"]).value)
            case _:
                return None

    def _forall(self, op: ir.Operation) -> int | None:
        bounds = ("staticLowerBound", "staticUpperBound", "staticStep")
        groups = (self._mixed(op.attributes[n], g) for n, g in zip(bounds, self._segments(op)[:3], strict=True))
        return product(trip_count(*loop) for loop in zip(*groups, strict=True))

    def _calls(self, function: ir.Operation) -> int | None:
        """Return how often a function is called, the entry once from outside."""
        name = ir.StringAttr(function.attributes["sym_name"]).value
        if name in self._active:
            return None
        if name not in self._calls_of:
            self._active.add(name)
            total: int | None = 1 if name in self._called_from_outside else 0
            for call in self._call_sites.get(name, ()):
                count = self.executions(call)
                total = None if total is None or count is None else total + count
            self._active.discard(name)
            self._calls_of[name] = total
        return self._calls_of[name]

    @cached_property
    def _call_sites(self) -> dict[str, list[ir.Operation]]:
        sites: dict[str, list[ir.Operation]] = {}
        for op in find(self._module, lambda op: "callee" in op.attributes):
            sites.setdefault(ir.FlatSymbolRefAttr(op.attributes["callee"]).value, []).append(op)
        return sites

    @cached_property
    def _entry(self) -> func.FuncOp | None:
        return find_entry(self._module) if self._module.name == "builtin.module" else None

    @cached_property
    def _called_from_outside(self) -> set[str]:
        """The entry; without a single entry, every function that nothing calls."""
        if self._entry is not None:
            return {self._entry.name.value}
        functions = find(self._module, lambda op: "function_type" in op.attributes)
        return {ir.StringAttr(op.attributes["sym_name"]).value for op in functions} - self._call_sites.keys()

    # ---- index values and sizes

    def _index(self, value: ir.Value) -> int | None:
        """Return an index or integer value that is the same whenever it is computed; None where it is not known."""
        if isinstance(value, ir.BlockArgument):
            return None
        op = value.owner
        operands = list(op.operands)
        if op.name == "arith.constant":
            attribute = constant(value)
            return attribute.value if isinstance(attribute, ir.IntegerAttr) else None
        if op.name in ("tensor.dim", "memref.dim"):
            number = self._index(operands[1])
            return None if number is None else self.dimension(operands[0], number)
        if op.name in ("arith.index_cast", "arith.extsi", "arith.trunci"):
            return self._index(operands[0])
        if op.name in _BINARY:
            x, y = self._index(operands[0]), self._index(operands[1])
            return None if x is None or y is None else _BINARY[op.name](x, y)
        return None

    def _indices(self, values: Iterable[ir.Value]) -> list[int | None]:
        return [self._index(value) for value in values]

    def _mixed(self, static: ir.Attribute, dynamic: Sequence[ir.Value]) -> list[int | None]:
        """Return sizes that stand partly in an attribute, partly in operands."""
        rest = iter(dynamic)
        unknown = ir.ShapedType.get_dynamic_size()
        return [self._index(next(rest)) if size == unknown else size for size in ir.DenseI64ArrayAttr(static)]

    def _segments(self, op: ir.Operation) -> list[list[ir.Value]]:
        operands = list(op.operands)
        segments, start = [], 0
        for length in ir.DenseI32ArrayAttr(op.attributes["operandSegmentSizes"]):
            segments.append(operands[start : start + length])
            start += length
        return segments

    def _argument_size(self, value: ir.BlockArgument, number: int) -> int | None:
        block = value.owner
        if self._entry is not None and block == self._entry.entry_block:
            sizes = self._sizes.get(value.arg_number)
            return None if sizes is None or number >= len(sizes) else sizes[number]
        holder = block.owner
        if holder.name == "scf.for" and value.arg_number > 0:
            return self.dimension(holder.operands[2 + value.arg_number], number)
        return None

    def _result_dimension(self, value: ir.OpResult, number: int) -> int | None:
        op = value.owner
        operands = list(op.operands)
        if op.name.startswith("linalg."):
            outputs = op.operands[len(operands) - len(op.results) :]
            return self.dimension(outputs[value.result_number], number)
        if op.name in _SAME_SHAPE or (op.name.startswith(("arith.", "math.")) and operands):
            return self.dimension(operands[0], number)
        match op.name:
            case "tensor.empty" | "memref.alloc" | "memref.alloca" | "tensor.splat" | "tensor.generate":
                before = sum(value.type.is_dynamic_dim(earlier) for earlier in range(number))
                return self._index(operands[before + (op.name == "tensor.splat")])
            case "tensor.collapse_shape" | "memref.collapse_shape":
                group = ir.ArrayAttr(ir.ArrayAttr(op.attributes["reassociation"])[number])
                return product(self.dimension(operands[0], ir.IntegerAttr(source).value) for source in group)
            case "tensor.expand_shape" | "memref.expand_shape":
                return self._mixed(op.attributes["static_output_shape"], operands[1:])[number]
            case "tensor.extract_slice" | "memref.subview":
                sizes = self._mixed(op.attributes["static_sizes"], self._segments(op)[2])
                return sizes[number] if len(sizes) == value.type.rank else None
            case "tensor.insert_slice":
                return self.dimension(operands[1], number)
            case "scf.for":
                return self.dimension(operands[3 + value.result_number], number)
            case _:
                return None


def product(factors: Iterable[int | None]) -> int | None:
    """Return the product of what is known, None where a factor is not; nothing times anything is nothing."""
    total: int | None = 1
    for factor in factors:
        total = _times(total, factor)
    return total


def _times(x: int | None, y: int | None) -> int | None:
    """Multiply; nothing times anything is nothing, even where the other is not known."""
    if x == 0 or y == 0:
        return 0
    return None if x is None or y is None else x * y


def _fits(sizes: Sequence[int], type_: ir.ShapedType) -> bool:
    return len(sizes) == type_.rank and all(
        type_.is_dynamic_dim(number) or type_.get_dim_size(number) == size for number, size in enumerate(sizes)
    )


def _is_in_first_block(op: ir.Operation, parent: ir.Operation) -> bool:
    """Return whether `op` is in the block that a region of its parent begins with, which no branch leads to."""
    return any(region.blocks[0] == op.block for region in parent.regions if len(region.blocks))


def _constant_of_map(attribute: ir.Attribute) -> int | None:
    results = list(ir.AffineMapAttr(attribute).value.results)
    if len(results) != 1 or not isinstance(results[0], ir.AffineConstantExpr):
        return None
    return int(results[0].value)
