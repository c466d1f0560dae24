"""Writers of caches, corpora, measurements and modules under full disks, kills at every step and many processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import slipstick
import torch
from fuzz.crowd import crowd
from fuzz.faults import DONE, FAILED, KILLED, every_step, run_with_file_limit, run_without_rights
from slipstick import ArgumentError
from slipstick.compiler.cache import Cache
from slipstick.compiler.search_store import Record, SearchStore
from slipstick.datasets.corpus.plan import Plan
from slipstick.datasets.corpus.store import Store, read_rows
from slipstick.files import write_atomically

KEY = Cache.key("faults")
OLD, NEW = "old " * 300, "new " * 5000


@dataclass(frozen=True)
class Writer:
    """Something that is kept in a folder: how a state is written, and how the one that is there is read."""

    write: Callable[[Path, str], Any]
    read: Callable[[Path], str | None]


def _put(folder: Path, text: str) -> None:
    Cache(folder).put(KEY, text.encode())


def _get(folder: Path) -> str | None:
    data = Cache(folder).get(KEY)
    return None if data is None else data.decode()


def _append(folder: Path, text: str) -> None:
    SearchStore(folder).add("nest", [Record(text, "base", 1.0, 1.0, 1, {})])


def _last(folder: Path) -> str | None:
    lines = (SearchStore(folder).folder / "nest.jsonl").read_text().splitlines()
    found = SearchStore(folder).read("nest", "base")
    assert set(found) <= {OLD, NEW}
    whole = [line for line in lines if line.endswith("}")]
    return None if not whole else NEW if NEW in whole[-1] else OLD


def _read_file(folder: Path) -> str | None:
    return (folder / "file").read_text()


def _store(folder: Path) -> Store:
    store = Store(folder, Plan(1, graphs=()))
    store.open({})
    return store


def _write_part(folder: Path, text: str) -> None:
    _store(folder).write(0, [{"text": text, "canonical": text, "target": "host"}], [])


def _read_part(folder: Path) -> str | None:
    """Return the row's text; what a reader is told to remove, because it is damaged, is written again."""
    store = _store(folder)
    if store.missing(1):
        return None
    (row,) = read_rows(folder)
    return str(row["text"])


WRITERS = {
    "cache": Writer(_put, _get),
    "measurements": Writer(_append, _last),
    "file": Writer(lambda folder, text: write_atomically(folder / "file", text), _read_file),
    "corpus": Writer(_write_part, _read_part),
}


@pytest.mark.parametrize("fault", ["kill", "full"])
@pytest.mark.parametrize("name", WRITERS)
def test_every_step_may_fail(name, fault, tmp_path):
    writer = WRITERS[name]
    writer.write(tmp_path, OLD)
    statuses = []

    def after(status: int) -> None:
        statuses.append(status)
        found = writer.read(tmp_path)
        # Between a part of a corpus and its place in the manifest the part counts as missing, and is made again.
        assert found in (OLD, NEW) or (name == "corpus" and found is None)
        writer.write(tmp_path, OLD)
        assert writer.read(tmp_path) == OLD

    assert every_step(lambda: writer.write(tmp_path, NEW), fault, after) > 3
    assert set(statuses) <= ({KILLED} if fault == "kill" else {KILLED, DONE, FAILED})
    writer.write(tmp_path, NEW)
    assert writer.read(tmp_path) == NEW


@pytest.mark.parametrize("name", WRITERS)
def test_a_disk_that_fills_in_the_middle_of_a_file(name, tmp_path):
    writer = WRITERS[name]
    writer.write(tmp_path, OLD)
    for most in (0, 1, 100, 700, 2000):
        assert run_with_file_limit(lambda: writer.write(tmp_path, NEW), most) in (DONE, FAILED)
        found = writer.read(tmp_path)
        assert found in (OLD, NEW) or (name == "corpus" and found is None)
        writer.write(tmp_path, OLD)
        assert writer.read(tmp_path) == OLD


TEXT = """func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %r = linalg.add ins(%x, %x : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}"""


def compile_and_call(cache: Path) -> None:
    x = torch.arange(4.0)
    assert slipstick.compile(TEXT, cache_dir=cache, threads=1)(x).equal(x + x)


def test_modules_compile_whatever_becomes_of_the_cache(tmp_path):
    compile_and_call(tmp_path / "other")
    for most in (0, 1000):
        assert run_with_file_limit(lambda: compile_and_call(tmp_path / "limited"), most) == DONE
    compile_and_call(tmp_path / "limited")
    if os.geteuid() == 0:
        (tmp_path / "read-only").mkdir(mode=0o755)
        tmp_path.chmod(0o755)
        assert run_without_rights(lambda: compile_and_call(tmp_path / "read-only")) == DONE


def test_a_saved_module_is_old_or_new(tmp_path):
    path = tmp_path / "model.slip"
    module = torch.nn.Linear(8, 4).eval()
    compiled = slipstick.compile(module, (torch.ones(2, 8),), threads=1)
    compiled.save(path)
    before = path.read_bytes()

    def after(status: int) -> None:
        assert path.read_bytes() == before

    assert every_step(lambda: compiled.save(path), "full", after) > 3
    assert run_with_file_limit(lambda: compiled.save(path), 100) == FAILED
    assert path.read_bytes() == before
    with pytest.raises(ArgumentError, match="cannot be written"):
        compiled.save(tmp_path / "no" / "folder.slip")


def test_a_crowd_on_one_cache(tmp_path):
    assert crowd(tmp_path, 12, 30) == []


@pytest.mark.exhaustive
def test_two_hundred_processes_on_one_cache(tmp_path):
    assert crowd(tmp_path, 200, 200) == []
