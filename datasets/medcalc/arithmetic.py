"""The arithmetics that calculators are evaluated in: torch's, compiled code's, L-Mul, multiplies with fp8 operands.

`Compiled` is by slipstick, all calculators of an evaluation as one graph, which is imported once for all k; divisions,
powers, logarithms and roots stay as they are under L-Mul, which replaces multiplies. With fp8, torch runs the graph and
rounds the operands of every multiply of floats to the format first; nothing else is rounded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ...kernels.float8 import DTYPES, Float8, round_to_float8
from ...kernels.lmul import LMul
from .battery import Battery
from .calculator import Calculator

if TYPE_CHECKING:
    from ...compiler.compiled import CompiledModule

MANTISSA_BITS: Final = (3, 4, 5, 7, 10, 23)
"""k of the L-Mul variants that are compared."""

F32_MANTISSA_BITS: Final = 23

_BATCH_STEP: Final = 32
"""Batches are filled up to a multiple of this: a size that is known makes export and code short."""


class Arithmetic(Protocol):
    """A way to run calculators."""

    @property
    def name(self) -> str:
        """For tables."""

    @property
    def mantissa_bits(self) -> int:
        """Those that a multiply keeps of its operands, without the leading one."""

    def run(self, calculators: Sequence[Calculator], inputs: Sequence[tuple[Tensor, ...]]) -> list[Tensor]:
        """Return each calculator's results for its inputs; batches may differ in size."""


@dataclass(frozen=True)
class Torch:
    """Torch eager, f32: the reference."""

    name: str = "torch"
    mantissa_bits: int = F32_MANTISSA_BITS

    def run(self, calculators: Sequence[Calculator], inputs: Sequence[tuple[Tensor, ...]]) -> list[Tensor]:
        """Return each calculator's results."""
        with torch.inference_mode():
            return [found.module()(*tensors) for found, tensors in zip(calculators, inputs, strict=True)]


@dataclass
class Batteries:
    """Compiled calculators, all of an evaluation as one graph, kept so that they are exported and imported once."""

    found: dict[tuple[tuple[int, ...], int], CompiledModule] = field(default_factory=dict)

    def of(self, calculators: Sequence[Calculator], batch: int, lmul: LMul | None) -> CompiledModule:
        """Return the calculators for a batch of this size; `lmul` as that of `slipstick.compile`."""
        from ...compiler.api import compile

        key = tuple(found.number for found in calculators), batch
        kept = self.found.get(key)
        if kept is None:
            tensors = tuple(tensor for found in calculators for tensor in found.example(batch))
            kept = self.found[key] = compile(Battery(calculators).eval(), tensors, lmul=lmul)
        return kept if kept.options.lmul == lmul else kept.with_options(lmul=lmul)


@dataclass(frozen=True)
class Compiled:
    """Code by slipstick, f32; with `lmul`, its multiplies are L-Mul."""

    lmul: LMul | None = None
    batteries: Batteries = field(default_factory=Batteries, compare=False)

    @property
    def name(self) -> str:
        """`exact`, or L-Mul with its k."""
        return "exact" if self.lmul is None else f"L-Mul k={self.lmul.mantissa_bits}"

    @property
    def mantissa_bits(self) -> int:
        """Those that a multiply keeps of its operands."""
        return F32_MANTISSA_BITS if self.lmul is None else self.lmul.mantissa_bits

    def run(self, calculators: Sequence[Calculator], inputs: Sequence[tuple[Tensor, ...]]) -> list[Tensor]:
        """Return each calculator's results; the shorter batches are filled up with their first patient."""
        sizes = [len(tensors[0]) for tensors in inputs]
        batch = -(-max(sizes) // _BATCH_STEP) * _BATCH_STEP
        filled = [_filled(tensor, batch) for tensors in inputs for tensor in tensors]
        outputs = self.batteries.of(calculators, batch, self.lmul)(*filled)
        return [output[:size] for output, size in zip(outputs, sizes, strict=True)]


@dataclass(frozen=True)
class RoundedOperands:
    """Torch with the operands of multiplies rounded to fp8.

    An operand is scaled by a power of two, one for each tensor and each constant, that brings its greatest magnitude
    to the top of the format's range; so every operand keeps the format's mantissa, and small values beside large ones
    lose theirs as they do in fp8.
    """

    format: Float8

    @property
    def name(self) -> str:
        """The format."""
        return f"fp8 {self.format}"

    @property
    def mantissa_bits(self) -> int:
        """The format's own."""
        return -round(math.log2(torch.finfo(DTYPES[self.format]).eps))

    def run(self, calculators: Sequence[Calculator], inputs: Sequence[tuple[Tensor, ...]]) -> list[Tensor]:
        """Return each calculator's results."""
        with torch.no_grad(), _RoundingMultiplies(self.format):
            return [found.module()(*tensors) for found, tensors in zip(calculators, inputs, strict=True)]


class _RoundingMultiplies(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, format: Float8):
        super().__init__()  # type: ignore[no-untyped-call]
        self._format = format

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.ops.aten.mul.Tensor, torch.ops.aten.mul.Scalar):
            x, y = (operand if isinstance(operand, Tensor) else torch.tensor(operand) for operand in args)
            if torch.result_type(*args).is_floating_point:
                return torch.mul(through_float8(x, self._format), through_float8(y, self._format))
        return func(*args, **(kwargs or {}))


def through_float8(x: Tensor, format: Float8) -> Tensor:
    """Return f32 values rounded to fp8 at a common power of two as scale: the largest that keeps all finite."""
    x = x.to(torch.float32)
    finite = x[x.isfinite()]
    largest = finite.abs().amax() if finite.numel() else torch.zeros(())
    if largest == 0:
        return x
    dtype = DTYPES[format]
    scale = torch.exp2(torch.floor(torch.log2(torch.finfo(dtype).max / largest)))
    return round_to_float8(x * scale, dtype).to(torch.float32) / scale


def variants(mantissa_bits: Sequence[int] = MANTISSA_BITS, *, fp8: bool = True) -> list[Arithmetic]:
    """Return exact compiled code, L-Mul at each k, and both fp8 formats."""
    batteries = Batteries()
    approximate = [Compiled(LMul(mantissa_bits=k), batteries) for k in mantissa_bits]
    rounded: list[Arithmetic] = [RoundedOperands("e4m3"), RoundedOperands("e5m2")] if fp8 else []
    return [Compiled(batteries=batteries), *approximate, *rounded]


def _filled(tensor: Tensor, size: int) -> Tensor:
    return torch.cat((tensor, tensor[:1].expand(size - len(tensor), *tensor.shape[1:])))
