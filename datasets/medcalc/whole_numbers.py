"""Why scores and dates survive an approximate multiply, counted on the rows that are evaluated.

A score compares with limits and adds points, a date adds days. What matters is what such a calculator does with
floats: how often it multiplies them (where never, no multiplier can change an answer), how many comparisons choose its
points, and how great its numbers are. Beside that stands what is not done: the same rows with every number - inputs,
and results of every operation, whole ones too - held with as few mantissa bits as the multiplies of an arithmetic keep.
The answers that change there say whether it is the kind of operation that saves the calculator, or that its numbers
need no more bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from .answers import results
from .calculator import Calculator
from .evaluate import Prepared

_ATEN: Final = torch.ops.aten
_COMPARISONS: Final = {
    overload
    for packet in (_ATEN.lt, _ATEN.le, _ATEN.gt, _ATEN.ge, _ATEN.eq, _ATEN.ne)
    for overload in (packet.Tensor, packet.Scalar)
}


@dataclass(frozen=True)
class Held:
    """What becomes of the rows when every number has so many mantissa bits."""

    mantissa_bits: int
    changed: int
    """Rows with another answer."""
    crossed: int
    """Comparisons, of all rows together, that come out otherwise."""
    spacing: float
    """How far the numbers next to the calculator's greatest one lie from it."""


@dataclass(frozen=True)
class WholeNumbers:
    """A calculator whose answers are whole numbers or dates, on its rows."""

    calculator: Calculator
    rows: int
    comparisons: int
    """For one patient."""
    greatest: float
    """The greatest magnitude among its inputs and the results of its operations."""
    held: tuple[Held, ...]

    @property
    def bits(self) -> int:
        """How many mantissa bits, the leading one left out, hold all whole numbers up to the greatest."""
        return max(int(self.greatest).bit_length() - 1, 0)

    def as_json(self) -> dict[str, Any]:
        """Return all counts."""
        return {
            "calculator": self.calculator.number,
            "rows": self.rows,
            "comparisons": self.comparisons,
            "greatest": self.greatest,
            "mantissa_bits_needed": self.bits,
            "held": [
                {
                    "mantissa_bits": one.mantissa_bits,
                    "rows_changed": one.changed,
                    "comparisons_crossed": one.crossed,
                    "spacing": one.spacing,
                }
                for one in self.held
            ],
        }


def whole_numbers(prepared: Prepared, mantissa_bits: Iterable[int]) -> tuple[WholeNumbers, ...]:
    """Return what is found of every calculator with whole answers; the rows are run in torch."""
    bits = sorted(set(mantissa_bits))
    return tuple(
        _found(calculator, calculator.tensors([tuple(patient.values.values()) for patient, _ in patients]), bits)
        for calculator, patients in zip(prepared.calculators, prepared.patients, strict=True)
        if calculator.answer != "decimal"
    )


def _found(calculator: Calculator, tensors: tuple[Tensor, ...], bits: Sequence[int]) -> WholeNumbers:
    rows = len(tensors[0])
    exact = _Watching(None)
    answers = exact.run(calculator, tensors)
    greatest = exact.greatest
    held = []
    for count in bits:
        watching = _Watching(count)
        found = watching.run(calculator, tensors)
        changed = sum(a != b for a, b in zip(found, answers, strict=True))
        crossed = sum(int((a != b).sum()) for a, b in zip(watching.compared, exact.compared, strict=True))
        spacing = 2.0 ** max(int(greatest).bit_length() - 1 - count, -count)
        held.append(Held(count, changed, crossed, spacing))
    comparisons = sum(found.numel() for found in exact.compared) // rows
    return WholeNumbers(calculator, rows, comparisons, greatest, tuple(held))


class _Watching(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keeps the outcomes of comparisons and the greatest magnitude; with `bits`, rounds the results of operations."""

    def __init__(self, bits: int | None):
        super().__init__()  # type: ignore[no-untyped-call]
        self._bits = bits
        self.compared: list[Tensor] = []
        self.greatest = 0.0

    def run(self, calculator: Calculator, tensors: Iterable[Tensor]) -> list[Any]:
        """Return the answers of a batch."""
        given = [self._seen(tensor) for tensor in tensors]
        with torch.no_grad(), self:
            output = calculator.module()(*given)
        return list(results(output, calculator.answer))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if not isinstance(result, Tensor):
            return result
        if func in _COMPARISONS:
            self.compared.append(result)
        return self._seen(result)

    def _seen(self, values: Tensor) -> Tensor:
        if values.dtype == torch.bool:
            return values
        self.greatest = max(self.greatest, float(values.abs().max()))
        return values if self._bits is None else with_mantissa_bits(values, self._bits)


def with_mantissa_bits(values: Tensor, bits: int) -> Tensor:
    """Return numbers, whole ones too, rounded to the nearest that has so many mantissa bits behind the leading one."""
    mantissas, exponents = torch.frexp(values.double())
    return torch.ldexp(torch.round(mantissas * 2 ** (bits + 1)), exponents - (bits + 1)).to(values.dtype)
