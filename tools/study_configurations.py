"""What the study of quality compares: the ways in which an encoder may multiply."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from ..kernels.lmul import LMul, Rounding
from ..kernels.lmul_offset import Offset

Format = Literal["bf16", "e4m3", "e5m2"]

MANTISSA_BITS: Final = (2, 3, 4, 5, 6, 7, 23)
PRODUCTS: Final = "attention+linear"
"""The scope of all matrix products; "all" holds the element-wise multiplies too."""
_SCOPES: Final = ("attention", "linear", "all")
_EVERY_SCOPE: Final = ("attention", "linear", PRODUCTS, "all")
WHERE: Final = {
    "": "",
    "attention": "in attention",
    "linear": "in linear layers",
    PRODUCTS: "in matrix products",
    "all": "everywhere",
}
"""Every scope in words."""


@dataclass(frozen=True)
class Configuration:
    """One way of multiplying: compiled by slipstick, or, with `format`, a baseline that torch computes.

    A baseline rounds the operands of the multiplies in `scope` to bfloat16, or to a float of 8 bits scaled per tensor;
    products and sums are those of f32.
    """

    lmul: LMul | None = None
    weights: str = "f32"
    """As in `slipstick.compile`."""
    format: Format | None = None
    scope: str = ""
    """Of a baseline; that of L-Mul is its own."""

    @property
    def where(self) -> str:
        """The scope: "attention", "linear", "attention+linear", "all"; empty for exact multiplies."""
        return self.scope if self.lmul is None else self.lmul.scope

    @property
    def arithmetic(self) -> str:
        """What multiplies, without the scope."""
        if self.format is not None:
            return self.format if self.format == "bf16" else f"fp8 {self.format}"
        if self.lmul is None:
            text = "exact"
        else:
            text = f"L-Mul k={self.lmul.mantissa_bits} {self.lmul.rounding} {self.lmul.offset}"
        return text if self.weights == "f32" else f"{text}, weights {self.weights}"

    @property
    def name(self) -> str:
        """The whole in words."""
        return f"{self.arithmetic} {WHERE[self.where]}".strip()

    @property
    def as_in_the_paper(self) -> bool:
        """Whether it is no L-Mul, or L-Mul with the paper's own rounding and offset."""
        return self.lmul is None or (self.lmul.rounding, self.lmul.offset) == ("truncate", "paper")

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


EXACT: Final = Configuration()
"""Compiled with exact multiplies."""


def lmul_configuration(
    mantissa_bits: int, scope: str, rounding: Rounding = "truncate", offset: Offset = "paper"
) -> Configuration:
    """Return L-Mul under the policy `finite`; by default as in the paper, truncated and with its offset."""
    return Configuration(LMul(mantissa_bits, rounding, "finite", scope, offset))


def baseline(format_: Format, scope: str) -> Configuration:
    """Return a baseline."""
    return Configuration(format=format_, scope=scope)


def whole_grid() -> tuple[Configuration, ...]:
    """Return all that the study compares, each once, the paper's own configurations first."""
    grid = [EXACT, *baselines()]
    grid += [lmul_configuration(k, scope) for scope in _EVERY_SCOPE for k in MANTISSA_BITS]
    grid += [Configuration(weights="lm8"), Configuration(lmul_configuration(4, "all").lmul, weights="lm8")]
    grid += _other_roundings()
    return tuple(grid)


def quick_grid() -> tuple[Configuration, ...]:
    """Return what the claims of the paper need, and no more."""
    scopes = ("attention", "all")
    grid = [EXACT, *(baseline(format_, scope) for scope in scopes for format_ in get_args(Format))]
    grid += [lmul_configuration(k, scope) for scope in scopes for k in (3, 4)]
    return tuple(grid)


def baselines() -> list[Configuration]:
    """Return every baseline in every scope."""
    return [baseline(format_, scope) for scope in _EVERY_SCOPE for format_ in get_args(Format)]


def _other_roundings() -> Iterator[Configuration]:
    for rounding in get_args(Rounding):
        for offset in get_args(Offset):
            if (rounding, offset) != ("truncate", "paper"):
                for scope in _SCOPES:
                    for k in MANTISSA_BITS:
                        yield lmul_configuration(k, scope, rounding, offset)
