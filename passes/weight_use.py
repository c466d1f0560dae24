"""How a matrix of weights is used: which of its dimensions counts output channels."""

from __future__ import annotations

from ..bindings import ir, linalg

Labels = list[int | None]
"""For each dimension of a value the dimension of the matrix that it is; None: of size one, or repeated."""

_CASTS = frozenset({"arith.extf", "arith.truncf"})


def output_axis(matrix: ir.Value) -> int | ir.Operation | None:
    """Return the dimension of `matrix` that counts output channels in every contraction that reads it.

    The other is summed over. Contractions are seen through transposes, broadcasts, reshapes, slices and casts. Where
    anything else reads the matrix, or a contraction reads it the other way round, that operation is returned; None
    where nothing reads it.
    """
    found: int | None = None
    left: list[tuple[ir.Value, Labels]] = [(matrix, [0, 1])]
    while left:
        value, labels = left.pop()
        for use in value.uses:
            user = use.owner.operation
            if linalg.isa_contraction_op(user) and user.results:
                axis = _axis(user, use.operand_number, labels)
                if axis is None or found not in (None, axis):
                    return user
                found = axis
                continue
            passed = _through(user, labels) if use.operand_number == 0 and user.results else None
            if passed is None:
                return user
            left.append((user.results[0], passed))
    return found


def _axis(contraction: ir.Operation, number: int, labels: Labels) -> int | None:
    """Return the label of the dimension that counts output channels where a contraction reads operand `number`."""
    maps = [attribute.value for attribute in linalg.get_indexing_maps(contraction)]
    if number > 1:
        return None
    read, other, written = ([_loop(e) for e in m.results] for m in (maps[number], maps[1 - number], maps[2]))
    summed = {label for label, loop in zip(labels, read, strict=True) if loop not in written}
    kept = {label for label, loop in zip(labels, read, strict=True) if loop in written and loop not in other}
    both = {label for label, loop in zip(labels, read, strict=True) if loop in written and loop in other}
    for axis in (0, 1):
        # A dimension of size one may have been dropped on the way.
        if summed | kept != {None} and summed <= {1 - axis, None} and kept <= {axis, None} and both <= {None}:
            return axis
    return None


def _loop(expression: ir.AffineExpr) -> int | None:
    return expression.position if isinstance(expression, ir.AffineDimExpr) else None


def _through(op: ir.Operation, labels: Labels) -> Labels | None:
    """Return the labels of the result of an operation that only rearranges or converts; None for any other."""
    match op.name:
        case "linalg.transpose":
            return [labels[dim] for dim in op.attributes["permutation"]]
        case "linalg.broadcast":
            added = list(op.attributes["dimensions"])
            kept = iter(labels)
            return [None if dim in added else next(kept) for dim in range(len(labels) + len(added))]
        case "tensor.cast" | "arith.extf" | "arith.truncf":
            return labels
        case "tensor.extract_slice":
            return labels if ir.RankedTensorType(op.results[0].type).rank == len(labels) else None
        case "tensor.expand_shape" | "tensor.collapse_shape":
            return _reshaped(op, labels)
        case "linalg.generic":
            return _rearranged(op, labels)
    return None


def _reshaped(op: ir.Operation, labels: Labels) -> Labels | None:
    """Return the labels behind a reshape that adds or drops dimensions of size one and does nothing else."""
    source, result = (ir.RankedTensorType(value.type) for value in (op.operands[0], op.results[0]))
    expands = op.name == "tensor.expand_shape"
    finer, coarser = (result, source) if expands else (source, result)
    passed: Labels = []
    for number, entry in enumerate(op.attributes["reassociation"]):
        group = [attribute.value for attribute in entry]
        large = [dim for dim in group if finer.is_dynamic_dim(dim) or finer.get_dim_size(dim) != 1]
        if len(large) > 1:
            return None
        place = large[0] if large else group[-1]
        if expands:
            passed += [labels[number] if dim == place else None for dim in group]
        else:
            passed.append(labels[place])
    return passed if expands or coarser.rank == len(passed) else None


def _rearranged(op: ir.Operation, labels: Labels) -> Labels | None:
    """Return the labels behind a `linalg.generic` that yields its one input, converted at most."""
    if list(op.attributes["operandSegmentSizes"]) != [1, 1]:
        return None
    body = op.regions[0].blocks[0]
    value = list(body.operations)[-1].operands[0]
    while not isinstance(value, ir.BlockArgument) and value.owner.name in _CASTS:
        value = value.owner.operands[0]
    if not isinstance(value, ir.BlockArgument) or value != body.arguments[0]:
        return None
    read, written = ([_loop(e) for e in a.value.results] for a in op.attributes["indexing_maps"])
    places = {loop: label for loop, label in zip(read, labels, strict=True) if loop is not None}
    return [None if loop is None else places.get(loop) for loop in written]
