"""What a calculator is: a module over a batch of patients, its inputs, and what its answer means."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor, nn

from ...errors import ArgumentError
from .fields import Field, Value

Answer = Literal["decimal", "integer", "date", "weeks and days"]
Area = Literal["laboratory", "physical", "score", "dosage", "date"]

_SOURCE: Final = "Source:"


@dataclass(frozen=True)
class Calculator:
    """One of the 55.

    The module takes the fields' tensors in their order, each [batch] (of `Columns`, [batch, columns]), f32 or int64 as
    the field says, and returns [batch] f32; dates are int64 day numbers [batch], weeks and days int64 [batch, 2].
    """

    number: int
    """The data set's `Calculator ID`."""
    name: str
    area: Area
    module: type[nn.Module]
    fields: tuple[Field, ...]
    answer: Answer = "decimal"
    unit: str = ""

    @property
    def formula(self) -> str:
        """The module's text without the source."""
        return inspect.cleandoc(self.module.__doc__ or "").partition(_SOURCE)[0].strip()

    @property
    def source(self) -> str:
        """Where the formula was published."""
        return " ".join(inspect.cleandoc(self.module.__doc__ or "").partition(_SOURCE)[2].split())

    def tensors(self, rows: Sequence[Sequence[Value]]) -> tuple[Tensor, ...]:
        """Return the module's arguments for a batch: one sequence of values a patient, in the order of the fields.

        Raises ArgumentError for no rows or a row of another length.
        """
        if not rows or any(len(row) != len(self.fields) for row in rows):
            raise ArgumentError(f"rows: expected at least one, each with {len(self.fields)} values")
        return tuple(
            torch.tensor([row[place] for row in rows], dtype=torch.int64 if field.integer else torch.float32)
            for place, field in enumerate(self.fields)
        )

    def example(self, batch: int) -> tuple[Tensor, ...]:
        """Return arguments of the right shapes and types for a batch; their values mean nothing."""
        row = [(1.0,) * len(field.entities) if field.columns else 1 for field in self.fields]
        return self.tensors([row] * batch)
