"""MLIR text as named numbers: what the trees and the linear models read."""

from __future__ import annotations

import sys

from ..errors import ArgumentError
from ..target import Target
from .graph_features import graph_features
from .loop_features import loop_features
from .machine import machine

LEVELS = ("loops", "graph")
"""A text is a function of loops, or a kernel on tensors; each level has features, and models, of its own."""


def level(text: str) -> str:
    """Return the level of a text."""
    return "graph" if "tensor<" in text else "loops"


def target_features(target: Target) -> dict[str, float]:
    """Return what is known of a CPU."""
    on = machine(target)
    return {
        "target.vector_bits": target.vector_bits,
        "target.vector_registers": target.vector_registers,
        "target.l1_kib": target.l1d_bytes >> 10,
        "target.l2_kib": target.l2_bytes >> 10,
        f"isa.{on.isa}": 1.0,
        f"cpu.{target.cpu}": 1.0,
    }


def text_features(text: str, target: Target) -> dict[str, float]:
    """Return the features of one kernel's text for a CPU; those that are zero may be missing.

    Raises ArgumentError for an integer with more digits than Python reads.
    """
    try:
        own = graph_features(text, target) if level(text) == "graph" else loop_features(text, target)
    except ValueError as error:
        if "int_max_str_digits" not in str(error):
            raise
        digits = sys.get_int_max_str_digits()
        raise ArgumentError(f"expected integers of at most {digits:,} digits, found one of more") from None
    own.update(target_features(target))
    return own
