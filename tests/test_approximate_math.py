"""Elementary functions as arithmetic: accuracy, special values, agreement of scalar and vector code, no calls left."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from math import inf, nan

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
import torch
from math_harness import errors_in_ulps, llvm_text, loop, loop_text, run, unary
from numpy.typing import NDArray
from slipstick.bindings import ir, new_context
from slipstick.compiler import codegen
from slipstick.errors import ArgumentError
from slipstick.kernels import (
    approximations,
    approximations_erf,
    approximations_exp,
    approximations_log,
    approximations_pow,
)
from slipstick.kernels import approximations_trig as trig
from slipstick.kernels.minimax import FITS
from slipstick.passes.manager import run_pipeline
from slipstick.target import Target

# Units in the last place against the exact value: what is promised, a little above what all 2^32 arguments show.
LIMITS = {
    "cos": 1.75,
    "erf": 1.95,
    "erfc": 4.0,
    "exp": 1.0,
    "exp2": 1.0,
    "expm1": 2.0,
    "log": 1.0,
    "log1p": 1.75,
    "log2": 2.0,
    "rsqrt": 1.5,
    "sin": 1.75,
    "tanh": 1.6,
}
FUNCTIONS = sorted(LIMITS)

# f64 functions of torch, themselves tested below; an error of theirs is 2^-29 of an f32's unit.
EXACT: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {name: getattr(torch, name) for name in FUNCTIONS}

CHUNK = 1 << 15  # fits the caches


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Chunks are small: threads would only wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def floats(bits: NDArray[np.uint32]) -> torch.Tensor:
    """Return the f32 of each of these bit patterns."""
    return torch.from_numpy(bits.view(np.float32))


@pytest.fixture(scope="module")
def sample() -> torch.Tensor:
    """5.1 million f32: one from each 840 neighbours, the 64 around each power of two, around zero and infinity."""
    generator = np.random.default_rng(7)
    strata = np.arange(0, (1 << 32) - 840, 840, dtype=np.uint32)
    strata += generator.integers(0, 840, strata.size, dtype=np.uint32)
    exponents = np.arange(512, dtype=np.uint32) << 23
    boundaries = (exponents[:, None] + np.arange(-32, 32).astype(np.uint32)).ravel()
    padding = np.zeros(-(strata.size + boundaries.size) % 16, np.uint32)
    return floats(np.concatenate([strata, padding, boundaries]))


def worst(name: str, chunks: Iterator[torch.Tensor]) -> tuple[float, float]:
    """Return the greatest error in ulps and the argument it is at."""
    compiled = loop(unary(name))
    greatest, argument = -1.0, nan
    for x in chunks:
        errors = errors_in_ulps(compiled(x), EXACT[name](x.double()))
        at = int(errors.argmax())
        if errors[at] > greatest:
            greatest, argument = float(errors[at]), float(x[at])
    return greatest, argument


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_over_a_sample(name: str, sample: torch.Tensor) -> None:
    assert sample.numel() > 5_000_000
    error, argument = worst(name, iter(torch.split(sample, CHUNK)))
    assert error <= LIMITS[name], f"{error} ulp at {argument!r}"


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_over_all_arguments(name: str) -> None:
    error, argument = worst(name, (floats(np.arange(i, i + CHUNK, dtype=np.uint32)) for i in range(0, 1 << 32, CHUNK)))
    print(f"{name}: {error:.3f} ulp at {argument!r}")
    assert error <= LIMITS[name], f"{error} ulp at {argument!r}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_reference_is_exact_enough(name: str) -> None:
    """The f64 reference agrees with mpmath to 2^-50, also where arguments are great or results tiny."""
    bits = np.random.default_rng(3).integers(0, 1 << 32, 1500, dtype=np.uint32)
    x = torch.cat([floats(bits), torch.linspace(-12, 12, 500, dtype=torch.float32)]).double()
    x = x[x.isfinite()]
    got = EXACT[name](x)
    oracle = {
        "exp2": lambda v: mpmath.mpf(2) ** v,
        "log2": lambda v: mpmath.log(v, 2),
        "rsqrt": lambda v: 1 / mpmath.sqrt(v),
    }.get(name) or getattr(mpmath, name)
    with mpmath.workprec(300):
        for value, result in zip(x.tolist(), got.tolist(), strict=True):
            if name.startswith("exp") and value > 700:
                continue
            if result not in (inf, -inf) and result == result and abs(result) > 1e-300:
                exact = oracle(mpmath.mpf(value))
                assert abs(exact - result) <= abs(exact) * 2.0**-50, value


TINY, MAX = 2.0**-149, 3.4028234663852886e38
SPECIAL = {
    "cos": [(0.0, 1), (-0.0, 1), (inf, nan), (-inf, nan)],
    "erf": [(0.0, 0.0), (-0.0, -0.0), (inf, 1), (-inf, -1), (MAX, 1), (-MAX, -1), (TINY, TINY), (-TINY, -TINY)],
    "erfc": [(0.0, 1), (-0.0, 1), (inf, 0.0), (-inf, 2), (MAX, 0.0), (-MAX, 2)],
    "exp": [(0.0, 1), (-0.0, 1), (inf, inf), (-inf, 0.0), (MAX, inf), (-MAX, 0.0), (-103.9, TINY), (88.73, inf)],
    "exp2": [
        (0.0, 1),
        (inf, inf),
        (-inf, 0.0),
        (128, inf),
        (127, 2.0**127),
        (-127, 2.0**-127),
        (-149, TINY),
        (-150, 0.0),
    ],
    "expm1": [(0.0, 0.0), (-0.0, -0.0), (inf, inf), (-inf, -1), (MAX, inf), (-MAX, -1), (TINY, TINY), (-TINY, -TINY)],
    "log": [(0.0, -inf), (-0.0, -inf), (inf, inf), (-inf, nan), (-1, nan), (1, 0.0), (-TINY, nan)],
    "log1p": [(0.0, 0.0), (-0.0, -0.0), (-1, -inf), (-1.5, nan), (inf, inf), (-inf, nan), (TINY, TINY), (-TINY, -TINY)],
    "log2": [(0.0, -inf), (-0.0, -inf), (inf, inf), (-inf, nan), (1, 0.0), (8, 3), (TINY, -149), (2.0**127, 127)],
    "rsqrt": [(0.0, inf), (-0.0, -inf), (inf, 0.0), (-inf, nan), (-1, nan), (4, 0.5), (2.0**-148, 2.0**74)],
    "sin": [(0.0, 0.0), (-0.0, -0.0), (inf, nan), (-inf, nan), (TINY, TINY), (-TINY, -TINY)],
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (inf, 1), (-inf, -1), (MAX, 1), (-MAX, -1), (TINY, TINY), (-TINY, -TINY)],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name: str) -> None:
    arguments, expected = torch.tensor([*SPECIAL[name], (nan, nan), (-nan, nan)], dtype=torch.float32).T.contiguous()
    for x, y, e in zip(arguments, loop(unary(name))(arguments), expected, strict=True):
        assert bool(y.isnan()) if e.isnan() else (y == e and y.signbit() == e.signbit()), f"{name}({x}) = {y}, not {e}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_scalar_and_vector_code_agree_bit_for_bit(name: str, sample: torch.Tensor) -> None:
    """Scalar instructions, the loop vectoriser's code, and vectors of MLIR, also of odd shapes."""
    x = torch.cat([sample[::200], sample[-32768:]])
    x = x[: x.numel() // 48 * 48].contiguous()
    scalar = loop(unary(name), opt_level=0)(x).view(torch.int32)
    for lanes in (0, 3, 8, 16):
        assert torch.equal(loop(unary(name), lanes=lanes)(x).view(torch.int32), scalar), f"{lanes} lanes"


@pytest.mark.parametrize("element", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_half_precision_over_all_arguments(name: str, element: torch.dtype) -> None:
    """f16 and bf16 are computed in f32: half a unit of theirs, and what little the f32 result is off."""
    x = torch.arange(-(1 << 15), 1 << 15).to(torch.int16).view(element)
    got = loop(unary(name), {torch.float16: "f16", torch.bfloat16: "bf16"}[element])(x)
    errors = errors_in_ulps(got, EXACT[name](x.double()))
    assert errors.max() <= 0.5 + LIMITS[name] * 2.0 ** (-13 if element == torch.float16 else -16)


POWERS = (-1.0, -0.5, 0.5, 1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize("exponent", POWERS)
def test_constant_powers(exponent: float, sample: torch.Tensor) -> None:
    x = torch.cat([sample[::10], sample[-32768:], torch.tensor([0.0, -0.0, inf, -inf, nan])])
    y = loop(f"%c = arith.constant {exponent} : $t\n %b = math.powf %a, %c : $t")(x)
    root = torch.where(x == -inf, inf, torch.where(x == 0, 0.0, x.double().sqrt()))  # as C's pow has it, unlike torch's
    exact = {-0.5: 1 / root, 0.5: root}.get(exponent, x.double() ** exponent)
    assert errors_in_ulps(y, exact).max() <= 2


def power(x: torch.Tensor, y: torch.Tensor, lanes: int = 16) -> torch.Tensor:
    """Return x^y by compiled code: the loop's one array holds x and y by turns of `lanes` elements."""
    size = x.numel()
    pairs = torch.stack([x.view(-1, lanes), y.view(-1, lanes)], 1).reshape(-1)
    low, high = ", ".join(map(str, range(lanes))), ", ".join(map(str, range(lanes, 2 * lanes)))
    type_, both = f"vector<{lanes}xf32>", f"vector<{2 * lanes}xf32>"
    text = f"""%u = vector.shuffle %a, %a [{low}] : {both}, {both}
        %v = vector.shuffle %a, %a [{high}] : {both}, {both}
        %p = math.powf %u, %v : {type_}
        %b = vector.shuffle %p, %p [{low}, {low}] : {type_}, {type_}"""
    return loop(text, lanes=2 * lanes)(pairs).view(-1, 2 * lanes)[:, :lanes].reshape(size)


@pytest.mark.parametrize("how", ["any", "near 1", "small exponents"])
def test_power_over_pairs(how: str) -> None:
    """Within one unit in the last place, over results of every size."""
    generator = torch.Generator().manual_seed(11)
    size = 1 << 20
    x = floats(np.random.default_rng(5).integers(1, 0x7F800000, size, dtype=np.uint32))
    if how == "near 1":
        x = (1 + torch.randn(size, generator=generator) * 2.0 ** -torch.randint(1, 23, (size,))).abs()
    y = torch.randn(size, generator=generator)
    if how != "small exponents":
        exponent = torch.rand(size, generator=generator) * 302 - 151
        y = (exponent.double() / x.double().log2().masked_fill(x == 1, 1.0)).float()
    errors = errors_in_ulps(power(x, y), x.double() ** y.double())
    assert errors.max() <= 1.0, (x[errors.argmax()], y[errors.argmax()])


def test_special_values_of_power() -> None:
    values = [0.0, 1.0, 2.0, 0.5, 3.0, 2.5, inf, nan, 1e-40, 3e38, 16777217.0, 16777215.0, 33554432.0, TINY]
    signed = torch.tensor([s * v for v in [*values, 0.99999994, 1.0000001] for s in (1, -1)], dtype=torch.float32)
    x, y = (axis.reshape(-1) for axis in torch.meshgrid(signed, signed, indexing="ij"))
    exact = x.double() ** y.double()
    assert errors_in_ulps(power(x, y), exact).max() <= 1.0


def test_power_with_and_without_avx512_is_the_same() -> None:
    if not Target.host().has("avx512f"):
        pytest.skip("the machine has no AVX-512")
    for expression in (unary("exp"), unary("exp2"), "%b = math.powf %a, %a : $t"):
        text = loop_text(expression, lanes=64)
        x = torch.cat([torch.linspace(-160, 160, 1 << 16), torch.tensor([inf, -inf, nan, 0.0] * 16)])
        plain, short = (run(llvm_text(text, passes), x) for passes in ("approximate-math", "approximate-math{avx512}"))
        assert "vscalefps" in codegen.assembly(llvm_text(text, "approximate-math{avx512}"), Target.host())
        assert torch.equal(plain.view(torch.int32), short.view(torch.int32))


@pytest.mark.parametrize("cpu", ["znver3", "znver4", "neoverse-v2"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_vectorised_loop_has_no_call(name: str, cpu: str) -> None:
    vector_register = {"znver3": r"%ymm", "znver4": r"%zmm", "neoverse-v2": r"\bz\d+\.s|v\d+\.4s"}[cpu]
    for lanes in (0, 8):
        text = codegen.assembly(llvm_text(loop_text(unary(name), lanes=lanes)), Target.named(cpu))
        called = set(re.findall(r"^\s+(?:callq?|bl)\s+(\S+)", text, re.MULTILINE))
        assert called <= {"f", "f@PLT"}
        if lanes == 0:
            assert re.search(vector_register, text), "not vectorised"


def test_a_function_that_is_not_approximated_is_called() -> None:
    assert "call" in codegen.assembly(llvm_text(loop_text(unary("tan"))), Target.named("znver3"))


# Operations of the body but for constants and bitcasts, which cost nothing inside a loop.
OPERATIONS = {"erf": 28, "exp": 21, "exp2": 19, "rsqrt": 2, "tanh": 29}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_number_of_operations(name: str) -> None:
    """These are the inner loops of softmax, GELU and normalisation: what they cost is a promise."""
    with new_context(), ir.Location.unknown():
        module = ir.Module.parse(
            f"func.func @f(%a: f32) -> f32 {{ {unary(name).replace('$t', 'f32')} return %b : f32 }}"
        )
        run_pipeline(module, "approximate-math,cse")
        names = [op.name for op in module.body.operations[0].regions[0].blocks[0].operations]
    counted = [n for n in names if n not in ("arith.constant", "arith.bitcast", "func.return")]
    assert len(counted) <= OPERATIONS[name], counted


TABLES = {
    name: getattr(module, name)
    for name in FITS
    for module in (approximations_exp, approximations_erf, approximations_log, approximations_pow, trig)
    if hasattr(module, name) and name in module.__dict__
}


@pytest.mark.parametrize("name", sorted(FITS))
def test_coefficients_are_those_of_the_fit(name: str) -> None:
    assert TABLES[name] == FITS[name].coefficients()


BOUNDS = {
    "COS": 32.8,
    "ERF": 25.8,
    "ERFC": 26.1,
    "EXP": 28.1,
    "EXPM1": 26.0,
    "EXP_2": 28.2,
    "EXP_TWICE": 28.1,
    "LOG": 27.1,
    "LOG_ERFC": 26.9,
    "LOG_2": 27.5,
    "LOG_2_DOUBLE": 33.1,
    "ONE_LESS_EXP": 26.1,
    "SIN": 27.7,
    "TANH": 29.5,
}


@pytest.mark.parametrize("name", sorted(FITS))
def test_error_of_the_polynomial(name: str) -> None:
    assert FITS[name].error(TABLES[name]) <= 2.0 ** -BOUNDS[name]


def test_two_over_pi() -> None:
    with mpmath.workprec(400):
        bits = [int(mpmath.floor(2 / mpmath.pi * mpmath.mpf(2) ** (32 * k))) % (1 << 32) for k in range(8)]
        assert list(trig.TWO_OVER_PI_BITS) == bits
        assert abs(mpmath.pi / 2 - sum(map(mpmath.mpf, trig.HALF_PI_PARTS))) < 2.0**-70


def test_f64_and_unknown_operations_are_refused() -> None:
    with new_context(), ir.Location.unknown():
        module = ir.Module.parse("func.func @f(%a: f64, %b: f32) { return }")
        a, b = module.body.operations[0].regions[0].blocks[0].arguments
        with pytest.raises(ArgumentError, match=r"math\.exp: no approximation for operands of type f64"):
            approximations.approximate("math.exp", a)
        with pytest.raises(ArgumentError, match=r"math\.tan: no approximation for operands of type f32"):
            approximations.approximate("math.tan", b)
        with pytest.raises(ArgumentError, match=r"math\.powf: no approximation for operands of type f64"):
            approximations.approximate_power(a, a)
        with pytest.raises(ArgumentError, match=r"power 0\.3: no short form for operands of type f32"):
            approximations.raise_to(b, 0.3)
