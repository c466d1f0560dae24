"""What bounds the hottest loop: the units of a CPU that its operations keep busy, instructions a cycle, waiting.

Numbers of units are those that LLVM's scheduling models give, for operations on whole vectors; where CPUs of one
instruction set differ, they are typical. The trees learn what they are worth for each CPU.
"""

from __future__ import annotations

from collections.abc import Mapping

from .machine import Machine

_KINDS = {
    "loads": "load maskedload scalarload gather",
    "stores": "store maskedstore scalarstore",
    "arithmetic": "fma fp sign sqrt div minmax ieeeminmax round cmp select convert width int mul logic shift iminmax",
    "shuffles": "shuffle extract insert broadcast reduce",
}
_KIND = {class_: kind for kind, classes in _KINDS.items() for class_ in classes.split()}
_UNITS = {
    "avx512": {"loads": 2.0, "stores": 1.0, "arithmetic": 2.0, "shuffles": 1.0},
    "avx2": {"loads": 2.0, "stores": 1.0, "arithmetic": 2.0, "shuffles": 1.0},
    "aarch64": {"loads": 3.0, "stores": 2.0, "arithmetic": 4.0, "shuffles": 4.0},
}
"""By instruction set: operations that are begun in a cycle."""
_SLOW = {"div": 8.0, "sqrt": 12.0, "ieeeminmax": 3.0, "round": 2.0, "gather": 4.0, "reduce": 4.0}
"""For how many cycles an operation keeps its unit, where that is not one."""
_WIDTH = {"avx512": 5.0, "avx2": 4.0, "aarch64": 8.0}
"""Instructions a cycle."""
_WINDOW = 60.0
"""Operations that wait for their operands at the same time: turns overlap as far as they fit."""


def bounds(pieces: Mapping[str, float], chain: float, path: float, on: Machine, found: dict[str, float]) -> None:
    """Give what bounds a turn of the hottest loop, in cycles, and how busy that leaves the busiest units.

    `pieces`: operations of a turn by key of their work, copies included. `chain`: the latency from turn to turn,
    `path`: through one turn, in cycles.
    """
    busy = dict.fromkeys(_KINDS, 0.0)
    total = 0.0
    for key, count in pieces.items():
        class_ = key[2:]
        kind = _KIND.get(class_)
        total += count
        if kind is not None and key[0] != "x":
            busy[kind] += count * _SLOW.get(class_, 1.0)
        elif kind in ("loads", "stores"):
            busy[kind] += count
    units = _UNITS[on.isa]
    for kind, cycles in busy.items():
        busy[kind] = found[f"hot.{kind}"] = cycles / units[kind]
    if on.isa == "avx512":
        # One of the two units of arithmetic shuffles.
        busy["arithmetic"] = max(busy["arithmetic"], (busy["arithmetic"] * 2.0 + busy["shuffles"]) / 2.0)
    busiest = max(busy.values())
    waiting = path * min(1.0, total / _WINDOW)
    bound = max(busiest, total / _WIDTH[on.isa], chain, waiting)
    found["hot.busiest"], found["hot.waiting"], found["hot.bound"] = busiest, waiting, bound
    found["hot.share"] = busiest / bound if bound else 0.0
