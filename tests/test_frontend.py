"""The front end: torch graphs and MLIR to the stage "linalg", their signatures, and what is refused, and why."""

from __future__ import annotations

import sys
import threading

import pytest
import slipstick
import torch
from slipstick import ArgumentError, GraphError, IRError
from slipstick.bindings import ir
from slipstick.compiler.build import parse
from slipstick.compiler.frontend import import_torch
from slipstick.compiler.mlir_input import mlir_signature
from slipstick.compiler.options import CompileOptions
from slipstick.compiler.signature import ConstantSpec, ScalarSpec, SymbolicSize, TensorSpec
from torch import nn
from torch.export import Dim


def imported(module, *args, kwargs=None, dynamic_shapes=None):
    result = import_torch(module.eval(), args, kwargs, dynamic_shapes)
    assert result.module.operation.verify()
    return result


def ops(result):
    names = []

    def visit(op):
        names.append(op.name)
        return ir.WalkResult.ADVANCE

    result.module.operation.walk(visit)
    return names


# ---- what is imported


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(64, 64)
        self.register_buffer("kept", torch.ones(64))
        self.register_buffer("dropped", torch.ones(64), persistent=False)
        self.constant = torch.randn(64, 64)

    def forward(self, x):
        return self.linear(x) * self.kept + self.dropped @ self.constant


def test_state_becomes_arguments_without_a_copy():
    module = Block()
    result = imported(module, torch.randn(2, 64))
    state = [(a.name, a.kind, a.native is not None) for a in result.signature.arguments if a.kind != "input"]
    assert state == [
        ("linear.weight", "parameter", True),
        ("linear.bias", "parameter", True),
        ("kept", "buffer", True),
        ("dropped", "buffer", True),
        ("constant", "constant", True),
    ]
    assert result.state["linear.weight"].data_ptr() == module.linear.weight.data_ptr()
    assert result.state["dropped"].data_ptr() == module.dropped.data_ptr()
    text = str(result.module)
    assert "dense_resource" not in text and len(text) < 6000
    assert 'slipstick.stage = "linalg"' in text


def test_no_multiply_by_one_is_left_of_addmm():
    result = imported(nn.Linear(4, 4), torch.randn(2, 4))
    assert "arith.mulf" in ops(result)  # the product's own
    assert "linalg.matmul" in ops(result)
    assert ops(result).count("arith.mulf") <= 1


def test_dynamic_views_keep_both_sizes():
    class View(nn.Module):
        def forward(self, x):
            b, s, _ = x.shape
            y = x.reshape(b * s, 8) + 1
            return y.view(b, s, 2, 4).transpose(1, 2).reshape(b * 2, s, 4)

    shapes = ({0: Dim("b"), 1: Dim("s")},)
    names = ops(imported(View(), torch.randn(2, 3, 8), dynamic_shapes=shapes))
    assert "tensor.reshape" not in names and "cf.assert" not in names
    assert "tensor.cast" not in names


def test_signature_says_names_types_ranges():
    class Both(nn.Module):
        def forward(self, ids, pair, *, flag=True):
            return {"a": pair[0][ids], "n": ids.shape[0]}

    result = imported(
        Both(),
        torch.tensor([0, 1, 1]),
        (torch.randn(4, 2), None),
        kwargs={"flag": False},
        dynamic_shapes={"ids": {0: Dim("n", min=1, max=9)}, "pair": (None, None), "flag": None},
    )
    signature = result.signature
    assert [a.name for a in signature.inputs] == ["ids", "pair[0]", "pair[1]", "flag"]
    ids, table, nothing, flag = (a.spec for a in signature.inputs)
    assert ids.dtype == "int64" and isinstance(ids.shape[0], SymbolicSize)
    assert table == TensorSpec("float32", (4, 2))
    assert (nothing, flag) == (ConstantSpec(None), ConstantSpec(False))
    assert str(signature.symbols[str(ids.shape[0])]) == "1 to 9"
    assert str(signature).startswith("(ids: int64[s")


def test_operations_that_print_do_not_reach_standard_output(capfd):
    imported(nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.GELU(), nn.Softmax(-1)), torch.randn(1, 1, 8, 8))
    assert capfd.readouterr().out == ""


