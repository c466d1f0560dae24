"""What the cost model says of the hottest loop: its work as LLVM leaves it, what waits, what stays in registers."""

from __future__ import annotations

import pytest
from slipstick.costmodel.chains import chains
from slipstick.costmodel.features import text_features
from slipstick.costmodel.invariants import Kept, invariants
from slipstick.costmodel.machine import machine
from slipstick.costmodel.motion import motion
from slipstick.costmodel.ports import bounds
from slipstick.costmodel.program_reader import read
from slipstick.costmodel.unrolling import shapes
from slipstick.target import Target

ROWS = """func.func @k(%a: memref<4096x48xf32>, %b: memref<4096xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c48 = arith.constant 48 : index
  %z = arith.constant dense<0.000000e+00> : vector<16xf32>
  %all = scf.for %i = %c0 to %n step %c1 iter_args(%s = %z) -> (vector<16xf32>) {
    %sum = scf.for %j = %c0 to %c48 step %c16 iter_args(%t = START) -> (vector<16xf32>) {
      %x = vector.load %a[%i, %j] : memref<4096x48xf32>, vector<16xf32>
      %y = arith.addf %t, %x : vector<16xf32>
      scf.yield %y : vector<16xf32>
    }
    scf.yield %sum : vector<16xf32>
  }
  vector.store %all, %b[%c0] : memref<4096xf32>, vector<16xf32>
  return
}
"""
OWN = """func.func @k(%a: memref<4096xf32>, %b: memref<4096xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %own = memref.alloca() : memref<32xf32>
  scf.for %i = %c0 to %n step %c16 {
    %x = vector.load %a[%i] : memref<4096xf32>, vector<16xf32>
    %y = arith.mulf %x, %x : vector<16xf32>
    vector.store %y, %own[%c16] : memref<32xf32>, vector<16xf32>
    %p = vector.load %own[%c16] : memref<32xf32>, vector<16xf32>
    %q = arith.addf %p, %x : vector<16xf32>
    vector.store %q, %b[%i] : memref<4096xf32>, vector<16xf32>
  }
  return
}
"""
POOL = """func.func @k(%a: memref<64x8x3xf32>, %b: memref<64x8xf32>) attributes {slipstick.noalias = array<i64: 0, 1>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c8 = arith.constant 8 : index
  %c64 = arith.constant 64 : index
  scf.for %i = %c0 to %c64 step %c1 {
    scf.for %k = %c0 to %c3 step %c1 {
      scf.for %j = %c0 to %c8 step %c1 {
        %x = memref.load %a[%i, %j, %k] : memref<64x8x3xf32>
        %y = memref.load %b[%i, %j] : memref<64x8xf32>
        %z = arith.addf %x, %y : f32
        memref.store %z, %b[%i, %j] : memref<64x8xf32>
      }
    }
  }
  return
}
"""


@pytest.mark.parametrize(("start", "chain"), [("%z", 0.0), ("%s", 12.0)])
def test_loops_inside_that_are_unrolled_count_as_often_as_they_turn(start: str, chain: float) -> None:
    text = ROWS.replace("START", start)
    program = read(text)
    # A read of 6 cycles, and three additions of 4 after each other, which wait for the turn before or do not.
    assert chains(program, 0, motion(program)) == (chain, 18.0)
    found = text_features(text, Target.named("znver4"))
    assert (found["h.v.load"], found["h.v.fp"]) == (3, 3)
    assert found["hot.chain"] == chain * found["hot.copies"]


def test_arrays_of_a_function_that_are_read_at_constant_places_are_registers() -> None:
    program = read(OWN)
    names = [(own.form.name, own.is_folded) for own in program.statements if own.form.name.startswith("vector")]
    assert [folded for _, folded in names] == [False, True, True, False]
    (y,) = (own.results[0] for own in program.statements if own.form.name == "arith.mulf")
    (sum_,) = (own for own in program.statements if own.form.name == "arith.addf")
    assert sum_.operands[0] == y and program.lives[y].uses == 1
    # Through memory it would be two reads; now the product waits for one, the sum for that.
    assert chains(program, 0, motion(program)) == (0.0, 6.0 + 4.0 + 4.0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # At a place that moves; read before anything is written; in pieces of another size; handed on.
        ("store %y, %own[%c16]", "store %y, %own[%i]"),
        ("store %y, %own[%c16]", "store %y, %own[%c0]"),
        ("load %own[%c16] : memref<32xf32>, vector<16xf32>", "load %own[%c16] : memref<32xf32>, vector<8xf32>"),
        ("    %p =", "    func.call @f(%own) : (memref<32xf32>) -> ()\n    %p ="),
    ],
)
def test_other_arrays_stay_in_memory(old: str, new: str) -> None:
    assert old in OWN
    program = read(OWN.replace(old, new))
    assert not any(own.is_folded for own in program.statements if own.form.name == "vector.load")


def test_what_a_turn_leaves_for_the_next_stays_in_memory() -> None:
    before = """    %o = vector.load %own[%c0] : memref<32xf32>, vector<16xf32>
    vector.store %o, %b[%c0] : memref<4096xf32>, vector<16xf32>
"""
    text = OWN.replace("%own[%c16]", "%own[%c0]").replace("    %x =", before + "    %x =")
    first = "  vector.store %z, %own[%c0] : memref<32xf32>, vector<16xf32>\n  scf.for"
    text = text.replace("  scf.for", "  %z = arith.constant dense<0.0> : vector<16xf32>\n" + first)
    assert not any(own.is_folded for own in read(text).statements if own.form.name == "vector.load")


def test_sums_of_unrolled_loops_have_a_register_each() -> None:
    program, on = read(POOL), machine(Target.named("haswell"))
    moved = motion(program)
    found = shapes(program, on, moved=moved)
    assert [own.is_whole for own in found] == [False, True, True]
    # Eight elements of `b`, read and written in each turn of `%k`.
    assert Kept(1, 8, False) in invariants(program, found, on, moved)


def test_the_busiest_unit_and_what_waits_bound_a_turn() -> None:
    found: dict[str, float] = {}
    pieces = {"v.load": 4.0, "v.fma": 8.0, "v.shuffle": 3.0, "v.store": 2.0, "x.int": 1.0}
    bounds(pieces, 4.0, 10.0, machine(Target.named("skylake-avx512")), found)
    assert (found["hot.loads"], found["hot.stores"], found["hot.arithmetic"], found["hot.shuffles"]) == (2, 2, 4, 3)
    # Shuffles take turns with arithmetic: 11 in two units. Nothing else takes as long.
    assert found["hot.busiest"] == found["hot.bound"] == 5.5 and found["hot.share"] == 1.0
    # A path of 40 cycles, of which 60 operations wait at once: 18 of them fit more than three times.
    bounds(pieces, 4.0, 40.0, machine(Target.named("skylake-avx512")), found)
    assert found["hot.bound"] == 12.0 and found["hot.share"] == 5.5 / 12.0
    bounds(pieces, 25.0, 40.0, machine(Target.named("skylake-avx512")), found)
    assert found["hot.bound"] == 25.0
