"""What the cost model folds as LLVM does: ranges of integers, dead regions, loops of one turn, drivers of calls."""

from __future__ import annotations

import pytest
from slipstick.costmodel.accesses import accesses
from slipstick.costmodel.features import text_features
from slipstick.costmodel.lines import form
from slipstick.costmodel.machine import machine
from slipstick.costmodel.program_reader import read
from slipstick.costmodel.ranges import Range, exactly, fold, result, turns
from slipstick.costmodel.unrolling import shapes
from slipstick.target import Target

HEAD = "func.func @f(%a: memref<64x6xf32>, %b: memref<64xf32>, %n: index) {\n" + "".join(
    f"  %c{n} = arith.constant {n} : index\n" for n in (0, 1, 2, 5, 8, 16, 64)
)
BLOCKS = f"""{HEAD}  scf.for %i = %c0 to %c16 step %c8 {{
    %left = arith.subi %c16, %i : index
    %block = arith.minsi %left, %c8 : index
    %count = arith.ceildivsi %block, %c8 : index
    scf.for %j = %c0 to %count step %c1 {{
      %k = arith.addi %i, %j : index
      %is = arith.cmpi slt, %k, %c64 : index
      %at = arith.select %is, %k, %c0 : index
      %x = memref.load %b[%at] : memref<64xf32>
      memref.store %x, %b[%n] : memref<64xf32>
      scf.if %is {{
        memref.store %x, %b[%k] : memref<64xf32>
      }} else {{
        scf.for %l = %c0 to %c64 step %c1 {{
          memref.store %x, %b[%l] : memref<64xf32>
        }}
      }}
    }}
  }}
  return
}}
"""
HALVES = f"""{HEAD}  scf.for %i = %c0 to %c2 step %c1 {{
    %is = arith.cmpi eq, %i, %c0 : index
    %bound = arith.select %is, %c0, %c64 : index
    scf.for %j = %c0 to %bound step %c16 {{
      memref.prefetch %b[%j], read, locality<3>, data : memref<64xf32>
    }}
  }}
  return
}}
"""
STRIDES = f"""{HEAD}  scf.for %i = %c0 to %c64 step %c1 {{
    %x = memref.load %a[%i, %c5] : memref<64x6xf32>
    %double = affine.apply affine_map<(d0, d1) -> (d0 * 2 + d1)>(%i, %n)
    %y = memref.load %b[%double] : memref<64xf32>
    %z = arith.addf %x, %y : f32
    memref.store %z, %b[%i] : memref<64xf32>
  }}
  return
}}
"""
DRIVER = f"""{HEAD}  scf.for %i = %c0 to %cTURNS step %c1 {{
    %k = arith.muli %i, %c8 : index
    func.call @g(%a, %b, %b, %k) : (memref<64x6xf32>, memref<64xf32>, memref<64xf32>, index) -> ()
  }}
  return
}}
"""


@pytest.mark.parametrize(
    ("name", "predicate", "operands", "found"),
    [
        ("arith.subi", "", (exactly(16), Range(0, 8)), Range(8, 16)),
        ("arith.minsi", "", (Range(8, 16), exactly(8)), exactly(8)),
        ("arith.ceildivsi", "", (Range(9, 16), exactly(8)), exactly(2)),
        ("arith.remsi", "", (Range(17, 20), exactly(16)), Range(1, 4)),
        ("arith.remsi", "", (Range(0, 20), exactly(16)), Range(0, 15)),
        ("arith.remsi", "", (Range(-1, 20), exactly(16)), None),
        ("arith.cmpi", "slt", (Range(0, 15), exactly(16)), exactly(1)),
        ("arith.cmpi", "sge", (Range(0, 15), exactly(16)), exactly(0)),
        ("arith.cmpi", "eq", (Range(0, 15), exactly(3)), Range(0, 1)),
        ("arith.select", "", (Range(0, 1), exactly(7), Range(1, 3)), Range(1, 7)),
        ("arith.ceildivsi", "", (exactly(8), exactly(0)), None),
        ("arith.xori", "", (exactly(8), exactly(1)), None),
        ("arith.addi", "", (exactly(8), None), None),
    ],
)
def test_ranges(name: str, predicate: str, operands: tuple[Range | None, ...], found: Range | None) -> None:
    assert result(fold(name, predicate), operands) == found


def test_values_are_followed_turn_by_turn() -> None:
    index = turns(3, 0, 16, 3)
    assert index == Range(0, 32, 3, (0, 16, 32))
    is_first = result(fold("arith.cmpi", "eq"), (index, exactly(0)))
    assert is_first is not None and is_first.cases == (1, 0, 0)
    chosen = result(fold("arith.select", ""), (is_first, exactly(5), index))
    assert chosen is not None and chosen.cases == (5, 16, 32)
    assert turns(0, 0, 1, 100) == Range(0, 99)


def test_what_follows_from_sizes_is_not_in_the_code() -> None:
    program = read(BLOCKS)
    assert [loop.trips for loop in program.loops] == [2, 1, 0]
    folded = {one.form.name for one in program.statements if one.is_folded}
    assert {"arith.minsi", "arith.ceildivsi", "arith.cmpi"} <= folded
    stores = [one.is_folded for one in program.statements if one.form.name == "memref.store"]
    assert stores == [False, False, True]
    assert all(shape.is_whole for shape in shapes(program, machine(Target.named("haswell"))))


def test_a_loop_runs_in_a_share_of_the_copies() -> None:
    outer, inner = read(HALVES).loops
    assert (outer.trips, inner.trips, inner.share) == (2, 4, 0.5)
    found = text_features(HALVES, Target.named("znver4"))
    assert found["u.prefetch"] == 4


def test_strides_of_elements() -> None:
    found = accesses(read(STRIDES), 0, 8)
    # Six elements from row to row, two by the map, one.
    assert (found.contiguous, found.near, found.strided, found.fixed) == (1, 2, 0, 0)
    assert accesses(read(STRIDES), 0, 4).strided == 1
    assert form("% = affine.apply affine_map<(d0, d1) -> (d0 * 2 + d1)>(%, %)").strides == (2, 1)
    assert form("% = affine.apply affine_map<(d0) -> (d0 floordiv 2)>(%)").class_ == "idiv"


@pytest.mark.parametrize(("count", "is_whole"), [(16, True), (64, False)])
def test_calls_weigh_what_they_hand_over(count: int, is_whole: bool) -> None:
    (shape,) = shapes(read(DRIVER.replace("TURNS", str(count))), machine(Target.named("haswell")))
    assert shape.size == 7 and shape.is_whole is is_whole
