"""Writes: in place into copies and views of them, through indices and masks; and what mixes dtypes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from .grammar import Builder

_IN_PLACE = (
    "{0}.clone().add_({1})", "{0}.clone().mul_({1})", "{0}.clone().sub_({1}, alpha=2)", "{0}.clone().copy_({1})",
    "torch.zeros_like({0}).add_({1})", "added_to_half({0}, {1})", "added_twice({0}, {1})",
)  # fmt: skip
_IN_PLACE_ALONE = (
    "{0}.clone().relu_()", "{0}.clone().clamp_(-0.5, 0.75)", "{0}.clone().neg_()", "{0}.clone().fill_(2.5)",
    "{0}.clone().zero_()", "turned_in_place({0})", "{0}.clone().transpose(0, -1).mul_(2)",
    "{0}.clone()[..., 0].add_(1)",
)  # fmt: skip
_MIXED = (
    "{0} + {1}", "{0} * {1}", "{1} - {0}", "torch.where({0} > 0, {0}, {1})", "torch.maximum({0}, {1}.to({0}.dtype))",
    "{0} > {1}", "{0} == {1}", "torch.pow({0}.abs() + 0.5, {1}.clamp(-3, 3))",
)  # fmt: skip


def in_place(b: Builder) -> None:
    x = b.any_float(1)
    if b.rng.random() < 0.5:
        b.add(b.rng.choice(_IN_PLACE), x, b.partner(x))
    else:
        b.add(b.rng.choice(_IN_PLACE_ALONE), x)


def put(b: Builder) -> None:
    """Write through indices; through equal ones, the sum alone is the same in any order."""
    x = b.any_float(1)
    shape = b.tensors[x].shape
    axis = b.rng.randrange(len(shape))
    if not shape[axis]:
        return
    count = b.rng.choice((1, 2, 3))
    rest = (*shape[:axis], count, *shape[axis + 1 :])
    index = b.leaf((count,), "int64", "index", limit=shape[axis])
    dtype = str(b.tensors[x].dtype).removeprefix("torch.")
    kind = b.rng.random()
    if kind < 0.3:
        b.add(f"{{0}}.index_add({axis}, {{1}}, {{2}})", x, index, b.leaf(rest, dtype))
    elif kind < 0.5 and axis == 0:
        b.add("torch.index_put({0}, ({1},), {2}, accumulate=True)", x, index, b.leaf(rest, dtype))
    elif kind < 0.65 and axis == 0:
        one = b.leaf((1,), "int64", "index", limit=shape[0])
        b.add("torch.index_put({0}, ({1},), {2})", x, one, b.leaf((1, *shape[1:]), dtype))
    elif kind < 0.8:
        places = b.leaf(tuple(rest), "int64", "index", limit=shape[axis])
        how = b.rng.choice(("sum", "amax", "amin"))
        own = b.rng.choice(("True", "True", "False"))
        text = f"torch.scatter_reduce({{0}}, {axis}, {{1}}, {{2}}, '{how}', include_self={own})"
        b.add(text, x, places, b.leaf(rest, dtype))
    else:
        b.add(f"{{0}}.index_fill({axis}, {{1}}, 1.5)", x, index)


def masked(b: Builder) -> None:
    """Write where a mask says so."""
    x = b.any_float(1)
    mask = b.partner(x, torch.bool)
    y = b.partner(x)
    b.add(b.rng.choice(("{0}.clone().masked_fill_({1}, 0.5)", "torch.where({1}, {0} * 2, {2}).clone().add_({0})",
                        "{0} * {1}", "{0} + {1}", "torch.where({1}, {0}, float('-inf'))")), x, mask, y)  # fmt: skip


def mixed(b: Builder) -> None:
    """Operands of two dtypes: torch takes the wider one."""
    x = b.any_float() if b.rng.random() < 0.7 else b.any_integer()
    dtype = b.rng.choice((*b.limits.integers, *b.limits.floats, "bool"))
    b.add(b.rng.choice(_MIXED), x, b.partner(x, getattr(torch, dtype)))
