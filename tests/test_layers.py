"""Outlined layers: found in real architectures, bit-equal to code without them, one function for all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import slipstick
import torch
import transformers
from slipstick.compiler.build import parse
from slipstick.compiler.frontend import import_torch
from slipstick.compiler.stages import StageRewritten, StageScheduled
from slipstick.passes.block_sequence import BlockSequence
from slipstick.passes.manager import run_pipeline
from slipstick.passes.outline_layers import common_layer
from slipstick.passes.repeats import Repeat, find_repeats
from slipstick.target import Target

LAYERS = 4
SIZES: dict[str, Any] = {"hidden_size": 32, "vocab_size": 97, "num_hidden_layers": LAYERS}


def opt() -> torch.nn.Module:
    config = transformers.OPTConfig(**SIZES, ffn_dim=64, num_attention_heads=2, word_embed_proj_dim=32)
    return transformers.OPTForCausalLM(config)


def gpt2() -> torch.nn.Module:
    config = transformers.GPT2Config(n_embd=32, n_layer=LAYERS, n_head=2, vocab_size=97, bos_token_id=1, eos_token_id=1)
    return transformers.GPT2LMHeadModel(config)


def llama() -> torch.nn.Module:
    config = transformers.LlamaConfig(**SIZES, intermediate_size=64, num_attention_heads=4, num_key_value_heads=2)
    return transformers.LlamaForCausalLM(config)


def bert() -> torch.nn.Module:
    return transformers.BertModel(transformers.BertConfig(**SIZES, intermediate_size=64, num_attention_heads=2))


def calls(text: str) -> dict[str, int]:
    """Return how often each layer is called."""
    return dict(Counter(re.findall(r"call @(slipstick_layer_[0-9]+)[(]", text)))


def without_layers(text: str) -> str:
    """Return the text of the stage "scheduled" with nothing outlined."""
    module, target = parse(text), Target.host()
    run_pipeline(module, StageRewritten(layers=False).text())
    scheduled = StageScheduled(target.vector_bits, target.vector_registers, target.l1d_bytes, target.l2_bytes)
    run_pipeline(module, scheduled.text())
    return str(module)


def arguments(imported: Any, ids: torch.Tensor) -> list[Any]:
    """Return what the native function takes, in its order, for token ids [batch, tokens]."""
    found: list[Any] = []
    for argument in imported.signature.native_arguments:
        if argument.kind == "input":
            found.append(ids if not hasattr(argument.spec, "type") else ids.shape[len(found) % 2])
        else:
            found.append(imported.state[argument.name].detach())
    return found


@pytest.mark.parametrize("build", [opt, *(pytest.param(b, marks=pytest.mark.exhaustive) for b in (bert, gpt2, llama))])
def test_outlined_layers_compute_the_same_bits(build: Callable[[], torch.nn.Module], tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build().eval()
    model.config.use_cache = False
    ids = torch.randint(3, 97, (2, 9))
    imported = import_torch(model, (), {"input_ids": ids})
    text = str(imported.module)
    outlined = slipstick.compile(text, cache_dir=tmp_path)
    # What the first layer begins with may be fused with the embedding.
    assert calls(outlined.stage("scheduled"))["slipstick_layer_0"] >= LAYERS - 1
    flat = slipstick.compile(without_layers(text), cache_dir=tmp_path)
    assert calls(flat.stage("scheduled")) == {}
    given = arguments(imported, ids)
    found, expected = outlined(*given), flat(*given)
    for one, other in zip(
        found if isinstance(found, tuple) else (found,),
        expected if isinstance(expected, tuple) else (expected,),
        strict=True,
    ):
        assert torch.equal(one, other)


@pytest.mark.parametrize(("build", "exact"), [(opt, True), (llama, False)])
def test_a_layer_knows_that_its_mask_is_causal(build: Callable[[], torch.nn.Module], exact: bool) -> None:
    model = build().eval()
    model.config.use_cache = False
    module = import_torch(model, (), {"input_ids": torch.ones(2, 9, dtype=torch.long)}).module
    run_pipeline(module, StageRewritten().text())
    entry, layer = str(module).split("func.func private @slipstick_layer_0", 1)
    assert "causal = 0" in layer and "causal" not in entry
    # Where it hides nothing else, nothing computes the mask, which no layer reads. LLaMA's depends on positions.
    assert ("x9x9x" not in entry) == exact


@pytest.mark.parametrize("build", [opt, pytest.param(llama, marks=pytest.mark.exhaustive)])
def test_dynamic_shapes(build: Callable[[], torch.nn.Module], tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build().eval()
    model.config.use_cache = False
    dims = {0: torch.export.Dim("batch", min=1, max=64), 1: torch.export.Dim("sequence", min=2, max=64)}
    ids = torch.randint(3, 97, (2, 9))
    compiled = slipstick.compile(model, (), {"input_ids": ids}, dynamic_shapes={"input_ids": dims}, cache_dir=tmp_path)
    assert sum(calls(compiled.stage("scheduled")).values()) >= LAYERS - 1
    for shape in ((1, 5), (3, 17), (2, 9)):
        ids = torch.randint(3, 97, shape)
        with torch.no_grad():
            expected = model(input_ids=ids).logits
        assert (compiled(input_ids=ids).logits - expected).abs().max() < 1e-5


class Step(torch.nn.Module):
    """A layer that writes a row of its cache and reads all of it; x [8, 16], cache [32, 16] -> both."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.out = (torch.nn.Linear(16, 16) for _ in range(3))

    def forward(self, x: torch.Tensor, cache: torch.Tensor, at: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        cache = cache.index_copy(0, at, self.key(x)[:1])
        scores = torch.softmax(self.query(x) @ cache.T, -1)
        return x + torch.tanh(self.out(scores @ cache)), cache


class Steps(torch.nn.Module):
    """Six layers, each with a cache of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(Step() for _ in range(6))

    def forward(self, x: torch.Tensor, caches: list[torch.Tensor], at: torch.Tensor) -> Any:
        written = []
        for layer, cache in zip(self.layers, caches, strict=True):
            x, cache = layer(x, cache, at)
            written.append(cache)
        return x, written


def test_six_layers_with_caches_are_one_function(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Steps().eval()
    given = (torch.randn(8, 16), [torch.randn(32, 16) for _ in range(6)], torch.tensor([5]))
    kept = [cache.clone() for cache in given[1]]
    compiled = slipstick.compile(model, given, cache_dir=tmp_path)
    assert calls(compiled.stage("scheduled"))["slipstick_layer_0"] >= 5
    # Defined once: the entry, one layer and its kernels.
    assert compiled.stage("loops").count("func.func private @slipstick_layer_") == 1
    for _ in range(2):
        x, caches = compiled(*given)
        with torch.no_grad():
            expected, written = model(*given)
        assert torch.allclose(x, expected, atol=1e-5)
        for one, other in zip(caches, written, strict=True):
            assert torch.allclose(one, other, atol=1e-6)
    assert all(map(torch.equal, given[1], kept))


def test_find_repeats() -> None:
    sequence = [9, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 8, 7, 6]
    assert next(find_repeats(sequence, 3)) == Repeat((1, 4, 7), 3, 1)
    assert next(find_repeats(sequence, 3)).rotated(1) == Repeat((2, 5, 8), 3, 0)
    apart = [1, 2, 3, 4, 9, 1, 2, 3, 4, 8, 1, 2, 3, 4]
    assert next(find_repeats(apart, 3)) == Repeat((0, 5, 10), 4)
    assert list(find_repeats([1, 2, 3, 4, 5, 6], 2)) == []
    assert list(find_repeats([], 2)) == []


def test_common_layer() -> None:
    assert common_layer(["model.layers.0.fc1", "model.layers.11.fc1"]) == "model.layers.*.fc1"
    assert common_layer(["a.b", "a.b"]) == "a.b"
    assert common_layer(["a.0", "a.0.b"]) == "a.0.*"


def test_codes_do_not_depend_on_names_of_values() -> None:
    text = """
    func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
      %c = arith.constant 1.0 : f32
      %e = tensor.empty() : tensor<4xf32>
      %f = linalg.fill ins(%c : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
      %0 = arith.addf %x, %f {slipstick.layer = "a"} : tensor<4xf32>
      %1 = arith.addf %0, %f {slipstick.layer = "b"} : tensor<4xf32>
      %2 = arith.addf %1, %y : tensor<4xf32>
      return %2 : tensor<4xf32>
    }"""
    module = parse(text)
    sequence = BlockSequence.of(module.body.operations[0].regions[0].blocks[0])
    assert [op.name for op in sequence.operations] == ["arith.addf"] * 3 + ["func.return"]
    assert sequence.codes[0] == sequence.codes[1] != sequence.codes[2]
    assert sequence.results(0, 2) == [(1, 0)]
    assert len(sequence.arguments(0, 2)) == 1
