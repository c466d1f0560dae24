"""Results against torch's: equal up to rounding, where rounding is what a moved last place may do to the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

RELATIVE = {torch.float32: 2e-5, torch.float64: 1e-9, torch.bfloat16: 2.5e-2, torch.float16: 4e-3}
"""What a float may be off by, of itself and of the greatest one beside it."""

NOISE = {torch.float32: 3e-7, torch.float64: 4e-15, torch.bfloat16: 2.0**-8, torch.float16: 2.0**-10}
"""What rounding may move a value by in one step, relative to itself."""

RUNS = 24
SPREAD = 6.0
"""How many times the spread that noise makes a result may be off."""

Values = Sequence[torch.Tensor]


@dataclass(frozen=True)
class Difference:
    """Where results differ by more than rounding; `text` names the first places."""

    output: int
    text: str


def noise(seed: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return what moves floats as rounding might: by a part of themselves, and of the greatest among them."""
    generator = torch.Generator().manual_seed(seed)

    def move(value: torch.Tensor) -> torch.Tensor:
        size = NOISE.get(value.dtype)
        if size is None or not value.numel():
            return value
        wide = value.double()
        finite = torch.where(wide.isfinite(), wide, 0.0)
        signs = 2 * torch.rand(value.shape, generator=generator, dtype=torch.float64) - 1
        moved = wide + signs * size * (finite.abs() + 0.3 * finite.abs().max())
        return torch.where(wide.isfinite() & (wide != 0), moved, wide).to(value.dtype)

    return move


def compare(
    found: Values, expected: Values, noisy: Callable[[int], Values], wide: Callable[[], Values] | None = None
) -> tuple[Difference | None, bool]:
    """Return where `found` is wrong, None where it is right, and whether noise was asked to tell.

    `noisy(seed)` computes the expected results again with noise in each step. `wide()` computes them with each step in
    float64, rounded behind it: what is right by that is right. torch's own kernels for narrower floats are not always:
    those for bfloat16 take subnormal numbers for zero, make NaN of infinities in convolutions whose channels they pad,
    and find a variance by the difference of two sums; convolutions may or may not multiply zeros of the padding by
    infinite weights.
    """
    suspects = [number for number, pair in enumerate(zip(found, expected, strict=True)) if _places_off(*pair).any()]
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        if one.shape != other.shape or one.dtype != other.dtype:
            return Difference(number, f"{one.dtype} {tuple(one.shape)} for {other.dtype} {tuple(other.shape)}"), False
    if not suspects:
        return None, False
    moved = [noisy(seed) for seed in range(RUNS)]
    for number in suspects:
        one, other = found[number], expected[number]
        off = _places_off(one, other)
        spread = torch.stack([_distance(run[number], other) for run in moved]).amax(0)
        wrong = off & ~(_distance(one, other) <= SPREAD * spread)
        if wrong.any() and wide is not None:
            wrong = wrong & _places_off(one, wide()[number])
        if wrong.any():
            return Difference(number, _places(one, other, wrong)), True
    return None, True


def is_off(found: torch.Tensor, expected: torch.Tensor) -> bool:
    """Tell whether results differ by more than a usual rounding."""
    return bool(_places_off(found, expected).any())


def _places_off(found: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return torch.ones((), dtype=torch.bool)
    relative = RELATIVE.get(expected.dtype, 0.0)
    wide = expected.double()
    finite = torch.where(wide.isfinite(), wide.abs(), 0.0)
    scale = finite.max() if finite.numel() else finite.sum()
    return ~(_distance(found, expected) <= relative * (finite + 0.5 * scale))


def _distance(found: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Return how far numbers are apart; NaN from NaN and an infinity from itself are 0, from others infinitely far."""
    if not expected.dtype.is_floating_point:
        return torch.where(found != expected, torch.inf, 0.0).double()
    one, other = found.double(), expected.double()
    same = (one == other) | (one.isnan() & other.isnan())
    return torch.where(same, 0.0, torch.nan_to_num((one - other).abs(), nan=torch.inf))


def _places(found: torch.Tensor, expected: torch.Tensor, wrong: torch.Tensor) -> str:
    places = wrong.nonzero()[:3].tolist() if wrong.dim() else [[]]
    texts = [f"{place}: {found[tuple(place)].item()} for {expected[tuple(place)].item()}" for place in places]
    return f"{int(wrong.sum())} of {wrong.numel()} elements differ: {'; '.join(texts)}"
