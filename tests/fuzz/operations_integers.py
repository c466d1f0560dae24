"""Integers and truth values: arithmetic that wraps, bits, divisions, indices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from .grammar import Builder

_BINARY = ("{0} + {1}", "{0} - {1}", "{0} * {1}", "torch.maximum({0}, {1})", "torch.minimum({0}, {1})", "{0} * 3 - {1}")
_BITS = ("{0} & {1}", "{0} | {1}", "{0} ^ {1}", "~{0}", "{0} << ({1} & 3)", "{0} >> ({1} & 3)")
_LOGIC = (
    "{0} & {1}", "{0} | {1}", "{0} ^ {1}", "~{0}", "torch.logical_and({0}, {1})", "torch.logical_not({0})",
    "torch.logical_or({0}, {1})",
)  # fmt: skip
_DIVIDE = (
    "torch.div({0}, {1}.abs() | 1, rounding_mode='floor')", "torch.div({0}, {1}.abs() | 1, rounding_mode='trunc')",
    "{0} % ({1}.abs() | 1)",
    "{0} // ({1}.abs() | 1)", "torch.fmod({0}, ({1}.abs() | 1))", "{0} / ({1}.abs() | 1)", "{0} // 3", "{0} % 4",
    "{0}.abs()", "torch.sign({0})",
    "{0}.clamp(-2, 3)", "-{0}", "{0} - 9", "9 - {0}", "{0} ^ 5", "{0} | 9", "{0} != 130", "{0} / 2", "{0} * 2.5",
)  # fmt: skip
_COUNT = (
    "{0}.sum(%d)", "{0}.cumsum(%d)", "torch.count_nonzero({0}, %d)", "{0}.amax(%d)", "{0}.prod(%d)", "{0}.any(%d)",
    "{0}.all(%d)", "{0}.argmax(%d)", "{0}.amin(%d, keepdim=True)",
)  # fmt: skip


def binary(b: Builder) -> None:
    one = b.any_integer()
    b.add(b.rng.choice(_BINARY), one, b.partner(one))


def bits(b: Builder) -> None:
    one = b.any_integer()
    b.add(b.rng.choice(_BITS), one, b.partner(one))


def logic(b: Builder) -> None:
    one = b.any_bool()
    b.add(b.rng.choice(_LOGIC), one, b.partner(one))


def divide(b: Builder) -> None:
    one = b.any_integer()
    b.add(b.rng.choice(_DIVIDE), one, b.partner(one))


def count(b: Builder) -> None:
    one = b.any_integer(1)
    b.add(b.rng.choice(_COUNT) % b.rng.randrange(b.tensors[one].dim()), one)


def gather(b: Builder) -> None:
    """Read, and write into copies, through indices."""
    x = b.any_float(1)
    shape = b.tensors[x].shape
    axis = b.rng.randrange(len(shape))
    if not shape[axis]:
        return
    kind = b.rng.random()
    if kind < 0.35:
        index = b.leaf(
            (b.rng.choice((1, 3, 5)),), b.rng.choice(("int64", "int64", "int32")), "index", limit=shape[axis]
        )
        b.add(f"torch.index_select({{0}}, {axis}, {{1}})", x, index)
    elif kind < 0.6:
        index = b.leaf((b.rng.choice((1, 3, 5)),), "int64", "index-from-behind", limit=shape[axis])
        b.add(f"{{0}}[{':, ' * axis}{{1}}]", x, index)
    elif kind < 0.85:
        index = b.leaf(tuple(shape), "int64", "index", limit=shape[axis])
        b.add(f"torch.gather({{0}}, {axis}, {{1}})", x, index)
    else:
        index = b.leaf(tuple(shape), "int64", "index", limit=shape[axis])
        b.add(f"torch.scatter_add({{0}}, {axis}, {{1}}, {{0}})", x, index)


def embedding(b: Builder) -> None:
    rows, width = b.rng.choice((1, 5, 17)), b.size()
    ids = b.leaf(b.shape(1, 2), b.rng.choice(("int64", "int32")), "index", limit=rows)
    table = b.leaf((rows, width), parameter=b.rng.random() < 0.8)
    if b.tensors[table].dtype != torch.bool:
        b.add("torch.nn.functional.embedding({0}, {1})", ids, table)
