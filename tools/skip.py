"""`slipstick-skip`: what SkipDecode's schedules do to the quality of a small language model, which is trained here.

  slipstick-skip train FOLDER --medcalc test_data.csv
  slipstick-skip study FOLDER --html study.html

`train` makes a byte-pair tokenizer and an OPT of 12 layers of real text (the notes and questions of MedCalc-Bench, the
documentation of installed packages), then goes on from there along random schedules, and at full depth to compare;
`--phase mixed` takes random schedules from the first step on. It can be stopped at any time: the same command goes on.
`study` holds quality against measured speed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..datasets.language.phases import ALL_PHASES
from .command import add_version, guarded
from .flags import integer_flag

PROGRAM: Final = "slipstick-skip"


def main(argv: Sequence[str] | None = None) -> int:
    """Run with `argv` (default: the command line); return the exit status, 0 or 1 (2 for a wrong flag)."""
    command_line = sys.argv[1:] if argv is None else list(argv)
    arguments = _parser().parse_args(command_line)
    arguments.command_line = command_line
    return guarded(f"{PROGRAM} {arguments.command}", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    from transformers.utils import logging

    # It shows bars of its own for models that are read and written in no time.
    logging.disable_progress_bar()
    if arguments.command == "train":
        from .skip_train import run_training

        run_training(arguments)
    else:
        from .skip_study import run_study

        run_study(arguments)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_version(parser)
    choices = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_train(choices.add_parser("train", help="train the model at full depth, then with schedules"))
    _add_study(choices.add_parser("study", help="hold quality against measured speed"))
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    add, tokens = parser.add_argument, integer_flag(1, 10**12)
    add("folder", type=Path, metavar="FOLDER", help="what is made: text, tokenizer, models, states to go on from")
    add("--medcalc", type=Path, metavar="CSV", help="MedCalc-Bench's CSV (default: fetch the official one)")
    add("--packages", nargs="+", metavar="NAME", help="packages whose documentation is read (default: four large ones)")
    add("--tokens", type=tokens, metavar="N", help="tokens that the full model reads (default: 6 million)")
    add("--further-tokens", type=tokens, metavar="N", help="tokens that go on from it (default: 6 million)")
    add("--layers", type=integer_flag(1, 256), metavar="N", help="default: 12")
    add("--width", type=integer_flag(32, 4096), metavar="N", help="a multiple of 32, a head's width (default: 128)")
    add("--positions", type=integer_flag(16, 4096), metavar="N", help="tokens of a sequence (default: 256)")
    add("--vocabulary", type=integer_flag(300, 65536), metavar="N", help="tokens of the tokenizer (default: 4096)")
    add("--rows", type=integer_flag(1, 4096), metavar="N", help="sequences of a batch (default: 8)")
    add("--phase", choices=ALL_PHASES, action="append", help="train this alone (default: all but `mixed`)")
    add("--seed", type=integer_flag(0, 2**31), default=0, metavar="N", help="default: 0")
    add("--device", default="auto", help="cpu, cuda or auto, the GPU where there is one (default: %(default)s)")
    add("--threads", type=integer_flag(1, 1024), metavar="N", help="of torch (default: torch's own)")


def _add_study(parser: argparse.ArgumentParser) -> None:
    add, whole = parser.add_argument, integer_flag(1, 10**6)
    add("folder", type=Path, metavar="FOLDER", help="what `train` made; results are kept in its folder `study`")
    add("--only", choices=("torch", "arithmetics", "speed"), help="measure this part alone of what is not measured yet")
    add("--prompt", type=whole, metavar="N", help="tokens at full depth (default: a quarter of the positions)")
    add("--windows", type=whole, default=64, metavar="N", help="of each part of the text, for torch (default: 64)")
    add("--few-windows", type=whole, default=12, metavar="N", help="for each arithmetic (default: %(default)s)")
    add("--batch", type=integer_flag(1, 4096), default=8, metavar="N", help="rows of compiled steps (default: 8)")
    add("--rounds", type=whole, default=3, metavar="N", help="timed generations of each schedule (default: 3)")
    add("--threads", type=integer_flag(1, 1024), default=1, metavar="N", help="default: 1")
    add("--html", type=Path, metavar="FILE", help="the report (default: study.html in the folder of results)")


if __name__ == "__main__":
    sys.exit(main())
