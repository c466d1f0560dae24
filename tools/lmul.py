"""`slipstick-lmul`: what L-Mul does to numbers, models and weights, one subcommand each."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from typing import Final, Protocol

from rich.console import Console

from . import lmul_convert, lmul_errors, lmul_finetune, lmul_study
from .command import add_version, guarded

PROGRAM = "slipstick-lmul"


class Subcommand(Protocol):
    """What the module of a subcommand holds; what is slow to import, it imports in `run`."""

    NAME: str
    """As it is typed."""
    HELP: str
    """One line, for --help."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the subcommand's arguments."""

    def run(self, arguments: argparse.Namespace, command: str, stderr: Console) -> None:
        """Do it: the result goes to standard output, progress to `stderr`; `command` is the line that was typed."""


SUBCOMMANDS: Final[tuple[Subcommand, ...]] = (lmul_errors, lmul_convert, lmul_study, lmul_finetune)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand with `argv` (default: the command line); return the exit status, 0 or 1 (2 for a wrong flag)."""
    argv = sys.argv[1:] if argv is None else list(argv)
    arguments = _parser().parse_args(argv)

    def work() -> int:
        arguments.run(arguments, shlex.join([PROGRAM, *argv]), Console(stderr=True))
        return 0

    return guarded(PROGRAM, work)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    add_version(parser)
    choices = parser.add_subparsers(metavar="COMMAND", required=True)
    for subcommand in SUBCOMMANDS:
        choice = choices.add_parser(subcommand.NAME, help=subcommand.HELP, description=subcommand.HELP)
        subcommand.add_arguments(choice)
        choice.set_defaults(run=subcommand.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
