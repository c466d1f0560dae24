"""lm8 and bf16 against values worked out from their definitions with Python's own numbers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from slipstick.errors import ArgumentError
from slipstick.kernels.weight_formats import (
    BF16_RELATIVE_ERROR,
    LM8_ABSOLUTE_ERROR,
    LM8_RELATIVE_ERROR,
    decode_lm8,
    encode,
    encode_bf16,
    encode_lm8,
)

ALL = torch.arange(256, dtype=torch.uint8)
BIASES = [-126, -125, -30, -15, 0, 7, 112]


def value(code: int, bias: int) -> float:
    """What a code stands for, by the definition: Python's floats hold each value exactly."""
    sign, exponent, mantissa = code >> 7, code >> 3 & 15, code & 7
    if exponent == mantissa == 0:
        return -0.0 if sign else 0.0
    return (-1) ** sign * math.ldexp(1 + mantissa / 8, exponent + bias)


def top(bias: int) -> float:
    """A magnitude that gives its channel this bias."""
    return math.ldexp(1.0, bias + 15)


@pytest.mark.parametrize("bias", BIASES)
def test_all_codes_decode_by_the_definition(bias):
    found = decode_lm8(ALL[None], torch.tensor([bias], dtype=torch.int32))[0]
    expected = torch.tensor([value(code, bias) for code in range(256)], dtype=torch.float32)
    assert torch.equal(found.view(torch.int32), expected.view(torch.int32))
    assert torch.isfinite(found).all() and (found.abs()[found != 0] >= torch.finfo(torch.float32).tiny).all()


@pytest.mark.parametrize("bias", BIASES)
def test_all_codes_round_trip(bias):
    weights = decode_lm8(ALL[None], torch.tensor([bias], dtype=torch.int32))
    codes, biases = encode_lm8(weights)
    assert biases.tolist() == [bias]
    assert torch.equal(codes[0], ALL)


@pytest.mark.parametrize("bias", BIASES)
def test_encoding_takes_the_nearest_value_ties_to_the_even_code(bias):
    """Against all 128 magnitudes: at random, and at, next below and next above every midpoint."""
    rng = np.random.default_rng(bias + 200)
    values = [value(code, bias) for code in range(128)]
    midpoints = np.array([(a + b) / 2 for a, b in itertools.pairwise(values)])
    assert np.all(midpoints.astype(np.float32) == midpoints)
    near = midpoints.astype(np.float32)
    spread = np.exp2(rng.uniform(max(bias - 3, -149), bias + 16, 2000)).astype(np.float32)
    weights = np.concatenate([near, np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(np.inf)), spread])
    weights = np.minimum(weights, np.float32(top(bias) * (2 - 2.0**-23)))
    weights = np.concatenate([weights, [np.float32(top(bias))]]).astype(np.float32)
    weights *= np.where(rng.random(weights.size) < 0.5, -1, 1).astype(np.float32)
    codes, biases = encode_lm8(torch.from_numpy(weights[None]))
    assert biases.tolist() == [bias]
    for weight, code in zip(weights.tolist(), codes[0].tolist(), strict=True):
        distances = [abs(abs(weight) - v) for v in values]
        nearest = min(range(128), key=lambda c: (distances[c], c & 1))
        assert code == nearest | (0x80 if weight < 0 else 0), (weight, code, nearest)


def test_errors_are_within_the_stated_bounds_and_reach_them():
    weights = torch.exp2(torch.rand(64, 4096, generator=torch.Generator().manual_seed(1)) * 24 - 12)
    weights[0, :3] = torch.tensor([1.0625, 0.5625 * 2.0**-4, 4095.0])
    encoded = encode(weights, "lm8")
    unit = 2.0 ** encoded.biases[:, None].double()
    error = (encoded.decode() - weights).abs().double()
    large = weights >= 1.125 * unit
    relative = (error / weights)[large]
    assert 0.06 < relative.max() < LM8_RELATIVE_ERROR
    assert ((error / unit)[~large] <= LM8_ABSOLUTE_ERROR).all()
    assert error[0, 0] / 1.0625 == pytest.approx(1 / 17, abs=1e-12)
    assert encoded.biases[0] == -4 and error[0, 1] == LM8_ABSOLUTE_ERROR * unit[0, 0]
    assert (unit[:, 0] * LM8_ABSOLUTE_ERROR / weights.amax(1)).max() <= 0.5625 * 2.0**-15


def test_the_largest_weight_of_a_channel_is_in_the_top_binade():
    largest = torch.tensor([1e-38, 3e-39, 1e-30, 0.9999999, 1.0, 1.9999999, 2.0, 3.4028234e38])
    _, biases = encode_lm8(largest[:, None].repeat(1, 3))
    expected = [max(-126, math.frexp(number)[1] - 1 - 15) for number in largest.tolist()]
    assert biases.tolist() == expected
    codes, _ = encode_lm8(largest[2:, None].repeat(1, 3))
    assert ((codes >> 3) == 15).all()


def test_channels_are_apart():
    weights = torch.tensor([[1.0, 2.0**-20], [2.0**-20, 2.0**-20]])
    assert encode(weights, "lm8").decode().tolist() == [[1.0, 0.0], [2.0**-20, 2.0**-20]]
    by_column = encode(weights, "lm8", 1)
    assert by_column.biases.tolist() == [-15, -35]
    assert by_column.decode().tolist() == [[1.0, 2.0**-20], [0.0, 2.0**-20]]


