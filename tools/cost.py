"""`slipstick-cost`: what MLIR will cost on a CPU, predicted from its text.

Registers, spills, instructions and bytes of code, cycles and utilisation of the hottest loop, each with an interval
that holds nine times out of ten; nothing is compiled.

  slipstick-cost predict FILE            every kernel and function of an MLIR file (-: standard input)
  slipstick-cost compare A B             two files side by side
  slipstick-cost explain FILE            which operations the predictions rest on
  slipstick-cost label FOLDER            make a labelled corpus, or go on with one
  slipstick-cost measure FOLDER          run kernels of a corpus on this machine
  slipstick-cost train FOLDER            train a model on a corpus
  slipstick-cost rank TABLES             train what ranks decisions on measured tables of them
  slipstick-cost eval FOLDER             judge models on families and CPUs that they were not trained on
  slipstick-cost info                    the model card
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from .command import add_version, guarded
from .flags import integer_flag

PROGRAM = "slipstick-cost"
_FUNCTIONS = {"measure": "measure_kernels"}
"""Where the function is not called as the command."""
_COMMANDS = {
    "predict": "cost_predict",
    "compare": "cost_predict",
    "explain": "cost_explain",
    "label": "cost_label",
    "measure": "cost_measure",
    "train": "cost_train",
    "rank": "cost_rank",
    "eval": "cost_eval",
    "info": "cost_info",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool with `argv` (default: the command line); return the exit status, 0 or 1 (2: wrong flag)."""
    arguments = _parser().parse_args(argv)
    module = _COMMANDS[arguments.command]

    def work() -> int:
        command: Callable[[argparse.Namespace], int] = getattr(
            import_module(f".{module}", __package__), _FUNCTIONS.get(arguments.command, arguments.command)
        )
        return command(arguments)

    return guarded(PROGRAM, work)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_version(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _predictions(commands)
    _corpus(commands)
    info = commands.add_parser("info", help="the model card")
    _model(info)
    info.add_argument("--json", action="store_true", help="print the record of the training, all figures in it")
    return parser


def _predictions(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, text in (("predict", "predict an MLIR file"), ("explain", "which operations predictions rest on")):
        parser = commands.add_parser(name, help=text)
        parser.add_argument("file", metavar="FILE", help="MLIR on tensors or of loops; -: standard input")
        _machine(parser)
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        if name == "predict":
            parser.add_argument("--lower", action="store_true", help=_LOWER)
            parser.add_argument("--interval", action="store_true", help="show the intervals in the table, too")
        else:
            parser.add_argument("--label", default="instructions", help="the quantity (default: %(default)s)")
            parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it, too (svg, png or pdf)")
    compare = commands.add_parser("compare", help="two files side by side")
    compare.add_argument("files", nargs=2, metavar="FILE", help="MLIR on tensors or of loops")
    _machine(compare)
    compare.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _corpus(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    label = commands.add_parser("label", help="make a labelled corpus, or go on with one")
    label.add_argument("folder", type=Path, metavar="FOLDER", help="where it is, or will be")
    label.add_argument("--programs", type=integer_flag(0, 10**7), default=100, metavar="N", help=_PROGRAMS)
    label.add_argument("--graphs", default="", metavar="NAME[,NAME]", help=_GRAPHS)
    label.add_argument("--seed", type=integer_flag(0, 2**31), default=0, metavar="N", help="default: %(default)s")
    label.add_argument("--schedules", type=integer_flag(0, 100), default=1, metavar="N", help=_SCHEDULES)
    label.add_argument("--forms", type=integer_flag(0, 100), default=2, metavar="N", help=_FORMS)
    label.add_argument("--targets", default=None, metavar="CPU[,CPU]", help="default: four CPUs, see `info`")
    label.add_argument("--workers", type=integer_flag(1, 1024), default=os.cpu_count() or 1, metavar="N", help=_WORKERS)
    label.add_argument("--scheduler", metavar="ADDRESS", help="a Dask cluster's, e.g. tcp://host:8786")
    label.add_argument("--sample", type=integer_flag(1, 10**9), metavar="ROWS", help=_SAMPLE)
    label.add_argument("--verify", type=integer_flag(1, 10**9), metavar="ROWS", help=_VERIFY)
    label.add_argument("--seconds", type=integer_flag(1, 10**6), metavar="S", help=_LABEL_SECONDS)
    label.add_argument("--write-graphs", type=Path, metavar="FILE", help=_WRITE_GRAPHS)
    label.add_argument("--read-graphs", type=Path, metavar="FILE", help=_READ_GRAPHS)
    measure = commands.add_parser("measure", help="run kernels of a corpus on this machine")
    measure.add_argument("folder", type=Path, metavar="FOLDER", help="the corpus")
    measure.add_argument("--kernels", type=integer_flag(1, 10**6), default=2000, metavar="N", help=_KERNELS)
    measure.add_argument("--seconds", type=integer_flag(1, 10**6), default=3600, metavar="S", help=_SECONDS)
    measure.add_argument("--prepare", action="store_true", help="only compile them, so that measuring is quick")
    train = commands.add_parser("train", help="train a model on a corpus")
    train.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="the corpus, or several")
    train.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="where the model goes")
    train.add_argument("--rounds", type=integer_flag(1, 10**5), default=160, metavar="N", help=_ROUNDS)
    rank = commands.add_parser("rank", help="train what ranks decisions on measured tables of them")
    rank.add_argument("files", type=Path, nargs="+", metavar="TABLES", help=_TABLES)
    rank.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="where the ranker goes")
    judge = commands.add_parser("eval", help="judge models on what they were not trained on")
    judge.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="the corpus, or several")
    judge.add_argument("--rounds", type=integer_flag(1, 10**5), default=160, metavar="N", help=_ROUNDS)
    judge.add_argument("--splits", default="families,random,kinds,shapes,targets", metavar="NAME[,NAME]", help=_SPLITS)
    judge.add_argument("--networks", action="store_true", help="train the text networks beside the trees, too (torch)")
    judge.add_argument("--speed", action="store_true", help="time predictions with a trained model, too")
    _model(judge)
    judge.add_argument("--json", type=Path, metavar="FILE", help=_KEPT)
    judge.add_argument("--judged", type=Path, nargs="+", default=[], metavar="FILE", help=_JUDGED)
    judge.add_argument("--html", type=Path, metavar="FILE", help="write the report as a page, too")


