"""The options of the backend of `torch.compile`, in one frozen value."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from ...errors import ArgumentError
from ...kernels.lmul import LMul
from ..options import CompileOptions
from .report import GraphReport

Gradients = Literal["straight-through", "lmul"]


@dataclass(frozen=True)
class TorchCompileOptions:
    """What `torch.compile(..., backend="slipstick", options={...})` takes. Raises `ArgumentError` for other values."""

    lmul: LMul | None = None
    """The L-Mul configuration; `None`: exact multiplies."""
    weights: str = "f32"
    """How native code reads the weights of linear layers: "f32", "bf16" or "lm8"."""
    gradients: Gradients = "straight-through"
    """What the backward graph of an L-Mul forward graph multiplies with. "straight-through": exact products of the
    values that the forward pass computed, g y and g x for x y; "lmul": L-Mul, in the same scope."""
    threads: int | None = None
    """Threads that one call may use; `None`: as many as torch uses when a graph is compiled."""
    pack_weights: bool = True
    """Whether products of few rows read weights from panels: see `CompileOptions`."""
    cache_dir: str | os.PathLike[str] | None = None
    """Where object code is cached; `None`: the user's cache folder."""
    fallback: bool = True
    """Whether torch runs what cannot be compiled, with a warning that names it; `False`: that is an error. Random
    operations are torch's in either case."""
    dry_run: bool = False
    """Whether graphs are taken apart and lowered to linalg, but run by torch."""
    observer: Callable[[GraphReport], object] | None = None
    """Called with the report of each graph, when it has been compiled."""

    def __post_init__(self) -> None:
        for name in ("fallback", "dry_run"):
            if not isinstance(getattr(self, name), bool):
                raise ArgumentError(f"{name}: expected True or False, found {getattr(self, name)!r}")
        if self.observer is not None and not callable(self.observer):
            raise ArgumentError(f"observer: expected a function of a report, or None, found {self.observer!r}")
        if not isinstance(self.cache_dir, str | os.PathLike | None):
            raise ArgumentError(f"cache_dir: expected a path, or None, found {self.cache_dir!r}")
        if self.gradients not in get_args(Gradients):
            expected = ", ".join(f'"{name}"' for name in get_args(Gradients))
            raise ArgumentError(f"gradients: expected one of {expected}, found {self.gradients!r}")
        self.compile_options()

    @classmethod
    def of(cls, options: Mapping[str, Any] | None) -> TorchCompileOptions:
        """Return the options of a dictionary; raises `ArgumentError` for a name that is none."""
        given = {} if options is None else options
        if not isinstance(given, Mapping):
            raise ArgumentError(f"options: expected a dictionary, found {type(given).__name__}")
        names = [field.name for field in fields(cls)]
        for name in given:
            if name not in names:
                near = "".join(f"; did you mean {one!r}?" for one in get_close_matches(str(name), names, n=1))
                raise ArgumentError(f"options: expected some of {', '.join(names)}, found {name!r}{near}")
        return cls(**given)

    @property
    def approximates_forward_alone(self) -> bool:
        """Whether the backward graph is exact and the forward graph is not."""
        return self.lmul is not None and self.gradients == "straight-through"

    def of_backward(self) -> TorchCompileOptions:
        """Return the options of backward graphs."""
        return replace(self, lmul=None) if self.approximates_forward_alone else self

    def compile_options(self) -> CompileOptions:
        """Return the options of each compiled part."""
        return CompileOptions(
            lmul=self.lmul,
            weights=self.weights,
            threads=torch.get_num_threads() if self.threads is None else self.threads,
            pack_weights=self.pack_weights,
            cache_dir=None if self.cache_dir is None else Path(self.cache_dir),
        )
