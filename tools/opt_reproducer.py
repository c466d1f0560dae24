"""Reproducers: a module together with the pipeline that made trouble, as mlir-opt writes and reads them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import BinaryIO

from ..bindings import ir
from ..errors import ArgumentError
from ..passes.instrumentation import Execution, Instrumentation
from ..passes.manager import Plan
from .opt_source import Source

_SECTION = re.compile(rb"\{-#.*?#-\}", re.DOTALL)
_FIELD = r"\b%s\s*:\s*(\"(?:[^\"\\]|\\.)*\"|true|false)"


@dataclass(frozen=True)
class Recipe:
    """The pipeline of a reproducer and how to run it."""

    pipeline: str
    verify_each: bool


def reproducer(op: ir.Operation, pipeline: str, *, verify_each: bool) -> bytes:
    """Return the text of a reproducer for running `pipeline` on `op`."""
    text = op.get_asm(binary=True)
    assert isinstance(text, bytes)
    escaped = pipeline.replace("\\", "\\\\").replace('"', '\\"')
    recipe = f"""
{{-#
  external_resources: {{
    mlir_reproducer: {{
      pipeline: "{escaped}",
      disable_threading: true,
      verify_each: {"true" if verify_each else "false"}
    }}
  }}
#-}}
"""
    return text + recipe.encode("utf-8", "surrogateescape")


def read_recipe(source: Source) -> Recipe | None:
    """Return the recipe in `source`; `None` when it holds none. Raises `ArgumentError` for bytecode."""
    if source.is_bytecode():
        raise ArgumentError(f"{source.name}: error: --run-reproducer reads reproducers as text only")
    for section in _SECTION.findall(source.data):
        text = section.decode("utf-8", "surrogateescape")
        start = text.find("mlir_reproducer")
        pipeline = re.compile(_FIELD % "pipeline", re.DOTALL).search(text, max(start, 0))
        if start < 0 or pipeline is None:
            continue
        verify = re.compile(_FIELD % "verify_each").search(text, start)
        unescaped = re.sub(r"\\(.)", r"\1", pipeline[1][1:-1])
        return Recipe(unescaped, verify is None or verify[1] == "true")
    return None


class Recorder(Instrumentation):
    """Keeps a reproducer in a file of the parent process, which survives a crash of this one.

    By default that is the IR before the whole pipeline; `local` keeps the IR before each pass and that pass alone.
    """

    def __init__(self, file: BinaryIO, plan: Plan, op: ir.Operation, *, verify_each: bool, local: bool):
        self.file = file
        self.verify_each = verify_each
        self.local = local
        self.failed: Execution | None = None
        self._write(reproducer(op, str(plan.pipeline()), verify_each=verify_each))

    def before_pass(self, execution: Execution) -> None:
        """Keep the IR before the pass, if asked."""
        if self.local and self.failed is None:
            top = execution.op
            while top.parent is not None:
                top = top.parent.operation
            pipeline = execution.text
            for anchor in reversed(execution.path):
                pipeline = f"{anchor}({pipeline})"
            self._write(reproducer(top, pipeline, verify_each=self.verify_each))

    def failed_pass(self, execution: Execution) -> None:
        """Remember the first pass that failed."""
        self.failed = self.failed or execution

    def _write(self, data: bytes) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.file.write(data)
        self.file.flush()


def save(file: BinaryIO, path: str) -> None:
    """Write what `file` holds to `path`; raises `ArgumentError`."""
    data = os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)
    write_file(path, data)


def write_file(path: str, data: bytes) -> None:
    """Write a reproducer to `path`; raises `ArgumentError`."""
    try:
        with open(path, "wb") as out:  # noqa: PTH123
            out.write(data)
    except OSError as error:
        raise ArgumentError(f"cannot write the reproducer '{path}': {error.strerror}") from error
