"""What `slipstick.predict` takes: several functions, linalg on buffers; and how the tool shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
import slipstick
from slipstick.tools.cost import main

SEVERAL = """
func.func @rows(%x: tensor<8x64xf32>, %out: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %y = func.call @shared(%x, %out) : (tensor<8x64xf32>, tensor<8x64xf32>) -> tensor<8x64xf32>
  return %y : tensor<8x64xf32>
}
func.func @product(%a: tensor<8x64xf32>, %b: tensor<64x64xf32>, %c: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %r = linalg.matmul ins(%a, %b : tensor<8x64xf32>, tensor<64x64xf32>) outs(%c : tensor<8x64xf32>) -> tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
func.func private @shared(%x: tensor<8x64xf32>, %out: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %y = linalg.exp ins(%x : tensor<8x64xf32>) outs(%out : tensor<8x64xf32>) -> tensor<8x64xf32>
  return %y : tensor<8x64xf32>
}
"""
BUFFERS = """
func.func @main(%a: memref<4x8xf32>, %b: memref<8x4xf32>, %c: memref<4x4xf32>) {
  linalg.matmul ins(%a, %b : memref<4x8xf32>, memref<8x4xf32>) outs(%c : memref<4x4xf32>)
  return
}
"""


def test_each_public_function_is_predicted_where_none_is_the_entry():
    found = slipstick.predict(SEVERAL, "znver4")
    places = [(one.function, one.kernel) for one in found]
    assert places == [("shared", "0 elementwise"), ("shared", ""), ("product", "0 rows"), ("product", "")]
    assert all(one.predicted.predictions["instructions"].value > 0 for one in found)


def test_linalg_on_buffers_is_predicted_from_its_loops():
    kernel, whole = slipstick.predict(BUFFERS, "znver4")
    assert (kernel.kernel, whole.kernel) == ("0 rows", "")
    assert kernel.predicted.predictions["instructions"].value > 10


def test_the_tool_names_files_and_cuts_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    several, broken = tmp_path / "several.mlir", tmp_path / "broken.mlir"
    several.write_text(SEVERAL)
    broken.write_text("\n" + BUFFERS.replace("%c : memref", "%d : memref"))
    assert main(["predict", str(several), "--target", "znver4"]) == 0
    shown = capsys.readouterr().out
    assert "kernel           vregs  spills  reloads" in shown and "…" not in shown
    assert main(["predict", str(broken)]) == 1
    assert capsys.readouterr().err.startswith(f"slipstick-cost: error: {broken}:4:")
    assert main(["compare", str(several), str(several).replace("several", "gone")]) == 1
    assert capsys.readouterr().err == f"slipstick-cost: error: {tmp_path}/gone.mlir: No such file or directory\n"
    broken.write_text(BUFFERS)
    assert main(["compare", str(several), str(broken)]) == 1
    assert "expected as many functions in both files, found shared, product and main" in capsys.readouterr().err


def test_ir_that_is_nested_too_deeply_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    deep = "\n  module {" * 100 + "func.func private @f(" + "tuple<" * 99 + "f32" + ">" * 99 + ")" + "}" * 100
    path = tmp_path / "deep.mlir"
    path.write_text("module {\n" * 201)
    assert main(["predict", str(path)]) == 1
    assert capsys.readouterr().err == f"slipstick-cost: error: {path}:201:8: error: nested more than 200 deep\n"
    with pytest.raises(slipstick.IRError, match="-:1:1608: error: nested more than 200 deep"):
        slipstick.compile("module {" * 20_000 + "}" * 20_000)
    for text in (deep, '// {{{{\nmodule attributes {a.b = "((("} {}' + " " * 10):
        with pytest.raises(slipstick.IRError, match="a function named 'main'"):
            slipstick.compile(text)
