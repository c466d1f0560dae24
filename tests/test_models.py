"""Real architectures at their true sizes, compiled exactly, against torch.

Each time, two of them with two layers, one with a smaller vocabulary; all as they are, with the exhaustive tests.
`test_registry` compiles small models of every kind each time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import slipstick
import torch
import transformers

SEQUENCE = 128


def opt_125m(layers: int = 12) -> torch.nn.Module:
    return transformers.OPTForCausalLM(transformers.OPTConfig(num_hidden_layers=layers))


def gpt2_small(layers: int = 12, vocabulary: int = 50257) -> torch.nn.Module:
    config = transformers.GPT2Config(n_layer=layers, vocab_size=vocabulary, bos_token_id=0, eos_token_id=0)
    return transformers.GPT2LMHeadModel(config)


def bert_base() -> torch.nn.Module:
    return transformers.BertModel(transformers.BertConfig())


def llama_135m() -> torch.nn.Module:
    """The shape of SmolLM2-135M: rotary, RMSNorm, gated feed-forward, nine heads on three key/value heads."""
    config = transformers.LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        tie_word_embeddings=True,
    )
    return transformers.LlamaForCausalLM(config)


def opt_125m_cut() -> torch.nn.Module:
    return opt_125m(2)


def gpt2_small_cut() -> torch.nn.Module:
    return gpt2_small(2, 1000)


WHOLE = [pytest.param(build, marks=pytest.mark.exhaustive) for build in (opt_125m, gpt2_small, bert_base, llama_135m)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def model(request: pytest.FixtureRequest) -> torch.nn.Module:
    torch.manual_seed(0)
    build: Callable[[], torch.nn.Module] = request.param
    built = build().eval()
    built.config.use_cache = False
    return built


def token_ids(model: torch.nn.Module, batch: int, sequence: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(batch * 1000 + sequence)
    return torch.randint(3, model.config.vocab_size, (batch, sequence), generator=generator)


def assert_agrees(compiled: Any, model: torch.nn.Module, ids: torch.Tensor) -> None:
    with torch.no_grad():
        expected = model(input_ids=ids)
    found = compiled(input_ids=ids)
    assert type(found) is type(expected)
    assert found.keys() == expected.keys()
    for name, reference in expected.items():
        bound = 1e-3 if name == "logits" else 1e-4
        assert found[name].shape == reference.shape
        assert (found[name] - reference).abs().max().item() <= bound, name


@pytest.mark.parametrize("model", [opt_125m_cut, *WHOLE], indirect=True, ids=lambda build: build.__name__)
def test_static(model: torch.nn.Module, cache: Path) -> None:
    ids = token_ids(model, 1, SEQUENCE)
    compiled = slipstick.compile(model, (), {"input_ids": ids}, cache_dir=cache)
    assert_agrees(compiled, model, token_ids(model, 1, SEQUENCE))
    # Weights are arguments: what is printed of a model of 500 MB stays small.
    assert len(compiled.stage("linalg")) < 1_000_000
    with pytest.raises(slipstick.SlipstickError, match="index must be smaller than dim size"):
        compiled(input_ids=torch.full((1, SEQUENCE), model.config.vocab_size))
    assert_agrees(compiled, model, ids)


@pytest.mark.parametrize("model", [gpt2_small_cut, *WHOLE], indirect=True, ids=lambda build: build.__name__)
def test_dynamic_batch_and_sequence(model: torch.nn.Module, cache: Path) -> None:
    dims = {0: torch.export.Dim("batch", min=1, max=64), 1: torch.export.Dim("sequence", min=2, max=512)}
    compiled = slipstick.compile(
        model, (), {"input_ids": token_ids(model, 2, SEQUENCE)}, dynamic_shapes={"input_ids": dims}, cache_dir=cache
    )
    for batch, sequence in ((1, SEQUENCE), (3, 17), (2, 70)):
        assert_agrees(compiled, model, token_ids(model, batch, sequence))
