"""`slipstick-bench export`: a graph of the registry as MLIR, at any stage of the compiler."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..datasets.graphs import graph
from ..errors import ArgumentError
from ..files import write_atomically
from .files import check_writable

LEVELS = ("torch", "linalg", "rewritten", "scheduled", "loops", "llvm")


def export(program: str, argv: Sequence[str]) -> int:
    """Write the graph that the arguments ask for; return the exit status."""
    arguments = _parser(program).parse_args(argv)
    found = graph(arguments.name)
    if arguments.small:
        found = found.small()
    for sizes in arguments.set:
        found = found.variant(sizes)
    if arguments.output != "-":
        check_writable(Path(arguments.output), "-o")
    text = graph_text(found.name, arguments.level)
    if arguments.output == "-":
        sys.stdout.write(text)
    else:
        write_atomically(Path(arguments.output), text)
    return 0


def graph_text(name: str, level: str) -> str:
    """Return a graph as MLIR text at a level: torch, or one of the compiler's stages, for this machine, one thread.

    Raises ArgumentError where the graph cannot be built in its sizes, GraphError or IRError where it cannot be brought
    so far.
    """
    from ..compiler.build import lower_text
    from ..compiler.frontend import import_torch, torch_text
    from ..compiler.options import CompileOptions
    from ..target import Target
    from .bench_workload import first_line
    from .output import quiet

    found = graph(name)
    with quiet():
        try:
            module, inputs = found.build()
        except (ArgumentError, ModuleNotFoundError):
            raise
        except Exception as error:  # whatever a model class says of sizes that do not go together
            raise ArgumentError(f"{name}: cannot be built in these sizes: {first_line(error)}") from error
        if level == "torch":
            return torch_text(module, inputs)
        text = str(import_torch(module, inputs).module)
        return text if level == "linalg" else lower_text(text, level, CompileOptions(threads=1), Target.host())


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description="Write a graph of the registry as MLIR.")
    add = parser.add_argument
    add("name", metavar="NAME", help="a graph or workload that `list` shows")
    add("-o", "--output", required=True, metavar="FILE", help="where to; -: to standard output")
    add("--set", action="append", default=[], metavar="SIZE=N[,...]", help="another size, such as tokens=64")
    add("--small", action="store_true", help="in the small form that tests compile")
    add("--level", choices=LEVELS, default="linalg", help="how far it is lowered (default: %(default)s)")
    return parser
