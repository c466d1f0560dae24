"""Cases of operations on each element: functions, arithmetic of two, comparisons, bits, conversions."""

from __future__ import annotations

import torch
from operator_case import DTYPES, FLOATS, INTEGERS, NUMBERS, WIDE, Table
from torch.nn import functional

TABLE = Table()

for name in ("exp", "expm1", "sin", "cos", "tanh", "sigmoid", "erf", "atan", "asinh", "sinh", "cosh", "exp2"):
    TABLE(name, getattr(torch, name), "T[n,5]", of=FLOATS)
for name in ("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal", "digamma", "lgamma"):
    TABLE(name, getattr(torch, name), "T[3,5]+", of=FLOATS)
for name in ("asin", "acos", "atanh", "tan", "erfinv"):
    TABLE(name, getattr(torch, name), "T[3,5]u", of=WIDE)
TABLE("acosh", lambda x: torch.acosh(x + 1), "T[3,5]+", of=WIDE)
for name in ("floor", "ceil", "round", "trunc", "frac"):
    TABLE(name, getattr(torch, name), "T[3,5]", of=FLOATS)
for name in ("abs", "neg", "sign", "sgn", "square"):
    TABLE(name, getattr(torch, name), "T[n,5]0", of=NUMBERS)
for name in ("isnan", "isinf", "isfinite", "signbit"):
    function = getattr(torch, name)
    TABLE(name, lambda x, f=function: f(1 / x), "T[3,5]0", of=FLOATS)
for name in ("relu", "gelu", "silu", "mish", "elu", "selu", "celu", "softplus", "hardswish", "hardsigmoid"):
    TABLE(name, getattr(functional, name), "T[3,5]", of=FLOATS)
for name in ("relu6", "hardtanh", "leaky_relu", "logsigmoid", "softsign", "tanhshrink", "softshrink", "hardshrink"):
    TABLE(name, getattr(functional, name), "T[3,5]", of=WIDE)
TABLE("gelu", lambda x: functional.gelu(x, approximate="tanh"), "T[3,5]", of=WIDE)
TABLE("elu", lambda x: functional.elu(x, 0.5), "T[n,5]", of=WIDE)
TABLE("threshold", lambda x: functional.threshold(x, 0.1, 7.0), "T[3,5]", of=WIDE)
TABLE("glu", functional.glu, "T[3,6]", of=WIDE)
TABLE("prelu", functional.prelu, "T[3,5]", "T[5]", of=WIDE)
TABLE("rrelu", lambda x: functional.rrelu(x, training=False), "f32[3,5]")

for name in ("add", "sub", "mul", "maximum", "minimum"):
    function = getattr(torch, name)
    TABLE(name, function, "T[n,5]", "T[n,5]", of=NUMBERS)
    TABLE(name, function, "T[3,1,5]", "T[4,1]", of="f32 i64 u8")
