"""Complex numbers as pairs of real tensors, and Fourier transforms as products with their matrices.

torch-mlir lowers next to nothing on complex tensors. A program that has some inside, between real inputs and real
results, is traced again with each complex tensor as its real and its imaginary part. A Fourier transform becomes a
product with the n x n matrix of it, n the length: exact, and at the lengths of layers' weights as quick as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from .retrace import retrace

_ATEN = torch.ops.aten
_TRANSFORMS = {
    _ATEN.fft_fft.default: False,
    _ATEN.fft_ifft.default: True,
    _ATEN.fft_fft2.default: False,
    _ATEN.fft_ifft2.default: True,
}
"""The transforms that are known, and whether each is an inverse one."""
_BELOW_AUTOGRAD = frozenset({_ATEN._fft_r2c.default, _ATEN._fft_c2c.default})
"""What they are where autograd has been traced, as in the passes of a custom function."""
_PARTWISE = frozenset(
    {
        _ATEN.add.Tensor,
        _ATEN.sub.Tensor,
        _ATEN.neg.default,
        _ATEN.view.default,
        _ATEN.reshape.default,
        _ATEN.permute.default,
        _ATEN.transpose.int,
        _ATEN.unsqueeze.default,
        _ATEN.squeeze.dim,
        _ATEN.expand.default,
        _ATEN.select.int,
        _ATEN.slice.Tensor,
        _ATEN.cat.default,
        _ATEN.clone.default,
        _ATEN.sum.dim_IntList,
    }
)
"""Operations that do to each part what they do to the whole."""
_BILINEAR = frozenset(
    {_ATEN.mul.Tensor, _ATEN.matmul.default, _ATEN.bmm.default, _ATEN.mm.default, _ATEN.einsum.default}
)
"""Operations that multiply two tensors, linear in each."""


def without_complex(program: ExportedProgram) -> ExportedProgram:
    """Return the program with real tensors only; `program` itself where it has no Fourier transform.

    Operations on complex tensors that are not known here are left as they are, so that the lowering names them.
    """
    if not any(node.target in _TRANSFORMS or node.target in _BELOW_AUTOGRAD for node in program.graph.nodes):
        return program
    ends = [node for node in program.graph.nodes if node.op == "placeholder"]
    ends += [node for output in program.graph.find_nodes(op="output") for node in output.all_input_nodes]
    if any(_is_complex(node.meta.get("val")) for node in ends):
        return program
    if not all(_is_known(node) for node in program.graph.nodes if _touches_complex(node)):
        return program
    return retrace(program, lambda values: _Pairs(program.graph_module).run(*values))


@dataclass(frozen=True)
class _Pair:
    """A complex tensor: two real ones of its shape."""

    real: torch.Tensor
    imaginary: torch.Tensor | None
    """`None`: zeros."""

    @property
    def both(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.real, torch.zeros_like(self.real) if self.imaginary is None else self.imaginary


@dataclass(frozen=True)
class _Viewed:
    """A complex tensor as a real one with one more dimension, of length 2."""

    pair: _Pair


class _Pairs(torch.fx.Interpreter):
    """Runs a graph with pairs in place of complex tensors."""

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if target is _ATEN.select.int and isinstance(args[0], _Viewed) and args[1] in (-1, args[0].pair.real.dim()):
            return args[0].pair.both[args[2]]
        if any(isinstance(leaf, _Viewed) for leaf in pytree.tree_leaves((args, kwargs))):
            args, kwargs = pytree.tree_map_only(_Viewed, lambda one: torch.stack(one.pair.both, -1), (args, kwargs))
        if target in _BELOW_AUTOGRAD:
            return _below_autograd(target, *args)
        if target in _TRANSFORMS:
            two = target in (_ATEN.fft_fft2.default, _ATEN.fft_ifft2.default)
            return _transform(args, kwargs, _TRANSFORMS[target], 2 if two else 1)
        leaves = pytree.tree_leaves((args, kwargs))
        if not any(isinstance(leaf, _Pair) for leaf in leaves):
            return super().call_function(target, args, kwargs)
        if target is _ATEN.real.default:
            return args[0].real
        if target is _ATEN.imag.default:
            return args[0].both[1]
        if target is _ATEN._conj.default:
            return _Pair(args[0].real, -args[0].both[1])
        if target is _ATEN.view_as_real.default:
            return _Viewed(args[0])
        if target in _BILINEAR:
            return _product(target, args)
        if target is _ATEN.div.Tensor:
            return _partwise(target, (args[0],), args[1:], kwargs)
        return _partwise(target, args, (), kwargs)


def _partwise(target: Any, args: tuple[Any, ...], rest: tuple[Any, ...], kwargs: dict[str, Any]) -> _Pair:
    """Do `target` to the real parts and to the imaginary parts; real tensors have zeros there."""

    def part(value: Any, number: int) -> Any:
        if isinstance(value, _Pair):
            return value.both[number]
        return torch.zeros_like(value) if number and isinstance(value, torch.Tensor) else value

    def both(number: int) -> Any:
        parts = pytree.tree_map(lambda value: part(value, number), args, is_leaf=lambda v: isinstance(v, _Pair))
        return target(*parts, *rest, **kwargs)

    return _Pair(both(0), both(1))


def _product(target: Any, args: tuple[Any, ...]) -> _Pair:
    """Return the product of two values, at least one of them complex."""
    einsum = target is _ATEN.einsum.default
    left, right = args[1] if einsum else args[:2]

    def times(a: Any, b: Any) -> Any:
        return target(args[0], [a, b]) if einsum else target(a, b)

    if not isinstance(left, _Pair):
        c, d = right.both
        return _Pair(times(left, c), times(left, d))
    if not isinstance(right, _Pair):
        a, b = left.both
        return _Pair(times(a, right), times(b, right))
    (a, b), (c, d) = left.both, right.both
    return _Pair(times(a, c) - times(b, d), times(a, d) + times(b, c))


def _transform(args: tuple[Any, ...], kwargs: dict[str, Any], inverse: bool, dims: int) -> _Pair:
    """Return the discrete Fourier transform over one dimension, or over two."""
    value, size, dim, norm = [*args, None, None, None][:4]
    size, dim, norm = kwargs.get("s", kwargs.get("n", size)), kwargs.get("dim", dim), kwargs.get("norm", norm)
    if dim is None:
        dim = [-2, -1] if dims == 2 else -1
    if size is not None:
        raise NotImplementedError("a Fourier transform that cuts off or pads its input")
    pair = value if isinstance(value, _Pair) else _Pair(value, None)
    for one in [dim] if isinstance(dim, int) else dim:
        pair = _along(pair, one, inverse, norm or "backward")
    return pair


def _below_autograd(target: Any, value: Any, dims: list[int], norm: int, last: bool) -> _Pair:
    """Return a transform over `dims`, divided by the root of their length (`norm` 1) or by it (2).

    `last` says of the transform of a complex tensor that it is no inverse one.
    """
    inverse = target is _ATEN._fft_c2c.default and not last
    pair = value if isinstance(value, _Pair) else _Pair(value, None)
    for dim in dims:
        pair = _along(pair, dim, inverse, "ortho" if norm == 1 else "backward" if (norm == 2) == inverse else "forward")
    return pair


def _along(pair: _Pair, dim: int, inverse: bool, norm: str) -> _Pair:
    """Return the transform of `pair` over one dimension.

    The angle's integer factor is reduced first: in f32 that of a long transform would have lost its fraction.
    """
    real = pair.real.movedim(dim, -1)
    length = int(real.shape[-1])
    steps = torch.arange(length)
    turns = (steps[:, None] * steps[None, :] % length).to(real.dtype) * ((2.0 if inverse else -2.0) * math.pi / length)
    scale = 1.0 / math.sqrt(length) if norm == "ortho" else 1.0 / length if (norm == "backward") == inverse else 1.0
    cosines, sines = torch.cos(turns) * scale, torch.sin(turns) * scale
    if pair.imaginary is None:
        return _Pair((real @ cosines).movedim(-1, dim), (real @ sines).movedim(-1, dim))
    imaginary = pair.imaginary.movedim(dim, -1)
    return _Pair(
        (real @ cosines - imaginary @ sines).movedim(-1, dim), (real @ sines + imaginary @ cosines).movedim(-1, dim)
    )


_PARTS = (_ATEN.real.default, _ATEN.imag.default, _ATEN.view_as_real.default, _ATEN._conj.default)
_KNOWN = frozenset({*_TRANSFORMS, *_BELOW_AUTOGRAD, *_PARTWISE, *_BILINEAR, *_PARTS, _ATEN.div.Tensor})


def _is_known(node: torch.fx.Node) -> bool:
    """Tell whether an operation on complex tensors is known; of a real tensor's transform, all of its result."""
    return node.target in _KNOWN and not (node.target is _ATEN._fft_r2c.default and node.args[3])


def _touches_complex(node: torch.fx.Node) -> bool:
    """Tell whether a node takes or makes a tensor of complex numbers."""
    values = pytree.tree_leaves([each.meta.get("val") for each in (node, *node.all_input_nodes)])
    return node.op == "call_function" and any(
        isinstance(value, torch.Tensor) and value.is_complex() for value in values
    )


def _is_complex(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_complex()
