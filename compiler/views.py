"""Views with dynamic sizes as flattening and unflattening, whose dimensions torch-mlir need not guess.

Given `view(x, sizes)` alone, torch-mlir does not know which dimensions of `x` make up which of the result; where two
sizes in a row are dynamic it guesses wrong. The sizes' symbolic expressions tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy  # type: ignore[import-untyped]
import torch
from torch.fx import Graph, Node

from ..bindings import ir, tensor
from ..passes.walk import find

_VIEWS = ("aten.view.default", "aten.reshape.default", "aten._unsafe_view.default")


@dataclass(frozen=True)
class _Group:
    """Neighbouring dimensions of the source and of the result that hold the same elements."""

    source: tuple[int, ...]
    result: tuple[int, ...]


def split_views(graph: Graph) -> None:
    """Rewrite every view of which a size is symbolic and whose dimensions can be matched."""
    for node in list(graph.nodes):
        if node.op == "call_function" and str(node.target) in _VIEWS:
            source: Any = node.args[0]
            before, after = list(source.meta["val"].shape), list(node.meta["val"].shape)
            if all(isinstance(size, int) for size in before + after):
                continue
            groups = _match([_expression(size) for size in before], [_expression(size) for size in after])
            if groups is not None:
                _rewrite(graph, node, groups)


def _expression(size: int | torch.SymInt) -> sympy.Expr:
    return sympy.Integer(size) if isinstance(size, int) else sympy.sympify(size.node.expr)


def _match(before: list[sympy.Expr], after: list[sympy.Expr]) -> list[_Group] | None:
    """Return the groups from left to right, or `None` where the expressions do not tell."""
    groups: list[_Group] = []
    i = j = 0
    while i < len(before) or j < len(after):
        if i == len(before):
            if after[j] != 1:
                return None
            groups.append(_Group((), (j,)))
            j += 1
            continue
        if j == len(after):
            if before[i] != 1:
                return None
            groups.append(_Group((i,), ()))
            i += 1
            continue
        # A lone 1 on one side belongs to no dimension of the other.
        if before[i] == 1 and after[j] != 1:
            groups.append(_Group((i,), ()))
            i += 1
            continue
        if after[j] == 1 and before[i] != 1:
            groups.append(_Group((), (j,)))
            j += 1
            continue
        first_i, first_j = i, j
        left, right = before[i], after[j]
        i, j = i + 1, j + 1
        while left != right:
            if i < len(before) and _divides(left, right):
                left = sympy.expand(left * before[i])
                i += 1
            elif j < len(after) and _divides(right, left):
                right = sympy.expand(right * after[j])
                j += 1
            else:
                return None
            left, right = sympy.expand(left), sympy.expand(right)
        groups.append(_Group(tuple(range(first_i, i)), tuple(range(first_j, j))))
    return groups


def _divides(small: sympy.Expr, large: sympy.Expr) -> bool:
    numerator, denominator = sympy.fraction(sympy.cancel(large / small))
    return bool(denominator == 1 and numerator != 0)


def _rewrite(graph: Graph, node: Node, groups: list[_Group]) -> None:
    source: Any = node.args[0]
    sizes: list[Any] = list(node.args[1])  # type: ignore[arg-type]
    shape = list(source.meta["val"].shape)
    result = list(node.meta["val"].shape)
    current: Node = source

    def emit(target: Any, *args: Any) -> None:
        nonlocal current
        fake = source.meta["val"]
        with graph.inserting_before(node):
            current = graph.call_function(target, (current, *args))
        with fake.fake_mode:
            current.meta["val"] = torch.empty(shape, dtype=fake.dtype)
        current.meta["stack_trace"] = node.meta.get("stack_trace")

    # From the right, so that the positions of what is still to be done do not move.
    for group in reversed(groups):
        first = group.source[0] if group.source else _insertion(groups, group)
        if len(group.source) > 1:
            product: Any = 1
            for dim in group.source:
                product = product * shape[dim]
            shape[group.source[0] : group.source[-1] + 1] = [product]
            emit(torch.ops.aten.flatten.using_ints, group.source[0], group.source[-1])
        if len(group.result) > 1:
            shape[first : first + 1] = [result[dim] for dim in group.result]
            emit(torch.ops.aten.unflatten.int, first, [_argument(sizes, result, dim) for dim in group.result])
        elif not group.result:
            del shape[first]
            emit(torch.ops.aten.squeeze.dim, first)
        elif not group.source:
            shape.insert(first, 1)
            emit(torch.ops.aten.unsqueeze.default, first)
    node.replace_all_uses_with(current)
    graph.erase_node(node)


def _insertion(groups: list[_Group], group: _Group) -> int:
    """Return the source position in front of which a group without source dimensions stands."""
    return sum(len(earlier.source) for earlier in groups[: groups.index(group)])


def _argument(sizes: list[Any], result: list[Any], dim: int) -> Any:
    return result[dim] if isinstance(result[dim], int) else sizes[dim]


def expand_reshapes(module: ir.Module) -> None:
    """Rewrite `tensor.reshape` that splits the one dynamic dimension of its source into `tensor.expand_shape`."""
    for op in find(module.operation, lambda op: op.name == "tensor.reshape"):
        source, shape = op.operands
        reassociation = _reassociation(source.type, op.results[0].type)
        if reassociation is None or shape.owner.name != "tensor.from_elements":
            continue
        result_type = op.results[0].type
        with op.location, ir.InsertionPoint(op):
            index = ir.IndexType.get()
            dynamic = [
                ir.Operation.create("arith.index_cast", [index], [size]).result
                for dim, size in enumerate(shape.owner.operands)
                if result_type.is_dynamic_dim(dim)
            ]
            static = [
                ir.ShapedType.get_dynamic_size() if result_type.is_dynamic_dim(dim) else result_type.get_dim_size(dim)
                for dim in range(result_type.rank)
            ]
            new = tensor.expand_shape(result_type, source, reassociation, dynamic, static)
        op.results[0].replace_all_uses_with(new)
        op.erase()


def _reassociation(source: Any, result: Any) -> list[list[int]] | None:
    """Return the groups of result dimensions for each source dimension, where only one source dimension is dynamic."""
    if not (isinstance(source, ir.RankedTensorType) and isinstance(result, ir.RankedTensorType)):
        return None
    dynamic = [dim for dim in range(source.rank) if source.is_dynamic_dim(dim)]
    extra = result.rank - source.rank
    if len(dynamic) != 1 or extra < 1:
        return None
    split = dynamic[0]
    groups = [[dim] for dim in range(split)]
    groups.append(list(range(split, split + extra + 1)))
    groups += [[dim + extra] for dim in range(split + 1, source.rank)]
    for dim, group in enumerate(groups):
        if dim == split:
            continue
        if result.is_dynamic_dim(group[0]) or result.get_dim_size(group[0]) != source.get_dim_size(dim):
            return None
    return groups
