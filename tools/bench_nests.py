"""The nests of graphs and of MLIR files, as the commands about decisions take them."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..bindings import ir
from ..compiler.decisions_file import module_nests
from ..compiler.frontend import import_torch
from ..compiler.given_ir import parse_given
from ..compiler.options import CompileOptions
from ..compiler.parameter_marks import mark_parameters
from ..costmodel.predictor import Predictor
from ..costmodel.ranker import Ranker
from ..datasets.graphs import graph
from ..errors import ArgumentError
from ..kernels.lmul import LMul
from ..passes.nests import Nest
from ..target import Target
from .flags import integer_flag


@dataclass(frozen=True)
class Source:
    """The nests of one graph or file, each once."""

    name: str
    module: ir.Module
    """Keeps the nests' operations alive."""
    nests: Sequence[Nest]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say what is decided, and for which CPU."""
    add = parser.add_argument
    add("--target", default="host", metavar="CPU", help="as LLVM names it; it has to run here (default: %(default)s)")
    add("--lmul", choices=("finite", "ieee"), metavar="POLICY", help="with L-Mul, k = 4: finite or ieee")
    add("--model", type=Path, metavar="FOLDER", help=_MODEL)
    add("--least-elements", type=integer_flag(1, 10**9), default=4096, metavar="N", help=_LEAST)


_MODEL = "a cost model, a ranker, or both (default: what slipstick ships)"
_LEAST = "results below which an element-wise or row nest is left out (default: %(default)s)"


def read_sources(names: Sequence[str], arguments: argparse.Namespace, target: Target) -> list[Source]:
    """Return the nests of graphs of the registry, or of MLIR files, by name; of `GRAPH#1,4` those numbers alone.

    Raises ArgumentError for a number that the graph does not have.
    """
    return [_source(name, arguments, target) for name in names]


def cost_model(folder: Path | None) -> Predictor | None:
    """Return the model in a folder, or the one that slipstick ships; None where it ships none."""
    from ..compiler.released_model import load_model
    from ..costmodel.released import FOLDER

    if folder is None and not FOLDER.exists():
        return None
    return load_model(folder)


def text_model(folder: Path | None, ranker: Ranker | None) -> Predictor | None:
    """Return what `cost_model` does; None for a folder that holds a ranker alone."""
    is_alone = ranker is not None and folder is not None and not (folder / "model.json").exists()
    return None if is_alone else cost_model(folder)


def _source(name: str, arguments: argparse.Namespace, target: Target) -> Source:
    lmul = LMul(specials=arguments.lmul) if arguments.lmul else None
    options = CompileOptions(lmul=lmul, threads=1, target=target)
    graph_name, _, numbers = name.partition("#")
    module = _module(graph_name)
    found = module_nests(module, options, target)
    large = [nest for nest in found if nest.is_static and _is_large(nest, arguments.least_elements)]
    return Source(name, module, _numbered(large, numbers, graph_name) if numbers else large)


def _numbered(nests: Sequence[Nest], numbers: str, name: str) -> list[Nest]:
    known = {str(number): nest for number, nest in enumerate(nests)}
    for number in numbers.split(","):
        if number not in known:
            raise ArgumentError(f"{name}: expected numbers of nests below {len(nests)} behind #, found {number!r}")
    return [known[number] for number in numbers.split(",")]


def _module(name: str) -> ir.Module:
    if Path(name).suffix == ".mlir":
        return parse_given(Path(name))
    module, inputs = graph(name).build()
    imported = import_torch(module, inputs, {})
    mark_parameters(imported.module.operation, imported.signature)
    return imported.module


def _is_large(nest: Nest, least: int) -> bool:
    if nest.choice.kind != "nest":
        return True
    return bool(math.prod(ir.ShapedType(nest.op.results[0].type).shape) >= least)


def choice_text(choice: dict[str, object]) -> str:
    """Return a choice in few letters, e.g. `packed 8x48 k768 u4 p1 registers`."""
    tile = choice.get("register_tile")
    if not isinstance(tile, list):
        pair = " pair" if choice.get("pair") else ""
        return f"{choice['vector_bits']} bits x{choice['interleave']} straight {choice['straight']}{pair}"
    parts = [str(choice["kind"]), f"{tile[0]}x{tile[1]}"]
    for name, letter in (("k_block", "k"), ("m_block", "m"), ("k_unroll", "u"), ("prefetch", "p"), ("vector", "v")):
        if name in choice:
            parts.append(f"{letter}{choice[name]}")
    parts += ["A packed"] if choice.get("pack_left") else []
    parts += [str(choice["epilogue"])] if "epilogue" in choice else []
    return " ".join(parts)
