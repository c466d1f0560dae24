"""The options of a Python pass: from pipeline text to typed fields and back.

A field `max_depth: int` is the option `max-depth=4`. Field types: `bool`, `int`, `float`, `str`, `Literal[...]`,
`tuple[T, ...]` (written `1,2,3` or `{1,2,3}`), and `T | None` (written `none`).
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from ..errors import PipelineError, SlipstickError

Options = tuple[tuple[str, str | None], ...]
"""Options as they stand in the text: name and value; the value is `None` where there is no `=`."""

T = TypeVar("T")


def option_name(field: dataclasses.Field[Any]) -> str:
    """Return the option's name in pipeline text."""
    return field.name.replace("_", "-")


def build(cls: type[T], options: Options) -> T:
    """Return an instance of the frozen dataclass `cls` with `options` given as text.

    Raises `PipelineError` for an unknown or repeated option and for a value of the wrong type.
    """
    fields = {option_name(field): field for field in _fields(cls)}
    given: dict[str, Any] = {}
    for name, text in options:
        if name not in fields:
            raise PipelineError(f"{_pass_name(cls)}: no such option '{name}'; {_options_line(cls)}")
        field = fields[name]
        if field.name in given:
            raise PipelineError(f"{_pass_name(cls)}: option '{name}' is given twice")
        type_ = _types(cls)[field.name]
        try:
            given[field.name] = _read(type_, text)
        except ValueError:
            found = "nothing" if text is None else f"'{text}'"
            raise PipelineError(
                f"{_pass_name(cls)}: option '{name}' expects {type_text(type_)}, found {found}; {_options_line(cls)}"
            ) from None
    try:
        return cls(**given)
    except SlipstickError as error:
        raise PipelineError(f"{_pass_name(cls)}: {error}") from error
    except (TypeError, ValueError) as error:
        raise PipelineError(f"{_pass_name(cls)}: {error}; {_options_line(cls)}") from error


def unbuild(instance: Any) -> Options:
    """Return the options of `instance` that differ from their defaults; `build` of them gives `instance` back."""
    cls = type(instance)
    return tuple(
        (option_name(field), _write(getattr(instance, field.name)))
        for field in _fields(cls)
        if getattr(instance, field.name) != default_of(field)
    )


def default_of(field: dataclasses.Field[Any]) -> Any:
    """Return the default of a field, or `dataclasses.MISSING` when the option must be given."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


@dataclasses.dataclass(frozen=True)
class OptionHelp:
    """One option as `--help` shows it."""

    name: str
    type: str
    default: str
    help: str


def describe(cls: type[Any]) -> tuple[OptionHelp, ...]:
    """Return the options of the pass class `cls`, in order."""
    described = []
    for field in _fields(cls):
        default = default_of(field)
        text = "required" if default is dataclasses.MISSING else _write(default)
        help_ = str(field.metadata.get("help", ""))
        described.append(OptionHelp(option_name(field), type_text(_types(cls)[field.name]), text, help_))
    return tuple(described)


def type_text(type_: Any) -> str:
    """Return how a type is called in messages, e.g. `truncate|rne` or `int`."""
    origin, args = typing.get_origin(type_), typing.get_args(type_)
    if origin is Literal:
        return "|".join(str(choice) for choice in args)
    if origin is tuple:
        return f"list of {type_text(args[0])}"
    if origin in (types.UnionType, typing.Union):
        return " or ".join("none" if arg is type(None) else type_text(arg) for arg in args)
    return {bool: "true or false", int: "an integer", float: "a number", str: "a string"}.get(type_, str(type_))


def _read(type_: Any, text: str | None) -> Any:
    """Return the value of `text`; raise ValueError when it is not of the type."""
    if text is None:
        if type_ is bool:
            return True
        raise ValueError
    origin, args = typing.get_origin(type_), typing.get_args(type_)
    if origin in (types.UnionType, typing.Union):
        if text == "none" and type(None) in args:
            return None
        return _read(next(arg for arg in args if arg is not type(None)), text)
    if origin is Literal:
        for choice in args:
            if str(choice) == unquote(text):
                return choice
        raise ValueError
    if origin is tuple:
        inner = text[1:-1] if text[:1] in "{[" and text[-1:] in "}]" else text
        return tuple(_read(args[0], item.strip()) for item in split_list(inner)) if inner.strip() else ()
    if type_ is bool:
        if text.lower() not in _BOOLS:
            raise ValueError
        return _BOOLS[text.lower()]
    if type_ is int:
        return int(text, 0) if not text.lstrip("+-").isdecimal() else int(text)
    if type_ is float:
        return float(text)
    if type_ is str:
        return unquote(text)
    raise TypeError(f"options of type {type_} are not supported")


_BOOLS = {"true": True, "1": True, "false": False, "0": False}


def _write(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "{" + ",".join(_write(item) for item in value) + "}"
    if isinstance(value, float) and math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return f"{value:.1f}"
    if isinstance(value, str):
        return quote(value)
    return str(value)


def quote(value: str) -> str:
    """Return `value` as option text: quoted when it holds what would end it or could be read otherwise."""
    plain = value and all(c.isalnum() or c in "_-.:+/*" for c in value)
    if plain and value != "none":
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(text: str) -> str:
    """Return the string that option text stands for: without its quotes or outer braces."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        body, out, escaped = text[1:-1], [], False
        for c in body:
            if c == "\\" and not escaped:
                escaped = True
                continue
            out.append(c)
            escaped = False
        return "".join(out)
    if len(text) >= 2 and text[0] == "{" and text[-1] == "}":
        return text[1:-1]
    return text


def split_list(text: str) -> Sequence[str]:
    """Split at the commas that are outside quotes and brackets."""
    parts, depth, quote_, start, i = [], 0, "", 0, 0
    while i < len(text):
        c = text[i]
        if quote_:
            if c == "\\":
                i += 1
            elif c == quote_:
                quote_ = ""
        elif c in "\"'":
            quote_ = c
        elif c in "{[(":
            depth += 1
        elif c in "}])":
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
        i += 1
    return [*parts, text[start:]]


def _pass_name(cls: type[Any]) -> str:
    return str(getattr(cls, "name", cls.__name__))


def _options_line(cls: type[Any]) -> str:
    described = describe(cls)
    if not described:
        return "it has no options"
    return "options: " + ", ".join(f"{o.name} ({o.type}; default {o.default})" for o in described)


def _fields(cls: type[Any]) -> tuple[dataclasses.Field[Any], ...]:
    return tuple(field for field in dataclasses.fields(cls) if field.init)


def _types(cls: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(cls)
