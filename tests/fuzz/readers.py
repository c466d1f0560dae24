"""What reads texts and files of users, each as a function of bytes with seeds: what `inputs.py` mutates."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slipstick
import torch
from slipstick import LMul
from slipstick.costmodel import released
from slipstick.costmodel.features import text_features
from slipstick.datasets.medcalc import rows
from slipstick.datasets.medcalc.answers import truth
from slipstick.datasets.medcalc.reader import read as read_row
from slipstick.errors import ArgumentError, PipelineError
from slipstick.kernels.decisions import Decisions
from slipstick.passes.options import build, unbuild
from slipstick.passes.pipeline import parse_options, parse_pipeline
from slipstick.passes.registry import PASSES
from slipstick.target import Target

from .leaks import text_of
from .process import new_folder

_TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Reader:
    """A reader: what it reads must end in a value or an error of slipstick."""

    name: str
    read: Callable[[bytes], Any]
    seeds: Sequence[bytes]
    modules: Sequence[str]
    """Modules whose lines are counted."""
    words: Sequence[bytes] = ()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _pipeline(folder: Path) -> Reader:
    def read(data: bytes) -> None:
        found = parse_pipeline(_text(data))
        assert parse_pipeline(str(found)) == found, "what is printed is read as something else"

    seeds = [
        b"builtin.module(canonicalize,cse,func.func(lmul{mantissa-bits=4 scope=all}))",
        b"builtin.module(one-shot-bufferize{bufferize-function-boundaries x=identity},cse)",
        b'builtin.module(encode-weights{format="lm8"},lmul-report{sizes=0:8x64,1:8x64 output={a b}})',
        b"any(canonicalize{top-down=true region-simplify=aggressive})",
    ]
    words = [cls.name.encode() for cls in PASSES]
    return Reader("pipeline parser", read, seeds, ("slipstick.passes.pipeline",), words)


def _options(folder: Path) -> Reader:
    by_name = {cls.name: cls for cls in PASSES}

    def read(data: bytes) -> None:
        name, _, text = _text(data).partition(" ")
        if name not in by_name:
            raise PipelineError(f"no such pass '{name}'")
        made = build(by_name[name], parse_options(text))
        assert build(by_name[name], unbuild(made)) == made, "what is printed is read as something else"

    seeds = []
    for cls in PASSES:
        fields = [f"{name.replace('_', '-')}=1" for name in cls.__dataclass_fields__]
        seeds += [f"{cls.name} {' '.join(fields)}".encode(), f"{cls.name} {' '.join(fields[:1])}".encode()]
    words = [
        b"true",
        b"false",
        b"none",
        b"ieee",
        b"finite",
        b"scope=op:linalg.*",
        b"sizes={0:8x64,1:?x3}",
        b"format=lm8",
    ]
    modules = ("slipstick.passes.options", "slipstick.passes.pipeline", "slipstick.passes.iteration_counts")
    return Reader("option parser", read, seeds, modules, words)


def _target(folder: Path) -> Reader:
    def read(data: bytes) -> None:
        Target.resolve(_text(data)).key()

    return Reader("target", read, [b"host", b"znver4", b"haswell", b"neoverse-v2", b"i386"], ("slipstick.target",))


def _decisions(folder: Path) -> Reader:
    path = folder / "decisions.json"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        found = Decisions.load(path)
        again = Decisions.from_entries(found.json()["nests"], "again")
        assert again.json() == found.json(), "what is written is read as something else"

    module = torch.nn.Sequential(torch.nn.Linear(33, 50), torch.nn.Softmax(-1)).eval()
    compiled = slipstick.compile(module, (torch.ones(8, 33),), threads=1)
    words = [
        b'"kind"',
        b'"packed"',
        b"null",
        b"[]",
        b"{}",
        b'"decision": {}',
        b"-1",
        b"1e999",
        b'"version": 1',
        b"true",
    ]
    seeds = [compiled.decisions.text().encode(), b'{"format": "slipstick decisions", "version": 1, "nests": []}']
    modules = ("slipstick.kernels.decisions", "slipstick.kernels.decision", "slipstick.kernels.choice")
    return Reader("decisions", read, seeds, modules, words)


def _model(folder: Path) -> Reader:
    """The cost model's index; its tensors have a checksum, and are cut in another reader."""
    copy = folder / "model"
    shutil.copytree(released.FOLDER, copy)
    index = copy / "model.json"

    def read(data: bytes) -> None:
        index.write_bytes(data)
        released.load(copy)

    text = index.read_bytes()
    words = [b"null", b"[]", b"{}", b"1e999", b'"levels"', b'"columns"', b"true", b'"x"']
    return Reader(
        "cost model", read, [text], ("slipstick.costmodel.released", "slipstick.costmodel.level_model"), words
    )


