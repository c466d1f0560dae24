"""Which values are parameters of the model, in the entry function and in the functions that it passes them to."""

from __future__ import annotations

from ..bindings import ir
from .calls import Calls
from .encode_weights import is_parameter
from .walk import find


def parameter_values(root: ir.Operation) -> set[ir.Value]:
    """Return the arguments under `root` that are matrices marked as parameters, or that every call passes one as."""
    calls = Calls.around(root)
    found: set[ir.Value] = set()
    for function in find(root, lambda op: op.name == "func.func" and len(op.regions[0].blocks) > 0):
        found.update(value for value in function.regions[0].blocks[0].arguments if is_parameter(value))
    slots = {slot for value in found for slot in calls.slots(value)}
    while slots:
        slot = slots.pop()
        argument = calls.argument(slot)
        if argument not in found and all(value in found for value in calls.passed(slot)):
            found.add(argument)
            slots.update(calls.slots(argument))
    return found
