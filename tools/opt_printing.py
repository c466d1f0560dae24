"""Printing operations the way the flags ask for."""

from __future__ import annotations

import io

from ..bindings import ir
from ..errors import IRError
from .opt_config import Config


def asm(op: ir.Operation, config: Config) -> bytes:
    """Return the text of `op`; UTF-8 unless the input was not."""
    text = op.get_asm(
        binary=True,
        large_elements_limit=config.mlir_elide_elementsattrs_if_larger,
        large_resource_limit=config.mlir_elide_resource_strings_if_larger,
        enable_debug_info=config.mlir_print_debuginfo or config.mlir_pretty_debuginfo,
        pretty_debug_info=config.mlir_pretty_debuginfo,
        print_generic_op_form=config.mlir_print_op_generic,
        use_local_scope=config.mlir_print_local_scope,
        use_name_loc_as_prefix=config.mlir_use_nameloc_as_prefix,
        skip_regions=config.mlir_print_skip_regions,
    )
    assert isinstance(text, bytes)
    return text


def bytecode(op: ir.Operation, version: int | None = None) -> bytes:
    """Return the bytecode of `op`; raises `IRError` when `version` does not exist."""
    out = io.BytesIO()
    try:
        op.write_bytecode(out, version)
    except (ir.MLIRError, ValueError) as error:
        raise IRError(f"bytecode: {error}") from error
    return out.getvalue()


def round_trip_fault(op: ir.Operation) -> str | None:
    """Return what is wrong when `op` does not survive printing and parsing; `None` when it does."""
    reference = _exact(op)
    text = op.get_asm(binary=False, enable_debug_info=True)
    assert isinstance(text, str)
    forms = {"text": text, "bytecode": bytecode(op)}
    for form, written in forms.items():
        try:
            again = ir.Module.parse(written, context=op.context).operation
        except ir.MLIRError:
            return f"failed to parse the {form} of the operation back"
        if op.name != "builtin.module":
            again = again.regions[0].blocks[0].operations[0].operation
        if _exact(again) != reference:
            return f"{form} round trip: what was parsed back differs from the operation"
    return None


def _exact(op: ir.Operation) -> bytes:
    text = op.get_asm(binary=True, enable_debug_info=True, print_generic_op_form=True)
    assert isinstance(text, bytes)
    return text
