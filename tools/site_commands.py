"""The page of command lines, written from the parsers of the commands themselves."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, Final
from unittest.mock import patch

from ..passes.registry import DEFAULT
from .opt_help import help_text

_HEAD = """# Command lines

This page is written from the parsers of the commands when the site is built: it cannot be out of date. Each command
says the same with `--help`. Exit status: 0; 1 where something went wrong, with one line on standard error that says
what; 2 for a wrong flag.

"""
COMMANDS: Final = ("demo", "bench", "lmul", "medcalc", "cost", "skip")
"""The modules of the commands that argparse reads, besides `slipstick-opt`, whose flags are those of mlir-opt."""


class _Found(BaseException):
    """Carries the parser out of a command that was about to read its arguments."""

    def __init__(self, parser: argparse.ArgumentParser):
        super().__init__()
        self.parser = parser


def page() -> str:
    """Return the page as Markdown."""
    ours, _, _ = help_text(DEFAULT).partition("slipstick passes:")
    lines = [_HEAD, "## slipstick-opt\n", "```text", ours.strip(), "```\n"]
    lines.append("The passes are listed in [Passes and stages](passes.md).\n")
    for name in COMMANDS:
        for parser in parsers(name):
            lines += _section(parser)
    return "\n".join(lines) + "\n"


def parsers(name: str) -> list[argparse.ArgumentParser]:
    """Return the parser of a command, then those of its subcommands."""
    module = import_module(f".{name}", __package__)
    first = _parser_of(module.main, [])
    found = [first]
    for action in first._actions:
        if isinstance(action, argparse._SubParsersAction):
            found += dict.fromkeys(action.choices.values())
    # Subcommands that the command hands on before it parses are named in its description alone.
    for other in dict.fromkeys(re.findall(rf"^ +{first.prog} ([a-z][a-z-]+) ", module.__doc__ or "", re.MULTILINE)):
        parser = _parser_of(module.main, [other])
        if parser.prog not in {one.prog for one in found}:
            found.append(parser)
    return found


def _parser_of(main: Callable[[Sequence[str]], int], arguments: list[str]) -> argparse.ArgumentParser:
    """Return the parser that a command makes for these arguments."""

    def found(parser: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> Any:
        raise _Found(parser)

    with patch.object(argparse.ArgumentParser, "parse_args", found):
        try:
            main(arguments)
        except _Found as one:
            return one.parser
    raise AssertionError(f"{main.__module__} parses no arguments")


def _section(parser: argparse.ArgumentParser) -> Iterator[str]:
    level = "##" if " " not in parser.prog else "###"
    yield f"{level} {parser.prog}\n"
    first, _, rest = (parser.description or "").strip().partition("\n\n")
    yield f"{_plain(first)}\n"
    if rest:
        yield f"```text\n{rest.rstrip()}\n```\n"
    actions = [action for action in parser._actions if _is_shown(action)]
    if actions:
        yield "| argument | |"
        yield "| --- | --- |"
        yield from (f"| {_name(action)} | {_help(action, parser)} |" for action in actions)
        yield ""


def _is_shown(action: argparse.Action) -> bool:
    hidden = isinstance(action, argparse._HelpAction | argparse._SubParsersAction)
    return not hidden and action.help is not argparse.SUPPRESS


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{action.metavar or action.dest}`"
    value = ""
    if action.nargs != 0:
        choices = "|".join(map(str, action.choices)) if action.choices is not None else action.dest.upper()
        shown = action.metavar or choices
        value = f" {shown}" if isinstance(shown, str) else " " + " ".join(shown)
    return ", ".join(f"`{flag}{value}`" for flag in action.option_strings).replace("|", r"\|")


def _help(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    fields = {**vars(action), "prog": parser.prog}
    if action.choices is not None:
        fields["choices"] = ", ".join(map(str, action.choices))
    return _plain((action.help or "") % fields).replace("|", r"\|")


def _plain(text: str) -> str:
    """Return a text on one line in which no sign means anything to Markdown or HTML."""
    return re.sub(r"([*_\[\]<>])(?![^`]*`(?:[^`]*`[^`]*`)*[^`]*$)", r"\\\1", " ".join(text.split()))
