"""Results against torch's: equal up to rounding, where rounding is what a moved last place may do to the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

RELATIVE = {torch.float32: 5e-6, torch.float64: 1e-12, torch.bfloat16: 1e-2, torch.float16: 1.5e-3}
"""What a float may be off by, of itself, before noise is asked; where it may not be so little, see `BESIDE`."""

BESIDE = {torch.float32: 1e-5, torch.float64: 5e-10, torch.bfloat16: 2.5e-2, torch.float16: 4e-3}
"""What it may be off by of 1 or the greatest beside it, whichever is less, before it is looked at alone."""

RUNS = 24
SPREAD = 6.0
"""How many times the spread that noise makes a result may be off."""

Values = Sequence[torch.Tensor]


@dataclass(frozen=True)
class Difference:
    """Where results differ by more than rounding; `text` names the first places."""

    output: int
    text: str


@dataclass(frozen=True)
class Exact:
    """What tells more of the results of a recipe than torch's own: each by its number."""

    wide: Callable[[], Values]
    """Computes them with each step in float64, rounded behind it."""
    determined: Sequence[bool]
    """Those that leave no choice to rounding; such a result is equal to the last bit."""
    is_finite: Callable[[], Values]
    """Which elements of `wide` are finite before they are rounded."""


def compare(
    found: Values, expected: Values, noisy: Callable[[int], Values], exact: Exact | None = None
) -> tuple[Difference | None, bool]:
    """Return where `found` is wrong, None where it is right, and whether noise was asked to tell.

    `noisy(seed)` computes the expected results again with noise in each step that rounds. What is as near to those of
    `exact.wide` as it should be to torch's is right, too. torch's own kernels for narrower floats are not always: those
    for bfloat16 take subnormal numbers for zero, make NaN of infinities in convolutions whose channels they pad, and
    find a variance by the difference of two sums; convolutions may or may not multiply zeros of the padding by infinite
    weights. What torch makes infinite or NaN and float64 does not has overflowed inside a step, and tells nothing: a
    variance of 1e36 is infinite in f32, and what a normalisation makes of it depends on the order of its steps. Where
    the result itself is beyond the range, it is infinite or NaN, whichever the order of the steps makes it. Without
    `exact`, which there is not for L-Mul, the expected results alone count.
    """
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        if one.shape != other.shape or one.dtype != other.dtype:
            return Difference(number, f"{one.dtype} {tuple(one.shape)} for {other.dtype} {tuple(other.shape)}"), False
    determined = exact.determined if exact is not None else [False] * len(found)
    pairs = zip(found, expected, determined, strict=True)
    suspects = [number for number, (one, other, is_known) in enumerate(pairs) if _off(one, other, is_known).any()]
    if not suspects:
        return None, False
    wide = exact.wide() if exact is not None else None
    finite = exact.is_finite() if exact is not None else None
    moved: list[Values] = []
    for number in suspects:
        one, other = found[number], expected[number]
        wrong = _off(one, other, determined[number])
        if wide is not None and finite is not None:
            wrong &= _off(one, wide[number], determined[number])
            if not determined[number] and other.dtype.is_floating_point:
                has_overflown = finite[number] & ~other.isfinite()
                wrong &= ~has_overflown | (one.isfinite() & ~wide[number].isfinite())
        if wrong.any() and not determined[number]:
            moved = moved or [noisy(seed) for seed in range(RUNS)]
            reach = SPREAD * torch.stack([_distance(run[number], other) for run in moved]).amax(0)
            for reference in (other, other if wide is None else wide[number]):
                wrong &= ~(_distance(one, reference) <= reach)
        if wrong.any():
            return Difference(number, _places(one, other, wrong)), bool(moved)
    return None, bool(moved)


def is_off(found: torch.Tensor, expected: torch.Tensor) -> bool:
    """Tell whether results differ by more than a usual rounding, in a sum whose terms cancel, too."""
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return True
    finite = torch.where(expected.isfinite(), expected, 0).double().abs()
    beside = BESIDE.get(expected.dtype, 0.0) * float(finite.max().clamp(max=1.0) if finite.numel() else 0.0)
    return bool(_off(found, expected, beside=beside).any())


def _off(found: torch.Tensor, expected: torch.Tensor, determined: bool = False, beside: float = 0.0) -> torch.Tensor:
    """Tell which elements are farther apart than they may be before noise is asked; `beside` is allowed to all."""
    dtype = expected.dtype
    if determined or not dtype.is_floating_point:
        return _distance(found, expected) > 0
    finite = torch.where(expected.isfinite(), expected, 0).double().abs()
    least = 4 * torch.finfo(dtype).smallest_normal * torch.finfo(dtype).eps
    return ~(_distance(found, expected) <= RELATIVE[dtype] * finite + least + beside)


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
