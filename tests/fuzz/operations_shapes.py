"""Operations that move elements: transposes, views, slices, joins, and writes into copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .grammar import Builder


def _any(b: Builder, low: int = 0) -> int:
    """Return a value of any dtype, floats rather."""
    found = b.value(lambda t: t.dim() >= low) if b.rng.random() < 0.3 else None
    return b.any_float(low) if found is None else found


def _axis(b: Builder, number: int) -> int:
    rank = b.tensors[number].dim()
    return b.rng.randrange(rank) - (rank if b.rng.random() < 0.3 else 0)


def transpose(b: Builder) -> None:
    x = _any(b, 2)
    rank = b.tensors[x].dim()
    if b.rng.random() < 0.6:
        b.add(f"{{0}}.transpose({_axis(b, x)}, {_axis(b, x)})", x)
    else:
        b.add(f"{{0}}.permute({', '.join(map(str, b.rng.sample(range(rank), rank)))})", x)


def reshape(b: Builder) -> None:
    x = _any(b, 1)
    shape = b.tensors[x].shape
    rank = len(shape)
    kind = b.rng.random()
    if kind < 0.3:
        first = b.rng.randrange(rank)
        b.add(f"{{0}}.flatten({first}, {b.rng.randrange(first, rank)})", x)
    elif kind < 0.5:
        b.add(f"{{0}}.unsqueeze({b.rng.randint(-rank - 1, rank)})", x)
    elif kind < 0.6:
        b.add(f"{{0}}.squeeze({_axis(b, x)})", x)
    elif kind < 0.8:
        axis = b.rng.randrange(rank)
        halves = [n for n in (2, 3, 4, 5) if shape[axis] and shape[axis] % n == 0]
        if halves:
            b.add(f"{{0}}.unflatten({axis}, (-1, {b.rng.choice(halves)}))", x)
    else:
        sizes = list(shape)
        b.rng.shuffle(sizes)
        text = ", ".join(f"{{s{n}}}" for n in range(rank))
        b.add(f"{{0}}.reshape({text})", x, sizes=sizes)


def slice_(b: Builder) -> None:
    x = _any(b, 1)
    shape = b.tensors[x].shape
    rank = len(shape)
    axis = b.rng.randrange(rank)
    kind = b.rng.random()
    before = ":, " * axis
    if kind < 0.5:
        start = b.rng.choice(("", "1", "2", "-2", "-3", ""))
        stop = b.rng.choice(("", "", "-1", "3", "5"))
        step = b.rng.choice(("", "", "", ":2", ":3"))
        b.add(f"{{0}}[{before}{start}:{stop}{step}]", x)
    elif kind < 0.7:
        b.add(f"{{0}}[{before}{b.rng.choice((0, -1, 1))}]", x)
    elif kind < 0.8:
        b.add(f"{{0}}.chunk(2, {axis})[{b.rng.choice((0, 1))}]", x)
    elif kind < 0.9 and rank > 1:
        b.add(f"torch.diagonal({{0}}, {b.rng.choice((0, 1, -1))}, 0, {rank - 1})", x)
    elif rank > 1:
        b.add(f"{{0}}.{b.rng.choice(('tril', 'triu'))}({b.rng.choice((0, 1, -1))})", x)


def join(b: Builder) -> None:
    x = _any(b, 1)
    shape, dtype = b.tensors[x].shape, b.tensors[x].dtype
    axis = b.rng.randrange(len(shape))
    if b.rng.random() < 0.3:
        y = b.value(lambda t: t.shape == shape and t.dtype == dtype)
        b.add(f"torch.stack([{{0}}, {{1}}], {b.rng.randint(0, len(shape))})", x, x if y is None else y)
        return

    def fits(t: object) -> bool:
        rest = [size for n, size in enumerate(t.shape) if n != axis]  # type: ignore[attr-defined]
        same = t.dim() == len(shape) and rest == [size for n, size in enumerate(shape) if n != axis]  # type: ignore[attr-defined]
        return bool(same and t.dtype == dtype)  # type: ignore[attr-defined]

    others = [b.value(fits) for _ in range(b.rng.randint(1, 2))]
    operands = [x, *(x if other is None else other for other in others)]
    if b.rng.random() < 0.4:
        other = [b.size() if n == axis else size for n, size in enumerate(shape)]
        operands[-1] = b.leaf(tuple(other), str(dtype).removeprefix("torch."))
    b.rng.shuffle(operands)
    b.add(f"torch.cat([{', '.join(f'{{{n}}}' for n in range(len(operands)))}], {axis})", *operands)


def expand(b: Builder) -> None:
    x = _any(b)
    shape = b.tensors[x].shape
    kind = b.rng.random()
    if kind < 0.5:
        b.add("{0}.expand({s0}, " + ", ".join(["-1"] * len(shape)) + ")", x, sizes=(b.size(),))
    elif kind < 0.75:
        b.add(f"{{0}}.repeat({', '.join(str(b.rng.choice((1, 1, 2, 3))) for _ in shape) or '2'})", x)
    elif shape:
        b.add(f"{{0}}.repeat_interleave(2, {b.rng.randrange(len(shape))})", x)


def pad(b: Builder) -> None:
    x = b.any_float(1)
    rank = b.tensors[x].dim()
    widths = [b.rng.choice((0, 1, 1, 2, -1)) for _ in range(2 * b.rng.randint(1, min(2, rank)))]
    b.add(f"torch.nn.functional.pad({{0}}, {tuple(widths)}, value={b.rng.choice((0.0, 0.0, 1.5))})", x)


def turn(b: Builder) -> None:
    x = _any(b, 1)
    axis = b.rng.randrange(b.tensors[x].dim())
    if b.rng.random() < 0.5:
        b.add(f"{{0}}.flip({axis})", x)
    else:
        b.add(f"torch.roll({{0}}, {b.rng.choice((1, -1, 2))}, {axis})", x)


def write(b: Builder) -> None:
    """Write a slice of a fresh copy in place."""
    x = b.any_float(1)
    axis = b.rng.randrange(b.tensors[x].dim())
    part = b.rng.choice(("0:1", "1:", "::2", "-1:"))
    index = ":, " * axis + part
    y = b.add(f"{{0}}[{index}] * 2", x)
    if y is not None:
        b.add(f"{b.rng.choice(('torch.slice_scatter({0}, {1}, %d, %s)',))}" % (axis, _bounds(part)), x, y)


def _bounds(part: str) -> str:
    start, stop, step = [*part.split(":"), ""][:3]
    return f"{start or 0}, {stop or (1 << 62)}, {step or 1}"


def moved(b: Builder) -> None:
    x = _any(b, 2)
    shape, rank = b.tensors[x].shape, b.tensors[x].dim()
    axis = b.rng.randrange(rank)
    size = shape[axis]
    texts = [f"{{0}}.movedim({axis}, {b.rng.randrange(rank)})",
             f"torch.rot90({{0}}, {b.rng.choice((1, 2, 3))}, (0, 1))",
             f"{{0}}.unbind({axis})[-1]", f"{{0}}.swapaxes(0, {axis}).contiguous()", f"torch.diff({{0}}, dim={axis})",
             f"{{0}}.transpose(0, {axis}).reshape(-1)"]  # fmt: skip
    if size > 1:
        texts += [f"{{0}}.narrow({axis}, 1, {size - 1})", f"{{0}}.split({b.rng.choice((1, 2, 3))}, {axis})[-1]",
                  f"{{0}}.unfold({axis}, 2, {b.rng.choice((1, 2))})",
                  f"{{0}}.split(({size - 1}, 1), {axis})[0]"]  # fmt: skip
    b.add(b.rng.choice(texts), x)


def made(b: Builder) -> None:
    """Combine a value with a tensor made in the graph."""
    x = b.any_float(1)
    size = b.tensors[x].shape[-1]
    b.add(b.rng.choice((
        "{0} + torch.arange({s0}, dtype={0}.dtype)", "{0} * torch.linspace(-1, 1, {s0}, dtype={0}.dtype)",
        "{0}.masked_fill(torch.ones({s0}, {s0}, dtype=torch.bool).triu(1)[-1], -1e4)",
        "{0} + torch.full_like({0}, 0.5)",
        "{0} * torch.eye({s0}, dtype={0}.dtype)[0]", "torch.where(torch.arange({s0}) < {s0} // 2, {0}, 0.5)",
    )), x, sizes=(size,))  # fmt: skip
