"""Object code and what a caller must know of it. Reading and running it takes neither torch-mlir nor its bindings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..kernels.weight_arguments import EncodedArgument, PackedArgument
from . import codegen


@dataclass(frozen=True)
class Artifact:
    """Object code and what a caller must know of it."""

    code: bytes
    entry: str
    """The symbol of the C interface of the entry function."""
    takes_array: bool
    """Whether the interface takes its arguments, pointers all, in an array."""
    messages: tuple[str, ...]
    """The texts of the assertions in the code, by status - 1."""
    statistics: Mapping[str, int]
    """What passes counted, e.g. "lmul: multiplies rewritten"."""
    encoded: tuple[EncodedArgument, ...] = ()
    """The arguments that native code takes as codes of a narrow format."""
    packed: tuple[PackedArgument, ...] = ()
    """The arguments that native code takes as panels."""
    workspace_bytes: int = 0
    """The size of the arena that a call takes."""
    paths: Mapping[int, str] = field(default_factory=dict)
    """The symbols of the entries by the number of layers that they run, where there are several depths."""
    decisions: tuple[Mapping[str, Any], ...] = ()
    """What another policy than the heuristic decided: entries of a file of decisions."""

    def head(self) -> dict[str, Any]:
        """Return all but the code, as JSON has it."""
        return {
            "entry": self.entry,
            "takes_array": self.takes_array,
            "messages": self.messages,
            "statistics": dict(self.statistics),
            "encoded": [asdict(argument) for argument in self.encoded],
            "packed": [asdict(argument) for argument in self.packed],
            "workspace_bytes": self.workspace_bytes,
            "paths": {str(depth): symbol for depth, symbol in self.paths.items()},
            "decisions": list(self.decisions),
        }

    @classmethod
    def of_head(cls, head: Mapping[str, Any], code: bytes) -> Artifact:
        """Return the artifact of what `head` returned; raises ValueError or KeyError for other things."""
        return cls(
            code=code,
            entry=str(head["entry"]),
            takes_array=bool(head["takes_array"]),
            messages=tuple(head["messages"]),
            statistics=dict(head["statistics"]),
            encoded=tuple(EncodedArgument(**fields) for fields in head["encoded"]),
            packed=tuple(PackedArgument(**fields) for fields in head["packed"]),
            workspace_bytes=int(head["workspace_bytes"]),
            paths={int(depth): str(symbol) for depth, symbol in head["paths"].items()},
            decisions=tuple(head["decisions"]),
        )

    def pack(self) -> bytes:
        """Return bytes that `unpack` reads."""
        return json.dumps(self.head()).encode() + b"\n" + self.code

    @classmethod
    def unpack(cls, data: bytes) -> Artifact:
        """Return what `pack` wrote; raises ValueError or KeyError for other bytes."""
        head, _, code = data.partition(b"\n")
        return cls.of_head(json.loads(head), code)


@dataclass
class Built:
    """An artifact, the code in memory where the host can run it, and how it came about."""

    artifact: Artifact
    loaded: codegen.LoadedObject | None
    from_cache: bool
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds of "lower", "codegen" and "load"."""
