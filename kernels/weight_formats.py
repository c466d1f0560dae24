"""The narrow forms of f32 weights: `lm8`, 8 bits and an exponent bias per output channel, and `bf16`.

lm8, bit by bit:

    7      sign
    6..3   exponent E, 0 to 15
    2..0   mantissa m, 0 to 7
    value  (-1)^sign (1 + m/8) 2^(E + b), where not E = m = 0;  codes 0x00 and 0x80 are +0 and -0

b is the bias of the code's output channel, an integer from -126 to 112: every value is zero or a normal f32 number,
so that decoding is exact. A channel's b is floor(log2(largest magnitude)) - 15, -126 where that is less: the largest
weight of the channel lies in the top binade. Zeros, which pruning leaves, stay zeros with their sign.

Encoding takes the nearest value, of two equally near ones that with the even code. What that does, by magnitude |w|:

- more than 1.875 2^(15 + b), the greatest value: it saturates there. |w| < 2^(16 + b), so that the relative error is
  less than (2 - 1.875) / 2 = 1/16, the bound of all but the smallest weights;
- from 1.125 2^b, the smallest value but zero: values are 1/8 of their binade apart, and the relative error is at most
  (1/16) / (1 + 1/16) = 1/17, midway between the first two values of a binade;
- below: 0.5625 2^b and less becomes zero, more becomes 1.125 2^b. The absolute error is at most 0.5625 2^b, which is
  1.72e-5 of the largest magnitude of the channel: 2^b <= 2^-15 max|w|. (A channel of magnitudes below 2^-111, with
  b = -126, has the same absolute bound 0.5625 2^-126.)

bf16 is f32 without its 16 trailing mantissa bits: nearest, ties to even, relative error at most 1/257 for normal
numbers, subnormal ones kept. What would round to infinity saturates at the greatest finite number, 3.39e38.

NaN and infinity have no code in either: an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import torch

from ..errors import ArgumentError

WeightFormat = Literal["bf16", "lm8"]
WEIGHT_FORMATS: Final[tuple[str, ...]] = get_args(WeightFormat)

LM8_EXPONENTS: Final = 16
LM8_MANTISSA_BITS: Final = 3
LM8_LOWEST_BIAS: Final = -126
LM8_HIGHEST_BIAS: Final = 127 - (LM8_EXPONENTS - 1)
LM8_RELATIVE_ERROR: Final = 1 / 16
"""Bound of |decoded - w| / |w| where |w| is at least 1.125 2^b."""
LM8_ABSOLUTE_ERROR: Final = 0.5625
"""Bound of |decoded - w| in units of 2^b where |w| is less than 1.125 2^b."""
BF16_RELATIVE_ERROR: Final = 1 / 257
"""Bound of |decoded - w| / |w| for normal numbers up to the greatest one."""

_F32_BIAS = 127
_F32_MANTISSA_BITS = 23
_DROPPED = _F32_MANTISSA_BITS - LM8_MANTISSA_BITS
_MAGNITUDE = 0x7FFF_FFFF
_INFINITY = 0x7F80_0000
_BF16_LARGEST = 0x7F7F_0000


@dataclass(frozen=True)
class EncodedWeights:
    """A tensor of weights in a narrow format."""

    format: WeightFormat
    codes: torch.Tensor
    """uint8 for lm8, bfloat16 for bf16, of the weights' shape, contiguous."""
    biases: torch.Tensor | None
    """lm8: int32 [channels], the exponent bias of each output channel."""
    axis: int
    """The dimension of `codes` that counts output channels."""

    def decode(self) -> torch.Tensor:
        """Return the weights that the codes stand for, f32, exactly."""
        if self.biases is None:
            return self.codes.to(torch.float32)
        return decode_lm8(self.codes, self.biases, self.axis)


def encode(weights: torch.Tensor, format: str, axis: int = 0, *, name: str = "weights") -> EncodedWeights:
    """Return f32 `weights`, of any shape, in `format`, "lm8" or "bf16"; dimension `axis` counts output channels.

    Raises ArgumentError, calling the weights `name`, for another dtype, a dimension that is not there, NaN or infinity.
    """
    if format == "lm8":
        codes, biases = encode_lm8(weights, axis, name=name)
        return EncodedWeights("lm8", codes, biases, axis)
    if format == "bf16":
        return EncodedWeights("bf16", encode_bf16(weights, name=name), None, axis)
    raise ArgumentError(f"format: expected one of {', '.join(WEIGHT_FORMATS)}, found {format!r}")


