"""One workload: a torch module of known size with example inputs, and what one call of it must do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from ..errors import ArgumentError

if TYPE_CHECKING:
    import torch

    Built: TypeAlias = tuple[torch.nn.Module, tuple[torch.Tensor, ...]]
else:
    Built = Any

Family = Literal[
    "product",
    "elementwise",
    "encoder",
    "prefill",
    "decode",
    "mixture-of-experts",
    "vision-transformer",
    "convolution",
    "mixer",
    "encoder-decoder",
    "speech",
    "text-and-image",
    "recurrent",
    "state-space",
    "medcalc",
    "peft",
    "peft-training",
]
FAMILIES: tuple[str, ...] = get_args(Family)

Size: TypeAlias = int | tuple[int, ...]
Sizes: TypeAlias = Mapping[str, Size]
"""Sizes by name: `batch`, `tokens`, `layers`, ...; several numbers where a model has one for each of its stages."""

SMALL = "small"


@dataclass(frozen=True)
class Graph:
    """A graph of the registry, f32: a builder with the sizes that it is called with.

    A decode step writes the new keys and values into the caches among its inputs. Calling it again with the same
    inputs writes the same values to the same place, so calls may be repeated and compared as they are.
    """

    name: str
    """Unique, e.g. `matmul-128x768x768`, `bert-base-1x128`, `opt-125m-decode-8`; of a variant, the sizes behind a
    colon: `opt-125m-decode-8:layers=2`."""
    family: Family
    what: str
    """One line for people."""
    build: Callable[[], Built]
    """Return the module, in evaluation mode, and example inputs. Weights and inputs are the same at each call."""
    flops: int | None
    """Floating-point operations of the matrix products of one call, a multiply-add counted as two; `None` where the
    graph has no products."""
    bytes: int | None
    """Bytes that one call must read from or write to memory at least once: weights, inputs and results. Of an embedding
    table that is only looked up, the rows looked up. `None`: this and `flops` are counted once the graph is built."""
    tolerance: float
    """Largest difference from torch, as a share of the largest magnitude of what torch returns, that exact f32 code
    may show."""
    functional: Callable[[], Built] | None = None
    """The same for those that cannot write into inputs (ONNX, OpenVINO, IREE): the module leaves its inputs alone and
    returns the new caches behind the result. `None` where `build` writes into no input."""
    workload: str = ""
    """What graphs of one builder in several sizes are called together, e.g. `opt-125m-prefill`; empty: as `name`."""
    sizes: Sizes = field(default_factory=dict, hash=False)
    """The sizes that it was made with."""
    small_sizes: Sizes = field(default_factory=dict, hash=False)
    """Those of the sizes that are others in the small form, the one that tests compile."""
    make: Callable[[Sizes], Graph] | None = None
    """Make the graph in other sizes, all of them given. `None`: it has this one only."""
    tags: tuple[str, ...] = ()
    """Words to choose by, e.g. `causal`, `grouped-queries`, `rotary`."""
    source: str = ""
    """The paper, architecture or formula that it follows."""

    def at(self, **sizes: Size) -> Graph:
        """Return the graph with some sizes changed; its name tells which.

        Raises ArgumentError for a size that it has not, or that is not positive.
        """
        changed = {name: self._checked(name, size) for name, size in sizes.items()}
        if self.make is None or not changed:
            return self
        text = ",".join(f"{name}={size_text(size)}" for name, size in changed.items())
        return self._renamed(self.make({**self.sizes, **changed}), text)

    def small(self) -> Graph:
        """Return the small form; of a graph that has none, itself."""
        if self.make is None or not self.small_sizes:
            return self
        return self._renamed(self.make({**self.sizes, **self.small_sizes}), SMALL)

    def variant(self, text: str) -> Graph:
        """Return the graph in the sizes that a text says: `tokens=64,layers=2`, `depths=1+1`, `small`, or several.

        Raises ArgumentError as `at` does, and for a text that says no size.
        """
        found = self
        for part in text.split(","):
            name, separator, value = part.partition("=")
            if part == SMALL:
                found = found.small()
            elif separator:
                found = found.at(**{name: _size(self.name, name, value)})
            else:
                raise ArgumentError(f"{self.name}: expected sizes such as tokens=64, or {SMALL}; found {part!r}")
        return found

    def _renamed(self, made: Graph, text: str) -> Graph:
        name = f"{self.name}{',' if ':' in self.name else ':'}{text}"
        return replace(made, name=name, workload=self.workload)

    def _checked(self, name: str, size: Size) -> Size:
        if name not in self.sizes:
            known = ", ".join(self.sizes) or "none"
            raise ArgumentError(f"{self.name}: expected one of its sizes ({known}), found {name!r}")
        several = isinstance(self.sizes[name], tuple)
        numbers = size if isinstance(size, tuple) else (size,)
        if (len(numbers) > 1 and not several) or any(number < 1 for number in numbers):
            wanted = "positive numbers joined by +" if several else "a positive number"
            raise ArgumentError(f"{self.name}: {name}: expected {wanted}, found {size_text(size)}")
        return numbers if several else numbers[0]


def number(sizes: Sizes, name: str) -> int:
    """Return a size that is one number."""
    size = sizes[name]
    assert isinstance(size, int)
    return size


def numbers(sizes: Sizes, name: str) -> tuple[int, ...]:
    """Return a size that is several numbers."""
    size = sizes[name]
    assert isinstance(size, tuple)
    return size


def _size(graph: str, name: str, text: str) -> Size:
    try:
        numbers = tuple(int(part) for part in text.split("+"))
    except ValueError:
        raise ArgumentError(f"{graph}: {name}: expected whole numbers, found {text!r}") from None
    return numbers if len(numbers) > 1 else numbers[0]


def size_text(size: Size) -> str:
    """Return a size as the command line takes it: `64`, `1+1`."""
    return "+".join(map(str, size)) if isinstance(size, tuple) else str(size)
