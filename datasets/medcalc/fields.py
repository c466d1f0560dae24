"""The inputs of a calculator: how each is read from a row's entities and becomes a tensor.

A field reads one value for its argument. What a patient's note does not mention is absent: that is the data set's
convention for criteria, and the default of a `Flag`. Any other default stands with its field.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...errors import ArgumentError
from .shown import shown
from .units import Substance, convert_sum, number

Value: TypeAlias = float | int | tuple[float, ...]
Values: TypeAlias = Mapping[str, Any]
"""What the fields before this one read, by argument."""


@dataclass(frozen=True)
class Field(ABC):
    """One argument of a calculator."""

    argument: str
    """The name of the tensor among the module's arguments."""
    entities: tuple[str, ...]
    """The keys of `Relevant Entities` that it reads; the first is the data set's own name for it."""

    @property
    def integer(self) -> bool:
        """Whether the tensor is int64, as for codes and day numbers; else it is f32."""
        return False

    @property
    def columns(self) -> bool:
        """Whether the tensor is [batch, entities]; else it is [batch]."""
        return False

    @property
    def what(self) -> str:
        """For people: the unit, or the choices."""
        return ""

    @property
    def default(self) -> Value | None:
        """The value where none of the entities is there; `None` where that is an error."""
        return None

    @abstractmethod
    def read(self, entities: Mapping[str, object], values: Values) -> Value:
        """Return the argument's value of one row. Raises ArgumentError, which names the entity."""


@dataclass(frozen=True)
class EntityField(Field):
    """An argument that is one entity, the first of those named that is there."""

    @abstractmethod
    def parse(self, value: object) -> Value:
        """Return the value of the entity. Raises ArgumentError, which does not name it."""

    def read(self, entities: Mapping[str, object], values: Values) -> Value:
        """Return the value of the first entity that is there, or the default."""
        for entity in self.entities:
            if entity in entities:
                return self._parsed(entity, entities[entity])
        if self.default is None or self.needed(values):
            raise ArgumentError(f"{self.entities[0]}: missing, and it has no default")
        return self.default

    def needed(self, values: Values) -> bool:
        """Whether the other values of the row make this one necessary although it has a default."""
        return False

    def _parsed(self, entity: str, value: object) -> Value:
        try:
            return self.parse(value)
        except ArgumentError as error:
            raise ArgumentError(f"{entity}: {error}") from None


@dataclass(frozen=True)
class Quantity(EntityField):
    """A number with its unit, `[8.6, "mg/dL"]`, or several that add up, `[5, "ft", 4, "in"]`."""

    unit: str = ""
    """What the calculator takes."""
    substance: Substance | None = None
    otherwise: float | None = None
    """The default."""
    needed_when: Callable[[Values], bool] | None = None

    @property
    def what(self) -> str:
        """The unit."""
        return self.unit

    @property
    def default(self) -> float | None:
        """The value where the entity is missing."""
        return self.otherwise

    def needed(self, values: Values) -> bool:
        """Whether the field's own rule asks for it."""
        return self.needed_when is not None and self.needed_when(values)

    def parse(self, value: object) -> float:
        """Return the quantity in the calculator's unit."""
        if not isinstance(value, list | tuple):
            raise ArgumentError(f"expected [number, unit], found {shown(value)}")
        return convert_sum(value, self.unit, self.substance)


@dataclass(frozen=True)
class Number(EntityField):
    """A number that has no unit."""

    otherwise: float | None = None
    needed_when: Callable[[Values], bool] | None = None

    @property
    def what(self) -> str:
        """That it has no unit."""
        return "number"

    @property
    def default(self) -> float | None:
        """The value where the entity is missing."""
        return self.otherwise

    def needed(self, values: Values) -> bool:
        """Whether the field's own rule asks for it."""
        return self.needed_when is not None and self.needed_when(values)

    def parse(self, value: object) -> float:
        """Return the number."""
        return number(value)


@dataclass(frozen=True)
class Flag(EntityField):
    """A criterion that is met (1) or not (0), by True and False; met where any of its entities says so."""

    @property
    def what(self) -> str:
        """The two values."""
        return "0 or 1"

    @property
    def default(self) -> float:
        """Absent: what a note does not mention."""
        return 0.0

    def parse(self, value: object) -> float:
        """Return 1 for True and 0 for False."""
        if not isinstance(value, bool):
            raise ArgumentError(f"expected True or False, found {shown(value)}")
        return float(value)

    def read(self, entities: Mapping[str, object], values: Values) -> float:
        """Return 1 where one of the entities is True; a False beside it is what another question did not find."""
        found = [self._parsed(entity, entities[entity]) for entity in self.entities if entity in entities]
        return float(any(found))


@dataclass(frozen=True)
class Choice(EntityField):
    """One of several texts, as a code; upper and lower case are not told apart."""

    codes: Mapping[str | bool, int] | None = None
    """The code of each text, in lower case; of True and False too where the data set writes these."""
    otherwise: int | None = None

    @property
    def integer(self) -> bool:
        """Codes are int64."""
        return True

    @property
    def what(self) -> str:
        """The texts and their codes."""
        return ", ".join(f"{code} {text}" for text, code in (self.codes or {}).items() if isinstance(text, str))

    @property
    def default(self) -> int | None:
        """The code where the entity is missing."""
        return self.otherwise

    def parse(self, value: object) -> int:
        """Return the code."""
        key = " ".join(value.lower().split()) if isinstance(value, str) else value
        codes = self.codes or {}
        # 1 and 0 are equal to True and False as keys, but not meant.
        if not isinstance(key, str | bool) or key not in codes:
            raise ArgumentError(f"expected one of {', '.join(map(repr, codes))}, found {shown(value)}")
        return codes[key]


@dataclass(frozen=True)
class Female(EntityField):
    """The sex as the data set records it, `"Male"` or `"Female"`: 0 or 1."""

    @property
    def what(self) -> str:
        """The two values."""
        return "0 male, 1 female"

    def parse(self, value: object) -> float:
        """Return 1 for female."""
        known = {"male": 0.0, "female": 1.0}
        if not isinstance(value, str) or value.strip().lower() not in known:
            raise ArgumentError(f"expected 'Male' or 'Female', found {shown(value)}")
        return known[value.strip().lower()]
