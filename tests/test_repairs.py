"""Graphs that torch.export or torch-mlir alone would refuse or get wrong, compiled, against torch."""

from __future__ import annotations

import pytest
import slipstick
import torch
import transformers
from slipstick.compiler.experts import static_experts
from torch import nn
from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS

COMMON = {"vocab_size": 53, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
MIXTURES = {
    "mixtral": lambda: transformers.MixtralConfig(
        intermediate_size=24, num_key_value_heads=1, num_local_experts=3, num_experts_per_tok=2, **COMMON
    ),
    "shared-expert": lambda: transformers.Qwen2MoeConfig(
        moe_intermediate_size=24,
        shared_expert_intermediate_size=24,
        intermediate_size=24,
        num_key_value_heads=1,
        num_experts=5,
        num_experts_per_tok=2,
        **COMMON,
    ),
    # Transposed weights, with biases, and a gate of its own.
    "gpt-oss": lambda: transformers.GptOssConfig(
        intermediate_size=24,
        num_key_value_heads=1,
        num_local_experts=3,
        num_experts_per_tok=2,
        head_dim=16,
        attn_implementation="eager",
        **COMMON,
    ),
}


class Logits(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids):
        return self.model(input_ids=ids, use_cache=False).logits


class Strided(nn.Module):
    def forward(self, x):
        return x.as_strided((2, 3), (1, 2), 1) * 2


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize(
    "pad", [(0, 0, 1, -1), (0, 0, -1, 0), (-1, 1), (2, -1), (-1, -2, -1, -1), (1, 2, -3, 4)], ids=str
)
def test_negative_padding_cuts_off(pad, cache):
    module, x = nn.ConstantPad2d((*pad, *([0] * (4 - len(pad)))), 0.5), torch.randn(2, 4, 6)
    assert torch.equal(slipstick.compile(module, (x,), cache_dir=cache)(x), module(x))


def test_a_view_by_strides(cache):
    x = torch.randn(3, 4)
    assert torch.equal(slipstick.compile(Strided(), (x,), cache_dir=cache)(x), Strided()(x))


@pytest.mark.parametrize("tokens", [1, 6], ids=["gathered", "all"])
@pytest.mark.parametrize("name", MIXTURES)
def test_mixtures_of_experts(name, tokens, cache):
    torch.manual_seed(0)
    model = Logits(transformers.AutoModelForCausalLM.from_config(MIXTURES[name]())).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    ids = torch.arange(tokens)[None]
    compiled = slipstick.compile(model, (ids,), cache_dir=cache)
    with torch.no_grad():
        for given in (ids, (ids * 7 + 3) % 53):
            torch.testing.assert_close(compiled(given), model(given), rtol=1e-4, atol=1e-4)


def test_transformers_gets_its_own_experts_back():
    before = dict(ALL_EXPERTS_FUNCTIONS)
    with pytest.raises(ZeroDivisionError), static_experts():
        assert dict(ALL_EXPERTS_FUNCTIONS) != before
        raise ZeroDivisionError
    assert dict(ALL_EXPERTS_FUNCTIONS) == before


class Remainders(nn.Module):
    def forward(self, x, n):
        return torch.fmod(x, 2.5), torch.fmod(n, 3), torch.fmod(n.long(), -4)


def test_remainders_of_a_division_by_a_number(cache):
    x = torch.tensor([-7.0, 6.5, torch.inf, -0.0])
    n = torch.tensor([-128, 127, 5], dtype=torch.int8)
    found = slipstick.compile(Remainders(), (x, n), threads=1, cache_dir=cache)(x, n)
    for one, expected in zip(found, Remainders()(x, n), strict=True):
        torch.testing.assert_close(one, expected, rtol=0, atol=0, equal_nan=True)


def test_group_norm_of_any_number_of_images(cache):
    module, x = nn.GroupNorm(2, 4), torch.randn(3, 4, 5, 6)
    batch = torch.export.Dim("batch", min=1, max=8)
    compiled = slipstick.compile(module, (x,), dynamic_shapes=({0: batch},), threads=1, cache_dir=cache)
    for images in (x, x[:1]):
        torch.testing.assert_close(compiled(images), module(images))
