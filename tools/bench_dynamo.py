"""`slipstick-bench dynamo`: models of transformers through `torch.compile(model, backend="slipstick")`.

For each model, in inference and in a training step (loss, gradients, an optimiser's step): how many graphs dynamo
makes, how often it breaks one in two, how many more calls of the same shapes make anew, how many operations are
compiled, how many kinds torch runs, how far results and gradients lie from eager's, and the time of a warm call beside
eager's and inductor's, medians of rounds in turns, with the geometric means over all models.

  slipstick-bench dynamo                                  thirteen architectures in their small form, not timed
  slipstick-bench dynamo --form layers --repeats 11       of true widths, cut to two layers, timed
  slipstick-bench dynamo bert-base-1x128 --repeats 11

With `--json` a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from ..datasets.graph import SMALL, Graph
from ..datasets.graphs import graph
from .bench_dynamo_measure import measure
from .bench_dynamo_results import Measured, Settings, Store
from .bench_dynamo_table import markdown, notes, table
from .environment import describe_environment
from .files import check_writable
from .flags import integer_flag
from .progress import Steps

ARCHITECTURES: Final = {
    "bert-base-1x128": "layers=2",
    "roberta-base-1x128": "num_hidden_layers=2",
    "distilbert-base-1x128": "n_layers=2",
    "opt-125m-prefill-1x128": "layers=2",
    "gpt2-prefill-1x128": "layers=2",
    "llama-135m-prefill-1x128": "layers=2",
    "qwen2.5-0.5b-prefill-1x128": "num_hidden_layers=2",
    "t5-small": "num_layers=2",
    "bart-base": "encoder_layers=2,decoder_layers=2",
    "vit-base-patch16-224": "num_hidden_layers=2",
    "mixtral-4x-prefill-1x128": "num_hidden_layers=2",
    "whisper-tiny": "encoder_layers=2,decoder_layers=2",
    "clip-vit-base-patch32": "layers=2,text_layers=2",
}
"""Encoders, decoders, encoders with decoders, a vision transformer, a mixture of experts, speech, text and images; and
what cuts each to two layers."""
FORMS: Final = (SMALL, "layers", "whole")
TOLERANCE = 1e-4


def bench_dynamo(program: str, argv: Sequence[str]) -> int:
    """Do what the arguments ask for; return the exit status: 1 where a result is wrong."""
    return _run(_parser(program).parse_args(argv))


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("graphs", nargs="*", metavar="GRAPH", help="names as `slipstick-bench list` shows them, sizes behind a colon")
    add("--form", choices=FORMS, default=SMALL, help="of the thirteen: small, two layers, or whole (default: small)")
    add("--repeats", type=integer_flag(0, 10**6), default=0, metavar="N", help="timed rounds (default: none)")
    add("--threads", type=integer_flag(1, 1024), default=1, metavar="N", help="default: 1")
    add("--json", type=Path, metavar="FILE", help="write the figures there after each model; go on from what is there")
    add("--markdown", action="store_true", help="print the table for a page of documentation")
    add("--no-inductor", action="store_true", help="leave inductor, which compiles slowly, out")
    return parser


def architecture(name: str, form: str) -> Graph:
    """Return one of the thirteen in a form of `FORMS`."""
    suffix = {SMALL: f":{SMALL}", "layers": f":{ARCHITECTURES[name]}", "whole": ""}[form]
    return graph(name + suffix)


def _run(arguments: argparse.Namespace) -> int:
    chosen = [graph(name) for name in arguments.graphs] or [architecture(n, arguments.form) for n in ARCHITECTURES]
    store = _store(arguments)
    _measure([one for one in chosen if not store.has(one.name)], store)
    rows = [store.rows[one.name] for one in chosen]
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=200, highlight=False)
    if arguments.markdown:
        console.print(markdown(rows), soft_wrap=True, markup=False)
    else:
        console.print(table(rows))
    for line in notes(rows):
        console.print(line, soft_wrap=True, markup=False)
    wrong = [row.graph for row in rows if not row.error <= TOLERANCE]
    if wrong:
        console.print(f"not equal to eager within {TOLERANCE:.0e}: {', '.join(wrong)}", style="red", soft_wrap=True)
    return 1 if wrong else 0


def _store(arguments: argparse.Namespace) -> Store:
    if arguments.json is not None:
        check_writable(arguments.json, "--json")
    environment = describe_environment()
    versions = ", ".join(f"{name} {environment.versions[name]}" for name in ("slipstick", "torch", "transformers"))
    inductor = arguments.repeats > 0 and not arguments.no_inductor
    settings = Settings(arguments.repeats, arguments.threads, inductor, versions, environment.cpu)
    return Store.open(arguments.json, settings)


def _measure(graphs: Sequence[Graph], store: Store) -> None:
    """Measure models one after the other; one that fails is noted and does not stop the rest."""
    if not graphs:
        return
    settings = store.settings
    with Steps(Console(file=sys.stderr)).parts("models", len(graphs)) as part:
        for one in graphs:
            with part(one.name) as tell:
                try:
                    row = measure(
                        one,
                        inductor=settings.inductor,
                        repeats=settings.repeats,
                        threads=settings.threads,
                        tell=tell,
                    )
                except Exception as error:
                    # Dynamo wraps what a backend raises.
                    inner = getattr(error, "inner_exception", error)
                    text = str(inner).strip().split("\n")[0]
                    row = Measured(one.name, failure=f"{type(inner).__name__}: {text}")
                store.add(row)
