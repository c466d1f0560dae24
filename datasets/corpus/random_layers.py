"""Random layers of transformers: attention, and the gated products between a layer's input and its output."""

from __future__ import annotations

import random

from .program import Program, Writer, size, tensor
from .random_elementwise import identity

_ROW, _ONE = "(d0, d1, d2) -> (d0, d1, d2)", "(d0, d1, d2) -> (d0, d1)"


def attention(seed: int) -> Program:
    """Return softmax(scale q k^T + mask) v of heads [B, T, D], with or without a mask."""
    rng = random.Random(f"attention-{seed}")
    heads, rows = size(rng, 1, 16), rng.choice((1, size(rng, 2, 16), size(rng, 17, 192)))
    keys, depth, values = size(rng, 8, 256), rng.choice((16, 32, 64, 64, 80, 128)), 0
    values = depth if rng.random() < 0.8 else rng.choice((16, 32, 96))
    writer = Writer()
    q, k = writer.argument((heads, rows, depth), "f32"), writer.argument((heads, keys, depth), "f32")
    v = writer.argument((heads, keys, values), "f32")
    shape = (heads, rows, keys)
    whole, line = tensor(shape, "f32"), tensor(shape[:2], "f32")
    scores = _product(writer, q, k, (heads, rows, keys, depth), transposed=True)
    body = [f"%c = arith.constant {depth**-0.5:e} : f32", "%s = arith.mulf %i0, %c : f32"]
    inputs = [(scores, whole, _ROW)]
    result = "%s"
    if rng.random() < 0.5:
        inputs.append((writer.argument((rows, keys), "f32"), tensor((rows, keys), "f32"), "(d0, d1, d2) -> (d1, d2)"))
        body.append("%m = arith.addf %s, %i1 : f32")
        result = "%m"
    scores = _map(writer, inputs, whole, body, result)
    high = _reduce(writer, scores, shape, "arith.maximumf", "0xFF800000")
    power = ["%d = arith.subf %i0, %i1 : f32", "%r = math.exp %d : f32"]
    exponentials = _map(writer, [(scores, whole, _ROW), (high, line, _ONE)], whole, power, "%r")
    total = _reduce(writer, exponentials, shape, "arith.addf", "0.0")
    divide = ["%r = arith.divf %i0, %i1 : f32"]
    shares = _map(writer, [(exponentials, whole, _ROW), (total, line, _ONE)], whole, divide, "%r")
    value = _product(writer, shares, v, (heads, rows, values, keys), transposed=False)
    text = writer.text(value, tensor((heads, rows, values), "f32"))
    return Program(f"random-attention-{seed}", "random-attention", text, seed)


def gated(seed: int) -> Program:
    """Return (act(x W) * (x U)) V, the gated products of a layer, or act(x W) V."""
    rng = random.Random(f"gated-{seed}")
    rows = rng.randint(1, 16) if rng.random() < 0.4 else size(rng, 17, 256)
    width, inner = size(rng, 16, 768), size(rng, 16, 1536)
    writer = Writer()
    x = writer.argument((rows, width), "f32")
    gate = _linear(writer, x, (rows, inner, width))
    inputs = [(gate, tensor((rows, inner), "f32"), identity(2))]
    activation = {
        "relu": ["%z = arith.constant 0.0 : f32", "%r = arith.maximumf %i0, %z : f32"],
        "silu": [
            *("%one = arith.constant 1.0 : f32", "%n = arith.negf %i0 : f32", "%e = math.exp %n : f32"),
            *("%s = arith.addf %e, %one : f32", "%r = arith.divf %i0, %s : f32"),
        ],
        "gelu": [
            *(
                "%h = arith.constant 0.5 : f32",
                "%c = arith.constant 0.707106769 : f32",
                "%one = arith.constant 1.0 : f32",
            ),
            *("%x = arith.mulf %i0, %c : f32", "%e = math.erf %x : f32", "%s = arith.addf %e, %one : f32"),
            *("%y = arith.mulf %i0, %s : f32", "%r = arith.mulf %y, %h : f32"),
        ],
        "tanh": ["%r = math.tanh %i0 : f32"],
    }[rng.choice(("relu", "silu", "gelu", "tanh"))]
    result = "%r"
    if rng.random() < 0.6:
        inputs.append((_linear(writer, x, (rows, inner, width)), tensor((rows, inner), "f32"), identity(2)))
        activation = [*activation, "%g = arith.mulf %r, %i1 : f32"]
        result = "%g"
    hidden = tensor((rows, inner), "f32")
    output = (writer.emit(f"tensor.empty() : {hidden}"), hidden, identity(2))
    value = writer.generic(inputs, output, ["parallel"] * 2, activation, result)
    value = _linear(writer, value, (rows, width, inner))
    return Program(f"random-gated-{seed}", "random-gated", writer.text(value, tensor((rows, width), "f32")), seed)


def _linear(writer: Writer, x: str, sizes: tuple[int, int, int]) -> str:
    rows, columns, depth = sizes
    weight = writer.argument((columns, depth), "f32", parameter=True)
    of_type = tensor((rows, columns), "f32")
    maps = ", ".join(f"affine_map<(m, n, k) -> {dims}>" for dims in ("(m, k)", "(n, k)", "(m, n)"))
    zero = writer.filled((rows, columns), "f32", "0.0")
    types = f"{tensor((rows, depth), 'f32')}, {tensor((columns, depth), 'f32')}"
    return writer.emit(
        f"linalg.matmul indexing_maps = [{maps}] ins({x}, {weight} : {types}) outs({zero} : {of_type}) -> {of_type}"
    )


def _product(writer: Writer, a: str, b: str, sizes: tuple[int, int, int, int], *, transposed: bool) -> str:
    batch, rows, columns, depth = sizes
    b_shape = (batch, columns, depth) if transposed else (batch, depth, columns)
    second = "(b, n, k)" if transposed else "(b, k, n)"
    maps = ", ".join(f"affine_map<(b, m, n, k) -> {dims}>" for dims in ("(b, m, k)", second, "(b, m, n)"))
    of_type = tensor((batch, rows, columns), "f32")
    zero = writer.filled((batch, rows, columns), "f32", "0.0")
    types = f"{tensor((batch, rows, depth), 'f32')}, {tensor(b_shape, 'f32')}"
    return writer.emit(
        f"linalg.batch_matmul indexing_maps = [{maps}] ins({a}, {b} : {types}) outs({zero} : {of_type}) -> {of_type}"
    )


def _map(writer: Writer, inputs: list[tuple[str, str, str]], whole: str, body: list[str], result: str) -> str:
    output = (writer.emit(f"tensor.empty() : {whole}"), whole, _ROW)
    return writer.generic(inputs, output, ["parallel"] * 3, body, result)


def _reduce(writer: Writer, value: str, shape: tuple[int, int, int], operation: str, start: str) -> str:
    output = (writer.filled(shape[:2], "f32", start), tensor(shape[:2], "f32"), _ONE)
    body = [f"%r = {operation} %i0, %o : f32"]
    inputs = [(value, tensor(shape, "f32"), _ROW)]
    return writer.generic(inputs, output, ["parallel", "parallel", "reduction"], body, "%r")
