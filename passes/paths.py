"""The functions of a module that are called from outside: the entry, and those for other depths of its layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..bindings import func, ir
from .prepare_entry import find_entry

PATHS_ATTRIBUTE: Final = "slipstick.paths"
"""On the module: the function that is called for each depth, the entry for that of all layers."""


def note_paths(module: ir.Operation, paths: Mapping[int, str]) -> None:
    """Note on the module the names of functions by the number of layers that they run."""
    i64 = ir.IntegerType.get_signless(64, module.context)
    module.attributes[PATHS_ATTRIBUTE] = ir.ArrayAttr.get(
        [
            ir.DictAttr.get(
                {
                    "depth": ir.IntegerAttr.get(i64, depth),
                    "function": ir.FlatSymbolRefAttr.get(name, module.context),
                },
                module.context,
            )
            for depth, name in paths.items()
        ],
        module.context,
    )


def noted_paths(module: ir.Operation) -> dict[int, str]:
    """Return the names of functions by the number of layers that they run; none where the module has one path.

    Raises ValueError, with a text for the user, where the attribute holds anything else.
    """
    if PATHS_ATTRIBUTE not in module.attributes:
        return {}
    attribute = module.attributes[PATHS_ATTRIBUTE]
    paths: dict[int, str] = {}
    for item in attribute if isinstance(attribute, ir.ArrayAttr) else [attribute]:
        fields = {named.name: named.attr for named in item} if isinstance(item, ir.DictAttr) else {}
        depth, function = fields.get("depth"), fields.get("function")
        if not isinstance(depth, ir.IntegerAttr) or not isinstance(function, ir.FlatSymbolRefAttr):
            raise ValueError(f"{PATHS_ATTRIBUTE}: expected depths and functions, found {attribute}")
        paths[depth.value] = function.value
    return paths


def entry_functions(module: ir.Operation) -> list[func.FuncOp]:
    """Return the entry and the functions of other depths; none where there is no entry.

    Raises ValueError, with a text for the user, where one is noted that the module does not have.
    """
    entry = find_entry(module)
    if entry is None:
        return []
    symbols = ir.SymbolTable(module)
    functions = [entry]
    for name in noted_paths(module).values():
        if name == entry.name.value:
            continue
        if name not in symbols or not isinstance(symbols[name], func.FuncOp):
            raise ValueError(f"{PATHS_ATTRIBUTE}: expected the name of a function, found @{name}")
        functions.append(symbols[name])
    return functions
