"""`aten.index_copy` as a loop that inserts slices, which bufferisation can do in place.

torch's decomposition to `index_put` makes torch-mlir compute the index of every single element and scatter one by one.
Here a cache of keys or values that may be written in place gets just the new rows:

    for i in slots: assert 0 <= slots[i] < size; cache[..., slots[i], ...] = source[..., i, ...]
"""

from __future__ import annotations

from typing import Any

from ..bindings import arith, cf, ir, scf, tensor
from ..passes.walk import find

INDEX_COPY = "aten.index_copy"
_NAMES = (f"{INDEX_COPY}.default", f"{INDEX_COPY}_.default")


def keep_index_copies(graph: Any) -> bool:
    """Tell whether every `index_copy` of a torch.fx graph can be lowered here: then none is to be decomposed."""
    nodes = [node for node in graph.nodes if str(node.target) in _NAMES]
    return bool(nodes) and all(_fits(node) for node in nodes)


def _fits(node: Any) -> bool:
    """Tell whether destination, indices and source of a node are tensors of the common kind."""
    if len(node.args) != 4 or node.kwargs:
        return False
    values: list[Any] = [getattr(node.args[position], "meta", {}).get("val") for position in (0, 2, 3)]
    if any(value is None for value in values):
        return False
    destination, indices, source = values
    return bool(
        indices.dim() == 1
        and destination.dim() == source.dim() >= 1
        and destination.dtype == source.dtype
        and not destination.dtype.is_complex
    )


def lower_index_copies(module: ir.Module) -> None:
    """Rewrite the operators that torch-mlir's importer made of `aten.index_copy`, in the torch dialect."""
    for op in find(module.operation, lambda op: op.name == "torch.operator" and _name(op) == f"torch.{INDEX_COPY}"):
        with op.location, ir.InsertionPoint(op):
            destination, indices, source = (_to_builtin(op.operands[position]) for position in (0, 2, 3))
            dim = op.operands[1].owner.attributes["value"].value
            copied = _copy(destination, indices, source, dim % destination.type.rank)
            new = ir.Operation.create("torch_c.from_builtin_tensor", [op.results[0].type], [copied]).result
        op.results[0].replace_all_uses_with(new)
        op.erase()


def _name(op: ir.Operation) -> str:
    name: str = op.attributes["name"].value
    return name


def _to_builtin(value: ir.Value) -> ir.Value:
    """Return a torch tensor as one of the builtin type."""
    text = str(value.type)
    sizes, _, rest = text.removeprefix("!torch.vtensor<[").partition("]")
    element = rest.removeprefix(",").removesuffix(">").replace("si", "i").replace("ui", "i")
    shape = [ir.ShapedType.get_dynamic_size() if size == "?" else int(size) for size in sizes.split(",") if size]
    type_ = ir.RankedTensorType.get(shape, ir.Type.parse(element))
    new: ir.Value = ir.Operation.create("torch_c.to_builtin_tensor", [type_], [value]).result
    return new


def _copy(destination: ir.Value, indices: ir.Value, source: ir.Value, dim: int) -> ir.Value:
    """Return `destination` with the slices of `source` along `dim` at the places that `indices` say."""
    index = ir.IndexType.get()
    zero, one = (arith.constant(index, number) for number in (0, 1))
    limit = tensor.dim(destination, arith.constant(index, dim))
    count = tensor.dim(indices, zero)
    loop = scf.ForOp(zero, count, one, [destination])
    with ir.InsertionPoint(loop.body):
        number, current = loop.induction_variable, loop.inner_iter_args[0]
        place = tensor.extract(indices, [number])
        if not isinstance(place.type, ir.IndexType):
            place = arith.index_cast(index, place)
        # Unsigned: a negative number is a large one.
        inside = arith.cmpi(arith.CmpIPredicate.ult, place, limit)
        cf.assert_(inside, "index_copy: an index is out of range")
        slice_ = _extract(source, dim, number)
        scf.yield_([_insert(slice_, current, dim, place)])
    new: ir.Value = loop.results[0]
    return new


def _extract(source: ir.Value, dim: int, number: ir.Value) -> ir.Value:
    sizes, dynamic = _slice_sizes(source, dim)
    type_ = ir.RankedTensorType.get(sizes, source.type.element_type)
    rank = source.type.rank
    new: ir.Value = tensor.extract_slice(type_, source, [number], dynamic, [], _offsets(rank, dim), sizes, [1] * rank)
    return new


def _insert(slice_: ir.Value, destination: ir.Value, dim: int, place: ir.Value) -> ir.Value:
    sizes, dynamic = _slice_sizes(slice_, dim)
    rank = destination.type.rank
    new: ir.Value = tensor.insert_slice(
        slice_, destination, [place], dynamic, [], _offsets(rank, dim), sizes, [1] * rank
    )
    return new


def _offsets(rank: int, dim: int) -> list[int]:
    return [ir.ShapedType.get_dynamic_size() if number == dim else 0 for number in range(rank)]


def _slice_sizes(source: ir.Value, dim: int) -> tuple[list[int], list[ir.Value]]:
    """Return the sizes of a slice of 1 along `dim`, and the values of those that are dynamic."""
    sizes: list[int] = []
    dynamic: list[ir.Value] = []
    for number in range(source.type.rank):
        if number == dim:
            sizes.append(1)
        elif source.type.is_dynamic_dim(number):
            sizes.append(ir.ShapedType.get_dynamic_size())
            dynamic.append(tensor.dim(source, arith.constant(ir.IndexType.get(), number)))
        else:
            sizes.append(source.type.get_dim_size(number))
    return sizes, dynamic
