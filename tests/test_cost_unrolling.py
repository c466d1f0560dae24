"""What the cost model foresees of LLVM's loops: how often bodies stand in the code, and as vectors of what length.

The numbers are those of LLVM 22's assembly of the same loops.
"""

from __future__ import annotations

import pytest
from slipstick.costmodel.accesses import accesses
from slipstick.costmodel.features import text_features
from slipstick.costmodel.folding import folded_loads
from slipstick.costmodel.liveness import pressure
from slipstick.costmodel.machine import machine
from slipstick.costmodel.motion import motion
from slipstick.costmodel.program_reader import read
from slipstick.costmodel.transfers import transfers
from slipstick.costmodel.unrolling import Shape, shapes
from slipstick.costmodel.vectorising import Division, Scalars, divide
from slipstick.target import Target

NOALIAS = "attributes {slipstick.noalias = array<i64: 0, 1>}"
INDICES = "".join(f"  %c{n} = arith.constant {n} : index\n" for n in (0, 1, 8, 16))
VECTORS = f"""func.func @k(%a: memref<65536xf32>) attributes {{slipstick.noalias = array<i64: 0>}} {{
{INDICES}  %n = arith.constant TURNS : index
  scf.for %i = %c0 to %n step %c1 {{
    %x = vector.load %a[%i] : memref<65536xf32>, vector<16xf32>
    %y = arith.addf %x, %x : vector<16xf32>
    %z = arith.mulf %y, %x : vector<16xf32>
    %w = arith.divf %z, %x : vector<16xf32>
    %v = arith.subf %w, %y : vector<16xf32>
    vector.store %v, %a[%i] : memref<65536xf32>, vector<16xf32>
  }}
  return
}}
"""
SUMS = f"""func.func @k(%a: memref<56xCOLUMNSxf32>, %b: memref<56xf32>) {NOALIAS} {{
{INDICES}  %rows = arith.constant 56 : index
  %n = arith.constant COLUMNS : index
  scf.for %i = %c0 to %rows step %c1 {{
    scf.for %j = %c0 to %n step %c1 {{
      %x = memref.load %a[%i, %j] : memref<56xCOLUMNSxf32>
      %y = memref.load %b[%i] : memref<56xf32>
      %z = arith.addf %x, %y fastmath<reassoc> : f32
      memref.store %z, %b[%i] : memref<56xf32>
    }}
  }}
  return
}}
"""
COPY = f"""func.func @k(%a: memref<16x8xf32>, %b: memref<16xWIDTHxf32>) {NOALIAS} {{
{INDICES}  scf.for %i = %c0 to %c16 step %c1 {{
    scf.for %j = %c0 to %c8 step %c1 {{
      %x = memref.load %a[%i, %j] : memref<16x8xf32>
      memref.store %x, %b[%i, %j] : memref<16xWIDTHxf32>
    }}
  }}
  return
}}
"""
PATTERNS = """func.func @k(%a: memref<4096xf32>, %b: memref<4096xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %two = arith.constant dense<2.000000e+00> : vector<64xf32>
  %also = arith.constant dense<2.000000e+00> : vector<16xf32>
  scf.for %i = %c0 to %n step %c64 {
    %x = vector.load %a[%i] : memref<4096xf32>, vector<64xf32>
    %y = arith.mulf %x, %two : vector<64xf32>
    vector.store %y, %b[%i] : memref<4096xf32>, vector<64xf32>
    %p = vector.load %a[%i] : memref<4096xf32>, vector<16xf32>
    %q = arith.addf %p, %also : vector<16xf32>
    vector.store %q, %b[%i] : memref<4096xf32>, vector<16xf32>
  }
  return
}
"""


def shapes_of(text: str, cpu: str) -> list[Shape]:
    return shapes(read(text), machine(Target.named(cpu)))


@pytest.mark.parametrize(
    ("cpu", "turns", "copies"),
    [
        # A body of 8: what fits into 50 (Skylake) or 108 (Zen), if it divides the turns; else a power of two.
        *(("skylake-avx512", turns, copies) for turns, copies in ((576, 6), (1024, 4), (997, 4), (1000, 5))),
        *(("znver4", turns, copies) for turns, copies in ((576, 12), (1024, 8), (997, 8), (1000, 10))),
        # Two registers a vector, or four: a body of 12 fits four times, one of 25 not at all.
        *(("haswell", 576, 4), ("haswell", 997, 4), ("neoverse-v2", 1024, 1)),
        # Small enough to be unrolled whole: 37 x 8 and 2 are below 300.
        *(("skylake-avx512", 37, 37), ("skylake-avx512", 38, 2)),
    ],
)
def test_vectors_are_unrolled_to_the_size_of_the_loop_buffer(cpu: str, turns: int, copies: int) -> None:
    (shape,) = shapes_of(VECTORS.replace("TURNS", str(turns)), cpu)
    assert (shape.copies, shape.is_whole, shape.rest_copies) == (copies, copies == turns, 0)


