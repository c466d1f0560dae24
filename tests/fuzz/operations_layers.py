"""Layers: products, attention, normalisation, convolution, pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from .grammar import Builder


def matmul(b: Builder) -> None:
    x = b.any_float(1, 4)
    shape = b.tensors[x].shape
    dtype = b.tensors[x].dtype
    wanted = shape[-1]
    y = b.value(lambda t: t.dtype == dtype and t.dim() > 0 and t.shape[-2 if t.dim() > 1 else -1] == wanted)
    if y is None or b.rng.random() < 0.4:
        columns = b.size() if b.rng.random() < 0.8 else 1
        batch = tuple(shape[:-2]) if b.rng.random() < 0.5 else ()
        other = (*batch, columns, wanted) if b.rng.random() < 0.3 else (*batch, wanted, columns)
        y = b.leaf(other if len(other) > 1 else (wanted,), parameter=b.rng.random() < 0.3)
        if other[-1] == wanted and other[-2] == columns and columns != wanted:
            b.add("{0} @ {1}.transpose(-1, -2)", x, y)
            return
    b.add("torch.matmul({0}, {1})", x, y)


def linear(b: Builder) -> None:
    x = b.any_float(1, 4)
    wanted, columns = b.tensors[x].shape[-1], b.rng.choice((b.size(), b.size(), 1, 50))
    weight = b.leaf((columns, wanted), parameter=b.rng.random() < 0.8)
    if b.rng.random() < 0.3:
        b.add("torch.nn.functional.linear({0}, {1})", x, weight)
        return
    bias = b.leaf((columns,), parameter=b.rng.random() < 0.8)
    y = b.add("torch.nn.functional.linear({0}, {1}, {2})", x, weight, bias)
    if y is not None and b.rng.random() < 0.4:
        gelu = "torch.nn.functional.gelu({0})" if b.float != "float16" else "torch.sigmoid({0})"
        y = b.add(b.rng.choice(("torch.relu({0})", gelu, "{0} * 2", "torch.tanh({0})")), y)
        if y is not None and b.rng.random() < 0.4:
            b.add("{0} + {1}", y, b.partner(y))


def attention(b: Builder) -> None:
    heads, length, width = b.rng.choice((1, 2, 3)), b.size() or 1, b.rng.choice((1, 3, 4, 8, 16))
    keys = length if b.rng.random() < 0.6 else b.size() or 1
    batch = (b.rng.choice((1, 2)), heads) if b.rng.random() < 0.8 else (heads,)
    query = b.leaf((*batch, length, width), kind="plain", parameter=False)
    key, value = (b.leaf((*batch, keys, width), kind="plain", parameter=False) for _ in range(2))
    kind = b.rng.random()
    if kind < 0.4:
        operands, text = [query, key, value], "{0}, {1}, {2}"
        if b.rng.random() < 0.5:
            operands.append(b.leaf((length, keys), parameter=False, kind="plain"))
            text += ", attn_mask={3}"
        elif keys == length and b.rng.random() < 0.5:
            text += ", is_causal=True"
        b.add(f"torch.nn.functional.scaled_dot_product_attention({text})", *operands)
        return
    scores = b.add("{0} @ {1}.transpose(-1, -2) * 0.3", query, key)
    if scores is None:
        return
    if kind < 0.7:
        mask = b.leaf(b.rng.choice(((keys,), (length, keys))), "bool")
        scores = b.add("{0}.masked_fill({1}, -1e9)", scores, mask)
    if scores is None:
        return
    weights = b.add("torch.softmax({0}, -1)", scores)
    if weights is not None:
        b.add("{0} @ {1}", weights, value)


def norm(b: Builder) -> None:
    x = b.any_float(1, 4)
    size = b.tensors[x].shape[-1]
    kind = b.rng.random()
    if kind < 0.5:
        gain, bias = (b.leaf((size,), parameter=b.rng.random() < 0.8) for _ in range(2))
        b.add("torch.nn.functional.layer_norm({0}, ({s0},), {1}, {2})", x, gain, bias, sizes=(size,))
    elif kind < 0.7:
        b.add("torch.nn.functional.layer_norm({0}, ({s0},))", x, sizes=(size,))
    elif kind < 0.9:
        gain = b.leaf((size,), parameter=True)
        b.add("{0} * torch.rsqrt({0}.pow(2).mean(-1, keepdim=True) + 1e-5) * {1}", x, gain)
    elif kind < 0.95 or b.tensors[x].dim() < 3:
        b.add("torch.nn.functional.normalize({0}, dim=-1)", x)
    else:
        planes = b.tensors[x].shape[1]
        gain, bias = (b.leaf((planes,), parameter=True) for _ in range(2))
        groups = b.rng.choice([n for n in (1, 2, 3, planes) if n and planes % n == 0] or [1])
        b.add(f"torch.nn.functional.group_norm({{0}}, {groups}, {{1}}, {{2}})", x, gain, bias)


def convolution(b: Builder) -> None:
    planes, out, width = b.rng.choice((1, 2, 3, 4)), b.rng.choice((1, 2, 4, 6)), b.rng.choice((1, 2, 3))
    groups = b.rng.choice([n for n in (1, 1, 1, planes) if planes % n == 0 and out % n == 0])
    stride, padding, dilation = b.rng.choice((1, 1, 2)), b.rng.choice((0, 1)), b.rng.choice((1, 1, 1, 2))
    dims = b.rng.choice((1, 2, 2))
    space = tuple(b.rng.choice((3, 5, 8, 9)) for _ in range(dims))
    x = b.leaf((b.rng.choice((1, 2)), planes, *space), parameter=False)
    # Weights stay finite: whether zeros of the padding are multiplied by infinite ones torch's kernels do not agree on.
    weight = b.leaf((out, planes // groups, *([width] * dims)), kind="plain", parameter=True)
    options = f"stride={stride}, padding={padding}, dilation={dilation}, groups={groups}"
    if b.rng.random() < 0.2:
        weight = b.leaf((planes, out // groups, *([width] * dims)), kind="plain", parameter=True)
        options = f"stride={stride}, padding={padding if width > 1 else 0}, groups={groups}"
        b.add(f"torch.nn.functional.conv_transpose{dims}d({{0}}, {{1}}, None, {options})", x, weight)
    elif b.rng.random() < 0.6:
        bias = b.leaf((out,), parameter=True)
        b.add(f"torch.nn.functional.conv{dims}d({{0}}, {{1}}, {{2}}, {options})", x, weight, bias)
    else:
        b.add(f"torch.nn.functional.conv{dims}d({{0}}, {{1}}, {options})", x, weight)


def pool(b: Builder) -> None:
    x = b.value(lambda t: t.dim() == 4 and t.dtype == torch.float32 and min(t.shape[-2:]) > 1)
    if x is None:
        x = b.leaf((1, 2, b.rng.choice((4, 6, 7)), b.rng.choice((4, 5, 8))))
    how = b.rng.choice(("max_pool2d({0}, 2)", "avg_pool2d({0}, 2)", "max_pool2d({0}, 2, 1)", "avg_pool2d({0}, 2, 1)",
                        "adaptive_avg_pool2d({0}, 1)", "max_pool2d({0}, 3, 2, 1)", "adaptive_avg_pool2d({0}, 2)",
                        "avg_pool2d({0}, 3, 1, 1, count_include_pad=False)", "interpolate({0}, scale_factor=2.0)",
                        "interpolate({0}, scale_factor=2.0, mode='bilinear')", "unfold({0}, 2)",
                        "pixel_shuffle({0}.repeat(1, 2, 1, 1), 2)"))  # fmt: skip
    b.add(f"torch.nn.functional.{how}", x)


def product(b: Builder) -> None:
    """Products in other words than matmul."""
    x = b.any_float(1, 3)
    shape, rank = b.tensors[x].shape, b.tensors[x].dim()
    kind = b.rng.random()
    if rank == 1:
        y = b.leaf((b.size(),) if kind < 0.6 else tuple(shape))
        b.add("torch.outer({0}, {1})" if kind < 0.6 else "torch.dot({0}, {1})", x, y)
    elif rank == 2:
        rows, depth, columns = *shape, b.size()
        y = b.leaf((depth, columns), parameter=b.rng.random() < 0.5)
        if kind < 0.3:
            b.add("torch.einsum('ij,jk->ki', {0}, {1})", x, y)
        elif kind < 0.6:
            b.add(f"torch.addmm({{2}}, {{0}}, {{1}}, beta={b.rng.choice((1, 0.5))}, alpha=2)", x, y, b.leaf((columns,)))
        elif kind < 0.8:
            b.add("{1}.transpose(0, 1) @ {0}.transpose(0, 1)", x, y)
        else:
            b.add("{0} @ {1} + {2}", x, y, b.leaf((rows, columns)))
    else:
        batch, rows, depth = shape
        columns = b.size()
        y = b.leaf((batch, depth, columns))
        if kind < 0.4:
            b.add("torch.bmm({0}, {1})", x, y)
        elif kind < 0.7:
            b.add("torch.baddbmm({2}, {0}, {1}, beta=0.5)", x, y, b.leaf((batch, rows, columns)))
        else:
            b.add("torch.einsum('bij,bjk->bik', {0}, {1})", x, y)


def loss(b: Builder) -> None:
    x = b.any_float(2, 2)
    rows, classes = b.tensors[x].shape
    kind = b.rng.random()
    if kind < 0.5 and classes:
        target = b.leaf((rows,), "int64", "index", limit=classes)
        how = b.rng.choice(("mean", "sum", "none"))
        b.add(f"torch.nn.functional.cross_entropy({{0}}, {{1}}, reduction='{how}')", x, target)
    else:
        how = b.rng.choice(("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"))
        b.add(f"torch.nn.functional.{how}({{0}}, {{1}})", x, b.leaf((rows, classes)))
