"""L-Mul as compiled code, bit for bit against an oracle that shares no code with it."""

from __future__ import annotations

import re
from typing import Any

import lmul_oracle as oracle
import numpy as np
import pytest
import slipstick
from lmul_kernels import WIDTHS, compile_kernel, llvm_ir, loop
from lmul_oracle import LAYOUTS, Bits, Configuration
from slipstick.bindings import ir, new_context
from slipstick.errors import ArgumentError, IRError
from slipstick.kernels import lmul_emit
from slipstick.kernels.lmul import LMul
from slipstick.passes.manager import run_pipeline

MULTIPLY = "%r = arith.mulf %x, %y : T"
ROUNDINGS = ("truncate", "rne")
POLICIES = ("ieee", "finite")
EXPECTED_NAN = {"f16": 0x7E00, "bf16": 0x7FC0, "f32": 0x7FC00000, "f64": 0x7FF8000000000000}

float_types = pytest.mark.parametrize("float_type", WIDTHS)
policies = pytest.mark.parametrize("specials", POLICIES)


def option_text(c: Configuration) -> str:
    return f"lmul{{mantissa-bits={c.k} rounding={c.rounding} specials={c.specials}}}"


def random_bits(float_type: str, count: int, seed: int) -> Bits:
    layout = LAYOUTS[float_type]
    raw = np.random.default_rng(seed).bytes(count * layout.width // 8)
    return np.frombuffer(raw, layout.unsigned).copy()


def special_pairs(float_type: str) -> tuple[Bits, Bits]:
    """Return all pairs of special values, filled up to whole vectors."""
    values = oracle.special_values(LAYOUTS[float_type])
    values = np.concatenate([values, np.full(-len(values) % 16, values[0])])
    return np.repeat(values, len(values)), np.tile(values, len(values))


def bits_of(values: Any, float_type: str) -> Bits:
    """Return the bits of numbers that the format holds exactly."""
    array = np.asarray(values, np.float64)
    if float_type == "bf16":
        return (array.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    width = WIDTHS[float_type]
    return array.astype(f"float{width}").view(f"uint{width}")


def values_of(bits: Bits, float_type: str) -> Any:
    if float_type == "bf16":
        return (bits.astype(np.uint32) << 16).view(np.float32)
    return bits.view(f"float{WIDTHS[float_type]}")


def assert_equal(float_type: str, x: Bits, y: Bits, found: Bits, expected: Bits) -> None:
    wrong = np.flatnonzero(found != expected)
    shown = [f"{x[i]:#x} * {y[i]:#x} = {found[i]:#x}, expected {expected[i]:#x}" for i in wrong[:5]]
    assert not len(wrong), f"{float_type}: {len(wrong)} of {len(x)} differ: {shown}"


def multiply(float_type: str, c: Configuration, x: Any, y: Any, form: str = "vector") -> Any:
    """Return products of arrays of numbers, as the compiled kernel computes them."""
    kernel = compile_kernel(loop(float_type, MULTIPLY, form=form), option_text(c))
    x, y = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
    fill = [(0, -x.size % 16)]
    operands = (bits_of(np.pad(v.ravel(), fill), float_type) for v in (x, y))
    return values_of(kernel(*operands)[: x.size], float_type).astype(np.float64)


# The oracle itself


@float_types
@pytest.mark.parametrize("rounding", ROUNDINGS)
@policies
def test_oracles_agree(float_type: str, rounding: str, specials: str) -> None:
    layout = LAYOUTS[float_type]
    special = oracle.special_values(layout)
    rng = np.random.default_rng(3)
    for k in (1, 2, 3, 4, 5, layout.mantissa_bits):
        c = Configuration(k, rounding, specials)
        x, y = (np.concatenate([random_bits(float_type, 200, k + s), rng.choice(special, 600)]) for s in (0, 100))
        assert oracle.multiply_arrays(layout, c, x, y).tolist() == [
            oracle.multiply(layout, c, int(a), int(b)) for a, b in zip(x, y, strict=True)
        ]


# Bit for bit


@float_types
@policies
def test_ten_million_random_pairs(float_type: str, specials: str) -> None:
    c = Configuration(4, "truncate", specials)
    x, y = (random_bits(float_type, 10_000_000 // 16 * 16, seed) for seed in (1, 2))
    expected = oracle.multiply_arrays(LAYOUTS[float_type], c, x, y)
    for form in ("scalar", "loop", "vector"):
        kernel = compile_kernel(loop(float_type, MULTIPLY, form=form), option_text(c))
        assert_equal(float_type, x, y, kernel(x, y), expected)


@float_types
@pytest.mark.parametrize("rounding", ROUNDINGS)
@policies
def test_every_kind_of_configuration(float_type: str, rounding: str, specials: str) -> None:
    layout = LAYOUTS[float_type]
    x, y = special_pairs(float_type)
    x, y = (np.concatenate([v, random_bits(float_type, 1 << 18, seed)]) for v, seed in ((x, 5), (y, 6)))
    for k in (1, 2, 3, 4, 5, layout.mantissa_bits - 1, layout.mantissa_bits):
        c = Configuration(k, rounding, specials)
        expected = oracle.multiply_arrays(layout, c, x, y)
        for form in ("scalar", "vector") if k in (3, 4, layout.mantissa_bits) else ("vector",):
            kernel = compile_kernel(loop(float_type, MULTIPLY, form=form), option_text(c))
            assert_equal(f"{float_type}, {c}, {form}", x, y, kernel(x, y), expected)


@float_types
@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("kept", ["some", "all"])
def test_operands_prepared_one_by_one(float_type: str, rounding: str, kept: str) -> None:
    """`combine` of prepared operands, as packed kernels use it, is the policy `finite`."""
    k = 4 if kept == "some" else LAYOUTS[float_type].mantissa_bits
    lmul = LMul(k, rounding, "finite")
    mlir = loop(float_type, MULTIPLY, form="vector")
    context = new_context()
    with context, ir.Location.unknown():
        module = ir.Module.parse(mlir)
        products: list[ir.Operation] = []

        def collect(op: ir.Operation) -> ir.WalkResult:
            if op.name == "arith.mulf":
                products.append(op)
            return ir.WalkResult.ADVANCE

        module.operation.walk(collect)
        (product,) = products
        with ir.InsertionPoint(product):
            x, y = product.operands
            packed = lmul_emit.fold_offset(lmul, lmul_emit.prepare(lmul, y), y.type)
            result = lmul_emit.combine(lmul, lmul_emit.prepare(lmul, x), packed, y.type.element_type)
        product.results[0].replace_all_uses_with(result)
        product.erase()
        kernel = compile_kernel(str(module))
    layout, c = LAYOUTS[float_type], Configuration(k, rounding, "finite")
    xs, ys = special_pairs(float_type)
    assert_equal(float_type, xs, ys, kernel(xs, ys), oracle.multiply_arrays(layout, c, xs, ys))


# What that means


@float_types
@pytest.mark.parametrize("form", ["scalar", "vector"])
def test_special_values_as_in_ieee(float_type: str, form: str) -> None:
    inf, nan, big, small = np.inf, np.nan, 2.0**14, 2.0**-14
    if float_type != "f16":
        big, small = 1.5 * 2.0**100, 1.5 * 2.0**-100
    subnormal = {"f16": 2.0**-20, "bf16": 2.0**-130, "f32": 2.0**-140, "f64": 2.0**-1060}[float_type]
    cases = [
        (0.0, 0.0, 0.0),
        (0.0, 0.5, 0.0),
        (-0.0, 0.5, -0.0),
        (-0.0, -0.5, 0.0),
        (inf, 0.0, nan),
        (-0.0, inf, nan),
        (inf, -2.0, -inf),
        (-inf, -inf, inf),
        (inf, subnormal, inf),
        (nan, 1.0, nan),
        (0.0, nan, nan),
        (-nan, inf, nan),
        (subnormal, -1.0, -0.0),
        (big, big, big * big * 1.125 if float_type == "f64" else inf),
        (-small, small, -small * small if float_type == "f64" else -0.0),
    ]
    if float_type == "f64":
        cases[-2:] = [(2.0**1000, -(2.0**1000), -inf), (-(2.0**-1000), 2.0**-1000, -0.0)]
    x, y, expected = (np.array(column) for column in zip(*cases, strict=True))
    kernel = compile_kernel(loop(float_type, MULTIPLY, form=form), "lmul")
    fill = [(0, 1)]
    found = kernel(*(bits_of(np.pad(v, fill), float_type) for v in (x, y)))[:-1]
    expected_bits = np.where(np.isnan(expected), EXPECTED_NAN[float_type], bits_of(expected, float_type))
    for i, (a, b, r) in enumerate(cases):
        assert found[i] == expected_bits[i], f"{a} * {b} = {found[i]:#x}, expected {r}"


def test_finite_operands_bound_what_a_zero_adds() -> None:
    c = Configuration(4, "truncate", "finite")
    y = np.array([-3.0, 2.0**59, 2.0**-59])
    assert np.all(np.abs(multiply("f32", c, 0.0, y)) <= 2.0**-60 * np.abs(y) * 1.125)
    assert np.all(np.isfinite(multiply("f32", c, 2.0**100, 2.0**100)))


TRUNCATION = {  # mean, rms, min, max of the relative error in percent: the project's specification of L-Mul
    2: (-3.32, 8.28, -23.07, 25.00),
    3: (-3.32, 5.65, -17.12, 12.50),
    4: (0.95, 3.71, -10.18, 12.50),
    5: (-1.21, 3.37, -10.18, 6.25),
    6: (-0.14, 3.08, -8.27, 6.25),
    7: (0.41, 3.10, -7.29, 6.25),
    23: (0.41, 3.09, -7.29, 6.25),
}
NEAREST_EVEN = {  # mean, rms; ties, a large part of so few bits, go to even
    2: (14.35, 16.93),
    3: (4.86, 6.95),
    4: (4.85, 6.13),
    5: (0.41, 3.24),
    6: (0.41, 3.15),
    7: (0.41, 3.10),
}


def relative_error(c: Configuration) -> tuple[float, float, float, float]:
    """Return mean, rms, least and greatest error in percent over all bfloat16 mantissas in [1, 2)."""
    mantissas = 1 + np.arange(128) / 128
    x, y = np.repeat(mantissas, 128), np.tile(mantissas, 128)
    error = 100 * (multiply("f32" if c.k > 7 else "bf16", c, x, y) / (x * y) - 1)
    return error.mean(), np.sqrt((error**2).mean()), error.min(), error.max()


@pytest.mark.parametrize("k", TRUNCATION)
def test_relative_error_of_truncation(k: int) -> None:
    assert relative_error(Configuration(k)) == pytest.approx(TRUNCATION[k], abs=0.0101)


@pytest.mark.parametrize("k", NEAREST_EVEN)
def test_relative_error_of_rounding(k: int) -> None:
    assert relative_error(Configuration(k, "rne"))[:2] == pytest.approx(NEAREST_EVEN[k], abs=0.0051)


@float_types
@policies
def test_symmetries(float_type: str, specials: str) -> None:
    """Factors commute, a sign goes through, and so does a power of two away from the limits; 1 is not neutral."""
    c = Configuration(7, "truncate", specials)
    kernel = compile_kernel(loop(float_type, MULTIPLY, form="vector"), option_text(c))
    x, y = (random_bits(float_type, 1 << 16, seed) for seed in (7, 8))
    np.testing.assert_array_equal(kernel(x, y), kernel(y, x))
    sign = LAYOUTS[float_type].unsigned.type(1 << (WIDTHS[float_type] - 1))
    numbers = (kernel(x, y) & ~sign) != EXPECTED_NAN[float_type]
    np.testing.assert_array_equal(kernel(x ^ sign, y)[numbers], (kernel(x, y) ^ sign)[numbers])
    values = 1 + np.random.default_rng(9).integers(0, 128, 4096) / 128
    products = multiply(float_type, c, values, values[::-1])
    np.testing.assert_array_equal(multiply(float_type, c, values * 4, values[::-1] / 2), products * 2)
    assert multiply(float_type, c, 1.5, 1.0) == 1.5625


# Other operations than a multiply


@pytest.mark.parametrize("float_type", ["f16", "f32", "f64"])
@pytest.mark.parametrize(("operation", "form"), [("math", "scalar"), ("math", "vector"), ("vector", "vector")])
def test_fused_multiply_add_is_a_product_and_a_sum(float_type: str, operation: str, form: str) -> None:
    body = f"%r = {operation}.fma %x, %y, %z : T"
    kernel = compile_kernel(loop(float_type, body, inputs=3, form=form), "lmul")
    x, y, z = (random_bits(float_type, 1 << 16, seed) for seed in (11, 12, 13))
    product = values_of(oracle.multiply_arrays(LAYOUTS[float_type], Configuration(4), x, y), float_type)
    with np.errstate(all="ignore"):
        expected = product + values_of(z, float_type)
    np.testing.assert_array_equal(values_of(kernel(x, y, z), float_type), expected)


def oracle_products(x: Any, y: Any) -> Any:
    """Return f32 products (k = 4, `ieee`) of numbers, broadcast."""
    x, y = np.broadcast_arrays(np.asarray(x, np.float32), np.asarray(y, np.float32))
    bits = (np.ascontiguousarray(v).ravel().view(np.uint32) for v in (x, y))
    return oracle.multiply_arrays(LAYOUTS["f32"], Configuration(4), *bits).view(np.float32).reshape(x.shape)


def run_f32(body: str, passes: str, *arrays: Any) -> Any:
    """Run `body` on memrefs `%x`, `%y` and `%r` of as many floats as the arrays have; the last one is the result."""
    sizes = [array.size for array in arrays]
    names = ["%x", "%y", "%r"]
    flat = ", ".join(f"{name}_flat: memref<?xf32>" for name in names)
    shaped = "\n".join(
        f"{name} = memref.reinterpret_cast {name}_flat to offset: [0], sizes: {list(array.shape)}, "
        f"strides: {[stride // 4 for stride in array.strides]} : memref<?xf32> to {memref_of(array)}"
        for name, array in zip(names, arrays, strict=True)
    )
    mlir = f"func.func @kernel({flat}) attributes {{llvm.emit_c_interface}} {{\n{shaped}\n{body}\nreturn\n}}"
    kernel = compile_kernel(mlir, passes)
    size = max(sizes)
    padded = [np.pad(array.ravel(), (0, size - array.size)).view(np.uint32) for array in arrays]
    return kernel(padded[0], padded[1]).view(np.float32)[: arrays[2].size].reshape(arrays[2].shape)


def memref_of(array: Any) -> str:
    strides = [stride // 4 for stride in array.strides]
    return f"memref<{'x'.join(map(str, array.shape))}xf32, strided<{strides}>>"


def normal(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("marked", [False, True])
def test_named_contraction(marked: bool) -> None:
    a, b, r = normal(1, 5, 7), normal(2, 7, 6), np.zeros((5, 6), np.float32)
    types = [memref_of(v) for v in (a, b, r)]
    body = f"""
      %zero = arith.constant 0.0 : f32
      linalg.fill ins(%zero : f32) outs(%r : {types[2]})
      linalg.matmul ins(%x, %y : {types[0]}, {types[1]}) outs(%r : {types[2]})"""
    passes = "lmul-mark,lmul{scope=marked}" if marked else "lmul"
    found = run_f32(body, f"{passes},func.func(convert-linalg-to-loops)", a, b, r)
    expected = np.zeros((5, 6), np.float32)
    for k in range(7):
        expected += oracle_products(a[:, k, None], b[None, k, :])
    np.testing.assert_array_equal(found, expected)


def test_named_convolution() -> None:
    image, weights, r = normal(1, 1, 6, 6, 3), normal(2, 3, 3, 3, 4), np.zeros((1, 2, 2, 4), np.float32)
    types = [memref_of(v) for v in (image, weights, r)]
    body = f"""
      %zero = arith.constant 0.0 : f32
      linalg.fill ins(%zero : f32) outs(%r : {types[2]})
      linalg.conv_2d_nhwc_hwcf {{strides = dense<2> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}}
        ins(%x, %y : {types[0]}, {types[1]}) outs(%r : {types[2]})"""
    found = run_f32(body, "lmul,func.func(convert-linalg-to-loops)", image, weights, r)
    expected = np.zeros((1, 2, 2, 4), np.float32)
    for i, j, c in np.ndindex(3, 3, 3):
        expected += oracle_products(image[:, i : i + 3 : 2, j : j + 3 : 2, c, None], weights[i, j, c])
    np.testing.assert_array_equal(found, expected)


def test_vector_contraction() -> None:
    a, b, r = normal(1, 4, 8), normal(2, 8, 2), np.zeros((2, 4), np.float32)
    types = [memref_of(v) for v in (a, b, r)]
    body = f"""
      %i = arith.constant 0 : index
      %p = arith.constant 0.0 : f32
      %a = vector.transfer_read %x[%i, %i], %p {{in_bounds = [true, true]}} : {types[0]}, vector<4x8xf32>
      %b = vector.transfer_read %y[%i, %i], %p {{in_bounds = [true, true]}} : {types[1]}, vector<8x2xf32>
      %c = arith.constant dense<1.0> : vector<2x4xf32>
      %d = vector.contract {{indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
                             affine_map<(m, n, k) -> (n, m)>], iterator_types = ["parallel", "parallel", "reduction"],
                             kind = #vector.kind<add>}}
        %a, %b, %c : vector<4x8xf32>, vector<8x2xf32> into vector<2x4xf32>
      vector.transfer_write %d, %r[%i, %i] {{in_bounds = [true, true]}} : vector<2x4xf32>, {types[2]}"""
    lowered = "lmul,func.func(lower-vector-multi-reduction{lowering-strategy=inner-reduction})"
    found = run_f32(body, lowered, a, b, r)
    expected = 1 + sum(oracle_products(a[:, k, None], b[None, k, :]) for k in range(8)).T
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_vector_outer_product() -> None:
    a, b, r = normal(1, 4), normal(2, 8), np.zeros((4, 8), np.float32)
    types = [memref_of(v) for v in (a, b, r)]
    body = f"""
      %i = arith.constant 0 : index
      %a = vector.load %x[%i] : {types[0]}, vector<4xf32>
      %b = vector.load %y[%i] : {types[1]}, vector<8xf32>
      %c = arith.constant dense<1.0> : vector<4x8xf32>
      %d = vector.outerproduct %a, %b, %c {{kind = #vector.kind<maxnumf>}} : vector<4xf32>, vector<8xf32>
      vector.transfer_write %d, %r[%i, %i] {{in_bounds = [true, true]}} : vector<4x8xf32>, {types[2]}"""
    expected = np.maximum(oracle_products(a[:, None], b), 1)
    np.testing.assert_array_equal(run_f32(body, "lmul", a, b, r), expected)


def test_product_of_lanes_starts_with_the_first() -> None:
    a, b, r = normal(1, 8), normal(2, 8), np.zeros(8, np.float32)
    types = [memref_of(v) for v in (a, b, r)]
    body = f"""
      %i = arith.constant 0 : index
      %j = arith.constant 1 : index
      %a = vector.load %x[%i] : {types[0]}, vector<8xf32>
      %b = memref.load %y[%i] : {types[1]}
      %p = vector.reduction <mul>, %a : vector<8xf32> into f32
      %q = vector.reduction <mul>, %a, %b : vector<8xf32> into f32
      memref.store %p, %r[%i] : {types[2]}
      memref.store %q, %r[%j] : {types[2]}"""
    found = run_f32(body, "lmul", a, b, r)
    alone, after = a[0], oracle_products(b[0], a[0])
    for lane in a[1:]:
        alone, after = oracle_products(alone, lane), oracle_products(after, lane)
    assert found[0] == alone
    assert found[1] == after


NAMED = {
    "matmul": ("4x8", "8x6", "4x6"),
    "batch_matmul": ("2x4x8", "2x8x6", "2x4x6"),
    "batch_reduce_matmul": ("2x4x8", "2x8x6", "4x6"),
    "matvec": ("4x8", "8", "4"),
    "vecmat": ("8", "8x4", "4"),
    "batch_matvec": ("2x4x8", "2x8", "2x4"),
    "batch_vecmat": ("2x8", "2x8x4", "2x4"),
    "dot": ("8", "8", ""),
    "mmt4d": ("2x3x4x1", "5x3x6x1", "2x5x4x6"),
    "batch_mmt4d": ("2x2x3x4x1", "2x5x3x6x1", "2x2x5x4x6"),
    "conv_1d": ("10", "3", "8"),
    "conv_1d_ncw_fcw": ("1x2x10", "4x2x3", "1x4x8"),
    "conv_2d": ("8x8", "3x3", "6x6"),
    "conv_2d_nchw_fchw": ("1x2x8x8", "4x2x3x3", "1x4x6x6"),
    "conv_2d_ngchw_gfchw": ("1x2x3x8x8", "2x4x3x3x3", "1x2x4x6x6"),
    "conv_3d_ndhwc_dhwcf": ("1x4x4x4x2", "2x2x2x2x3", "1x3x3x3x3"),
    "depthwise_conv_2d_nhwc_hwc": ("1x8x8x2", "3x3x2", "1x6x6x2"),
    "depthwise_conv_2d_nhwc_hwcm": ("1x8x8x2", "3x3x2x3", "1x6x6x2x3"),
    "mul": ("4x8", "4x8", "4x8"),
}


@pytest.mark.parametrize("container", ["tensor", "memref"])
@pytest.mark.parametrize("name", NAMED)
def test_named_operations_mean_what_mlir_says(name: str, container: str) -> None:
    """The rewrite of a named operation is that of the `linalg.generic` that MLIR makes of it."""
    a, b, c = (f"{container}<{'x'.join(filter(None, (shape, 'f32')))}>" for shape in NAMED[name])
    result = f" -> {c}" if container == "tensor" else ""
    mlir = f"""
    func.func @f(%a: {a}, %b: {b}, %c: {c}){result} {{
      {"%0 =" if result else ""} linalg.{name} {{slipstick.note = 1 : i64}}
        ins(%a, %b : {a}, {b}) outs(%c : {c}){result}
      return {f"%0 : {c}" if result else ""}
    }}"""
    found = []
    for passes in ("lmul", "func.func(linalg-generalize-named-ops),lmul"):
        context = new_context()
        with context, ir.Location.unknown():
            module = ir.Module.parse(mlir)
            run_pipeline(module, f"builtin.module({passes},canonicalize,cse)")
            # MLIR's pass leaves a note of its own on the operations it makes.
            found.append(re.sub(r"linalg.memoized_indexing_maps = \[[^]]*\], ", "", str(module)))
    assert "arith.mulf" not in found[0]
    assert found[0] == found[1]


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mantissa_bits": 0}, "mantissa_bits: expected an integer from 1 to 52, found 0"),
        ({"mantissa_bits": 53}, "found 53"),
        ({"mantissa_bits": 4.0}, "found 4.0"),
        ({"mantissa_bits": True}, "found True"),
        ({"rounding": "up"}, "rounding: expected one of truncate, rne, found 'up'"),
        ({"specials": None}, "specials: expected one of ieee, finite, found None"),
        ({"scope": "marked"}, "scope: expected attention, linear, elementwise, all, .*, found 'marked'"),
        ({"offset": "none"}, "offset: expected one of paper, unbiased, min-rms, found 'none'"),
    ],
)
def test_wrong_configuration(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        LMul(**arguments)


def test_public_name() -> None:
    assert slipstick.LMul() == LMul(4, "truncate", "ieee", "all", "paper")


def test_operands_of_other_types() -> None:
    context = new_context()
    with context, ir.Location.unknown():
        module = ir.Module.parse("func.func @f(%a: f32, %b: f64, %c: f8E5M2, %d: tensor<?xf32>, %e: i32) { return }")
        block = module.body.operations[0].regions[0].blocks[0]
        a, b, *others = block.arguments
        with ir.InsertionPoint.at_block_begin(block):
            with pytest.raises(ArgumentError, match="operands of one type, found f32 and f64"):
                lmul_emit.expand(LMul(), a, b)
            for other in others:
                with pytest.raises(ArgumentError, match="expected"):
                    lmul_emit.expand(LMul(), other, other)
        assert len(block.operations) == 1


def test_error_is_located() -> None:
    mlir = "func.func @f(%v: vector<4x8xf32>, %a: vector<4xf32>) -> vector<4xf32> {\n"
    mlir += "  %0 = vector.multi_reduction <mul>, %v, %a [1] : vector<4x8xf32> to vector<4xf32>\n"
    mlir += "  return %0 : vector<4xf32>\n}"
    with pytest.raises(IRError, match=r"2:8: error: 'vector.multi_reduction' .* lower-vector-multi-reduction"):
        llvm_ir(mlir, "lmul")
