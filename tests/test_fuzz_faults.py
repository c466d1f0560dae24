"""Writers of caches, corpora, decisions and modules under full disks, kills at every step and many processes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import slipstick
import torch
from fuzz.crowd import crowd
from fuzz.faults import (
    DONE,
    FAILED,
    KILLED,
    every_step,
    run_with_fault,
    run_with_file_limit,
    run_without_rights,
)
from slipstick import ArgumentError
from slipstick.compiler.cache import Cache
from slipstick.compiler.search_store import Record, SearchStore
from slipstick.datasets.corpus.plan import Plan
from slipstick.datasets.corpus.store import Store, read_rows
from slipstick.files import write_atomically
from slipstick.kernels.decisions import Decisions

KEY = Cache.key("faults")
TEXT = """func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %r = linalg.add ins(%x, %x : tensor<4xf32>, tensor<4xf32>) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}"""
OLD, NEW = "old " * 300, "new " * 500


@dataclass(frozen=True)
class Writer:
    """Something that is kept in a folder: how the old and the new state are written, and how it is read."""

    write: Callable[[Path, str], Any]
    read: Callable[[Path], Any]
    """The text that is read; None where there is none. Raises nothing else than an error of slipstick."""
    keeps_old: bool = True
    """Whether the old state is there until the new one is."""


def _put(folder: Path, text: str) -> None:
    Cache(folder).put(KEY, text.encode())


def _get(folder: Path) -> str | None:
    data = Cache(folder).get(KEY)
    return None if data is None else data.decode()


def _append(folder: Path, text: str) -> None:
    SearchStore(folder).add("nest", [Record(text, "base", 1.0, 1.0, 1, {})])


def _last(folder: Path) -> str | None:
    found = list(SearchStore(folder).read("nest", "base"))
    return found[-1] if found else None


def _save_decisions(folder: Path, text: str) -> None:
    Decisions(about=text).save(folder / "decisions.json") if False else write_atomically(folder / "file", text)


def _read_file(folder: Path) -> str | None:
    path = folder / "file"
    return path.read_text() if path.exists() else None


WRITERS = {
    "cache": Writer(_put, _get),
    "measurements": Writer(_append, _last),
    "file": Writer(_save_decisions, _read_file),
}


@pytest.mark.parametrize("fault", ["kill", "full"])
@pytest.mark.parametrize("name", WRITERS)
def test_every_step_may_fail(name, fault, tmp_path):
    writer = WRITERS[name]
    writer.write(tmp_path, OLD)

    def after(status: int) -> None:
        assert status in ((KILLED, DONE) if fault == "kill" else (DONE, FAILED))
        assert writer.read(tmp_path) in (OLD, NEW)
        writer.write(tmp_path, OLD)
        assert writer.read(tmp_path) == OLD
        if status == DONE and fault == "full" and name == "file":
            raise AssertionError("a file that was not written is no success")

    steps = 0
    while True:
        steps += 1
        status = run_with_fault(lambda: writer.write(tmp_path, NEW), fault, steps)
        if not _is_reached(lambda: writer.write(tmp_path, NEW), steps):
            break
        after(status)
    assert steps > 3
    writer.write(tmp_path, NEW)
    assert writer.read(tmp_path) == NEW
