"""Element by element and along axes: arithmetic, comparisons, reductions, scans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from .grammar import Builder

_UNARY = (
    "{0}.abs()", "-{0}", "torch.relu({0})", "torch.sigmoid({0})", "torch.tanh({0})", "torch.exp({0}.clamp(max=8.0))",
    "torch.nn.functional.gelu({0})", "torch.nn.functional.gelu({0}, approximate='tanh')", "torch.sin({0})",
    "torch.nn.functional.silu({0})", "torch.nn.functional.softplus({0})", "torch.nn.functional.elu({0})",
    "torch.cos({0})",
    "torch.sqrt({0}.abs() + 0.1)", "torch.rsqrt({0}.abs() + 0.1)", "torch.log({0}.abs() + 0.1)", "torch.erf({0})",
    "torch.log1p({0}.abs())", "torch.expm1({0}.clamp(max=8.0))", "torch.floor({0})", "torch.ceil({0})",
    "torch.round({0})",
    "torch.trunc({0})", "{0}.clamp(-0.5, 1.5)", "{0}.clamp(min=0.25)", "torch.square({0})", "torch.sign({0})",
    "torch.reciprocal({0}.abs() + 0.5)", "torch.nn.functional.leaky_relu({0}, 0.1)",
    "torch.nn.functional.hardswish({0})",
    "torch.nn.functional.relu6({0})", "torch.atan({0})", "torch.exp2({0}.clamp(max=8.0))",
    "torch.log2({0}.abs() + 0.1)",
    "torch.nan_to_num({0})", "torch.nn.functional.mish({0})", "torch.nn.functional.hardsigmoid({0})", "torch.frac({0})",
    "torch.nn.functional.logsigmoid({0})", "torch.asinh({0})", "torch.sinh({0}.clamp(-5, 5))",
    "torch.tan({0}.clamp(-1, 1))",
)  # fmt: skip
_BINARY = (
    "{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} * {1}", "{0} / ({1}.abs() + 0.5)", "torch.maximum({0}, {1})",
    "torch.minimum({0}, {1})", "torch.atan2({0}, {1})", "{0} + 2 * {1}", "torch.add({0}, {1}, alpha=0.5)",
    "torch.sub({0}, {1}, alpha=3)", "torch.pow({0}.abs() + 0.1, {1}.clamp(-2, 2))", "torch.lerp({0}, {1}, 0.3)",
    "torch.addcmul({0}, {0}, {1}, value=0.5)", "torch.hypot({0}, {1})", "torch.fmin({0}, {1})",
    "torch.fmod({0}, {1}.abs() + 0.5)", "torch.remainder({0}, {1}.abs() + 0.5)", "torch.fmax({0}, {1})",
    "torch.logaddexp({0}, {1})",
)  # fmt: skip
_SCALAR = (
    "{0} + 1", "{0} * 2.5", "{0} / 3", "1 - {0}", "{0} ** 2", "{0} ** 3", "2.0 / ({0}.abs() + 1)", "{0} * -0.125",
    "{0} - 0.5",
    "({0}.abs() + 0.1) ** 0.5", "{0} * 1", "{0} + 0.0", "({0}.abs() + 0.1) ** -1.5",
)  # fmt: skip
_COMPARE = ("{0} > {1}", "{0} <= {1}", "{0} == {1}", "{0} != {1}", "{0} < {1}", "{0} >= {1}")
_COMPARE_ONE = ("{0} > 0", "{0} <= 0.25", "torch.isnan({0})", "torch.isinf({0})", "{0} != 0")
_REDUCE = (
    "sum", "sum", "mean", "amax", "amin", "sum", "mean", "var", "std", "logsumexp", "norm", "prod", "argmax", "argmin",
    "any", "all", "max", "min",
)  # fmt: skip


def unary(b: Builder) -> None:
    how = b.rng.choice(_UNARY)
    if b.float == "float16" and "gelu" in how:
        return  # torch makes NaN of an infinity there
    b.add(how, b.any_float())


def binary(b: Builder) -> None:
    one = b.any_float()
    other = one if b.rng.random() < 0.05 else b.partner(one)
    pair = (one, other) if b.rng.random() < 0.5 else (other, one)
    b.add(b.rng.choice(_BINARY), *pair)


def scalar(b: Builder) -> None:
    b.add(b.rng.choice(_SCALAR), b.any_float())


def compare(b: Builder) -> None:
    one = b.any_float() if b.rng.random() < 0.7 else b.any_integer()
    if b.rng.random() < 0.4:
        b.add(b.rng.choice(_COMPARE_ONE), one)
    else:
        b.add(b.rng.choice(_COMPARE), one, b.partner(one))


def where(b: Builder) -> None:
    one = b.any_float()
    other = b.partner(one)
    kind = b.rng.random()
    if kind < 0.6:
        b.add("torch.where({0}, {1}, {2})", b.partner(one, torch.bool), one, other)
    elif kind < 0.8:
        b.add("{0}.masked_fill({1}, -1.5)", one, b.partner(one, torch.bool))
    else:
        b.add("torch.where({0}, {1}, 0.0)", b.partner(one, torch.bool), one)


def reduce(b: Builder) -> None:
    x = b.any_float() if b.rng.random() < 0.85 else b.any_integer()
    rank = b.tensors[x].dim()
    how = b.rng.choice(_REDUCE)
    axes = sorted(b.rng.sample(range(rank), b.rng.randint(1, min(2, rank)))) if rank else []
    keep = b.rng.random() < 0.5
    if how in ("argmax", "argmin", "prod", "max", "min", "any", "all"):
        axis = axes[0] - (rank if b.rng.random() < 0.5 else 0) if axes else 0
        text = f"{{0}}.{how}({axis}, keepdim={keep})"
        b.add(text + (b.rng.choice((".values", ".indices")) if how in ("max", "min") else ""), x)
        return
    if b.rng.random() < 0.15 and how != "logsumexp":
        b.add(f"{{0}}.{how}()", x)
        return
    extra = ", correction=0" if how in ("var", "std") and b.rng.random() < 0.5 else ""
    name = {"norm": "torch.linalg.vector_norm({0}, dim=", "logsumexp": "torch.logsumexp({0}, "}.get(
        how, f"{{0}}.{how}("
    )
    b.add(f"{name}{tuple(axes)}, keepdim={keep}{extra})", x)


def softmax(b: Builder) -> None:
    x = b.any_float(1)
    axis = b.rng.choice((-1, -1, -1, b.rng.randrange(b.tensors[x].dim())))
    b.add(b.rng.choice(("torch.softmax({0}, %d)", "torch.softmax({0}, %d)", "torch.log_softmax({0}, %d)")) % axis, x)


def cast(b: Builder) -> None:
    kind = b.rng.random()
    if kind < 0.35:
        b.add(f"{{0}}.to(torch.{b.float})", b.any_integer())
    elif kind < 0.55:
        b.add(f"{{0}}.to(torch.{b.float})", b.any_bool())
    elif kind < 0.75:
        b.add(f"{{0}}.to(torch.{b.rng.choice(b.limits.floats)})", b.any_float())
    else:
        wanted = b.rng.choice(b.limits.integers)
        text = "{0}.clamp(0, 100)" if wanted == "uint8" else "{0}.clamp(-100, 100)"
        b.add(f"torch.nan_to_num({text}).to(torch.{wanted})", b.any_float())


def running(b: Builder) -> None:
    x = b.any_float(1)
    axis = b.rng.randrange(b.tensors[x].dim())
    b.add(b.rng.choice(("torch.cumsum({0}, %d)", "torch.cumsum({0}, %d)", "torch.cumprod({0}, %d)")) % axis, x)


def order(b: Builder) -> None:
    x = b.any_float(1)
    axis = b.rng.randrange(b.tensors[x].dim())
    size = b.tensors[x].shape[axis]
    if b.rng.random() < 0.5:
        b.add(f"torch.sort({{0}}, dim={axis}, descending={b.rng.random() < 0.5}).values", x)
    elif size:
        b.add(f"torch.topk({{0}}, {b.rng.randint(1, min(size, 4))}, dim={axis}).values", x)


def extreme(b: Builder) -> None:
    """Greatest and least ones, and where they are: of equal ones, the first where torch says so.

    torch-mlir lowers no median and no running maximum (nor, of binary operations, copysign).
    """
    x = b.any_float(1)
    axis = b.rng.randrange(b.tensors[x].dim())
    if not b.tensors[x].shape[axis]:
        return
    b.add(b.rng.choice((
        "torch.sort({0}, dim=%d, stable=True).indices", "torch.argsort({0}, dim=%d, stable=True, descending=True)",
        "{0}.argmax(%d)", "{0}.argmin(%d, keepdim=True)", "{0}.aminmax(dim=%d).max", "torch.logcumsumexp({0}, %d)",
        "torch.var_mean({0}, %d)[0]", "torch.kthvalue({0}, 1, %d).values",
        "torch.cosine_similarity({0}, {0}.flip(%d), dim=-1)",
        "torch.nn.functional.glu(torch.cat([{0}, {0}], %d), -1)",
    )).replace("%d", str(axis)), x)  # fmt: skip
