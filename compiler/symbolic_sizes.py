"""Torch's symbolic sizes as the signature has them."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch.utils._sympy.printers import PythonPrinter

from .signature import Size, SymbolicSize


def is_input_symbol(symbol: Any) -> bool:
    """Tell whether a symbol is a size of the inputs, as opposed to one that depends on data (`u0`)."""
    return bool(re.fullmatch(r"s\d+", str(symbol)))


def size_of(size: int | torch.SymInt) -> Size:
    """Return a size as a number where it is one, else as an expression of symbols."""
    if isinstance(size, int):
        return size
    expression = size.node.expr
    return int(expression) if expression.is_number else SymbolicSize(python_text(expression))


def python_text(expression: Any) -> str:
    """Return an expression of sympy as Python writes it."""
    return str(PythonPrinter().doprint(expression))
