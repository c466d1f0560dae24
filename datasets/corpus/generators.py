"""The families of random programs, by name."""

from __future__ import annotations

from collections.abc import Callable

from .program import Program
from .random_elementwise import elementwise
from .random_layers import attention, gated
from .random_layouts import gather, permutation, reduction
from .random_products import batch_product, epilogue, few_rows, narrow_product, product
from .random_rows import norms, rows
from .random_windows import convolution, pooling

GENERATORS: dict[str, Callable[[int], Program]] = {
    "elementwise": elementwise,
    "rows": rows,
    "norm": norms,
    "reduction": reduction,
    "permutation": permutation,
    "gather": gather,
    "convolution": convolution,
    "pooling": pooling,
    "product": product,
    "few-rows": few_rows,
    "batch-product": batch_product,
    "narrow-product": narrow_product,
    "epilogue": epilogue,
    "attention": attention,
    "gated": gated,
}
"""A function of a seed for each; the family of its programs is called `random-NAME`."""
