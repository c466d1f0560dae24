"""One nest on its own with a choice applied: compiled, so that it can be timed beside others on the same operands."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ..kernels.choice import Choice
from ..passes.encode_weights import PARAMETER_ATTRIBUTE
from ..passes.manager import run_pipeline
from ..passes.nests import with_choice
from ..passes.prepare_entry import find_entry
from ..target import Target
from .artifact import Built
from .build import build, parse
from .kernel_bench import Operands
from .mlir_input import mlir_signature
from .options import CompileOptions


@dataclass(frozen=True)
class Compiled:
    """A candidate as native code. Raises nothing where the host cannot run it: `built.loaded` is None then."""

    choice: Choice
    built: Built

    @property
    def digest(self) -> str:
        """A hash of the code: candidates of one hash are one kernel."""
        return hashlib.sha256(self.built.artifact.code).hexdigest()[:24]


def compile_choice(text: str, choice: Choice, target: Target, cache_dir: Path | None = None) -> Compiled:
    """Compile a nest's module with a choice. Raises IRError or CodegenError where the choice is illegal."""
    options = CompileOptions(threads=1, target=target, cache_dir=cache_dir)
    module = parse(with_choice(text, choice))
    run_pipeline(module, "builtin.module(prepare-entry)")
    return Compiled(choice, build(str(module), options, target))


def operands(text: str) -> Operands:
    """Return what a nest's module, as `Nest.text`, is called with."""
    module = parse(text)
    entry = find_entry(module.operation)
    assert entry is not None, "a nest has an entry"
    attributes = list(entry.arg_attrs) if "arg_attrs" in entry.attributes else []
    weights = frozenset(number for number, own in enumerate(attributes) if PARAMETER_ATTRIBUTE in own)
    return Operands(mlir_signature(module), weights)
