"""Another module of a compiled one: the same state and calls, other options or an edited stage."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from ..bindings import ir
from ..errors import ArgumentError
from ..passes.set_stage import STAGE_ATTRIBUTE
from ..target import Target
from .build import build, parse
from .given_ir import parse_given
from .mlir_input import entry_type
from .options import CompileOptions
from .stages import STAGES

if TYPE_CHECKING:
    from .compiled import CompiledModule


def at_stage(ir_text: str, name: str, given: str) -> str:
    """Return the text of `given`, MLIR that stands at the stage `name`, to be compiled in place of `ir_text`.

    Raises `ArgumentError` where its entry function has another type, `IRError` where it does not parse.
    """
    if name not in STAGES:
        raise ArgumentError(f"stage: expected one of {', '.join(STAGES)}, found {name!r}")
    module = parse_given(given)
    found, expected = str(entry_type(module)), str(entry_type(parse(ir_text)))
    if found != expected:
        raise ArgumentError(f"the entry function: expected {expected}, found {found}")
    attributes = module.operation.attributes
    if STAGE_ATTRIBUTE not in attributes or str(attributes[STAGE_ATTRIBUTE]) != f'"{name}"':
        with module.context:
            attributes[STAGE_ATTRIBUTE] = ir.StringAttr.get(name)
    return str(module)


def changed_options(options: CompileOptions, changes: dict[str, Any]) -> CompileOptions:
    """Return options with some fields changed; raises `ArgumentError` for one that there is not."""
    unknown = sorted(set(changes) - {field.name for field in fields(CompileOptions)})
    if unknown:
        raise ArgumentError(f"with_options: expected options of compile, found {', '.join(unknown)}")
    return replace(options, **changes)


def recompiled(module: CompiledModule, text: str, options: CompileOptions) -> CompiledModule:
    """Return a module that is called like `module`, over the same state, and runs `text` with these options."""
    from .compiled import CompiledModule

    target = Target.resolve(options.target)
    return CompiledModule(
        text,
        build(text, options, target),
        module.signature,
        options,
        target,
        slots=module._weights.slots,
        tied=module._weights.tied,
        form=module._form,
        name=module._name,
    )