_KEPT = "keep the figures as JSON; what it has of this corpus is not judged again, so that eval goes on if stopped"
_JUDGED = "judge nothing: report what --json wrote, or a record of networks beside it"
_LOWER = "lower kernels on tensors to their loops and predict those: surer, and slower"
_TABLES = "what `slipstick-bench decisions --tables` wrote (.json or .json.gz)"
_PROGRAMS = "random programs in the corpus (default: %(default)s)"
_GRAPHS = "graphs of the registry, see `slipstick-bench list`; all: every one in its small form"
_SCHEDULES = "other schedules of each kernel (default: %(default)s)"
_FORMS = "other forms of each program: L-Mul, narrow weights, less fusion (default: %(default)s)"
_LABEL_SECONDS = "begin nothing after S seconds; what is begun is finished"
_WRITE_GRAPHS = "import the graphs, write them to FILE, label nothing"
_READ_GRAPHS = "take graphs from FILE, which --write-graphs wrote: no torch is needed, and all of them are `all`"
_VERIFY = "label ROWS of the corpus again, drawn by --seed from all its parts, and compare; exit 1 where one differs"
_SAMPLE = "stop when that many rows are there: the first of the whole corpus, bit for bit"
_KERNELS = "most kernels that are measured, families in turn (default: %(default)s)"
_SECONDS = "stop after the batch in which they are over (default: %(default)s)"
_WORKERS = "processes (default: one for each core)"
_ROUNDS = "trees for each quantity (default: %(default)s)"
_SPLITS = "what is held out, in turn; '': nothing, for --speed alone (default: %(default)s)"


def _machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", default="host", metavar="CPU", help="as LLVM names it (default: %(default)s)")
    _model(parser)


def _model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="a model (default: the one slipstick ships)")


if __name__ == "__main__":
    sys.exit(main())
