"""One workload: a torch module of known size with example inputs, and what one call of it must do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import torch

    Built: TypeAlias = tuple[torch.nn.Module, tuple[torch.Tensor, ...]]
else:
    Built = Any

Family = Literal["product", "elementwise", "encoder", "prefill", "decode", "peft", "peft-training"]


@dataclass(frozen=True)
class Graph:
    """A graph of the benchmark suite, f32.

    A decode step writes the new keys and values into the caches among its inputs. Calling it again with the same
    inputs writes the same values to the same place, so calls may be repeated and compared as they are.
    """

    name: str
    """Unique, e.g. `matmul-128x768x768`, `bert-base-1x128`, `opt-125m-decode-8`."""
    family: Family
    what: str
    """One line for people."""
    build: Callable[[], Built]
    """Return the module, in evaluation mode, and example inputs. Weights and inputs are the same at each call."""
    flops: int | None
    """Floating-point operations of the matrix products of one call, a multiply-add counted as two; `None` where the
    graph has no products."""
    bytes: int
    """Bytes that one call must read from or write to memory at least once: weights, inputs and results. Of an embedding
    table that is only looked up, the rows looked up."""
    tolerance: float
    """Largest difference from torch, as a share of the largest magnitude of what torch returns, that exact f32 code
    may show."""
    functional: Callable[[], Built] | None = None
    """The same for those that cannot write into inputs (ONNX, OpenVINO, IREE): the module leaves its inputs alone and
    returns the new caches behind the result. `None` where `build` writes into no input."""
