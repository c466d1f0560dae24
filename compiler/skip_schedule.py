"""How deep a SkipDecode run goes at each position: a value, checked when it is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import ArgumentError
from ..passes.executed_layers import executed_layers
from .options import SkipPaths


@dataclass(frozen=True)
class SkipSchedule:
    """One exit depth for each position of a sequence, shared by the whole batch (SkipDecode, arXiv 2307.02628).

    Up to position `start`, the end of the prompt, `max_layers` run. From there the depth falls in a straight line to
    `min_layers` at position `length`, the planned length, and stays there:

        depth(t) = clamp(round(max_layers - (max_layers - min_layers) * (t - start) / (length - start)))

    with halves rounded up. At depth e run the first `warmup` layers, then the top e - `warmup`: what runs at one
    position has run at all before, so that its cache is complete. (A `Generator` runs prompts at full depth, whatever
    `max_layers` is.) `of_depths` gives any other sequence that never rises.

    Raises `ArgumentError` unless 0 <= warmup <= min_layers <= max_layers, min_layers >= 1 and 0 <= start < length.
    """

    max_layers: int
    min_layers: int
    warmup: int
    start: int
    length: int
    depths: tuple[int, ...] | None = None
    """The depths of the positions from `start` to before `length`; `None`: the straight line."""

    def __post_init__(self) -> None:
        for name in ("max_layers", "min_layers", "warmup", "start", "length"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise ArgumentError(f"{name}: expected an integer, found {value!r}")
        if self.min_layers < 1:
            raise ArgumentError(f"min_layers: expected at least 1, found {self.min_layers}")
        if self.max_layers < self.min_layers:
            raise ArgumentError(
                f"max_layers: expected at least {self.min_layers} (min_layers), found {self.max_layers}"
            )
        if not 0 <= self.warmup <= self.min_layers:
            raise ArgumentError(f"warmup: expected 0 to {self.min_layers} (min_layers), found {self.warmup}")
        if self.start < 0:
            raise ArgumentError(f"start: expected at least 0, found {self.start}")
        if self.length <= self.start:
            raise ArgumentError(f"length: expected more than {self.start} (start), found {self.length}")
        if self.depths is not None:
            self._check_depths(self.depths)

    def _check_depths(self, depths: tuple[int, ...]) -> None:
        if len(depths) != self.length - self.start:
            raise ArgumentError(f"depths: expected {self.length - self.start} of them, found {len(depths)}")
        before = self.max_layers
        for number, depth in enumerate(depths):
            if not isinstance(depth, int) or isinstance(depth, bool):
                raise ArgumentError(f"depths[{number}]: expected an integer, found {depth!r}")
            if not self.min_layers <= depth <= self.max_layers:
                raise ArgumentError(
                    f"depths[{number}]: expected {self.min_layers} to {self.max_layers} layers, found {depth}"
                )
            if depth > before:
                text = f"depths[{number}]: expected at most {before}, as before, found {depth}"
                raise ArgumentError(f"{text}: a layer that was left out has an incomplete cache")
            before = depth

    @classmethod
    def of_depths(cls, depths: Sequence[int], *, warmup: int, start: int) -> SkipSchedule:
        """Return the schedule with these depths at the positions from `start` on; the last one stays.

        Raises `ArgumentError` where the depths rise, where there are none, or `warmup` is above one of them.
        """
        listed = tuple(depths)
        if not listed or any(not isinstance(depth, int) or isinstance(depth, bool) for depth in listed):
            raise ArgumentError(f"depths: expected at least one integer and nothing else, found {list(depths)!r}")
        return cls(max(listed), min(listed), warmup, start, start + len(listed), listed)

    @classmethod
    def constant(cls, depth: int, *, warmup: int, start: int) -> SkipSchedule:
        """Return the schedule that runs `depth` layers at every position."""
        return cls(depth, depth, warmup, start, start + 1)

    def depth(self, position: int) -> int:
        """Return how many layers run at a position, from 0; raise `ArgumentError` for a negative one."""
        if position < 0:
            raise ArgumentError(f"position: expected at least 0, found {position}")
        if self.depths is not None:
            return (
                self.max_layers if position < self.start else self.depths[min(position, self.length - 1) - self.start]
            )
        # In integers, so that halves are exact: 2 * span * depth, then the floor of depth + 1/2.
        span = self.length - self.start
        twice = 2 * span * self.max_layers - 2 * (self.max_layers - self.min_layers) * (position - self.start)
        return min(max((twice + span) // (2 * span), self.min_layers), self.max_layers)

    def layers(self, position: int, total: int | None = None) -> tuple[int, ...]:
        """Return the layers, from 0, that run at a position, of a model of `total` layers (default: `max_layers`)."""
        layers = self.max_layers if total is None else total
        self.check_model(layers)
        return executed_layers(layers, self.warmup, self.depth(position))

    @property
    def paths(self) -> SkipPaths:
        """The paths that `slipstick.compile` is to make for it."""
        return SkipPaths(self.min_layers, self.max_layers, self.warmup)

    def mean_depth(self, positions: range | None = None) -> float:
        """Return the mean depth over `positions` (default: from `start` to before `length`)."""
        where = range(self.start, self.length) if positions is None else positions
        if not where:
            raise ArgumentError("positions: expected at least one, found none")
        return sum(map(self.depth, where)) / len(where)

    def check_model(self, layers: int) -> None:
        """Raise `ArgumentError` where a model of so many layers cannot run the schedule."""
        if self.max_layers > layers:
            raise ArgumentError(
                f"max_layers: expected at most {layers} (the layers of the model), found {self.max_layers}"
            )

    def text(self, total: int | None = None, width: int = 64) -> str:
        """Return a picture in characters: a row for each layer, the top one first, a column for each position.

        `#` runs, `.` is left out. Of more positions than `width` only as many, evenly spaced, are shown.
        """
        layers = self.max_layers if total is None else total
        positions = list(_spread(self.start, self.length, width))
        runs = [set(self.layers(position, layers)) for position in positions]
        rows = [
            f"{layer:>5} " + "".join("#" if layer in executed else "." for executed in runs)
            for layer in reversed(range(layers))
        ]
        ends = f"{positions[0]}".ljust(max(len(positions) - len(str(positions[-1])), 0)) + f"{positions[-1]}"
        return "\n".join(["layer", *rows, f"      {ends if len(positions) > 1 else positions[0]}  position"])


def _spread(first: int, end: int, most: int) -> Iterator[int]:
    """Yield at most `most` positions from `first` to before `end`, both ends included, evenly spaced."""
    count = end - first
    shown = min(count, max(most, 1))
    for number in range(shown):
        yield first + (number * (count - 1) // (shown - 1) if shown > 1 else 0)
