"""Small transformers and a step of decoding on AVX2, NEON and SVE2, against torch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import transformers
from cross.machines import compile_for, every_machine
from slipstick import LMul
from slipstick.kernels.weight_formats import encode
from torch import nn

pytestmark = every_machine

SIZES = {"vocab_size": 101, "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3}


def bert() -> nn.Module:
    config = transformers.BertConfig(**SIZES, intermediate_size=100, max_position_embeddings=40)
    return transformers.BertModel(config, add_pooling_layer=False)


def opt() -> nn.Module:
    config = transformers.OPTConfig(**SIZES, ffn_dim=100, max_position_embeddings=40, word_embed_proj_dim=48)
    return transformers.OPTForCausalLM(config)


def llama() -> nn.Module:
    config = transformers.LlamaConfig(**SIZES, intermediate_size=100, num_key_value_heads=1)
    return transformers.LlamaForCausalLM(config)


def made(build: Callable[[], nn.Module]) -> tuple[nn.Module, torch.Tensor]:
    """Return a model in which every weight matters, and token ids of 2 x 19."""
    torch.manual_seed(3)
    model = build().eval()
    model.config.use_cache = False
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model, torch.randint(3, 101, (2, 19))


@pytest.mark.parametrize("build", [bert, llama, pytest.param(opt, marks=pytest.mark.exhaustive)])
def test_models(cpu: str, build: Callable[[], nn.Module]) -> None:
    model, ids = made(build)
    with torch.no_grad():
        expected = model(input_ids=ids)[0]
    found = compile_for(cpu, model, (), {"input_ids": ids})(input_ids=ids)[0]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("weights", ["lm8", pytest.param("bf16", marks=pytest.mark.exhaustive)])
def test_a_model_with_narrow_weights(cpu: str, weights: str) -> None:
    model, ids = made(opt)
    compiled = compile_for(cpu, model, (), {"input_ids": ids}, weights=weights)
    found = compiled(input_ids=ids)[0]
    assert compiled.encoded
    with torch.no_grad():
        decoded = {name: encode(compiled.parameters[name], weights).decode() for name in compiled.encoded}
        expected = torch.func.functional_call(model, decoded, (), {"input_ids": ids}, tie_weights=False)[0]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("specials", ["finite", pytest.param("ieee", marks=pytest.mark.exhaustive)])
def test_a_model_under_lmul(cpu: str, specials: str) -> None:
    """Held to what the very same module gives on the host, which other tests hold to the oracle."""
    import slipstick

    model, ids = made(bert)
    lmul = LMul(4, specials=specials)
    found = compile_for(cpu, model, (), {"input_ids": ids}, lmul=lmul)(input_ids=ids)[0]
    expected = slipstick.compile(model, (), {"input_ids": ids}, lmul=lmul, threads=1)(input_ids=ids)[0]
    # Sums in another order differ by some units in the last place, which truncation to 4 bits makes 2^-4 of rarely.
    difference = (found - expected).abs()
    assert difference.median() <= 1e-4 and difference.max() <= 0.25


HEADS, WIDTH, CONTEXT = 3, 16, 33


class Decode(nn.Module):
    """A layer's step for one token: keys and values of the context in caches, which it writes its own into."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        size = HEADS * WIDTH
        self.norm = nn.LayerNorm(size)
        self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.up, self.down = nn.Linear(size, 100), nn.Linear(100, size)

    def forward(
        self, x: torch.Tensor, position: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        batch = x.shape[0]
        parts = self.qkv(self.norm(x)).view(batch, 1, 3, HEADS, WIDTH)
        query, key, value = (parts[:, :, i].transpose(1, 2) for i in range(3))
        keys, values = keys.index_copy(2, position, key), values.index_copy(2, position, value)
        scores = query @ keys.transpose(-1, -2) * WIDTH**-0.5
        later = torch.arange(CONTEXT) > position
        attended = torch.softmax(scores.masked_fill(later, float("-inf")), -1) @ values
        x = x + self.out(attended.transpose(1, 2).reshape(batch, 1, -1))
        return x + self.down(torch.relu(self.up(x))), keys, values


@pytest.mark.parametrize(("batch", "weights"), [(1, "f32"), (3, "bf16")])
def test_steps_of_decoding(cpu: str, batch: int, weights: str) -> None:
    module = Decode().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.bfloat16())  # both formats are exact then
    caches = torch.zeros(2, batch, HEADS, CONTEXT, WIDTH)
    x, position = torch.randn(batch, 1, HEADS * WIDTH), torch.tensor([0])
    compiled = compile_for(cpu, module, (x, position, *caches), weights=weights)
    here, there = tuple(caches), tuple(caches)
    for step in (0, 1, 2, 31, 32):
        position = torch.tensor([step])
        with torch.no_grad():
            expected, *here = module(x, position, *here)
        found, *there = compiled(x, position, *there)
        for one, other in zip((found, *there), (expected, *here), strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-5)
        x = expected
