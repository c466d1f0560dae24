"""Graphs of the registry as programs of the corpus."""

from __future__ import annotations

from .program import Program


def graph_program(name: str) -> Program:
    """Return a graph of the registry, imported, with its weights as parameters.

    Raises ArgumentError for an unknown name, GraphError where it cannot be imported.
    """
    from ...compiler.frontend import import_torch
    from ...compiler.parameter_marks import mark_parameters
    from ..graphs import graph

    item = graph(name)
    module, inputs = item.build()
    imported = import_torch(module, inputs, {})
    mark_parameters(imported.module.operation, imported.signature)
    return Program(f"graph {name}", item.family, str(imported.module))
