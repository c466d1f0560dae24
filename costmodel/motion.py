"""Where LLVM evaluates what does not change from turn to turn: in front of the loops that it does not depend on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from .program import NONE, Kinds, Program

_STAYS = frozenset({"function", "loop", "branch", "call", "copy", "prefetch", "store", "maskedstore", "scalarstore"})
_STAYS |= frozenset({"constant", "alloca", "gather"})
_WRITES = frozenset({"store", "scalarstore"})
_ELEMENTS = frozenset({"scalarload", "scalarstore"})
_REGIONS = frozenset({"loop", "branch", "call", "gather"})
LOADS = frozenset({"load", "maskedload", "scalarload"})
_STORES = {"store": 1, "maskedstore": 0, "scalarstore": 1, "gather": 0, "call": 0, "copy": 1}
"""Where a memref stands among the operands of an operation that writes to it."""


@dataclass(frozen=True, slots=True)
class Motion:
    """What operations depend on."""

    varies: list[int]
    """For each value, the loops that it changes with: bit N for loop N, [values]."""
    masks: list[int]
    """The same of what operations compute, [operations]; -1 for those that stay where they are."""
    homes: list[int]
    """The loop that an operation is left in, or NONE, [operations]."""
    addresses: list[int]
    """How many different elements of arrays of several dimensions each loop reads and writes, [loops]."""
    offsets: list[int]
    """How many writes of each loop are at a constant distance from something, [loops]."""
    sums: list[tuple[int, int]]
    """Elements that are read and written in a loop that moves them: the loop, and what they change with, as a mask."""

    def kinds(self, program: Program) -> Kinds:
        """Count operations that are in the code, by form and the loop that they are left in."""
        pairs = zip(program.statements, self.homes, strict=True)
        return Counter([(own.form, home) for own, home in pairs if not own.is_folded])


def motion(program: Program) -> Motion:
    """Return what LLVM takes out of loops: all but writes, and reads of memory that is written or may be."""
    statements, loops = program.statements, program.loops
    roots = list(range(len(program.lives)))
    varies = [0] * len(roots)
    for number, loop in enumerate(loops):
        for value in (loop.index, *loop.carried, *loop.results):
            if value != NONE:
                varies[value] |= 1 << number
    written, may_alias = _written(program, roots)
    parents = [loop.parent for loop in loops]
    masks, homes = [-1] * len(statements), [NONE] * len(statements)
    offsets = [0] * len(loops)
    touched: dict[tuple[int, int], dict[tuple[int, ...], list[int]]] = {}
    for place, statement in enumerate(statements):
        class_, operands = statement.form.class_, statement.operands
        mask = 0
        for value in operands:
            mask |= varies[value]
        home = statement.loop
        if home != NONE and class_ not in _STAYS and statement.results:
            if class_ not in LOADS or (not may_alias and operands and roots[operands[0]] not in written):
                masks[place] = mask
                while home != NONE and not mask >> home & 1:
                    home = parents[home]
            elif class_ in LOADS:
                # What is in memory may change from turn to turn.
                mask |= _around(parents, home)
        elif home != NONE and class_ in _REGIONS and statement.results:
            # What their regions make of all that is there.
            mask |= _around(parents, home)
        homes[place] = home
        if home != NONE and class_ in _ELEMENTS:
            first = 2 if class_ == "scalarstore" else 1
            own = touched.setdefault((home, roots[operands[first - 1]]), {})
            own.setdefault(tuple(operands[first:]), []).append(place)
        if home != NONE and class_ in _WRITES and operands:
            offsets[home] += bool(program.lives[operands[-1]].constant)
        if mask:
            for value in statement.results:
                varies[value] |= mask
    sums = [] if may_alias else _promote(program, touched, varies, homes)
    elements = _elements(program, touched, varies, homes)
    return Motion(varies, masks, homes, [len(own) for own in elements], offsets, sums)


def _promote(
    program: Program,
    touched: dict[tuple[int, int], dict[tuple[int, ...], list[int]]],
    varies: list[int],
    homes: list[int],
) -> list[tuple[int, int]]:
    """Take out of loops the reads and writes of an element that they do not move: it is kept in a register.

    `touched`: the operations that read and write elements, by loop, array and subscripts. Return what stays, as
    `Motion.sums` has it.
    """
    sums = []
    for (loop, _), elements in touched.items():
        (subscripts, places), *others = elements.items()
        classes = {program.statements[place].form.class_ for place in places}
        if others or len(classes) < 2:
            continue
        mask = 0
        for value in subscripts:
            mask |= varies[value]
        home = loop
        while home != NONE and not mask >> home & 1:
            home = program.loops[home].parent
        for place in places:
            homes[place] = home
        if home == loop:
            sums.append((loop, mask))
    return sums


def _elements(
    program: Program,
    touched: dict[tuple[int, int], dict[tuple[int, ...], list[int]]],
    varies: list[int],
    homes: list[int],
) -> list[set[tuple[object, ...]]]:
    """Return, for each loop, what it computes of elements' addresses: sums in the loop itself, rows' around it."""
    found: list[set[tuple[object, ...]]] = [set() for _ in program.loops]
    for (home, _), accesses in touched.items():
        for subscripts, places in accesses.items():
            strides = program.statements[places[0]].form.strides
            if homes[places[0]] != home or len(strides) < 2:
                continue
            found[home].add((strides, *subscripts))
            rows, mask = subscripts[:-1], 0
            for value in rows:
                mask |= varies[value]
            around = program.loops[home].parent
            while around != NONE and not mask >> around & 1:
                around = program.loops[around].parent
            if around != NONE:
                found[around].add((strides, *rows))
    return found


def _around(parents: list[int], loop: int) -> int:
    mask = 0
    while loop != NONE:
        mask |= 1 << loop
        loop = parents[loop]
    return mask


def _written(program: Program, roots: list[int]) -> tuple[set[int], bool]:
    """Note the memref that each view is of; return those written, and whether others may be the same."""
    written: set[int] = set()
    noalias: set[int] = set()
    allocated: set[int] = set()
    for statement in program.statements:
        class_ = statement.form.class_
        if class_ == "function":
            noalias.update(statement.form.noalias)
        elif class_ == "view" and statement.operands:
            for value in statement.results:
                roots[value] = roots[statement.operands[0]]
        elif class_ == "alloca":
            allocated.update(statement.results)
        elif class_ in _STORES and len(statement.operands) > _STORES[class_]:
            written.add(roots[statement.operands[_STORES[class_]]])
    return written, bool(written - noalias - allocated)
