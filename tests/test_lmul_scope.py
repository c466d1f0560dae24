"""L-Mul where it is asked for: by layer, by operation, and under `finite` without clamps that are proved needless."""

from __future__ import annotations

import re
from typing import Any

import lmul_oracle as oracle
import numpy as np
import pytest
import slipstick
import torch
from lmul_kernels import compile_kernel, loop
from lmul_oracle import LAYOUTS, Configuration
from torch import nn


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(16)
        self.up, self.down = nn.Linear(16, 32), nn.Linear(32, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.down(torch.relu(self.up(self.norm(x))))


class Stack(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Block(), Block()])
        self.head = nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


@pytest.fixture(scope="module")
def stack() -> Any:
    torch.manual_seed(0)
    return Stack().eval(), (torch.randn(5, 16),)


def layers(text: str, *, marked: bool) -> set[str]:
    """Return the layers of the contractions that carry a mark, or of all."""
    lines = [line for line in text.splitlines() if "linalg.matmul" in line and (not marked or "slipstick.lmul" in line)]
    return {name for line in lines for name in re.findall(r'slipstick.layer = "([^"]*)"', line)}


def test_contractions_say_which_layer_they_come_from(stack: Any) -> None:
    model, args = stack
    compiled = slipstick.compile(model, args)
    blocks = {f"layers.{i}.{part}" for i in (0, 1) for part in ("up", "down")}
    assert layers(compiled.stage("linalg"), marked=False) == {*blocks, "head"}
    # Equal code of two layers is one function, which has a pattern for their names.
    for stage in ("rewritten", "scheduled"):
        assert layers(compiled.stage(stage), marked=False) == {"layers.*.up", "layers.*.down", "head"}
    assert compiled.stage("loops").count("slipstick.layer") == 0


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("layer:head", {"head"}),
        ("layer:layers.1.*", {"layers.1.up", "layers.1.down"}),
        ("layer:*.up+layer:head", {"layers.*.up", "head"}),
        ("op:linalg.matmul", {"layers.*.up", "layers.*.down", "head"}),
        ("layer:nothing.*", set()),
        ("op:linalg.batch_matmul", set()),
    ],
)
def test_scopes_by_layer_and_operation(stack: Any, scope: str, expected: set[str]) -> None:
    model, args = stack
    compiled = slipstick.compile(model, args, lmul=slipstick.LMul(scope=scope))
    assert layers(compiled.stage("rewritten"), marked=True) == expected
    same = torch.equal(compiled(*args), slipstick.compile(model, args)(*args))
    assert same == (not expected)


@pytest.mark.parametrize("float_type", LAYOUTS)
@pytest.mark.parametrize("rounding", ["truncate", "rne"])
@pytest.mark.parametrize("constant", [0.7, -0.0078125, 100.0, 127.0])
def test_a_factor_that_needs_no_clamp_gives_the_same_product(float_type: str, rounding: str, constant: float) -> None:
    layout = LAYOUTS[float_type]
    special = oracle.special_values(layout)
    x = np.concatenate([special, np.full(-len(special) % 16, special[0])])
    body = f"%c = arith.constant dense<{constant!r}> : T\n%r = arith.mulf %x, %c : T"
    kernel = compile_kernel(
        loop(float_type, body, inputs=1, form="vector"), f"lmul{{specials=finite rounding={rounding}}}"
    )
    if float_type == "bf16":
        nearest = torch.tensor(constant, dtype=torch.bfloat16).view(torch.int16).numpy().view(np.uint16)
    else:
        nearest = np.asarray(constant, f"float{layout.width}").view(layout.unsigned)
    expected = oracle.multiply_arrays(layout, Configuration(4, rounding, "finite"), x, np.full_like(x, nearest))
    np.testing.assert_array_equal(kernel(x), expected)


def test_an_infinite_mask_that_is_multiplied_is_refused_with_its_place() -> None:
    class Masked(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.where(x > 0, x, float("-inf")) * x

    with pytest.raises(slipstick.IRError, match="infinity or a NaN, which the policy 'finite' cannot clamp"):
        slipstick.compile(Masked(), (torch.randn(4),), lmul=slipstick.LMul(specials="finite"))


class Rotary(nn.Module):
    """What turns pairs of elements of [tokens, 2 * pairs] by angles that grow with the position."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.tensor([1.0, 0.1, 0.01]))

    def forward(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        angles = (self.frequencies[:, None] @ positions[None, :].float()).T
        return torch.cat((angles, angles), -1).cos(), angles.sin()


def test_angles_of_positions_are_exact() -> None:
    """An eighth of the 511 radians of position 511 would be ten turns."""
    module, args = Rotary(), (torch.tensor([0, 1, 300, 511]),)
    compiled = slipstick.compile(module, args, lmul=slipstick.LMul(specials="finite"))
    for found, expected in zip(compiled(*args), module(*args), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=5e-5)


def test_more_bits_than_the_type_has() -> None:
    layer = nn.Linear(4, 4).double()
    x = (torch.randn(2, 4, dtype=torch.float64),)
    slipstick.compile(layer, x, lmul=slipstick.LMul(52))
    with pytest.raises(slipstick.IRError, match="expected at most 23, those of f32, found 52"):
        slipstick.compile(layer.float(), (x[0].float(),), lmul=slipstick.LMul(52))