def _tensors(folder: Path) -> Reader:
    copy = folder / "tensors"
    shutil.copytree(released.FOLDER, copy)
    whole = (copy / "model.safetensors").read_bytes()

    def read(data: bytes) -> None:
        (copy / "model.safetensors").write_bytes(data + whole[len(data) :])
        released.load(copy)

    return Reader("cost model's tensors", read, [whole[:4000]], ("slipstick.costmodel.released",))


def _saved(folder: Path) -> Reader:
    path = folder / "model.slip"
    slipstick.compile(torch.nn.Linear(3, 2).eval(), (torch.ones(2, 3),), threads=1).save(path)
    whole = path.read_bytes()

    def read(data: bytes) -> None:
        path.write_bytes(data)
        if data == whole:
            return
        slipstick.load(path)
        if path.read_bytes() != whole:
            raise AssertionError("a changed file was loaded")

    return Reader("saved module", read, [whole], ("slipstick.compiler.saved", "slipstick.compiler.safetensors_file"))


def _texts(folder: Path) -> Reader:
    target = Target.named("znver4")

    def read(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        found = text_features(text, target)
        assert all(isinstance(value, int | float) for value in found.values())

    compiled = slipstick.compile(text_of(1), threads=1, lmul=LMul(4))
    seeds = [compiled.stage(stage).encode() for stage in ("linalg", "scheduled", "loops")]
    seeds += [file.read_bytes()[:3000] for file in sorted((_TESTS / "lit" / "passes").glob("*.mlir"))[::4]]
    modules = [f"slipstick.costmodel.{name}" for name in ("program", "lines", "words", "nest", "loop_features")]
    words = [
        b"scf.for",
        b"vector<16xf32>",
        b"memref<?x?xf32>",
        b"-> (",
        b"}:2",
        b"%0:2 =",
        b"affine_map<(d0) -> (d0)>",
        b"{",
    ]
    return Reader("texts of the cost model", read, seeds, modules, words)


def _rows(folder: Path) -> Reader:
    def read(data: bytes) -> None:
        for row in rows.parse(_text(data), "rows.csv"):
            with suppress(ArgumentError):
                truth(row)
            read_row(row)

    head = ",".join(rows.COLUMNS)
    entities = """"{'age': [45, 'years'], 'sex': 'Male', 'weight': [70.5, 'kg'], 'creatinine': [1.2, 'mg/dL']}\""""
    seeds = [
        f"{head}\n1,2,Cockcroft-Gault,decimal,a note,a question?,{entities},81.0,77.0,85.0\n".encode(),
        f"{head}\n7,13,D,date,,,\"{{'cycle length': 28, 'Last menstrual date': '03/01/2021'}}\",12/06/2021,12/06/2021,"
        "12/06/2021\n".encode(),
        f"{head}\n9,4,CHA2DS2,integer,n,q,\"{{'age': [70, 'years'], 'sex': 'Female'}}\",3,3,3\n".encode(),
    ]
    modules = [f"slipstick.datasets.medcalc.{name}" for name in ("rows", "reader", "fields", "units", "answers")]
    words = [
        b"'years'",
        b"[1, 'kg']",
        b"True",
        b"None",
        b"'01/02/2020'",
        b"1e999",
        b"10**9",
        b"'mg/dL'",
        b"lambda: 1",
        b"{'a': 1}",
    ]
    return Reader("rows of MedCalc", read, seeds, modules, words)


READERS: dict[str, tuple[Callable[[Path], Reader], float]] = {
    "pipeline": (_pipeline, 25),
    "options": (_options, 25),
    "target": (_target, 0.02),
    "decisions": (_decisions, 12),
    "model": (_model, 0.5),
    "tensors": (_tensors, 0.2),
    "saved": (_saved, 8),
    "texts": (_texts, 4),
    "rows": (_rows, 25),
}
"""How a reader is made, in a folder of its own, and its share of the inputs: some take much longer than others."""


@contextmanager
def reader_of(name: str) -> Iterator[Reader]:
    """Yield the reader of that name, with a folder that is removed afterwards."""
    folder = Path(new_folder())
    try:
        yield READERS[name][0](folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
