"""Whatever the input, slipstick-opt ends with status 0 or 1, and 1 comes with a message."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from .mutator import mutate
from .opt_runner import run_opt

SEED = 20261123
COUNT = 2000
BATCHES = 40
SHORT = 1
"""Batches, of 50 inputs, that run each time; the others run with the exhaustive tests."""
SECONDS = 18
SNIPPETS = Path(__file__).parent / "mutation_seeds"
PIPELINES = (
    (),
    (),
    ("--split-input-file", "--mlir-print-op-generic", "--mlir-print-debuginfo"),
    ("--split-input-file", "--verify-diagnostics"),
    ("--allow-unregistered-dialect", "--pass-pipeline=builtin.module(canonicalize,cse)"),
    ("--pass-pipeline=builtin.module(func.func(canonicalize),lmul,canonicalize)",),
    ("--allow-unregistered-dialect", "--pass-pipeline=builtin.module(lmul{specials=finite rounding=rne})"),
    ("--pass-pipeline=builtin.module(lmul-mark,linalg-generalize-named-ops,lmul{scope=marked},cse)",),
    ("--pass-pipeline=builtin.module(stage-rewritten,stage-scheduled,stage-loops,stage-llvm)",),
    (
        "--pass-pipeline=builtin.module(one-shot-bufferize{bufferize-function-boundaries},convert-linalg-to-loops,"
        "convert-scf-to-cf,expand-strided-metadata,lower-affine,convert-vector-to-llvm,finalize-memref-to-llvm,"
        "convert-func-to-llvm,convert-arith-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts)",
    ),
)


def seeds() -> list[str]:
    """Return the inputs that are mutated: the lit tests and a few snippets of the dialects in use."""
    tests = Path(__file__).parent
    files = [*sorted((tests / "lit").rglob("*.mlir")), *sorted(SNIPPETS.glob("*.mlir"))]
    return [file.read_text() for file in files]


def check(data: bytes, flags: tuple[str, ...]) -> None:
    begin = time.monotonic()
    result = run_opt([*flags, f"--timeout={SECONDS}"], data)
    assert time.monotonic() - begin < 20
    assert result.status in (0, 1)
    assert "Traceback" not in result.stderr
    assert "internal error" not in result.stderr
    if result.status == 1:
        assert "error: " in result.stderr or "error:" in result.stderr


@pytest.mark.parametrize(
    "batch", [batch if batch < SHORT else pytest.param(batch, marks=pytest.mark.exhaustive) for batch in range(BATCHES)]
)
def test_mutated_inputs_end_with_a_status_and_a_message(batch: int) -> None:
    inputs = seeds()
    rng = random.Random(SEED + batch)
    for number in range(COUNT // BATCHES):
        data = mutate(inputs, rng)
        flags = PIPELINES[number % len(PIPELINES)]
        try:
            check(data, flags)
        except AssertionError as error:
            raise AssertionError(f"batch {batch}, input {number}, flags {flags}:\n{data!r}") from error


def test_the_mutator_is_reproducible() -> None:
    inputs = seeds()
    first = [mutate(inputs, random.Random(n)) for n in range(20)]
    assert first == [mutate(inputs, random.Random(n)) for n in range(20)]
    assert len(set(first)) > 15
