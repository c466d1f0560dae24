"""Random programs that move data: permutations, gathers from tables, reductions over any dimensions, windows."""

from __future__ import annotations

import random

from .program import Program, Writer, size, tensor
from .random_elementwise import expression, identity

_REDUCTIONS = {"sum": ("arith.addf", "0.0"), "maximum": ("arith.maximumf", "0xFF800000")}


def permutation(seed: int) -> Program:
    """Return a tensor of 2 to 4 dimensions read in another order, with 0 to 4 operations on each element."""
    rng = random.Random(f"permutation-{seed}")
    rank = rng.randint(2, 4)
    shape = [size(rng, 2, {2: 1024, 3: 128, 4: 48}[rank]) for _ in range(rank)]
    order = list(range(rank))
    while order == sorted(order):
        rng.shuffle(order)
    writer = Writer()
    source = [0] * rank
    for place, dim in enumerate(order):
        source[dim] = shape[place]
    read = f"({_names(rank)}) -> ({', '.join(f'd{order.index(dim)}' for dim in range(rank))})"
    inputs = [(writer.argument(source, "f32"), tensor(source, "f32"), read)]
    if rng.random() < 0.4:
        inputs.append((writer.argument(shape, "f32"), tensor(shape, "f32"), identity(rank)))
    body, result = expression(rng, [f"%i{n}" for n in range(len(inputs))], rng.randint(0, 4), "f32")
    value = writer.generic(inputs, _empty(writer, shape), ["parallel"] * rank, body, result)
    return Program(f"random-permutation-{seed}", "random-permutation", writer.text(value, tensor(shape, "f32")), seed)


def gather(seed: int) -> Program:
    """Return rows of a table looked up by index, as embeddings are, with 0 to 4 operations on each element."""
    rng = random.Random(f"gather-{seed}")
    rows, table, width = size(rng, 1, 512), size(rng, 16, 8192), size(rng, 8, 1024)
    index_type = rng.choice(("i64", "i32"))
    writer = Writer()
    indices = (writer.argument((rows,), index_type), tensor((rows,), index_type), "(d0, d1) -> (d0)")
    inputs = [indices]
    for _ in range(rng.randint(0, 2)):
        shape, read = rng.choice((((rows, width), identity(2)), ((width,), "(d0, d1) -> (d1)")))
        inputs.append((writer.argument(shape, "f32"), tensor(shape, "f32"), read))
    name, of_type = writer.argument((table, width), "f32", parameter=True), tensor((table, width), "f32")
    lookup = [
        f"%row = arith.index_cast %i0 : {index_type} to index",
        "%column = linalg.index 1 : index",
        f"%looked = tensor.extract {name}[%row, %column] : {of_type}",
    ]
    names = ["%looked", *(f"%i{number}" for number in range(1, len(inputs)))]
    body, result = expression(rng, names, rng.randint(0, 4), "f32")
    shape = (rows, width)
    value = writer.generic(inputs, _empty(writer, shape), ["parallel"] * 2, [*lookup, *body], result)
    return Program(f"random-gather-{seed}", "random-gather", writer.text(value, tensor(shape, "f32")), seed)


def reduction(seed: int) -> Program:
    """Return a sum or maximum over some dimensions of 2 to 4, of an expression of 1 or 2 tensors."""
    rng = random.Random(f"reduction-{seed}")
    rank = rng.randint(2, 4)
    type_ = "f64" if rng.random() < 0.1 else "f32"
    shape = [size(rng, 2, {2: 1024, 3: 128, 4: 48}[rank]) for _ in range(rank)]
    reduced = rng.sample(range(rank), rng.randint(1, rank - 1))
    kept = [dim for dim in range(rank) if dim not in reduced]
    writer = Writer()
    inputs = [(writer.argument(shape, type_), tensor(shape, type_), identity(rank)) for _ in range(rng.randint(1, 2))]
    operation, start = _REDUCTIONS[rng.choice(("sum", "sum", "maximum"))]
    start = "0xFFF0000000000000" if type_ == "f64" and operation == "arith.maximumf" else start
    body, result = expression(rng, [f"%i{n}" for n in range(len(inputs))], rng.randint(0, 4), type_)
    body.append(f"%total = {operation} {result}, %o : {type_}")
    out = [shape[dim] for dim in kept]
    read = f"({_names(rank)}) -> ({', '.join(f'd{dim}' for dim in kept)})"
    output = (writer.filled(out, type_, start), tensor(out, type_), read)
    iterators = ["reduction" if dim in reduced else "parallel" for dim in range(rank)]
    value = writer.generic(inputs, output, iterators, body, "%total")
    return Program(f"random-reduction-{seed}", "random-reduction", writer.text(value, tensor(out, type_)), seed)


def _empty(writer: Writer, shape: list[int] | tuple[int, ...]) -> tuple[str, str, str]:
    of_type = tensor(shape, "f32")
    return writer.emit(f"tensor.empty() : {of_type}"), of_type, identity(len(shape))


def _names(rank: int) -> str:
    return ", ".join(f"d{dim}" for dim in range(rank))
