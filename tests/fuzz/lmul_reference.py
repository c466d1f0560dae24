"""What a graph computes where every multiply is L-Mul: the imported linalg, interpreted, with the tests' own L-Mul."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lmul_oracle
import torch
from slipstick import LMul
from slipstick.compiler.build import parse
from slipstick.kernels.lmul import FORMATS
from slipstick.passes.manager import run_pipeline
from torch import Tensor

from .interpreter import Interpreter
from .rounding import noise

_FORMATS = {torch.float16: "f16", torch.bfloat16: "bf16", torch.float32: "f32", torch.float64: "f64"}
_BITS = {16: torch.int16, 32: torch.int32, 64: torch.int64}
_PIPELINE = "builtin.module(prepare-entry,canonicalize,cse,linalg-generalize-named-ops)"
"""What the compiler does before it marks multiplies; the rest only gives named operations their bodies."""


class Reference:
    """The reference of a compiled module; `inputs` of a call are those of the torch module."""

    def __init__(self, native: Any, lmul: LMul):
        self._module = parse(native.stage("linalg"))
        run_pipeline(self._module, _PIPELINE)
        functions = [op for op in self._module.body.operations if op.operation.name == "func.func"]
        self._run = Interpreter(functions[0].operation, lambda x, y: multiply(lmul, x, y))
        self._native = native

    def __call__(self, inputs: Sequence[Tensor], seed: int | None = None) -> list[Tensor | None]:
        """Return the results, None for unknown ones; with a seed, of a run with noise in it."""
        signature = self._native.signature
        state = self._native.parameters
        given = iter(inputs)
        values = [next(given) if argument.kind == "input" else state[argument.name] for argument in signature.arguments]
        places = sorted(
            (argument.native, value)
            for argument, value in zip(signature.arguments, values, strict=True)
            if argument.native is not None
        )
        operands = [_signless(value.detach()) for _, value in sorted(places, key=lambda pair: pair[0])]
        found = self._run(operands, None if seed is None else noise(seed))
        results: list[Tensor | None] = []
        for result in signature.results:
            if result.kind == "native":
                results.append(found[result.index])
            else:
                results.append(values[result.index])
        return results


def _signless(value: Tensor) -> Tensor:
    return value.view(torch.int8) if value.dtype == torch.uint8 else value


def multiply(lmul: LMul, x: Tensor, y: Tensor) -> Tensor:
    """Return the L-Mul of two tensors of one shape, by the oracle."""
    name = _FORMATS[x.dtype]
    layout = lmul_oracle.LAYOUTS[name]
    correction = None if lmul.offset == "paper" else lmul.correction(FORMATS[name])
    configuration = lmul_oracle.Configuration(lmul.mantissa_bits, lmul.rounding, lmul.specials, correction)
    bits = _BITS[layout.width]
    one, other = (v.contiguous().view(bits).reshape(-1).numpy().view(layout.unsigned) for v in (x, y))
    product = lmul_oracle.multiply_arrays(layout, configuration, one, other)
    return torch.from_numpy(product.view(f"int{layout.width}")).view(x.dtype).reshape(x.shape)
