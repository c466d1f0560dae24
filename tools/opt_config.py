"""The command line of slipstick-opt: the flags of mlir-opt, and one flag for each pass.

Each field of `Config` is a flag: `emit_bytecode: bool` is `--emit-bytecode`, with one dash or two.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import ArgumentError, PipelineError
from ..passes.pipeline import PassCall, parse_options

PROGRAM = "slipstick-opt"
DEFAULT_SPLIT_MARKER = "// -----"


def _flag(default: Any, help: str, *, metavar: str = "", bare: str | None = None) -> Any:
    """Declare a flag. `metavar` names its value; `bare` is the value it has when given without one."""
    return field(default=default, metadata={"help": help, "metavar": metavar, "bare": bare})


@dataclass(frozen=True)
class Config:
    """What the command line asks for."""

    input: str = "-"
    """The input file; `-` is standard input."""
    passes: tuple[PassCall, ...] = ()
    """The passes given by flags, in order."""

    o: str = _flag("-", "output file; written only when everything succeeds", metavar="filename")
    pass_pipeline: str | None = _flag(None, "textual description of the pass pipeline to run", metavar="string")

    allow_unregistered_dialect: bool = _flag(False, "allow operations of dialects that are not registered")
    no_implicit_module: bool = _flag(False, "do not add a top-level module operation while parsing")
    split_input_file: str | None = _flag(
        None, f"process the pieces between markers on their own; the marker is `{DEFAULT_SPLIT_MARKER}` unless given",
        metavar="marker", bare=DEFAULT_SPLIT_MARKER,
    )  # fmt: skip
    output_split_marker: str = _flag(DEFAULT_SPLIT_MARKER, "marker between the pieces of the output", metavar="string")
    verify_diagnostics: Literal["all", "only-expected"] | None = _flag(
        None, "check that the diagnostics are those of the `expected-*` comments; only-expected: let others pass",
        bare="all",
    )  # fmt: skip
    verify_each: bool = _flag(True, "verify the IR after each pass")
    verify_roundtrip: bool = _flag(False, "check that the parsed IR survives printing and parsing, text and bytecode")

    emit_bytecode: bool = _flag(False, "write bytecode instead of text")
    emit_bytecode_version: int | None = _flag(None, "version of the bytecode format", metavar="value")
    mlir_print_op_generic: bool = _flag(False, "print operations in generic form")
    mlir_print_debuginfo: bool = _flag(False, "print locations")
    mlir_pretty_debuginfo: bool = _flag(False, "print locations in a form for reading that does not parse")
    mlir_print_local_scope: bool = _flag(False, "print without aliases of attributes, types and locations")
    mlir_print_skip_regions: bool = _flag(False, "print operations without their regions")
    mlir_use_nameloc_as_prefix: bool = _flag(False, "name SSA values after their name locations")
    mlir_elide_elementsattrs_if_larger: int | None = _flag(
        None, "print element attributes with more elements than this as `...`", metavar="uint"
    )
    mlir_elide_resource_strings_if_larger: int | None = _flag(
        None, "leave out resources whose text is longer than this", metavar="uint"
    )

    dump_pass_pipeline: bool = _flag(False, "print the pipeline that is going to run")
    mlir_print_ir_before: tuple[str, ...] = _flag((), "print the IR before these passes", metavar="pass-arg")
    mlir_print_ir_before_all: bool = _flag(False, "print the IR before each pass")
    mlir_print_ir_after: tuple[str, ...] = _flag((), "print the IR after these passes", metavar="pass-arg")
    mlir_print_ir_after_all: bool = _flag(False, "print the IR after each pass")
    mlir_print_ir_after_change: bool = _flag(False, "print after a pass only when it changed the IR")
    mlir_print_ir_after_failure: bool = _flag(False, "print after a pass only when it failed")
    mlir_print_ir_module_scope: bool = _flag(False, "print the whole module around the operation that a pass runs on")
    mlir_print_ir_tree_dir: str | None = _flag(
        None, "print the IR into a tree of files under this directory instead of standard error", metavar="string"
    )
    mlir_print_op_on_diagnostic: bool = _flag(True, "print the operation with a diagnostic about it")
    mlir_disable_diagnostic_notes: bool = _flag(False, "do not print notes")

    mlir_timing: bool = _flag(False, "report the time of each pass")
    mlir_timing_display: Literal["tree", "list"] = _flag("tree", "how to show the times: nested, or sorted")
    mlir_pass_statistics: bool = _flag(False, "report the statistics of each pass of slipstick")
    mlir_pass_statistics_display: Literal["pipeline", "list"] = _flag(
        "pipeline", "how to show the statistics: in the order of the pipeline, or sorted and summed"
    )

    mlir_pass_pipeline_crash_reproducer: str | None = _flag(
        None, "write IR and pipeline to this file when a pass fails, crashes or runs out of time", metavar="string"
    )
    mlir_pass_pipeline_local_reproducer: bool = _flag(
        False, "with the crash reproducer: only the pass that failed, and the IR before it"
    )
    mlir_generate_reproducer: str | None = _flag(
        None, "write IR and pipeline to this file in any case", metavar="filename"
    )
    run_reproducer: bool = _flag(False, "run the pipeline that is stored in the input")

    timeout: float = _flag(600.0, "give up after this many seconds; 0: never", metavar="seconds")
    mlir_disable_threading: bool = _flag(False, "accepted; slipstick-opt never runs passes in parallel")

    list_passes: bool = _flag(False, "list the passes and exit")
    show_dialects: bool = _flag(False, "list the dialects and exit")
    help: bool = _flag(False, "show this text and exit")
    version: bool = _flag(False, "show versions and exit")


ALIASES = {"p": "pass-pipeline", "h": "help", "help-list": "help", "help-hidden": "help"}


def flag_name(field_: dataclasses.Field[Any]) -> str:
    """Return the flag as typed, without dashes."""
    return field_.name.replace("_", "-")


def flags() -> dict[str, dataclasses.Field[Any]]:
    """Return the fields of `Config` that are flags, by the name typed, without dashes."""
    return {flag_name(f): f for f in dataclasses.fields(Config) if "help" in f.metadata}


def parse_arguments(
    arguments: Sequence[str], is_pass: Callable[[str], bool], passes_known: Iterable[str] = ()
) -> Config:
    """Return what `arguments` ask for; `is_pass` tells whether a flag is the name of a pass or pipeline.

    `passes_known` are names of passes, of which the one nearest to a misspelt flag is suggested.
    Raises `ArgumentError` with the text to show.
    """
    known = flags()
    types = typing.get_type_hints(Config)
    values: dict[str, Any] = {}
    passes: list[PassCall] = []
    inputs: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            inputs += rest
            break
        if argument == "-" or not argument.startswith("-"):
            inputs.append(argument)
            continue
        name, equals, value = argument.lstrip("-").partition("=")
        name = ALIASES.get(name, name)
        if name not in known:
            if not is_pass(name):
                raise ArgumentError(_unknown(argument, name, (*known, *passes_known)))
            passes.append(_pass_call(name, value))
            continue
        field_ = known[name]
        if not equals:
            if types[field_.name] is bool:
                value = "true"
            elif field_.metadata["bare"] is not None:
                value = field_.metadata["bare"]
            elif rest:
                value = rest.pop(0)
            else:
                raise _bad(name, "requires a value!")
        if name == "verify-diagnostics" and not value:
            value = "all"
        read = _read(types[field_.name], name, value)
        values[field_.name] = (*values.get(field_.name, ()), *read) if isinstance(read, tuple) else read
    if len(inputs) > 1:
        raise ArgumentError(
            f"{PROGRAM}: Too many positional arguments specified!\n"
            f"Can specify at most 1 positional arguments: See: {PROGRAM} --help"
        )
    return Config(input=inputs[0] if inputs else "-", passes=tuple(passes), **values)


def _pass_call(name: str, value: str) -> PassCall:
    try:
        return PassCall(name, parse_options(value))
    except PipelineError as error:
        raise ArgumentError(f"{PROGRAM}: for the --{name} option: {error}") from error


def _read(type_: Any, name: str, text: str) -> Any:
    """Return the value of a flag; complain as LLVM's command line does."""
    if type_ is bool:
        if text.lower() in ("true", "1"):
            return True
        if text.lower() in ("false", "0"):
            return False
        raise _bad(name, f"'{text}' is invalid value for boolean argument! Try 0 or 1")
    if typing.get_origin(type_) is tuple:
        return tuple(part for part in text.split(",") if part)
    types = [arg for arg in typing.get_args(type_) if arg is not type(None)] or [type_]
    choices = typing.get_args(type_) if typing.get_origin(type_) is Literal else typing.get_args(types[0])
    if choices:
        if text not in choices:
            raise _bad(name, f"Cannot find option named '{text}'!")
        return text
    if types[0] is int:
        if not text.isdecimal() or not text.isascii():
            raise _bad(name, f"'{text}' value invalid for uint argument!")
        return int(text)
    if types[0] is float:
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds < 1e9:
            raise _bad(name, f"'{text}' is not a number of seconds!")
        return seconds
    return text


def _bad(name: str, why: str) -> ArgumentError:
    dash = "-" if len(name) == 1 else "--"
    return ArgumentError(f"{PROGRAM}: for the {dash}{name} option: {why}")


def _unknown(argument: str, name: str, known: Sequence[str]) -> str:
    text = f"{PROGRAM}: Unknown command line argument '{argument}'.  Try: '{PROGRAM} --help'"
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    return f"{text}\n{PROGRAM}: Did you mean '--{near[0]}'?" if near else text
