"""Compiled modules with weights of their own: loaded from a file, or frozen; the torch module is let go."""

from __future__ import annotations

import gc
import weakref

import pytest
import slipstick
import torch
from safetensors.torch import save_file
from slipstick import ArgumentError
from slipstick.compiler.checkpoint import convert_checkpoint
from torch import nn


class Tied(nn.Module):
    """An embedding, a layer, a buffer; the last layer shares the embedding's table."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(60, 40)
        self.layer = nn.Linear(40, 40)
        self.head = nn.Linear(40, 60, bias=False)
        self.head.weight = self.table.weight
        self.register_buffer("scale", torch.tensor(2.0), persistent=False)

    def forward(self, ids):
        return self.head(torch.relu(self.layer(self.table(ids))) * self.scale)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Tied().eval()


IDS = torch.arange(20) * 3


def compiled(module, tmp_path, **options):
    return slipstick.compile(module, (IDS,), threads=1, cache_dir=tmp_path / "cache", **options)


def test_frozen_modules_let_the_torch_module_go(tmp_path):
    model = Tied().eval()
    expected = model(IDS).detach()
    native = compiled(model, tmp_path)
    assert native.freeze() is native and native.packed
    layer = weakref.ref(model.layer.weight)
    del model
    gc.collect()
    assert layer() is None
    torch.testing.assert_close(native(IDS), expected)
    assert "layer.weight" not in native.parameters and "layer.bias" in native.parameters


def test_frozen_modules_do_not_follow_changes(model, tmp_path):
    native = compiled(model, tmp_path).freeze()
    expected = model(IDS)
    with torch.no_grad():
        model.layer.weight.zero_()
    model.table.weight = nn.Parameter(torch.zeros(60, 40))
    torch.testing.assert_close(native(IDS), expected)
    for _ in range(3):
        torch.testing.assert_close(native(IDS), expected)
    with pytest.raises(ArgumentError, match="encode_again: expected a module's parameters"):
        native.encode_again()
    with pytest.raises(ArgumentError, match="expected a compiled module that reads its module"):
        native.freeze()
    with pytest.raises(ArgumentError, match="replace_stage: expected a module's parameters"):
        native.replace_stage("linalg", "module {}")


@pytest.mark.parametrize("weights", ["f32", "bf16", "lm8"])
@pytest.mark.parametrize("stored", ["table.weight", "head.weight"])
def test_a_file_under_either_name_of_a_tied_tensor(model, tmp_path, stored, weights):
    other = Tied().eval()
    save_file(
        {stored: other.table.weight.data, "layer.weight": other.layer.weight.data, "layer.bias": other.layer.bias.data},
        tmp_path / "model.safetensors",
    )
    native = compiled(model, tmp_path, weights=weights)
    reference = compiled(other, tmp_path, weights=weights)
    assert torch.equal(native.load(tmp_path / "model.safetensors")(IDS), reference(IDS))


def test_other_float_types_and_narrow_checkpoints(model, tmp_path):
    state = {"table.weight": model.table.weight.data, "layer.weight": model.layer.weight.data}
    halves = {**{name: tensor.half() for name, tensor in state.items()}, "layer.bias": model.layer.bias.data}
    save_file(halves, tmp_path / "half.safetensors")
    torch.testing.assert_close(
        compiled(model, tmp_path).load(tmp_path / "half.safetensors")(IDS), model(IDS), rtol=1e-2, atol=2e-2
    )
    save_file({**state, "layer.bias": model.layer.bias.data}, tmp_path / "full.safetensors")
    convert_checkpoint(tmp_path / "full.safetensors", tmp_path / "narrow.safetensors", "lm8")
    found = compiled(model, tmp_path).load(tmp_path / "narrow.safetensors")(IDS)
    assert not torch.equal(found, model(IDS))
    torch.testing.assert_close(found, model(IDS), rtol=0.2, atol=1.0)


def test_files_that_do_not_fit(model, tmp_path):
    native = compiled(model, tmp_path)
    with pytest.raises(ArgumentError, match="expected a safetensors file, found none"):
        native.load(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("no such thing")
    with pytest.raises(ArgumentError, match="expected a safetensors file"):
        native.load(tmp_path / "text.safetensors")
    save_file({"table.weight": model.table.weight.data}, tmp_path / "part.safetensors")
    with pytest.raises(ArgumentError, match=r"expected a tensor layer\.\w+, found none of that name"):
        native.load(tmp_path / "part.safetensors")
    save_file(
        {"table.weight": torch.zeros(60, 41), "layer.weight": torch.zeros(40, 40), "layer.bias": torch.zeros(40)},
        tmp_path / "wrong.safetensors",
    )
    with pytest.raises(ArgumentError, match=r"table\.weight: expected shape \[60, 40\], found \[60, 41\]"):
        native.load(tmp_path / "wrong.safetensors")
    torch.testing.assert_close(native(IDS), model(IDS))  # as it was


def test_uninitialised_modules_are_compiled_and_loaded(model, tmp_path):
    save_file(
        {
            "table.weight": model.table.weight.data,
            "layer.weight": model.layer.weight.data,
            "layer.bias": model.layer.bias.data,
        },
        tmp_path / "model.safetensors",
    )
    with torch.device("meta"):
        empty = Tied().eval()
    empty = empty.to_empty(device="cpu")
    empty.scale.fill_(2.0)
    empty.head.weight = empty.table.weight
    native = compiled(empty, tmp_path).load(tmp_path / "model.safetensors")
    torch.testing.assert_close(native(IDS), model(IDS))
