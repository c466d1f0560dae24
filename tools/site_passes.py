"""The page of passes and stages, written from the registry."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from typing import Any

from ..compiler.stages import PIPELINES
from ..passes.base import NamedPipeline, Pass
from ..passes.registry import PASSES

_HEAD = """# Passes and stages

This page is written from the registry (`passes/registry.py`) when the site is built: it cannot be out of date.
`slipstick-opt --help` prints the same for your version, with the passes of MLIR itself, which may stand beside these in
any pipeline. In pipeline text an option is `name{option=value}`; on the command line of `slipstick-opt` it is
`--name='option=value'`.

"""


def page() -> str:
    """Return the page as Markdown."""
    lines = [_HEAD, "## Stages\n", "A stage is a pipeline with a name, `--stage-rewritten` on the command line.\n"]
    for pipeline in PIPELINES:
        lines += _entry(pipeline)
    lines += ["## Passes\n", "In the order of the registry.\n"]
    for one in PASSES:
        lines += _entry(one)
    return "\n".join(lines) + "\n"


def _entry(cls: type[Pass] | type[NamedPipeline]) -> Iterator[str]:
    yield f"### `{cls.name}`\n"
    anchor = getattr(cls, "anchor", None)
    if anchor is not None:
        yield f"Runs on `{anchor}`.\n"
    yield inspect.cleandoc(cls.__doc__ or "") + "\n"
    options = cls.options()
    if options:
        yield "| option | takes | default | |"
        yield "| --- | --- | --- | --- |"
        yield from (_row(option) for option in options)
        yield ""


def _row(option: dataclasses.Field[Any]) -> str:
    default = option.default
    shown = str(default).lower() if isinstance(default, bool) else "" if default == "" else str(default)
    cells = (f"`{option.name.replace('_', '-')}`", _type(option), f"`{shown}`" if shown else "none")
    return "| " + " | ".join((*map(_cell, cells), _cell(str(option.metadata.get("help", ""))))) + " |"


def _type(option: dataclasses.Field[Any]) -> str:
    text = option.type if isinstance(option.type, str) else getattr(option.type, "__name__", str(option.type))
    literal = re.fullmatch(r"Literal\[(.*)\]", text)
    if literal:
        return ", ".join(f"`{one}`" for one in re.findall(r"[\"']([^\"']*)[\"']", literal[1]))
    return {"int": "an integer", "bool": "`true` or `false`", "str": "text", "float": "a number"}.get(text, f"`{text}`")


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
