"""What a policy chooses for one nest: its decision and where its epilogue is done; as JSON, and on operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, TypeAlias

from ..bindings import ir
from .decision import (
    DECISION_ATTRIBUTE,
    AttentionSchedule,
    ContractionSchedule,
    RowsSchedule,
    SkinnySchedule,
    read_attention_decision,
    read_decision,
    write_decision,
)
from .decision_nest import NEST, NestSchedule, read_nest_decision, write_nest_decision
from .epilogue import APART, PLACES

Decision: TypeAlias = ContractionSchedule | SkinnySchedule | RowsSchedule | AttentionSchedule | NestSchedule
_CLASSES: Final[dict[str, type[Decision]]] = {
    "packed": ContractionSchedule,
    "skinny": SkinnySchedule,
    "rows": RowsSchedule,
    "attention": AttentionSchedule,
    NEST: NestSchedule,
}
_TILE = ("tile_rows", "tile_columns")
_NAMES = {"vector_length": "vector"}


@dataclass(frozen=True)
class Choice:
    """A decision, and the place of the epilogue behind a contraction that has one."""

    decision: Decision
    epilogue: str | None = None

    @property
    def kind(self) -> str:
        """The kind of the decision, as the attribute has it."""
        return next(kind for kind, cls in _CLASSES.items() if cls is type(self.decision))

    def json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        found: dict[str, Any] = {"kind": self.kind}
        values = {field.name: getattr(self.decision, field.name) for field in fields(self.decision)}
        if _TILE[0] in values:
            found["register_tile"] = [values.pop(name) for name in _TILE]
        found |= {_NAMES.get(name, name): value for name, value in values.items() if value is not None}
        return found if self.epilogue is None else {**found, "epilogue": self.epilogue}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Choice:
        """Return what `json` wrote. Raises ValueError with the reason for anything else."""
        if not isinstance(data, Mapping):
            raise ValueError(f"expected an object, found {data!r}")
        known = _CLASSES.get(data.get("kind", ""))
        if known is None:
            raise ValueError(f"expected a kind of {', '.join(_CLASSES)}, found {data.get('kind')!r}")
        given = {name: value for name, value in data.items() if name not in ("kind", "epilogue", "register_tile")}
        names = {_NAMES.get(field.name, field.name): field.name for field in fields(known) if field.name not in _TILE}
        if unknown := sorted(set(given) - set(names)):
            raise ValueError(f'a decision of the kind "{data["kind"]}" has no {unknown[0]}; it has {", ".join(names)}')
        sizes: dict[str, Any] = {names[name]: value for name, value in given.items()}
        if known is not NestSchedule:
            tile = data.get("register_tile")
            if not isinstance(tile, list) or len(tile) != 2:
                raise ValueError(f"expected register_tile, [rows, columns], found {tile!r}")
            sizes |= zip(_TILE, tile, strict=True)
        if not all(isinstance(value, int) for value in sizes.values()):
            raise ValueError(f"expected whole numbers, true or false as sizes, found {dict(given)}")
        epilogue = data.get("epilogue")
        if epilogue is not None and epilogue not in (*PLACES, APART):
            raise ValueError(f"expected an epilogue of {', '.join((*PLACES, APART))}, found {epilogue!r}")
        try:
            return cls(known(**sizes), epilogue)
        except TypeError as problem:
            missing = [name for name, field in names.items() if field not in sizes]
            raise ValueError(f'a decision of the kind "{data["kind"]}" needs {", ".join(missing)}') from problem


def read_choice(op: ir.Operation) -> Decision:
    """Return the decision on an operation of whatever kind. Raises ValueError with the reason where it is none."""
    attribute: Any = op.attributes[DECISION_ATTRIBUTE]
    kind = attribute["kind"].value if isinstance(attribute, ir.DictAttr) and "kind" in attribute else None
    if kind == NEST:
        return read_nest_decision(op)
    return read_attention_decision(op) if kind == "attention" else read_decision(op)


def write_choice(op: ir.Operation, decision: Decision) -> None:
    """Attach a decision of whatever kind to an operation."""
    if isinstance(decision, NestSchedule):
        write_nest_decision(op, decision)
    else:
        write_decision(op, decision)
