"""The emulated calls themselves: every kind of argument and result, assertions, and faults that are seen."""

from __future__ import annotations

import numpy as np
import pytest
import slipstick
import torch
from cross.machines import compile_for, every_arm
from slipstick import ArgumentError

pytestmark = every_arm

NUMBERS = """
func.func @main(%x: tensor<?xf32>, %a: f32, %b: f64, %c: i32, %d: i64, %e: i1, %f: i8)
    -> (tensor<?xf32>, f64, i32, i1) {
  %bf = arith.truncf %b : f64 to f32
  %cf = arith.sitofp %c : i32 to f32
  %ff = arith.sitofp %f : i8 to f32
  %s = arith.addf %a, %bf : f32
  %t = arith.addf %s, %cf : f32
  %u = arith.addf %t, %ff : f32
  %zero = arith.constant 0 : index
  %n = tensor.dim %x, %zero : tensor<?xf32>
  %empty = tensor.empty(%n) : tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%empty : tensor<?xf32>) {
    ^bb0(%in: f32, %out: f32):
      %v = arith.addf %in, %u : f32
      linalg.yield %v : f32
  } -> tensor<?xf32>
  %wide = arith.trunci %d : i64 to i32
  %two = arith.addi %wide, %c : i32
  %not = arith.xori %e, %e : i1
  return %y, %b, %two, %not : tensor<?xf32>, f64, i32, i1
}"""


def test_numbers_in_and_out(cpu: str) -> None:
    native = compile_for(cpu, NUMBERS)
    x = torch.arange(5.0)
    y, b, two, off = native(x, 0.5, 0.25, -3, 2**40 + 7, True, -2)
    assert torch.equal(y, x + 0.5 + 0.25 - 3 - 2)
    assert (b, two, off) == (0.25, 4, False)


def test_one_number_by_value(cpu: str) -> None:
    native = compile_for(cpu, "func.func @main(%a: f32) -> f32 { %b = arith.addf %a, %a : f32\n return %b : f32 }")
    assert native(1.5) == 3.0


def test_a_failed_assertion(cpu: str) -> None:
    native = compile_for(
        cpu,
        """func.func @main(%a: i64) -> i64 {
          %five = arith.constant 5 : i64
          %small = arith.cmpi slt, %a, %five : i64
          cf.assert %small, "expected less than 5"
          return %a : i64
        }""",
    )
    assert native(4) == 4
    with pytest.raises(ArgumentError, match="expected less than 5"):
        native(5)


class Views(torch.nn.Module):
    """Results that share memory or are arguments, halves, empty tensors, a copy of a strided part."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y = x + 1
        return y, y.view(-1), x, x.to(torch.bfloat16), x.to(torch.float16), x[:0], x[1:, ::2].clone(), x.double() * 3


def test_results_of_every_kind(cpu: str) -> None:
    x = torch.randn(5, 7) * torch.logspace(-9, 4, 7)
    found = compile_for(cpu, Views(), (x,))(x)
    for one, other in zip(found, Views()(x), strict=True):
        assert one.dtype == other.dtype and torch.equal(one, other)


READ = """
func.func @main(%x: memref<?xf32>, %i: i64) -> f32 {
  %at = arith.index_cast %i : i64 to index
  %v = memref.load %x[%at] : memref<?xf32>
  return %v : f32
}"""


def test_a_read_past_the_end_is_seen(cpu: str) -> None:
    native = compile_for(cpu, READ)
    x = torch.arange(1.0, 6.0)
    assert [native(x, i) for i in (0, 4)] == [1.0, 5.0]
    with pytest.raises(AssertionError, match=r"signal 11|status -11"):
        native(x, 5)


def test_the_host_refuses_the_object(cpu: str) -> None:
    x = np.zeros(3, np.float32)
    with pytest.raises(slipstick.CodegenError, match="cannot run"):
        slipstick.compile(READ, target=cpu)(x, 0)
