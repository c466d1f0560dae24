"""Labels one program: its kernels under several schedules, compiled for several CPUs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from ...compiler.build import parse
from ...compiler.stages import run_stages
from ...compiler.standalone import Kernel, kernels
from ...costmodel.canonical import canonical_hash, shape_erased_hash
from ...errors import SlipstickError
from ...kernels.lmul import LMul
from ...target import Target
from .assembly import CompiledLabels, count, functions
from .lowering import Lowered, lower
from .program import Program
from .schedules import variants
from .simulate import SimulatedLabels, simulate

Level = Literal["graph", "loops"]


@dataclass(frozen=True)
class Row:
    """One text for one CPU with its labels; the columns of the corpus."""

    program: str
    family: str
    kind: str
    level: Level
    """`graph`: a kernel on tensors with its decision. `loops`: one function of loops that it became."""
    function: str
    variant: int
    """0: the schedule that the heuristic chose."""
    lmul: str
    target: str
    text: str
    canonical: str
    shape_erased: str
    operations: tuple[str, ...]
    code_bytes: int
    compiled: CompiledLabels
    simulated: SimulatedLabels | None

    def flat(self) -> dict[str, Any]:
        """Return the columns; a label that is missing is None."""
        row = {field.name: getattr(self, field.name) for field in fields(self)}
        del row["compiled"], row["simulated"]
        simulated = asdict(self.simulated) if self.simulated else dict.fromkeys(SIMULATED)
        return {**row, "operations": list(self.operations), **asdict(self.compiled), **simulated}


SIMULATED = tuple(field.name for field in fields(SimulatedLabels))


@dataclass(frozen=True)
class Failure:
    """What could not be labelled, and why."""

    program: str
    target: str
    reason: str


def label(program: Program, targets: Sequence[Target], schedules: int) -> Iterator[Row | Failure]:
    """Yield the rows of a program: each kernel for each CPU, with up to `schedules` other schedules.

    A third of the programs is rewritten into L-Mul first; which, and which schedules, follows from the program's name.
    """
    for target in targets:
        rng = random.Random(f"{program.name}-{target.cpu}")
        lmul = _lmul(random.Random(program.name))
        try:
            module = parse(program.text)
            run_stages(module, until="scheduled", target=target, lmul=lmul)
            found = kernels(module.operation)
        except SlipstickError as error:
            yield Failure(program.name, target.cpu, _first_line(error))
            continue
        for kernel in found:
            texts = [kernel.text, *variants(kernel.text, schedules, rng, target)]
            for number, text in enumerate(texts):
                try:
                    yield from _rows(program, kernel, text, number, lmul, target)
                except SlipstickError as error:
                    yield Failure(program.name, target.cpu, _first_line(error))


def _rows(
    program: Program, kernel: Kernel, text: str, variant: int, lmul: LMul | None, target: Target
) -> Iterator[Row]:
    lowered = lower(text, target)
    parts = {name: function for name, function in functions(lowered.assembly).items() if name in lowered.loops}
    if not parts:
        return
    labels = {name: count(function, target.architecture) for name, function in parts.items()}
    simulated = {name: simulate(function, target) for name, function in parts.items()}
    name = _describe(lmul)

    def row(level: Level, function: str, body: str) -> Row:
        own = {function} if function else set(parts)
        return Row(
            program=program.name,
            family=program.family,
            kind=kernel.kind,
            level=level,
            function=function,
            variant=variant,
            lmul=name,
            target=target.cpu,
            text=body,
            canonical=canonical_hash(body),
            shape_erased=shape_erased_hash(body),
            operations=kernel.operations,
            code_bytes=_code_bytes(lowered, own),
            compiled=_together([labels[part] for part in parts if part in own]),
            simulated=_slowest([simulated[part] for part in parts if part in own]),
        )

    yield row("graph", "", text)
    for part in parts:
        yield row("loops", part, lowered.loops[part])


def _together(labels: Sequence[CompiledLabels]) -> CompiledLabels:
    """Return the labels of a kernel of several functions: the most registers, everything else summed up."""
    sums = {field.name: sum(getattr(part, field.name) for part in labels) for field in fields(CompiledLabels)}
    for name in ("vector_registers", "scalar_registers"):
        sums[name] = max(getattr(part, name) for part in labels)
    return CompiledLabels(**sums)


def _slowest(labels: Sequence[SimulatedLabels | None]) -> SimulatedLabels | None:
    return max((part for part in labels if part is not None), key=lambda part: part.cycles, default=None)


def _code_bytes(lowered: Lowered, own: set[str]) -> int:
    return sum(size for name, size in lowered.code_bytes.items() if name in own)


def _lmul(rng: random.Random) -> LMul | None:
    if rng.random() < 2 / 3:
        return None
    return LMul(mantissa_bits=rng.choice((3, 4, 7)), specials=rng.choice(("finite", "finite", "ieee")))


def _describe(lmul: LMul | None) -> str:
    return "" if lmul is None else f"k={lmul.mantissa_bits} {lmul.specials}"


def _first_line(error: SlipstickError) -> str:
    return str(error).partition("\n")[0][:300]
