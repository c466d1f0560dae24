"""Labels programs: their kernels in several forms and schedules, compiled for several CPUs.

What programs share is done once: the passes ahead of scheduling for all CPUs, the code of all kernels of a CPU by one
run of LLVM, their loops by one run of the simulator.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...bindings import ir
from ...compiler.standalone import Kernel, kernels
from ...costmodel.canonical import canonical_hash, shape_erased_hash
from ...errors import CodegenError, SlipstickError
from ...target import Target
from .assembly import CompiledLabels, count
from .forms import describe, forms
from .lowering import Lowered, lower
from .machine_code import machine_code
from .program import Program
from .row import Failure, Level, Row, shape_class, slowest, together
from .schedules import variants
from .session import Form, Session
from .simulate import SimulatedLabels, simulate

LONGEST = 150_000
"""Characters of a text; longer ones are no kernel that anyone would write."""


@dataclass(frozen=True)
class _Piece:
    """One kernel of one program, lowered for one CPU."""

    program: Program
    kernel: Kernel
    text: str
    variant: int
    form: Form
    lowered: Lowered


@dataclass(frozen=True)
class _Labels:
    """The labels of a function."""

    code_bytes: int
    compiled: CompiledLabels
    simulated: SimulatedLabels | None


def label(
    programs: Sequence[Program], targets: Sequence[Target], schedules: int, others: int = 0, only: str = ""
) -> Iterator[Row | Failure]:
    """Yield the rows of programs: each kernel for each CPU, in up to `schedules` other schedules.

    Each program is compiled as it is and in up to `others` other forms (L-Mul, weights, fusion); which ones, and which
    schedules, follows from its name. With `only` the rows of that one CPU, the same as of all.
    """
    wanted = [target for target in targets if only in ("", target.cpu)]
    session = Session()
    pieces: dict[str, list[_Piece]] = {target.cpu: [] for target in targets}
    for program in programs:
        seen: set[tuple[str, str]] = set()
        for form in forms(program, others):
            try:
                module = session.parse(program.text)
                session.bring(module, "rewritten", targets[0], form)
                module.operation.verify()
                # A form may change nothing: no multiply, no weight, nothing to fuse.
                rewritten = (module.operation.get_asm(), form.fusion)
                if rewritten in seen:
                    continue
                seen.add(rewritten)
            except (SlipstickError, ir.MLIRError) as error:
                yield Failure(program.name, "", _first_line(error))
                continue
            for target in wanted:
                yield from _lowered(session, program, form, rewritten[0], target, schedules, pieces[target.cpu])
    for target in wanted:
        yield from _labelled(session, pieces[target.cpu], target)


def _lowered(
    session: Session,
    program: Program,
    form: Form,
    rewritten: str,
    target: Target,
    schedules: int,
    pieces: list[_Piece],
) -> Iterator[Failure]:
    """Add the kernels of a program to the pieces; what is there already is left out."""
    rng = random.Random(f"{program.name}-{form}-{target.cpu}")
    known = {piece.text for piece in pieces if piece.program is program}
    try:
        module = session.parse(rewritten)
        session.bring(module, "scheduled", target, form)
        found = kernels(module.operation)
    except SlipstickError as error:
        yield Failure(program.name, target.cpu, _first_line(error))
        return
    # Other forms have the schedules of their own that chance gives them; one is enough.
    count = schedules if form == Form(weights=program.weights) else min(schedules, 1)
    for kernel in found:
        for number, text in enumerate((kernel.text, *variants(session, kernel.text, count, rng, target))):
            if text in known:
                continue
            known.add(text)
            try:
                lowered = lower(session, text, target)
            except (SlipstickError, ir.MLIRError) as error:
                yield Failure(program.name, target.cpu, _first_line(error))
                continue
            length = max(map(len, (text, *lowered.loops.values())))
            if length > LONGEST:
                yield Failure(program.name, target.cpu, f"a text of more than {LONGEST} characters")
            elif lowered.loops:
                pieces.append(_Piece(program, kernel, text, number, form, lowered))


def _labelled(session: Session, pieces: Sequence[_Piece], target: Target) -> Iterator[Row | Failure]:
    """Yield the rows of pieces for a CPU; where LLVM refuses them, of each half."""
    if not pieces:
        return
    try:
        found = machine_code(session, [piece.lowered for piece in pieces], target)
    except CodegenError as error:
        yield from (Failure(piece.program.name, target.cpu, _first_line(error)) for piece in pieces)
        return
    names = [(number, name) for number, functions in enumerate(found) for name in functions]
    simulated = simulate([found[number][name].assembly for number, name in names], target)
    labels: list[dict[str, _Labels]] = [{} for _ in pieces]
    for (number, name), loop in zip(names, simulated, strict=True):
        function = found[number][name]
        compiled = count(function.assembly, target.architecture)
        labels[number][name] = _Labels(function.code_bytes, compiled, loop)
    for piece, own in zip(pieces, labels, strict=True):
        if own:
            yield _row(piece, target, "graph", "", piece.text, list(own.values()))
            for name, part in own.items():
                yield _row(piece, target, "loops", name, piece.lowered.loops[name], [part])
    yield from _whole(session, pieces, labels, target)


def _whole(
    session: Session, pieces: Sequence[_Piece], labels: Sequence[dict[str, _Labels]], target: Target
) -> Iterator[Row]:
    """Yield a row for each whole program, ahead of fusion, with what its kernels come to as the compiler has it."""
    programs = {piece.program.name: piece for piece in pieces}
    for name, piece in programs.items():
        own = [
            part
            for other, parts in zip(pieces, labels, strict=True)
            if other.program.name == name and other.variant == 0 and other.form == Form(weights="f32")
            for part in parts.values()
        ]
        if own and len(piece.program.text) <= LONGEST:
            text = session.parse(piece.program.text).operation.get_asm(use_local_scope=True)
            yield _row(piece, target, "linalg", "", text, own)


def _row(piece: _Piece, target: Target, level: Level, function: str, text: str, labels: Sequence[_Labels]) -> Row:
    is_whole = level == "linalg"
    form = Form() if is_whole else piece.form
    return Row(
        program=piece.program.name,
        family=piece.program.family,
        seed=piece.program.seed,
        kind="program" if is_whole else piece.kernel.kind,
        level=level,
        function=function,
        variant=0 if is_whole else piece.variant,
        lmul=describe(form.lmul),
        weights=form.weights,
        fusion=form.fusion,
        shape_class=shape_class(text),
        target=target.cpu,
        text=text,
        canonical=canonical_hash(text),
        shape_erased=shape_erased_hash(text),
        operations=() if is_whole else piece.kernel.operations,
        code_bytes=sum(part.code_bytes for part in labels),
        compiled=together([part.compiled for part in labels]),
        simulated=slowest([part.simulated for part in labels]),
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
