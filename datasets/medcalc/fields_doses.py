"""Doses of drugs among the inputs of a calculator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import ArgumentError
from .fields import Choice, EntityField, Field, Values
from .shown import shown
from .units import convert, convert_sum, number


@dataclass(frozen=True)
class DrugCode(Choice):
    """The drug of a dose `[drug, mass, unit]`, or alone, as a code."""

    def parse(self, value: object) -> int:
        """Return the code of the drug."""
        return super().parse(value[0] if isinstance(value, list | tuple) and len(value) == 3 else value)


@dataclass(frozen=True)
class DrugMass(EntityField):
    """The mass of a dose `[drug, mass, unit]`, in mg."""

    @property
    def what(self) -> str:
        """The unit."""
        return "mg"

    def parse(self, value: object) -> float:
        """Return the mass."""
        if not isinstance(value, list | tuple) or len(value) != 3:
            raise ArgumentError(f"expected [drug, mass, unit], found {shown(value)}")
        return convert_sum(value[1:], "mg")


@dataclass(frozen=True)
class Columns(Field):
    """Quantities side by side, one column an entity; what is not mentioned is 0, all missing an error."""

    units: tuple[str, ...] = ()
    """The unit of each column."""
    beside: tuple[str, ...] = ()
    """For each column an entity that must be there together with the column's, or be missing with it."""
    aliases: tuple[Mapping[str, str], ...] = ()
    """For each column, units that the data set writes for another one."""

    @property
    def columns(self) -> bool:
        """One column an entity."""
        return True

    @property
    def what(self) -> str:
        """The columns and their units."""
        return "; ".join(f"{entity}, {unit}" for entity, unit in zip(self.entities, self.units, strict=True))

    def read(self, entities: Mapping[str, object], values: Values) -> tuple[float, ...]:
        """Return one number a column."""
        found = tuple(self._column(place, entities) for place in range(len(self.entities)))
        if not any(entity in entities for entity in self.entities):
            raise ArgumentError(f"{self.entities[0]} and {len(self.entities) - 1} others: all missing, expected one")
        return found

    def _column(self, place: int, entities: Mapping[str, object]) -> float:
        entity = self.entities[place]
        if entity not in entities:
            if self.beside and self.beside[place] in entities:
                raise ArgumentError(f"{entity}: missing beside {self.beside[place]}")
            return 0.0
        value = entities[entity]
        try:
            if not isinstance(value, list | tuple) or len(value) != 2 or not isinstance(value[1], str):
                raise ArgumentError(f"expected [number, unit], found {shown(value)}")
            unit = (self.aliases[place] if self.aliases else {}).get(value[1], value[1])
            return convert(number(value[0]), unit, self.units[place])
        except ArgumentError as error:
            raise ArgumentError(f"{entity}: {error}") from None