def encode_lm8(weights: torch.Tensor, axis: int = 0, *, name: str = "weights") -> tuple[torch.Tensor, torch.Tensor]:
    """Return the lm8 codes of f32 `weights`, uint8 of their shape, and the biases of the channels, int32 [channels].

    `axis` is the dimension that counts output channels. Raises ArgumentError as `encode` does.
    """
    bits = _finite_bits(weights, name)
    if not 0 <= axis < weights.dim():
        raise ArgumentError(f"{name}: axis: expected a dimension of {list(weights.shape)}, found {axis}")
    magnitudes = bits & _MAGNITUDE
    biases = _channel_biases(magnitudes, axis)
    along = [-1 if dim == axis else 1 for dim in range(weights.dim())]
    exponents = (biases + _F32_BIAS).view(along)
    # Behind 2^b, in units of the last place of f32: what is left of a magnitude is its code and the bits to round off.
    above = magnitudes - (exponents << _F32_MANTISSA_BITS)
    odd = (above >> _DROPPED) & 1
    codes = ((above + ((1 << (_DROPPED - 1)) - 1) + odd) >> _DROPPED).clamp_(1, 127)
    # Half of the smallest value and less; half of 1.125 2^-126 is a subnormal number.
    half = ((exponents - 1) << _F32_MANTISSA_BITS) + (1 << _DROPPED)
    half = torch.where(exponents == 1, (1 << (_F32_MANTISSA_BITS - 1)) + (1 << (_DROPPED - 1)), half)
    codes = torch.where(magnitudes <= half, 0, codes)
    return (codes | ((bits >> 24) & 0x80)).to(torch.uint8), biases


def decode_lm8(codes: torch.Tensor, biases: torch.Tensor, axis: int = 0) -> torch.Tensor:
    """Return the f32 values of lm8 `codes`, uint8 or int8, with `biases`, int32 [channels] along dimension `axis`.

    Raises ArgumentError for other dtypes or shapes, or biases outside -126 to 112.
    """
    if codes.dtype not in (torch.uint8, torch.int8):
        raise ArgumentError(f"codes: expected dtype uint8 or int8, found {_dtype(codes)}")
    if not 0 <= axis < codes.dim():
        raise ArgumentError(f"axis: expected a dimension of codes {list(codes.shape)}, found {axis}")
    if biases.dtype != torch.int32 or list(biases.shape) != [codes.shape[axis]]:
        found = f"{_dtype(biases)} {list(biases.shape)}"
        raise ArgumentError(f"biases: expected int32 [{codes.shape[axis]}], found {found}")
    if biases.numel() and not LM8_LOWEST_BIAS <= int(biases.min()) <= int(biases.max()) <= LM8_HIGHEST_BIAS:
        found = f"{int(biases.min())} to {int(biases.max())}"
        raise ArgumentError(f"biases: expected {LM8_LOWEST_BIAS} to {LM8_HIGHEST_BIAS}, found {found}")
    along = [-1 if dim == axis else 1 for dim in range(codes.dim())]
    wide = codes.contiguous().view(torch.int8).to(torch.int32)
    magnitudes = wide & 0x7F
    exponents = (biases + _F32_BIAS).view(along) << _F32_MANTISSA_BITS
    bits = torch.where(magnitudes == 0, 0, (magnitudes << _DROPPED) + exponents)
    return (bits | (wide & ~_MAGNITUDE)).view(torch.float32)


def encode_bf16(weights: torch.Tensor, *, name: str = "weights") -> torch.Tensor:
    """Return f32 `weights` as bfloat16, contiguous. Raises ArgumentError as `encode` does."""
    bits = _finite_bits(weights, name)
    magnitudes = bits & _MAGNITUDE
    rounded = (magnitudes + 0x7FFF + ((magnitudes >> 16) & 1)) & ~0xFFFF
    rounded.clamp_(max=_BF16_LARGEST)
    # The 16 bits dropped are zero: nothing is rounded here.
    return (rounded | (bits & ~_MAGNITUDE)).view(torch.float32).to(torch.bfloat16)


def _channel_biases(magnitudes: torch.Tensor, axis: int) -> torch.Tensor:
    """Return b of each channel from the bits of magnitudes; f32's own exponent field says floor(log2)."""
    others = [dim for dim in range(magnitudes.dim()) if dim != axis]
    empty = any(magnitudes.shape[dim] == 0 for dim in others)
    if empty:
        largest = torch.zeros(magnitudes.shape[axis], dtype=torch.int32)
    else:
        largest = magnitudes.amax(others) if others else magnitudes
    biases = (largest >> _F32_MANTISSA_BITS) - (_F32_BIAS + LM8_EXPONENTS - 1)
    return biases.clamp_(min=LM8_LOWEST_BIAS)


def _finite_bits(weights: torch.Tensor, name: str) -> torch.Tensor:
    """Return the bits of f32 weights as int32, contiguous."""
    if weights.dtype != torch.float32:
        raise ArgumentError(f"{name}: expected dtype float32, found {_dtype(weights)}")
    bits = weights.detach().contiguous().view(torch.int32)
    bad = (bits & _INFINITY) == _INFINITY
    if bool(bad.any()):
        position = bad.nonzero()[0].tolist()
        value = weights[tuple(position)].item()
        raise ArgumentError(f"{name}: expected finite weights, found {value} at {position}")
    return bits


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
