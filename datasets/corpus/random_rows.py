"""Random programs that work row by row: reductions, softmax, normalisation, with expressions before and behind."""

from __future__ import annotations

import random

from .program import Program, Writer, size, tensor
from .random_elementwise import expression

_ROW = "(d0, d1) -> (d0, d1)"
_ONE = "(d0, d1) -> (d0)"
_COLUMNS = "(d0, d1) -> (d1)"
_LOWEST = {"f32": "0xFF800000", "f64": "0xFFF0000000000000"}


def rows(seed: int) -> Program:
    """Return one reduction of a matrix's rows, with random element-wise expressions ahead of it."""
    return _program("rows", seed, ("sum", "maximum", "mean-square"))


def norms(seed: int) -> Program:
    """Return one softmax or normalisation over rows, with random element-wise expressions ahead of it and behind it."""
    return _program("norm", seed, ("softmax", "layernorm", "rmsnorm"))


def _program(name: str, seed: int, forms: tuple[str, ...]) -> Program:
    rng = random.Random(f"{name}-{seed}")
    type_ = "f64" if rng.random() < 0.1 else "f32"
    shape = (size(rng, 1, 256), size(rng, 8, 2048))
    form = rng.choice(forms)
    builder = _Rows(rng, Writer(), shape, type_)
    value = builder.expression([builder.argument() for _ in range(rng.randint(1, 2))], rng.randint(0, 3))
    value, width = builder.form(form, value)
    return Program(f"random-{name}-{seed}", f"random-{name}", builder.writer.text(value, width), seed)


class _Rows:
    """Writes operations on matrices [rows, columns] and on their rows' numbers [rows]."""

    def __init__(self, rng: random.Random, writer: Writer, shape: tuple[int, int], type_: str) -> None:
        self.rng, self.writer, self.shape, self.type = rng, writer, shape, type_
        self.whole, self.column = tensor(shape, type_), tensor(shape[:1], type_)

    def argument(self) -> str:
        return self.writer.argument(self.shape, self.type)

    def form(self, form: str, value: str) -> tuple[str, str]:
        if form == "sum":
            return self.reduce([value], ["%r = arith.addf %i0, %o"], "0.0"), self.column
        if form == "maximum":
            return self.reduce([value], ["%r = arith.maximumf %i0, %o"], _LOWEST[self.type]), self.column
        if form == "mean-square":
            return self.reduce([value], ["%s = arith.mulf %i0, %i0", "%r = arith.addf %s, %o"], "0.0"), self.column
        if form == "softmax":
            high = self.reduce([value], ["%r = arith.maximumf %i0, %o"], _LOWEST[self.type])
            power = self.map([value], [high], ["%d = arith.subf %i0, %i1", "%r = math.exp %d"])
            total = self.reduce([power], ["%r = arith.addf %i0, %o"], "0.0")
            return self.behind(self.map([power], [total], ["%r = arith.divf %i0, %i1"])), self.whole
        if form == "rmsnorm":
            square = self.reduce([value], ["%s = arith.mulf %i0, %i0", "%r = arith.addf %s, %o"], "0.0")
            return self.behind(self.map([value], [self.root(square)], ["%r = arith.mulf %i0, %i1"])), self.whole
        mean = self.scaled(self.reduce([value], ["%r = arith.addf %i0, %o"], "0.0"))
        centred = self.map([value], [mean], ["%r = arith.subf %i0, %i1"])
        square = self.reduce([centred], ["%s = arith.mulf %i0, %i0", "%r = arith.addf %s, %o"], "0.0")
        return self.behind(self.map([centred], [self.root(square)], ["%r = arith.mulf %i0, %i1"])), self.whole

    def reduce(self, inputs: list[str], body: list[str], start: str) -> str:
        output = (self.writer.filled(self.shape[:1], self.type, start), self.column, _ONE)
        operands = [(value, self.whole, _ROW) for value in inputs]
        return self.writer.generic(operands, output, ["parallel", "reduction"], self.typed(body), "%r")

    def map(self, wide: list[str], narrow: list[str], body: list[str], columns: int = 0) -> str:
        operands = [(value, self.whole, _ROW) for value in wide] + [(value, self.column, _ONE) for value in narrow]
        for _ in range(columns):
            operands.append(
                (self.writer.argument(self.shape[1:], self.type), tensor(self.shape[1:], self.type), _COLUMNS)
            )
        output = (self.writer.emit(f"tensor.empty() : {self.whole}"), self.whole, _ROW)
        return self.writer.generic(operands, output, ["parallel", "parallel"], self.typed(body), "%r")

    def expression(self, values: list[str], count: int) -> str:
        if count == 0 and len(values) == 1:
            return values[0]
        names = [f"%i{number}" for number in range(len(values))]
        lines, result = expression(self.rng, names, count, self.type)
        return self.map(values, [], [*lines, f"%r = arith.addf {result}, {result}"])

    def behind(self, value: str) -> str:
        """Return `value` times a row plus a row, as layers have them, or as it is."""
        if self.rng.random() < 0.4:
            return value
        return self.map([value], [], ["%m = arith.mulf %i0, %i1", "%r = arith.addf %m, %i2"], columns=2)

    def scaled(self, value: str) -> str:
        return self._on_rows(value, [f"%c = arith.constant {1 / self.shape[1]:e}", "%r = arith.mulf %i0, %c"])

    def root(self, value: str) -> str:
        scale, small = f"%c = arith.constant {1 / self.shape[1]:e}", "%z = arith.constant 1.0e-05"
        return self._on_rows(
            value, [scale, small, "%m = arith.mulf %i0, %c", "%s = arith.addf %m, %z", "%r = math.rsqrt %s"]
        )

    def _on_rows(self, value: str, body: list[str]) -> str:
        output = (self.writer.emit(f"tensor.empty() : {self.column}"), self.column, "(d0) -> (d0)")
        return self.writer.generic([(value, self.column, "(d0) -> (d0)")], output, ["parallel"], self.typed(body), "%r")

    def typed(self, body: list[str]) -> list[str]:
        return [line if line.endswith(f": {self.type}") else f"{line} : {self.type}" for line in body]
