"""Functions that only fill memory with zeros: LLVM makes them a call of `memset`, whatever the loops around them."""

from __future__ import annotations

from .program import Program

_STORES = frozenset({"store", "scalarstore"})
_FREE = frozenset({"constant", "free", "function", "loop"})


def fills(program: Program) -> int:
    """Return how many stores of zeros a function consists of; 0 where it does anything else, or strides."""
    zeros = {number for statement in program.statements if statement.form.is_zero for number in statement.results}
    count = 0
    for statement in program.statements:
        form = statement.form
        if form.class_ in _STORES and not form.is_strided and statement.loop >= 0 and statement.operands[0] in zeros:
            count += 1
        elif form.class_ not in _FREE:
            return 0
    return count
