"""The arguments of a module's entry that are parameters, marked for passes."""

from __future__ import annotations

from ..bindings import ir
from ..passes.encode_weights import PARAMETER_ATTRIBUTE
from ..passes.prepare_entry import find_entry
from .signature import Signature


def mark_parameters(module: ir.Operation, signature: Signature) -> None:
    """Set `slipstick.parameter` on the arguments of a module's entry that are parameters in its signature."""
    entry = find_entry(module)
    numbers = {argument.native for argument in signature.arguments if argument.kind == "parameter"}
    if entry is None or not entry.arguments:
        return
    with module.context:
        old = list(entry.arg_attrs) if "arg_attrs" in entry.attributes else [ir.DictAttr.get({})] * len(entry.arguments)
        marked = [
            ir.DictAttr.get({**{n.name: n.attr for n in attributes}, PARAMETER_ATTRIBUTE: ir.UnitAttr.get()})
            if number in numbers
            else attributes
            for number, attributes in enumerate(old)
        ]
        entry.arg_attrs = ir.ArrayAttr.get(marked)
