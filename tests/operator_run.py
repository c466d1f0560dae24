"""Runs cases of operations through `slipstick.compile` beside torch, and tells what became of each.

    python tests/operator_run.py [OPERATION...] [REPORT.md]    run all cases, or some; write the table of coverage

Cases are compiled a dozen at a time, since most of a small compilation is the same for a module of any size, in a
process of their own, which may end; where one is not right, each is tried alone.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import operators_elementwise
import operators_products
import operators_reduce
import operators_shape
import operators_windows
import slipstick
import torch
from operator_case import Case, Cases
from slipstick.errors import GraphError, SlipstickError

SUBJECTS = {
    "elementwise": operators_elementwise.TABLE,
    "reductions, scans, sorts, norms, losses": operators_reduce.TABLE,
    "views, copies, gathers, scatters": operators_shape.TABLE,
    "products, linear algebra, control flow": operators_products.TABLE,
    "windows": operators_windows.TABLE,
}
TOLERANCES = {torch.float16: (4e-3, 4e-3), torch.bfloat16: (3e-2, 3e-2), torch.float32: (2e-5, 2e-5)}
GROUP = 12
WARM = (Case("exp", 0, torch.exp, ("f32[n,5]",)),)
SECONDS = 240


@dataclass(frozen=True)
class Outcome:
    """What became of a case: "right", "wrong", "error" (of slipstick's), "crash", or "not lowered" to linalg."""

    kind: str
    reason: str = ""


def _silent(case: Case, outcome: Outcome) -> None:
    """Show no progress."""


def every_case() -> list[Case]:
    """All cases of all tables."""
    return [case for table in SUBJECTS.values() for case in table]


def try_all(cases: Sequence[Case], progress: Callable[[Case, Outcome], object] = _silent) -> dict[Case, Outcome]:
    """Return what became of each case."""
    found: dict[Case, Outcome] = {}
    attempt(WARM)  # What is loaded at the first compilation is loaded once, not in every process.
    for start in range(0, len(cases), GROUP):
        group = cases[start : start + GROUP]
        together = in_own_process(group)
        for case in group:
            found[case] = together if together.kind == "right" else in_own_process([case])
        if together.kind in ("wrong", "crash") and all(found[case].kind == "right" for case in group):
            found[group[0]] = Outcome(together.kind, f"beside others: {together.reason}")
        for case in group:
            progress(case, found[case])
    return found


def attempt(cases: Sequence[Case]) -> Outcome:
    """Compile and compare cases, in this process."""
    module = Cases(cases)
    inputs = (tuple(case.arguments() for case in cases),)
    size = torch.export.Dim("n", min=2, max=1000)
    shapes = [tuple(dict.fromkeys(dims, size) or None for dims in case.dynamic_dims()) for case in cases]
    dynamic = any(case.dynamic for case in cases)
    try:
        compiled = slipstick.compile(module, inputs, dynamic_shapes=(tuple(shapes),) if dynamic else None)
    except GraphError as error:
        return Outcome("not lowered", _reason(error))
    except SlipstickError as error:
        return Outcome("error", _reason(error))
    for number in (3, 6) if dynamic else (3,):
        given = tuple(case.arguments(number) for case in cases)
        try:
            found = compiled(given)
        except SlipstickError as error:
            return Outcome("error", _reason(error))
        expected = [case.run(*one) for case, one in zip(cases, given, strict=True)]
        for case, one, other in zip(cases, found, expected, strict=True):
            try:
                _compare(one, other)
            except AssertionError as error:
                return Outcome("wrong", f"{case}: {' '.join(str(error).split())[:200]}")
    return Outcome("right")


def _reason(error: SlipstickError) -> str:
    """Return the first line of an error without the line of source, which is always the same."""
    line = str(error).split("\n")[0]
    before, place, after = line.partition(" (/")
    return f"{before}: {after.rpartition('): ')[2]}" if place else line


def _compare(found: Any, expected: Any) -> None:
    for one, other in zip(_tensors(found), _tensors(expected), strict=True):
        rtol, atol = TOLERANCES.get(other.dtype, (1e-9, 1e-9))
        torch.testing.assert_close(one, other, rtol=rtol, atol=atol, equal_nan=True)


def _tensors(value: Any) -> list[torch.Tensor]:
    return [value] if isinstance(value, torch.Tensor) else list(value)


def in_own_process(cases: Sequence[Case]) -> Outcome:
    """Return what `attempt` does, or that it ended its process, or took longer than `SECONDS`."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        signal.alarm(SECONDS)
        try:
            outcome = attempt(cases)
        except BaseException as error:
            outcome = Outcome("crash", f"{type(error).__name__}: {error}".split("\n")[0])
        with os.fdopen(writer, "wb") as pipe:
            pickle.dump(outcome, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    if data and status == 0:
        outcome: Outcome = pickle.loads(data)
        return outcome
    return Outcome("crash", f"ended by signal {os.WTERMSIG(status)}")


def share(found: Iterable[Outcome]) -> tuple[int, int]:
    """Return how many cases are right, and how many torch-mlir lowers to linalg."""
    counts = Counter(one.kind for one in found)
    return counts["right"], sum(counts.values()) - counts["not lowered"]


def report(found: dict[Case, Outcome]) -> str:
    """Return the table of coverage, in Markdown."""
    right, lowered = share(found.values())
    lines = [
        "# Operations of torch",
        "",
        f"{len(found)} cases, of which torch-mlir lowers {lowered} to linalg on tensors; {right} of these give what "
        f"torch gives ({right / lowered:.1%}). `python tests/operator_run.py docs/operators.md` writes this page.",
    ]
    for subject, table in SUBJECTS.items():
        lines += [
            "",
            f"## {subject[0].upper()}{subject[1:]}",
            "",
            "| operation | cases | right | not lowered | fails |",
        ]
        lines.append("|---|---:|---:|---:|---:|")
        reasons = []
        for operation in dict.fromkeys(case.operation for case in table):
            here = {case: found[case] for case in table if case.operation == operation and case in found}
            kinds = Counter(one.kind for one in here.values())
            failing = sum(kinds.values()) - kinds["right"] - kinds["not lowered"]
            counts = (len(here), kinds["right"], kinds["not lowered"] or "", failing or "")
            lines.append(f"| {operation} | {' | '.join(map(str, counts))} |")
            reasons += [f"- `{case}`: {one.kind}: {one.reason}" for case, one in here.items() if one.kind != "right"]
        lines += ["", *reasons] if reasons else []
    return "\n".join(lines) + "\n"


def _show(case: Case, outcome: Outcome) -> None:
    if outcome.kind != "right":
        print(f"{case}: {outcome.kind}: {outcome.reason}", flush=True)


def main() -> int:
    """Run all cases, or those of the operations that are named; print what is not right, and write the report."""
    torch.set_num_threads(1)
    torch.set_warn_always(False)
    cases = every_case()
    wanted = {text for text in sys.argv[1:] if not text.endswith(".md")}
    if wanted:
        cases = [case for case in cases if case.operation in wanted]
    found = try_all(cases, _show)
    right, lowered = share(found.values())
    print(f"{len(found)} cases, {lowered} lowered to linalg, {right} right")
    for path in sys.argv[1:]:
        if path.endswith(".md"):
            Path(path).write_text(report(found), "utf-8")
    return 0 if right >= 0.99 * lowered else 1


if __name__ == "__main__":
    sys.exit(main())
