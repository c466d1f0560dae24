"""Random matrix products: of many and of few rows, batched, of narrow weights, with what layers have behind them."""

from __future__ import annotations

import random

from .program import Program, Writer, size, tensor
from .random_elementwise import expression


def product(seed: int) -> Program:
    """Return one product of many rows: with a weight or of activations, as [K, N] or [N, K], perhaps with a bias."""
    rng = random.Random(f"product-{seed}")
    type_ = "f64" if rng.random() < 0.08 else "f32"
    text = _product(rng, size(rng, 17, 1024), type_, parameter=rng.random() < 0.7, most=rng.choice((-1, 1)))
    return Program(f"random-product-{seed}", "random-product", text, seed)


def few_rows(seed: int) -> Program:
    """Return one product of 1 to 16 rows, as a decode step has them, perhaps with a bias."""
    rng = random.Random(f"few-rows-{seed}")
    text = _product(rng, rng.randint(1, 16), "f32", parameter=rng.random() < 0.7, most=rng.choice((-1, 1)))
    return Program(f"random-few-rows-{seed}", "random-few-rows", text, seed)


def narrow_product(seed: int) -> Program:
    """Return one product with weights of eight or sixteen bits, as [N, K]."""
    rng = random.Random(f"narrow-product-{seed}")
    rows = rng.randint(1, 16) if rng.random() < 0.5 else size(rng, 17, 512)
    text = _product(rng, rows, "f32", parameter=True, most=rng.choice((-1, 0)))
    return Program(f"random-narrow-product-{seed}", "random-narrow-product", text, seed, rng.choice(("bf16", "lm8")))


def epilogue(seed: int) -> Program:
    """Return one product with much element-wise work behind it: 3 to 12 operations on bias, residual and itself."""
    rng = random.Random(f"epilogue-{seed}")
    rows = rng.randint(1, 16) if rng.random() < 0.3 else size(rng, 17, 512)
    text = _product(rng, rows, "f32", parameter=rng.random() < 0.7, least=3, most=12)
    return Program(f"random-epilogue-{seed}", "random-epilogue", text, seed)


def _product(rng: random.Random, rows: int, type_: str, *, parameter: bool, most: int, least: int = 0) -> str:
    """Return the text of a product; `least` to `most` operations behind it besides the bias, none for most < 0."""
    columns, depth = size(rng, 8, 4096), size(rng, 8, 2048)
    transposed = rng.random() < 0.6
    writer = Writer()
    a = writer.argument((rows, depth), type_)
    b_shape = (columns, depth) if transposed else (depth, columns)
    b = writer.argument(b_shape, type_, parameter=parameter)
    c_type = tensor((rows, columns), type_)
    second = "(n, k)" if transposed else "(k, n)"
    maps = ", ".join(f"affine_map<(m, n, k) -> {dims}>" for dims in ("(m, k)", second, "(m, n)"))
    zero = writer.filled((rows, columns), type_, "0.0")
    value = writer.emit(
        f"linalg.matmul indexing_maps = [{maps}] ins({a}, {b} : {tensor((rows, depth), type_)}, "
        f"{tensor(b_shape, type_)}) outs({zero} : {c_type}) -> {c_type}"
    )
    if most >= 0:
        value = _behind(writer, rng, value, (rows, columns), type_, rng.randint(least, most))
    return writer.text(value, c_type)


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
    return Program(f"random-batch-product-{seed}", "random-batch-product", writer.text(value, c_type), seed)


def _behind(writer: Writer, rng: random.Random, value: str, shape: tuple[int, int], type_: str, count: int) -> str:
    whole, row = tensor(shape, type_), tensor(shape[1:], type_)
    same = "(d0, d1) -> (d0, d1)"
    inputs = [(value, whole, same), (writer.argument(shape[1:], type_, parameter=True), row, "(d0, d1) -> (d1)")]
    if rng.random() < 0.4:
        inputs.append((writer.argument(shape, type_), whole, same))
    body, result = expression(rng, [f"%i{number}" for number in range(len(inputs))], count, type_)
    empty = writer.emit(f"tensor.empty() : {whole}")
    return writer.generic(inputs, (empty, whole, same), ["parallel", "parallel"], body, result)
