"""The loops that find a machine's limits, as LLVM IR for the one code generator: no instruction is written by hand.

Each function is `void NAME(i64 count, ptr data)`. The arithmetic loops keep as many independent accumulators as the
target has registers for, so that neither latency nor spilling hides the rate of the execution units.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..target import Target

READ_VECTORS = 16
"""Vectors that one iteration of the reading loop loads."""
_READ_SUMS = 8


@dataclass(frozen=True)
class LimitKernels:
    """The LLVM IR of all loops for one target, and how much one iteration of each does."""

    ir: str
    lanes: int
    """f32 numbers in a vector."""
    accumulators: int

    @property
    def flops_an_iteration(self) -> int:
        """Multiply-adds of the arithmetic loops, each counted as two."""
        return 2 * self.lanes * self.accumulators

    @property
    def bytes_an_iteration(self) -> int:
        """Bytes that an iteration of the reading loop loads."""
        return READ_VECTORS * self.lanes * 4


def limit_kernels(target: Target) -> LimitKernels:
    """Return the loops `fma`, `lmul` and `read` for the vectors of `target`.

    `fma` and `lmul` run `count` iterations; `data` is one vector of f32, then one of f32 (for `lmul` the first is i32),
    then a vector to write the sum to. `read` loads `count` times `bytes_an_iteration` bytes from `data`, which ends
    with a vector more to write to.
    """
    lanes = target.vector_bits // 32
    # A quarter of the registers is left for the operands.
    accumulators = target.vector_registers * 3 // 4
    floats, integers = f"<{lanes} x float>", f"<{lanes} x i32>"
    declarations = f"declare {floats} @llvm.fma.v{lanes}f32({floats}, {floats}, {floats})\n"
    multiply_add = _arithmetic(
        "fma",
        floats,
        floats,
        accumulators,
        [f"%next{{0}} = call {floats} @llvm.fma.v{lanes}f32({floats} %sum{{0}}, {floats} %x, {floats} %y)"],
    )
    lmul = _arithmetic(
        "lmul",
        floats,
        integers,
        accumulators,
        [
            f"%bits{{0}} = bitcast {floats} %sum{{0}} to {integers}",
            f"%added{{0}} = add {integers} %bits{{0}}, %x",
            f"%product{{0}} = bitcast {integers} %added{{0}} to {floats}",
            f"%next{{0}} = fadd {floats} %product{{0}}, %y",
        ],
    )
    return LimitKernels(declarations + multiply_add + lmul + _read(integers, lanes * 4), lanes, accumulators)


def _arithmetic(name: str, floats: str, operand: str, accumulators: int, step: list[str]) -> str:
    """Return a loop of `accumulators` chains sum = sum * x + y; `step` computes %nextN from %sumN, %x and %y."""
    numbers = range(accumulators)
    sums = [f"%sum{n} = phi {floats} [ %start{n}, %entry ], [ %next{n}, %loop ]" for n in numbers]
    # Chains that began alike would be merged into one.
    starts = [f"%start{n} = fadd {floats} %y, splat (float {float(n + 1)!r})" for n in numbers]
    body = [line.format(n) for n in numbers for line in step]
    total = [f"%total0 = fadd {floats} %next0, %y"]
    total += [f"%total{n} = fadd {floats} %total{n - 1}, %next{n}" for n in numbers[1:]]
    return f"""
define void @{name}(i64 %count, ptr %data) {{
entry:
  %yp = getelementptr {floats}, ptr %data, i64 1
  %result = getelementptr {floats}, ptr %data, i64 2
  %x = load {operand}, ptr %data
  %y = load {floats}, ptr %yp
  {_lines(starts)}
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  {_lines(sums)}
  {_lines(body)}
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %count
  br i1 %more, label %loop, label %done
done:
  {_lines(total)}
  store {floats} %total{accumulators - 1}, ptr %result
  ret void
}}
"""


def _read(integers: str, vector_bytes: int) -> str:
    """Return the loop that reads: the vectors are combined by exclusive or, a cheap way to need them all."""
    sums = [f"%sum{n} = phi {integers} [ zeroinitializer, %entry ], [ %last{n}, %loop ]" for n in range(_READ_SUMS)]
    body: list[str] = []
    newest = {n: f"%sum{n}" for n in range(_READ_SUMS)}
    for number in range(READ_VECTORS):
        chain = number % _READ_SUMS
        name = f"%last{chain}" if number + _READ_SUMS >= READ_VECTORS else f"%mixed{number}"
        body += [
            f"%p{number} = getelementptr {integers}, ptr %block, i64 {number}",
            f"%v{number} = load {integers}, ptr %p{number}, align {vector_bytes}",
            f"{name} = xor {integers} {newest[chain]}, %v{number}",
        ]
        newest[chain] = name
    total = [f"%total0 = xor {integers} %last0, zeroinitializer"]
    total += [f"%total{n} = xor {integers} %total{n - 1}, %last{n}" for n in range(1, _READ_SUMS)]
    return f"""
define void @read(i64 %count, ptr %data) {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %block = phi ptr [ %data, %entry ], [ %following, %loop ]
  {_lines(sums)}
  {_lines(body)}
  %following = getelementptr {integers}, ptr %block, i64 {READ_VECTORS}
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %count
  br i1 %more, label %loop, label %done
done:
  {_lines(total)}
  store {integers} %total{_READ_SUMS - 1}, ptr %following, align {vector_bytes}
  ret void
}}
"""


def _lines(lines: list[str]) -> str:
    return "\n  ".join(lines)
