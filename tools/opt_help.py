"""What `--help`, `--list-passes` and `--show-dialects` print."""

from __future__ import annotations

import re
import subprocess

from ..bindings import new_context, passmanager, torch_mlir_opt
from ..passes.base import NamedPipeline, Pass
from ..passes.options import describe
from ..passes.registry import Registry
from . import opt_upstream
from .opt_config import PROGRAM, Config, flag_name, flags

_WIDTH = 46


def help_text(registry: Registry) -> str:
    """Return the whole help."""
    lines = [
        "OVERVIEW: MLIR modular optimizer driver with the passes and stages of slipstick",
        "",
        f"USAGE: {PROGRAM} [options] <input file>",
        "",
        "  The input is standard input unless a file is named. Passes given by flags run in the order given, each with",
        "  its options as in --canonicalize='max-iterations=3 top-down=false'; --pass-pipeline='builtin.module(...)'",
        "  takes nested pipelines. Flags may be written with one dash or two.",
        "",
        "OPTIONS:",
        "",
        "General options:",
        "",
    ]
    defaults = Config()
    for field in flags().values():
        metavar = field.metadata["metavar"]
        name = "-o" if field.name == "o" else f"--{flag_name(field)}"
        choices = re.findall(r"'([^']+)'", str(field.type)) if "Literal" in str(field.type) else []
        value = "|".join(choices) or (f"<{metavar}>" if metavar else "")
        if value:
            name += f"[={value}]" if field.metadata["bare"] is not None else f"={value}"
        default = getattr(defaults, field.name)
        shown = f" (default {default})" if default not in (None, False, ()) and default is not True else ""
        shown = " (default true)" if default is True else shown
        lines.append(_row(f"  {name}", field.metadata["help"] + shown))
    return "\n".join([*lines, "", passes_text(registry)])


def passes_text(registry: Registry) -> str:
    """Return the passes and pipelines with their options."""
    lines = ["slipstick passes:", ""]
    for cls in registry.passes.values():
        lines += _ours(cls)
    lines += ["", "slipstick stages (pipelines with a name):", ""]
    for pipeline in registry.pipelines.values():
        lines += _ours(pipeline)
    lines += ["", "MLIR passes and pipelines:", ""]
    described = _described_upstream()
    context = new_context()
    for name in opt_upstream.PASSES:
        if registry.lookup(name) is not None:
            continue
        try:
            printed = str(passmanager.PassManager.parse(f"any({name})", context))
        except ValueError:
            continue  # another wheel than the pinned one
        lines.append(_row(f"  --{name}", described.get(name, "")))
        lines += [f"    {option}" for option in _defaults(printed, name)]
    return "\n".join(lines) + "\n"


def dialects_text() -> str:
    """Return the names of the dialects."""
    context = new_context()
    names = []
    for name in opt_upstream.DIALECTS:
        try:
            context.get_dialect_descriptor(name)
        except Exception:  # the bindings raise what they like
            continue
        names.append(name)
    return f"Available Dialects: {','.join(sorted(names))}\n"


def _ours(cls: type[Pass] | type[NamedPipeline]) -> list[str]:
    lines = [_row(f"  --{cls.name}", cls.description())]
    for option in describe(cls):
        lines.append(_row(f"    {option.name}=<{option.type}>", f"{option.help} (default {option.default})"))
    return lines


def _row(name: str, text: str) -> str:
    return f"{name:{_WIDTH}} - {text}" if text else name


def _defaults(printed: str, name: str) -> list[str]:
    """Return the options of an upstream pass with their defaults, from how a pipeline of it prints."""
    match = re.fullmatch(rf"any\({re.escape(name)}\{{(.*)\}}\)", printed, re.DOTALL)
    if match is None:
        return []
    return re.findall(r"[\w-]+=(?:\{[^}]*\}|\S*)", match[1])


def _described_upstream() -> dict[str, str]:
    """Return the descriptions of the passes that the wheel's own tool registers; no description is no harm."""
    try:
        text = subprocess.run(
            [torch_mlir_opt(), "--list-passes"], capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    return dict(re.findall(r"^ +--([\w-]+) +-   (\S.*)$", text, re.MULTILINE))
