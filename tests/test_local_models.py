"""Models saved to a local folder: loaded by its name, compiled, compared; and what is said of other folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import slipstick
import torch
from slipstick import ArgumentError
from slipstick.datasets.decode import DecodeStep, empty_caches, step_inputs
from slipstick.datasets.graphs import graph
from slipstick.datasets.local import load_model
from slipstick.datasets.transformer_sizes import TransformerSizes
from slipstick.tools import bench

SIZES = TransformerSizes("llama", 2, 32, 4, 48, 53, 32, kv_heads=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    SIZES.model(logits=True).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_a_saved_decoder_computes_the_same_compiled(folder: Path, tmp_path: Path) -> None:
    found = graph(f"{folder}:tokens=9,batch=2")
    module, inputs = found.build()
    assert inputs[0].shape == (2, 9)
    compiled = slipstick.compile(module, inputs, cache_dir=tmp_path / "cache")
    original = SIZES.model(logits=True)
    with torch.no_grad():
        expected = original(input_ids=inputs[0]).logits
    torch.testing.assert_close(compiled(*inputs), expected, rtol=1e-4, atol=1e-5)


def test_a_saved_decoder_as_a_step_with_caches(folder: Path, tmp_path: Path) -> None:
    model, causal = load_model(folder)
    assert causal
    step, caches = DecodeStep(model), empty_caches(model.config, 1, 16)
    ids = torch.tensor([[3, 1, 4, 1, 5]])
    inputs = step_inputs(ids, first=0, context=16)
    compiled = slipstick.compile(step, (*inputs, *caches), cache_dir=tmp_path / "cache")
    with torch.no_grad():
        torch.testing.assert_close(compiled(*inputs, *caches), model(input_ids=ids).logits, rtol=1e-4, atol=1e-5)


def test_a_saved_encoder_gives_hidden_states(tmp_path: Path) -> None:
    TransformerSizes("bert", 1, 32, 4, 48, 53, 32).model(logits=False).save_pretrained(tmp_path)
    module, inputs = graph(f"{tmp_path}:small").build()
    assert module(*inputs).shape == (1, 8, 32)


def test_it_is_exported_by_its_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["export", str(folder), "--set", "tokens=7", "-o", "-"]) == 0
    assert "tensor<1x7x53xf32>" in capsys.readouterr().out


def test_other_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"expected a Hugging Face folder, found no config\.json"):
        graph(f"{tmp_path}/none")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}), "utf-8")
    with pytest.raises(ArgumentError, match="the weights lack "):
        graph(str(folder)).build()
    (folder / "model.safetensors").unlink()
    with pytest.raises(ArgumentError, match="transformers cannot load it"):
        graph(str(folder)).build()