TABLE("add", lambda x, y: torch.add(x, y, alpha=3), "T[3,5]", "T[3,5]", of="f32 f16 i64 i8")
TABLE("sub", lambda x, y: torch.sub(x, y, alpha=2), "T[3,5]", "T[3,5]", of="f32 i32")
TABLE("rsub", lambda x: 3 - x, "T[3,5]", of=NUMBERS)
TABLE("add", lambda x: x + 2.5, "T[3,5]", of="f32 f16 i64")
TABLE("add", torch.add, "bool[3,5]", "bool[3,5]")
TABLE("mul", torch.mul, "bool[3,5]", "bool[3,5]")
TABLE("add", torch.add, "i32[3,5]", "f32[3,5]")
TABLE("mul", torch.mul, "f16[3,5]", "f32[3,5]")
TABLE("mul", torch.mul, "i8[3,5]", "i64[3,5]")
TABLE("div", torch.div, "T[n,5]", "T[n,5]+", of="f32 f64 f16 bf16 i64 i32")
TABLE("div", lambda x, y: torch.div(x, y, rounding_mode="floor"), "T[3,5]", "T[3,5]+", of="f32 f64 i64 i32 i8")
TABLE("div", lambda x, y: torch.div(x, y, rounding_mode="trunc"), "T[3,5]", "T[3,5]+", of="f32 f64 i64 i32 i8")
TABLE("floor_divide", lambda x, y: x // -y, "T[3,5]", "T[3,5]+", of="f32 i64 i32")
TABLE("remainder", torch.remainder, "T[3,5]", "T[3,5]+", of="f32 f64 i64 i32")
TABLE("remainder", lambda x: x % -3, "T[3,5]", of="f32 i64")
TABLE("fmod", torch.fmod, "T[3,5]", "T[3,5]+", of="f32 f64 i64 i32")
TABLE("pow", torch.pow, "T[3,5]+", "T[3,5]", of=WIDE)
TABLE("pow", lambda x: x**2, "T[3,5]", of="f32 f64 i64 i32")
TABLE("pow", lambda x: x**3, "T[3,5]", of="f32 f64 i64")
TABLE("pow", lambda x: x**0.5, "T[3,5]+", of=WIDE)
TABLE("pow", lambda x: x**-1.5, "T[3,5]+", of=WIDE)
TABLE("pow", lambda x: 2.0**x, "T[3,5]", of=WIDE)
TABLE("pow", torch.pow, "i64[3,5]", "i64[3,5]<5")
TABLE("atan2", torch.atan2, "T[3,5]", "T[3,5]", of=WIDE)
TABLE("hypot", torch.hypot, "T[3,5]", "T[3,5]", of=WIDE)
TABLE("copysign", torch.copysign, "T[3,5]", "T[3,5]", of=WIDE)
TABLE("logaddexp", torch.logaddexp, "T[3,5]", "T[3,5]", of=WIDE)
TABLE("xlogy", torch.xlogy, "T[3,5]0", "T[3,5]+", of=WIDE)
TABLE("fmax", torch.fmax, "T[3,5]", "T[3,5]", of=WIDE)
TABLE("fmin", torch.fmin, "T[3,5]", "T[3,5]", of=WIDE)
TABLE("heaviside", torch.heaviside, "f32[3,5]0", "f32[3,5]")
TABLE("ldexp", torch.ldexp, "f32[3,5]", "i32[3,5]")
TABLE("lerp", torch.lerp, "T[3,5]", "T[3,5]", "T[3,5]", of=WIDE)
TABLE("lerp", lambda x, y: torch.lerp(x, y, 0.3), "T[3,5]", "T[3,5]", of=WIDE)
TABLE("addcmul", lambda x, y, z: torch.addcmul(x, y, z, value=0.7), "T[3,5]", "T[3,5]", "T[3,5]", of=WIDE)
TABLE("addcdiv", lambda x, y, z: torch.addcdiv(x, y, z, value=0.7), "T[3,5]", "T[3,5]", "T[3,5]+", of=WIDE)
TABLE("clamp", lambda x: x.clamp(-0.5, 0.5), "T[n,5]", of=FLOATS)
TABLE("clamp", lambda x: x.clamp(-2, 3), "T[3,5]", of="i64 i32 i8")
TABLE("clamp_min", lambda x: x.clamp_min(0), "T[3,5]", of="f32 i64")
TABLE("clamp_max", lambda x: x.clamp_max(1), "T[3,5]", of="f32 i64")
TABLE("clamp", lambda x, low, high: x.clamp(low, high), "T[3,5]", "T[3,5]", "T[3,5]", of="f32 i64")
TABLE("nan_to_num", lambda x: torch.nan_to_num(x / x, 1.5), "T[3,5]0", of=WIDE)
TABLE("nan_to_num", lambda x: torch.nan_to_num(1 / x), "f32[3,5]0")
TABLE("deg2rad", torch.deg2rad, "f32[3,5]")
TABLE("logit", torch.logit, "f32[3,5]u")
TABLE("sinc", torch.sinc, "f32[3,5]0")

for name in ("eq", "ne", "lt", "le", "gt", "ge"):
    function = getattr(torch, name)
    TABLE(name, function, "T[3,5]0", "T[3,5]0", of="f32 f16 i64 u8 bool")
    TABLE(name, lambda x, f=function: f(x, 2), "T[n,5]0", of="f32 bf16 i32 i8")
TABLE("isclose", torch.isclose, "f32[3,5]0", "f32[3,5]0")
TABLE("where", torch.where, "bool[n,5]", "T[n,5]", "T[n,5]", of="f32 f64 f16 bf16 i64 i32 i8 u8 bool")
TABLE("where", torch.where, "bool[3,1]", "T[4,1,5]", "T[5]", of="f32 i64")
TABLE("where", lambda c, x: torch.where(c, x, 0.0), "bool[3,5]", "f32[3,5]")
TABLE("masked_fill", lambda x, m: x.masked_fill(m, 2), "T[3,5]", "bool[5]", of="f32 f16 i64 i8 bool")
for name in ("logical_and", "logical_or", "logical_xor"):
    TABLE(name, getattr(torch, name), "T[3,5]0", "T[3,5]0", of="bool f32 i64")
TABLE("logical_not", torch.logical_not, "T[3,5]0", of="bool f32 i64 u8")
for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    TABLE(name, getattr(torch, name), "T[3,5]", "T[3,5]", of="i64 i32 i8 u8 bool")
TABLE("bitwise_not", torch.bitwise_not, "T[3,5]", of="i64 i32 i8 u8 bool")
TABLE("bitwise_left_shift", torch.bitwise_left_shift, "T[3,5]", "T[3,5]<4", of=INTEGERS)
TABLE("bitwise_right_shift", torch.bitwise_right_shift, "T[3,5]", "T[3,5]<4", of=INTEGERS)
TABLE("gcd", torch.gcd, "i64[3,5]+", "i64[3,5]+")
for source in ("f32", "f64", "f16", "bf16", "i64", "i32", "i8", "u8", "bool"):
    for target in ("f32", "f16", "bf16", "f64", "i64", "i32", "i8", "bool"):
        if source != target:
            TABLE("to", lambda x, t=DTYPES[target]: x.to(t), f"{source}[3,5]")
