"""Random programs that slide windows over images: convolutions and poolings, with what stands behind them."""

from __future__ import annotations

import random

from .program import Program, Writer, size, tensor
from .random_elementwise import expression, identity


def convolution(seed: int) -> Program:
    """Return one convolution of images [N, C, H, W], dense or depthwise, perhaps with a bias and an activation."""
    rng = random.Random(f"convolution-{seed}")
    batch, channels, kernel, stride = (
        rng.choice((1, 1, 2)),
        size(rng, 1, 128),
        rng.choice((1, 3, 3, 5)),
        rng.choice((1, 1, 2)),
    )
    height, width = size(rng, kernel + 2, 64), size(rng, kernel + 2, 64)
    is_depthwise = rng.random() < 0.3
    features = channels if is_depthwise else size(rng, 4, 128)
    writer = Writer()
    image, window = (batch, channels, height, width), (kernel, kernel)
    weight = (channels, *window) if is_depthwise else (features, channels, *window)
    shape = (batch, features, (height - kernel) // stride + 1, (width - kernel) // stride + 1)
    operands = f"{writer.argument(image, 'f32')}, {writer.argument(weight, 'f32', parameter=True)}"
    types = f"{tensor(image, 'f32')}, {tensor(weight, 'f32')}"
    name = "depthwise_conv_2d_nchw_chw" if is_depthwise else "conv_2d_nchw_fchw"
    value = writer.emit(
        f"linalg.{name} {{dilations = dense<1> : tensor<2xi64>, strides = dense<{stride}> : tensor<2xi64>}} "
        f"ins({operands} : {types}) outs({writer.filled(shape, 'f32', '0.0')} : {tensor(shape, 'f32')}) "
        f"-> {tensor(shape, 'f32')}"
    )
    if rng.random() < 0.6:
        value = _behind(writer, rng, value, shape)
    return Program(f"random-convolution-{seed}", "random-convolution", writer.text(value, tensor(shape, "f32")), seed)


def pooling(seed: int) -> Program:
    """Return a maximum or sum over windows of images [N, C, H, W], perhaps with an expression behind it."""
    rng = random.Random(f"pooling-{seed}")
    kernel, stride = rng.choice((2, 3, 5)), rng.choice((1, 2, 2, 3))
    image = (rng.choice((1, 1, 2, 4)), size(rng, 1, 256), size(rng, kernel + 2, 96), size(rng, kernel + 2, 96))
    shape = (*image[:2], (image[2] - kernel) // stride + 1, (image[3] - kernel) // stride + 1)
    name, start = rng.choice((("pooling_nchw_max", "0xFF800000"), ("pooling_nchw_sum", "0.0")))
    writer = Writer()
    operand, window = writer.argument(image, "f32"), writer.emit(f"tensor.empty() : {tensor((kernel, kernel), 'f32')}")
    value = writer.emit(
        f"linalg.{name} {{dilations = dense<1> : tensor<2xi64>, strides = dense<{stride}> : tensor<2xi64>}} "
        f"ins({operand}, {window} : {tensor(image, 'f32')}, {tensor((kernel, kernel), 'f32')}) "
        f"outs({writer.filled(shape, 'f32', start)} : {tensor(shape, 'f32')}) -> {tensor(shape, 'f32')}"
    )
    if rng.random() < 0.6:
        value = _behind(writer, rng, value, shape)
    return Program(f"random-pooling-{seed}", "random-pooling", writer.text(value, tensor(shape, "f32")), seed)


def _behind(writer: Writer, rng: random.Random, value: str, shape: tuple[int, ...]) -> str:
    """Return `value` with an element-wise expression of it and a number of each channel."""
    of_type, one = tensor(shape, "f32"), tensor(shape[1:2], "f32")
    bias = (writer.argument(shape[1:2], "f32", parameter=True), one, "(d0, d1, d2, d3) -> (d1)")
    inputs = [(value, of_type, identity(4)), bias]
    body, result = expression(rng, ["%i0", "%i1"], rng.randint(0, 5), "f32")
    output = (writer.emit(f"tensor.empty() : {of_type}"), of_type, identity(4))
    return writer.generic(inputs, output, ["parallel"] * 4, body, result)
