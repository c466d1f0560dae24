"""Read a row's `Relevant Entities` into the values that its calculator takes."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ...errors import ArgumentError
from .fields import Value
from .registry import calculator
from .rows import Row
from .shown import shown

_UNMENTIONED: Final = frozenset({"not mentioned", "not mentinoed"})
"""As the data set spells that an entity is missing, in lower case."""


@dataclass(frozen=True)
class Patient:
    """What a calculator needs of a row."""

    row: int
    values: dict[str, Value]
    """By the calculator's arguments, in their order."""
    unread: tuple[str, ...]
    """Entities of the row that its calculator has no use for."""


def read(row: Row) -> Patient:
    """Return the values of a row.

    Raises ArgumentError, which names the row and the field: for an id that no calculator has, a literal that is
    malformed or holds code, a missing entity that has no default, an unknown unit, a value of a wrong type.
    """
    try:
        found = calculator(row.calculator)
        known = {entity.lower(): entity for field in found.fields for entity in field.entities}
        entities = _named_as_known(parse_entities(row.entities), known)
        values: dict[str, Value] = {}
        for field in found.fields:
            values[field.argument] = field.read(entities, values)
    except ArgumentError as error:
        raise ArgumentError(f"row {row.number}: {error}") from None
    return Patient(row.number, values, tuple(entity for entity in entities if entity.lower() not in known))


def parse_entities(text: str) -> Mapping[str, object]:
    """Return a dictionary given as a Python literal; nothing in it is run.

    Raises ArgumentError for anything but a literal of a dictionary with texts as keys.
    """
    try:
        with warnings.catch_warnings():
            # Of escapes that mean nothing, Python warns on the terminal.
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ArgumentError(f"Relevant Entities: expected a Python literal without code, found {shown(text)}") from None
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ArgumentError(f"Relevant Entities: expected a dictionary with texts as keys, found {shown(text)}")
    return value


def _named_as_known(entities: Mapping[str, object], known: Mapping[str, str]) -> dict[str, object]:
    """Return what is mentioned, by the names that fields know; upper and lower case are not told apart.

    Raises ArgumentError where two names differ in nothing else.
    """
    named: dict[str, object] = {}
    for name, value in entities.items():
        if not _mentioned(value):
            continue
        entity = known.get(name.lower(), name)
        if entity in named:
            raise ArgumentError(f"{entity}: expected once, found again as {shown(name)}")
        named[entity] = value
    return named


def _mentioned(value: object) -> bool:
    return not isinstance(value, str) or value.strip().lower() not in _UNMENTIONED