def test_it_saturates():
    weights = torch.tensor([[1.9999, -1.9999], [3.4028234e38, -3.4028234e38]])
    codes, _ = encode_lm8(weights)
    assert codes.tolist() == [[0x7F, 0xFF], [0x7F, 0xFF]]
    assert encode(weights, "lm8").decode()[0].tolist() == [1.875, -1.875]
    assert encode_bf16(weights)[1].tolist() == [torch.finfo(torch.bfloat16).max, torch.finfo(torch.bfloat16).min]


def test_small_weights_go_to_the_nearer_of_zero_and_the_smallest():
    half = 0.5625 * 2.0**-15
    weights = torch.tensor([[1.0, half, math.nextafter(half, 0), half * (1 + 2**-22), -half, -0.9 * 2.0**-15, 1e-45]])
    smallest = 1.125 * 2.0**-15
    assert encode(weights, "lm8").decode()[0].tolist() == [1.0, 0.0, 0.0, smallest, -0.0, -smallest, 0.0]


def test_subnormal_weights():
    tiny = torch.finfo(torch.float32).tiny
    weights = torch.tensor([[tiny, 0.5625 * tiny, 0.5625 * tiny + 2.0**-149, 2.0**-149, -0.75 * tiny]])
    encoded = encode(weights, "lm8")
    assert encoded.biases.tolist() == [-126]
    assert encoded.decode()[0].tolist() == [1.125 * tiny, 0.0, 1.125 * tiny, 0.0, -1.125 * tiny]
    assert encode_bf16(torch.tensor([2.0**-130]))[0].item() == 2.0**-130


@pytest.mark.parametrize("format", ["lm8", "bf16"])
def test_pruned_weights_stay_exactly_zero(format):
    """K = 4096, nine weights in ten pruned, other weights from 16 binades below the largest on."""
    generator = torch.Generator().manual_seed(2)
    weights = torch.randn(48, 4096, generator=generator) * torch.exp2(torch.rand(48, 4096, generator=generator) * 20)
    pruned = torch.rand(48, 4096, generator=generator) < 0.9
    weights[pruned] = 0.0
    weights[7] = 0.0
    weights[8, ::2] = -0.0
    decoded = encode(weights, format).decode()
    zero = weights == 0
    assert torch.equal(decoded[zero].view(torch.int32), weights[zero].view(torch.int32))
    # A sum of all that was pruned is zero to the bit, however long.
    assert decoded.masked_fill(~zero, 0).double().abs().sum(1).max() == 0.0


def test_bf16_is_torchs_rounding():
    generator = torch.Generator().manual_seed(3)
    bits = torch.randint(-(1 << 31), 1 << 31, (1 << 18,), generator=generator, dtype=torch.int64).to(torch.int32)
    weights = bits.view(torch.float32)
    weights = weights[weights.isfinite() & weights.to(torch.bfloat16).isfinite()]
    encoded = encode(weights, "bf16")
    assert torch.equal(encoded.codes.view(torch.int16), weights.to(torch.bfloat16).view(torch.int16))
    normal = weights.abs() >= torch.finfo(torch.float32).tiny
    assert ((encoded.decode() - weights).double() / weights).abs()[normal].max() <= BF16_RELATIVE_ERROR


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("format", ["lm8", "bf16"])
def test_nan_and_infinity_are_refused_by_name(format, bad):
    weights = torch.ones(3, 4)
    weights[1, 2] = bad
    with pytest.raises(ArgumentError, match=rf"fc1\.weight: expected finite weights, found {bad} at \[1, 2\]"):
        encode(weights, format, name="fc1.weight")


def test_wrong_arguments():
    with pytest.raises(ArgumentError, match="w: expected dtype float32, found float64"):
        encode(torch.ones(2, 2, dtype=torch.float64), "lm8", name="w")
    with pytest.raises(ArgumentError, match=r"weights: axis: expected a dimension of \[2, 2\], found 2"):
        encode(torch.ones(2, 2), "lm8", 2)
    with pytest.raises(ArgumentError, match="format: expected one of bf16, lm8, found 'int8'"):
        encode(torch.ones(2, 2), "int8")
    codes = torch.zeros(2, 3, dtype=torch.uint8)
    with pytest.raises(ArgumentError, match=r"biases: expected int32 \[2\], found int32 \[3\]"):
        decode_lm8(codes, torch.zeros(3, dtype=torch.int32))
    with pytest.raises(ArgumentError, match="biases: expected -126 to 112, found 0 to 113"):
        decode_lm8(codes, torch.tensor([0, 113], dtype=torch.int32))
    with pytest.raises(ArgumentError, match="codes: expected dtype uint8 or int8, found float32"):
        decode_lm8(torch.zeros(2, 3), torch.zeros(2, dtype=torch.int32))


def test_any_strides_and_empty_shapes():
    weights = torch.randn(6, 10, generator=torch.Generator().manual_seed(4)).t()[::2]
    one, other = encode(weights, "lm8"), encode(weights.contiguous(), "lm8")
    assert torch.equal(one.codes, other.codes) and one.codes.is_contiguous()
    assert encode(torch.empty(3, 0), "lm8").decode().shape == (3, 0)
    assert encode(torch.empty(0, 3), "lm8").decode().shape == (0, 3)
