"""The limits of the machine: the loops are what they claim to be, the figures are rates."""

from __future__ import annotations

import re

import pytest
from slipstick.compiler.codegen import assembly
from slipstick.target import Target
from slipstick.tools.bench_limit_kernels import READ_VECTORS, limit_kernels
from slipstick.tools.bench_limits import Limits, measure_limits, read_sizes

INSTRUCTIONS = {
    "znver4": ("vfmadd", "vpaddd", "vaddps", "zmm"),
    "emeraldrapids": ("vfmadd", "vpaddd", "vaddps", "zmm"),
    "haswell": ("vfmadd", "vpaddd", "vaddps", "ymm"),
    "neoverse-v2": ("fmla|fmad", "add", "fadd", "v"),
}


def loops(text: str, function: str) -> str:
    """The instructions between the label of the function's loop and the jump back to it."""
    body = text.partition(f"\n{function}:")[2].partition(".Lfunc_end")[0]
    found = re.search(
        r"\n(\.LBB\d+_\d+):(?:(?!\n\.LBB).)*?\n\t(?:j[a-z]+|b\.[a-z]+|cbn?z[^\n]*)\t[^\n]*\1\b", body, re.DOTALL
    )
    assert found, body
    return found.group()


@pytest.mark.parametrize("cpu", INSTRUCTIONS)
def test_loops_hold_nothing_but_the_work(cpu: str) -> None:
    target = Target.named(cpu)
    kernels = limit_kernels(target)
    multiply_add, integer_add, float_add, _ = INSTRUCTIONS[cpu]
    text = assembly(kernels.ir, target)
    fma, lmul = loops(text, "fma"), loops(text, "lmul")
    unrolled = len(re.findall(rf"\t(?:{multiply_add})\S*\t", fma)) // kernels.accumulators
    assert unrolled >= 1
    assert len(re.findall(rf"\t(?:{multiply_add})\S*\t", fma)) == unrolled * kernels.accumulators
    vector = r"\tadd\tv[^\n]*\.4s" if cpu.startswith("neoverse") else rf"\t{integer_add}\t"
    adds = len(re.findall(vector, lmul))
    assert adds >= kernels.accumulators and adds % kernels.accumulators == 0
    assert len(re.findall(rf"\t{float_add}\t", lmul)) == adds
    for loop in (fma, lmul):
        assert "spill" not in loop.lower() and "reload" not in loop.lower()


def test_read_loads_every_vector() -> None:
    target = Target.named("znver4")
    loop = loops(assembly(limit_kernels(target).ir, target), "read")
    assert len(re.findall(r"\(%r[a-z0-9]+[^)]*\), %?z?", loop)) >= READ_VECTORS or loop.count("(%r") >= READ_VECTORS


@pytest.mark.parametrize("threads", [1, 2])
def test_limits_are_positive(threads: int) -> None:
    sizes = (1 << 16, 1 << 18)
    ticks: list[None] = []
    found = measure_limits(
        threads, iterations=100, sizes=sizes, read_at_least=1 << 18, rounds=2, advance=lambda: ticks.append(None)
    )
    assert found.threads == threads
    assert found.fma_gflops > 0 and found.lmul_gflops > 0
    assert [size for size, _ in found.read_gbs] == [1 << 16, 1 << 18]
    assert all(rate > 0 for _, rate in found.read_gbs)
    assert len(ticks) == 4


def test_bandwidth_between_measured_sizes() -> None:
    limits = Limits(1, 200.0, 100.0, ((1000, 100.0), (100_000, 20.0)))
    assert limits.bandwidth(10) == 100.0
    assert limits.bandwidth(10_000) == pytest.approx(60.0)
    assert limits.bandwidth(10**9) == 20.0
    assert (limits.cache_gbs, limits.memory_gbs) == (100.0, 20.0)


def test_roofline() -> None:
    limits = Limits(1, 200.0, 100.0, ((1000, 10.0),))
    assert limits.seconds(200 * 10**9, 10**9) == pytest.approx(1.0)
    assert limits.seconds(200 * 10**9, 10**9, lmul=True) == pytest.approx(2.0)
    assert limits.seconds(200 * 10**9, 40 * 10**9) == pytest.approx(4.0)
    assert limits.seconds(None, 5 * 10**9) == pytest.approx(0.5)


def test_sizes_of_buffers() -> None:
    target = Target.named("znver4")
    sizes = read_sizes(target, 2)
    assert sizes[0] == target.l2_bytes
    assert sizes[-1] >= 4 * target.l3_bytes
    assert list(sizes) == sorted(set(sizes))