def test_modules_are_imported_in_parallel_threads():
    errors = []

    def work(width):
        try:
            imported(nn.Linear(width, width), torch.randn(1, width))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(width,)) for width in (2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


# ---- what is refused


class Refused(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return self.body(x)


@pytest.mark.parametrize(
    ("body", "operation"),
    [
        (lambda x: torch.linalg.svd(x)[1], "linalg_svd"),
        (lambda x: torch.linalg.eigvals(x), "linalg_eig"),
        (lambda x: torch.special.airy_ai(x), "special_airy_ai"),
    ],
    ids=["svd", "eig", "airy"],
)
def test_operation_that_cannot_be_lowered_is_named_with_its_line(body, operation):
    with pytest.raises(GraphError, match=rf"{operation}.*test_frontend\.py:\d+"):
        imported(Refused(body), torch.eye(3))


def test_random_operations_are_refused():
    with pytest.raises(GraphError, match=r"(bernoulli|dropout|rand).*random operations cannot be compiled.*eval"):
        import_torch(nn.Dropout(0.5).train(), (torch.ones(3),))


def test_control_flow_on_data_is_refused_with_its_line():
    with pytest.raises(GraphError, match=r"torch\.export: .*test_frontend\.py:\d+"):
        imported(Refused(lambda x: x + 1 if x.sum() > 0 else x), torch.ones(3))


def test_wrong_example_arguments_are_refused():
    with pytest.raises(ArgumentError, match="too many positional arguments"):
        imported(nn.Linear(2, 2), torch.ones(2), torch.ones(2))
    with pytest.raises(GraphError, match=r"torch\.export"):
        imported(nn.Linear(2, 2), torch.ones(3, 3))


def test_complex_arithmetic_names_the_operation():
    with pytest.raises(GraphError, match=r"operation aten\.\w+.*test_frontend\.py:\d+.*complex numbers"):
        imported(Refused(lambda x: torch.fft.fft(x).abs()), torch.ones(6))


# ---- options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "f31"}, 'weights: expected one of "f32", "bf16", "lm8", found'),
        ({"schedule": "modl"}, 'schedule: expected one of "heuristic", "search", "model"'),
        ({"budget": -1}, "budget: expected an integer of at least 0, found -1"),
        ({"threads": 0}, "threads: expected an integer of at least 1, or None, found 0"),
        ({"threads": True}, "threads: expected an integer"),
        ({"lmul": 4}, "lmul: expected an LMul or None, found 4"),
        ({"target": 3}, 'target: expected "host", the name of a CPU, or a Target, found 3'),
        ({"cache_dir": 3}, "cache_dir: expected a path or None, found 3"),
    ],
    ids=str,
)
def test_options_are_checked(options, message):
    with pytest.raises(ArgumentError) as caught:
        CompileOptions(**options)
    assert message in str(caught.value)


def test_compile_refuses_what_it_cannot_mean(tmp_path):
    for obj, args, message in (
        (3, (), "obj: expected an nn.Module"),
        ("no_such_file.mlir", (), "which is no file"),
        ("func.func @f() { return }", (torch.ones(1),), "expected none with MLIR"),
        (nn.Linear(1, 1), [torch.ones(1)], "args: expected a tuple"),
    ):
        with pytest.raises(ArgumentError, match=message):
            slipstick.compile(obj, args, cache_dir=tmp_path)


# ---- MLIR


def test_mlir_signature():
    module = parse("""
      func.func @f(%a: tensor<?x4xbf16>, %b: memref<3xi8>, %c: index, %d: i1, %e: f32)
          -> (tensor<?x4xbf16>, f64) {
        %0 = arith.constant 1.0 : f64
        return %a, %0 : tensor<?x4xbf16>, f64
      }""")
    signature = mlir_signature(module)
    assert [a.spec for a in signature.inputs] == [
        TensorSpec("bfloat16", (SymbolicSize("arg0_0"), 4)),
        TensorSpec("int8", (3,)),
        ScalarSpec("int"),
        ScalarSpec("bool", 1),
        ScalarSpec("float", 32),
    ]
    assert signature.native_results[1] == ScalarSpec("float")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("func.func @f() {", IRError, r"-:1:\d+: error: "),
        ("func.func @f() { foo.bar }", IRError, r"-:1:\d+: error: "),
        ("module {}", IRError, "expected a function named 'main'"),
        ("func.func @f(%a: tensor<*xf32>) { return }", ArgumentError, "arg0: expected a ranked tensor"),
        ("func.func @f(%a: tensor<2xi7>) { return }", ArgumentError, "arg0: .*torch has no dtype for i7"),
        ("func.func @f(%a: memref<2xf32, strided<[2]>>) { return }", ArgumentError, "identity layout"),
    ],
    ids=["unfinished", "unknown dialect", "no entry", "unranked", "odd width", "strided"],
)
def test_mlir_that_is_refused(text, error, message):
    with pytest.raises(error, match=message):
        mlir_signature(parse(text))


# ---- the package


def test_importing_the_package_does_not_import_torch():
    import subprocess

    code = "import sys, slipstick; assert 'torch' not in sys.modules; slipstick.CompileOptions; slipstick.LMul"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_gelu_by_tanh_has_the_constants_of_torch(tmp_path):
    class Gelu(nn.Module):
        def forward(self, x):
            return nn.functional.gelu(x, approximate="tanh"), nn.functional.gelu(x)

    torch.manual_seed(0)
    x = 3.0 * torch.randn(40, 50)
    compiled = slipstick.compile(Gelu().eval(), (x,), cache_dir=tmp_path)
    for found, expected in zip(compiled(x), Gelu()(x), strict=True):
        torch.testing.assert_close(found, expected, rtol=2e-6, atol=2e-6)