@pytest.mark.parametrize(("columns", "middle", "rest"), [(622, 5, 6), (591, 3, 3), (640, 0, 0)])
def test_turns_are_divided_among_vectors(columns: int, middle: int, rest: int) -> None:
    # 622 = 9 x 4 x 16 + 5 x 8 + 6; 591 = 9 x 64 + 3 x 4 + 3: by 8 there would be 7 left over.
    outer, inner = shapes_of(SUMS.replace("COLUMNS", str(columns)), "skylake-avx512")
    assert (inner.lanes, inner.interleaved, inner.copies) == (16, 4, columns // 64 * 4)
    assert (inner.middle_copies, inner.rest_copies) == (middle, rest)
    assert inner.is_whole and not outer.is_whole and outer.left == 1


def test_sums_are_kept_in_registers() -> None:
    program = read(SUMS.replace("COLUMNS", "622"))
    moved = motion(program)
    named = {
        own.form.name + str(len(own.operands)): home for own, home in zip(program.statements, moved.homes, strict=True)
    }
    # The element of `b` is read before the inner loop, and written behind it; that of `a` moves.
    assert (named["memref.load2"], named["memref.store3"], named["memref.load3"]) == (0, 0, 1)
    assert moved.addresses == [1, 1]


def test_sums_whose_order_may_not_change_are_not_divided() -> None:
    program = read(SUMS.replace("COLUMNS", "622").replace("fastmath<reassoc>", ""))
    found = accesses(program, 1, 8)
    assert found.is_serial and divide(Scalars(4.0, 622.0, found, 1.0), machine(Target.named("haswell"))) is None
    summed = accesses(read(SUMS.replace("COLUMNS", "622")), 1, 8)
    divided = divide(Scalars(4.0, 622.0, summed, 1.0), machine(Target.named("skylake-avx512")))
    assert divided == Division(16, 4, 9, 8, 5, 6)


@pytest.mark.parametrize(("width", "loop", "moved"), [(8, 0, 512), (12, 1, 32)])
def test_copies_are_calls(width: int, loop: int, moved: int) -> None:
    text = COPY.replace("WIDTH", str(width))
    # Rows that follow each other are copied at once; others row by row, in as many calls or a few vectors.
    assert transfers(read(text)) == {loop: moved}
    found = text_features(text, Target.named("znver4"))
    assert found["u.few"] == (8 if width == 8 else 16) and "u.s.scalarload" not in found
    # What is written in another order than it was read is no copy.
    assert not transfers(read(text.replace("%b[%i, %j]", "%b[%j, %i]")))


def test_what_is_the_same_in_all_lanes_is_one_register() -> None:
    program = read(PATTERNS)
    alive = pressure(program, machine(Target.named("znver4")))
    # Both constants are one, whatever their length; beside it four registers of a vector of 64.
    assert max(alive.ordered) == 5
    (kept,) = [life for life in program.lives if life.splat]
    assert kept.uses == 2


def test_reads_are_operands_of_arithmetic() -> None:
    program = read(PATTERNS)
    moved = motion(program)
    assert sum(folded_loads(program, moved, machine(Target.named("haswell"))).values()) == 2
    assert not folded_loads(program, moved, machine(Target.named("neoverse-v2")))
    # A read that is used twice, and the first operand of a difference, are instructions.
    twice = PATTERNS.replace("%x, %two", "%x, %x").replace("addf %p, %also", "subf %p, %also")
    program = read(twice)
    assert not folded_loads(program, motion(program), machine(Target.named("haswell")))


def test_patterns_of_shuffles_are_kept_on_avx512() -> None:
    shuffled = """    %s = vector.shuffle %p, %q [0, 16, 1, 17, 2, 18, 3, 19] : vector<16xf32>, vector<16xf32>
    vector.store %s, %b[%i] : memref<4096xf32>, vector<8xf32>
  }
  return"""
    text = PATTERNS.replace("  }\n  return", shuffled)
    for cpu, more in (("znver4", 1), ("haswell", 0)):
        on = machine(Target.named(cpu))
        one, other = (pressure(read(own), on) for own in (text, text.replace("%p, %q [0", "%q, %q [0")))
        without = pressure(read(PATTERNS), on)
        assert max(one.lazy) == max(other.lazy) == max(without.lazy) + more


def test_a_call_that_hands_on_its_arguments_is_a_jump() -> None:
    text = """func.func private @k(%a: memref<8xf32>, %b: memref<8xf32>) {
  call @panel(ARGUMENTS) : (memref<8xf32>, memref<8xf32>) -> ()
  return
}
"""
    target = Target.named("haswell")
    assert text_features(text.replace("ARGUMENTS", "%a, %b"), target)["u.tail"] == 1
    assert "u.tail" not in text_features(text.replace("ARGUMENTS", "%b, %a"), target)


def test_bounds_that_are_equal_turn_by_turn_leave_nothing() -> None:
    text = f"""func.func @k(%b: memref<64xf32>, %x: f32) {{
{INDICES}  %c24 = arith.constant 24 : index
  scf.for %i = %c0 to %c24 step %c16 {{
    %left = arith.subi %c24, %i : index
    %count = arith.minsi %left, %c16 : index
    %blocks = arith.divsi %count, %c8 : index
    %whole = arith.muli %blocks, %c8 : index
    scf.for %j = %whole to %count step %c1 {{
      memref.store %x, %b[%j] : memref<64xf32>
    }}
  }}
  return
}}
"""
    # 16 and 8 are whole blocks of eight: no turn is left over in either.
    assert [loop.trips for loop in read(text).loops] == [2, 0]
