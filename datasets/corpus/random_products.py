"""Random matrix products, single and batched, with what linear layers have behind them."""

from __future__ import annotations

import random

from .program import Program, Writer, size, tensor
from .random_elementwise import expression


def product(seed: int) -> Program:
    """Return one product of matrices: with a weight or of activations, as [K, N] or [N, K], perhaps with a bias."""
    rng = random.Random(f"product-{seed}")
    type_ = "f64" if rng.random() < 0.08 else "f32"
    # Half of them are those of a decode step: few rows.
    rows = rng.randint(1, 16) if rng.random() < 0.4 else size(rng, 17, 1024)
    columns, depth = size(rng, 8, 4096), size(rng, 8, 2048)
    transposed = rng.random() < 0.6
    writer = Writer()
    a = writer.argument((rows, depth), type_)
    b_shape = (columns, depth) if transposed else (depth, columns)
    b = writer.argument(b_shape, type_, parameter=rng.random() < 0.7)
    c_type = tensor((rows, columns), type_)
    second = "(n, k)" if transposed else "(k, n)"
    maps = ", ".join(f"affine_map<(m, n, k) -> {dims}>" for dims in ("(m, k)", second, "(m, n)"))
    zero = writer.filled((rows, columns), type_, "0.0")
    value = writer.emit(
        f"linalg.matmul indexing_maps = [{maps}] ins({a}, {b} : {tensor((rows, depth), type_)}, "
        f"{tensor(b_shape, type_)}) outs({zero} : {c_type}) -> {c_type}"
    )
    if rng.random() < 0.5:
        value = _behind(writer, rng, value, (rows, columns), type_)
    return Program(f"random-product-{seed}", "random-product", writer.text(value, c_type))


def batch_product(seed: int) -> Program:
    """Return one batched product, as attention has them."""
    rng = random.Random(f"batch-product-{seed}")
    batch, rows = size(rng, 2, 32), rng.choice((1, size(rng, 2, 16), size(rng, 17, 256)))
    columns, depth = size(rng, 8, 512), size(rng, 8, 256)
    writer = Writer()
    a_type, c_type = tensor((batch, rows, depth), "f32"), tensor((batch, rows, columns), "f32")
    a = writer.argument((batch, rows, depth), "f32")
    transposed = rng.random() < 0.5
    b_shape = (batch, columns, depth) if transposed else (batch, depth, columns)
    b = writer.argument(b_shape, "f32")
    second = "(b, n, k)" if transposed else "(b, k, n)"
    maps = ", ".join(f"affine_map<(b, m, n, k) -> {dims}>" for dims in ("(b, m, k)", second, "(b, m, n)"))
    zero = writer.filled((batch, rows, columns), "f32", "0.0")
    value = writer.emit(
        f"linalg.batch_matmul indexing_maps = [{maps}] ins({a}, {b} : {a_type}, {tensor(b_shape, 'f32')}) "
        f"outs({zero} : {c_type}) -> {c_type}"
    )
    return Program(f"random-batch-product-{seed}", "random-batch-product", writer.text(value, c_type))


def _behind(writer: Writer, rng: random.Random, value: str, shape: tuple[int, int], type_: str) -> str:
    whole, row = tensor(shape, type_), tensor(shape[1:], type_)
    same = "(d0, d1) -> (d0, d1)"
    inputs = [(value, whole, same), (writer.argument(shape[1:], type_, parameter=True), row, "(d0, d1) -> (d1)")]
    if rng.random() < 0.4:
        inputs.append((writer.argument(shape, type_), whole, same))
    body, result = expression(rng, [f"%i{number}" for number in range(len(inputs))], rng.randint(0, 6), type_)
    empty = writer.emit(f"tensor.empty() : {whole}")
    return writer.generic(inputs, (empty, whole, same), ["parallel", "parallel"], body, result)
