"""Another arithmetic under a torch graph: the multiplies of a scope are taken over while torch runs the rest.

The multiplies are those that slipstick finds in the same graph, in the same scopes: matrix products, of two computed
operands (`attention`) or with a parameter (`linear`), and element-wise ones, those inside GELU and layer norm included.
`check_coverage` holds the two counts against each other.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from ..errors import GraphError
from ..kernels.lmul import ScopeClass
from ..passes.lmul_report_data import LMulReport

_SCOPES: Final[tuple[ScopeClass, ...]] = ("attention", "linear", "elementwise")

_INEXACT: Final = frozenset(
    {
        torch.ops.aten._safe_softmax.default,
        torch.ops.aten._softmax.default,
        torch.ops.aten.div.Tensor,
        torch.ops.aten.linalg_vector_norm.default,
        torch.ops.aten.sum.dim_IntList,
        torch.ops.aten.tanh.default,
    }
)
"""Other operations whose results depend on the order of sums, or on how a function is approximated."""


class Arithmetic(Protocol):
    """How operands are multiplied; results have the operands' dtype."""

    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the matrix product of [m, k] and [k, n], or of batches of such."""

    def multiply(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the products, element by element; the operands broadcast against each other."""


class Exact:
    """The arithmetic of torch."""

    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        """Return torch's matrix product."""
        return torch.matmul(x, y)

    def multiply(self, x: Tensor, y: Tensor) -> Tensor:
        """Return torch's products."""
        return torch.mul(x, y)


class Rounded:
    """Operands rounded by a function of the tensor; products and sums as in torch."""

    def __init__(self, rounded: Callable[[Tensor], Tensor]):
        self._rounded = rounded

    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the matrix product of the rounded operands."""
        return torch.matmul(self._rounded(x), self._rounded(y))

    def multiply(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the products of the rounded operands."""
        return torch.mul(self._rounded(x), self._rounded(y))


@contextmanager
def multiplying(
    arithmetic: Arithmetic, scope: str, parameters: Iterable[Tensor], *, noise: torch.Generator | None = None
) -> Iterator[Counter[ScopeClass]]:
    """Take over the float multiplies of `scope` that torch executes in the block, outside autograd.

    `scope`: "attention", "linear", "elementwise", "all", or several of them joined by "+". `parameters` tells linear
    layers from attention: tensors that share their memory, such as transposed weights, count as parameters too. Yields
    the number of multiplies seen in each scope so far, whether taken over or not.

    With `noise`, results that two right programs may round differently (sums, quotients, exponentials and the like)
    are changed at random by up to one unit in the last place.
    """
    mode = _Multiplies(arithmetic, _SCOPES if scope == "all" else scope.split("+"), parameters, noise)
    # Attention in torch's own kernels is one operation that hides its products; as composed of matrix products it
    # scales both of its operands, which is what export makes of it, too.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), mode:
        yield mode.counts


def check_coverage(seen: Counter[ScopeClass], compiled: LMulReport) -> None:
    """Raise GraphError where torch ran other multiplies, by number and scope, than the compiled graph executes."""
    for scope in _SCOPES:
        expected = compiled.totals(scope).executed.before.all_multiplies
        if seen[scope] != expected:
            raise GraphError(
                f"torch's run of the graph shows {seen[scope]:,} multiplies of the scope {scope}, the compiled graph "
                f"has {expected:,}: it holds an operation that multiplies and that the study cannot take over"
            )


class _Multiplies(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, arithmetic: Arithmetic, scopes: Iterable[str], parameters: Iterable[Tensor], noise: Any):
        super().__init__()  # type: ignore[no-untyped-call]
        self.counts: Counter[ScopeClass] = Counter()
        self._arithmetic = arithmetic
        self._scopes = frozenset(scopes)
        self._noise: torch.Generator | None = noise
        self._parameters = {_memory(tensor) for tensor in parameters}
        aten = torch.ops.aten
        self._replacements: dict[Any, Callable[..., Any]] = {
            aten.mm.default: self._product,
            aten.bmm.default: self._product,
            aten.addmm.default: self._product_and_sum,
            aten.mul.Tensor: self._multiply,
            aten.mul.Scalar: self._multiply,
            aten.gelu.default: self._gelu,
            aten.native_layer_norm.default: self._layer_norm,
        }

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        replacement = self._replacements.get(func)
        if replacement is None or not any(isinstance(a, Tensor) and a.is_floating_point() for a in args):
            result = func(*args, **(kwargs or {}))
            return self._inexact(result) if func in _INEXACT else result
        return replacement(*args, **(kwargs or {}))

    def _product(self, x: Tensor, y: Tensor) -> Tensor:
        scope: ScopeClass = "linear" if {_memory(x), _memory(y)} & self._parameters else "attention"
        self.counts[scope] += x.numel() * y.shape[-1]
        return self._inexact(self._of(scope).matmul(x, y))

    def _product_and_sum(self, bias: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return bias + self._product(x, y)

    def _multiply(self, x: Tensor, y: Tensor | float) -> Tensor:
        if not isinstance(y, Tensor):
            y = torch.tensor(y, dtype=x.dtype)
        elif y.dtype != x.dtype:
            dtype = torch.result_type(x, y)
            x, y = x.to(dtype), y.to(dtype)
        product = self._of("elementwise").multiply(x, y)
        self.counts["elementwise"] += product.numel()
        return product

    def _gelu(self, x: Tensor, approximate: str = "none") -> Tensor:
        """Write out GELU as torch-mlir does, x ((erf(x / sqrt 2) + 1) / 2)."""
        if approximate != "none":
            raise GraphError(f"gelu: approximate={approximate!r}: the study takes over the exact GELU only")
        halves = self._multiply(self._inexact(torch.erf(x / math.sqrt(2))) + 1, 0.5)
        return self._multiply(x, halves)

    def _layer_norm(
        self, x: Tensor, shape: list[int], weight: Tensor | None, bias: Tensor | None, epsilon: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Write out layer norm as it is compiled: mean, squared deviations and their sum in the format of x."""
        axes = tuple(range(-len(shape), 0))
        mean = self._inexact(x.mean(axes, keepdim=True))
        deviation = x - mean
        variance = self._inexact(self._multiply(deviation, deviation).sum(axes, keepdim=True) / math.prod(shape))
        scale = self._inexact(torch.rsqrt(variance + epsilon))
        result = self._multiply(deviation, scale)
        if weight is not None:
            result = self._multiply(result, weight)
        return (result if bias is None else result + bias), mean, scale

    def _inexact(self, x: Tensor) -> Tensor:
        """Return a result that other programs may round in another way, with the noise that was asked for."""
        if self._noise is None:
            return x
        drawn = torch.rand(x.shape, generator=self._noise, dtype=x.dtype)
        return x * (1 + (2 * drawn - 1) * torch.finfo(x.dtype).eps)

    def _of(self, scope: ScopeClass) -> Arithmetic:
        return self._arithmetic if scope in self._scopes else Exact()


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
