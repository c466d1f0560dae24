"""Encoded checkpoints: what is written, read back, refused; the API and `slipstick-lmul convert`."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from slipstick.compiler.checkpoint import convert_checkpoint, decode_checkpoint, load_checkpoint
from slipstick.errors import ArgumentError
from slipstick.kernels.weight_formats import encode
from slipstick.tools.lmul import main


@pytest.fixture
def state():
    generator = torch.Generator().manual_seed(0)
    pruned = torch.randn(6, 40, generator=generator)
    pruned[:, ::3] = 0
    return {
        "embed.weight": torch.randn(10, 8, generator=generator),
        "fc1.weight": pruned,
        "fc1.bias": torch.randn(6, generator=generator),
        "fc2.weight": torch.randn(3, 6, generator=generator).to(torch.bfloat16),
        "half.weight": torch.randn(4, 5, generator=generator).to(torch.float16),
        "steps": torch.tensor(7),
        "mask": torch.tensor([True, False, True]),
        "ids": torch.arange(6).reshape(2, 3),
        "empty": torch.empty(0, 3),
        "kernel": torch.randn(2, 2, 3, 3, generator=generator),
    }


@pytest.fixture
def source(tmp_path, state):
    path = tmp_path / "in.safetensors"
    save_file(state, path, metadata={"format": "pt", "about": "a test"})
    return path


MATRICES = {"embed.weight", "fc1.weight", "fc2.weight", "half.weight", "empty"}


@pytest.mark.parametrize("weights", ["lm8", "bf16"])
def test_round_trip(tmp_path, source, state, weights):
    encoded, decoded = tmp_path / "encoded.safetensors", tmp_path / "decoded.safetensors"
    done = convert_checkpoint(source, encoded, weights)
    assert set(done.tensors) == MATRICES
    expected = {
        name: encode(tensor.float(), weights).decode() if name in MATRICES else tensor for name, tensor in state.items()
    }
    # Read by safetensors itself: the file is one of its own, and holds codes.
    stored = load_file(encoded)
    codes = encode(state["fc1.weight"], weights)
    assert torch.equal(stored["fc1.weight"], codes.codes)
    if weights == "lm8":
        assert torch.equal(stored["fc1.weight.lm8_bias"], codes.biases)
        assert set(stored) == set(state) | {f"{name}.lm8_bias" for name in MATRICES}
    assert done.bytes_after == sum(tensor.nbytes for tensor in stored.values())
    undone = decode_checkpoint(encoded, decoded)
    assert set(undone.tensors) == MATRICES
    for found in (load_file(decoded), load_checkpoint(encoded), load_checkpoint(decoded)):
        assert set(found) == set(state)
        for name, tensor in expected.items():
            assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor), name
    with safe_open(decoded, framework="pt") as file:
        assert file.metadata() == {"format": "pt", "about": "a test"}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_metadata_say_what_was_done(tmp_path, source):
    encoded = tmp_path / "encoded.safetensors"
    convert_checkpoint(source, encoded, "lm8", include=["fc*"], axis=1)
    with safe_open(encoded, framework="pt") as file:
        metadata = file.metadata()
        assert file.get_tensor("fc1.weight.lm8_bias").shape == (40,)
    assert metadata["slipstick.weights"] == "lm8" and metadata["slipstick.weights_version"] == "1"
    assert metadata["about"] == "a test"
    assert json.loads(metadata["slipstick.encoded"]) == {
        "fc1.weight": {"axis": 1, "dtype": "F32"},
        "fc2.weight": {"axis": 1, "dtype": "BF16"},
    }


def test_a_model_loads_what_was_encoded(tmp_path):
    model = torch.nn.Linear(16, 4)
    save_file(model.state_dict(), tmp_path / "in.safetensors")
    convert_checkpoint(tmp_path / "in.safetensors", tmp_path / "out.safetensors", "lm8")
    other = torch.nn.Linear(16, 4)
    other.load_state_dict(load_checkpoint(tmp_path / "out.safetensors"))
    assert torch.equal(other.weight, encode(model.weight, "lm8").decode())
    assert torch.equal(other.bias, model.bias)


def test_patterns(tmp_path, source):
    out = tmp_path / "out.safetensors"
    done = convert_checkpoint(source, out, "lm8", include=["fc?.weight", "embed*"], exclude=["*2*"])
    assert set(done.tensors) == {"embed.weight", "fc1.weight"}
    with pytest.raises(ArgumentError, match=r"no matrix of f32, f16 or bf16 matches: include \*\.bias"):
        convert_checkpoint(source, tmp_path / "none.safetensors", "lm8", include=["*.bias"])
    assert not (tmp_path / "none.safetensors").exists()


def test_the_command(tmp_path, source, state, capsys):
    encoded, decoded = tmp_path / "encoded.safetensors", tmp_path / "decoded.safetensors"
    assert main(["convert", str(source), str(encoded), "--weights", "lm8", "--exclude", "embed*"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("4 matrices encoded as lm8: ") and "fc1.weight" in out and "embed" not in out
    assert "encode 10 tensors" in err
    assert main(["convert", str(encoded), str(decoded), "--decode"]) == 0
    assert "4 matrices decoded to f32" in capsys.readouterr().out
    assert torch.equal(load_file(decoded)["embed.weight"], state["embed.weight"])


def refused(capsys, *arguments):
    """Return the one line of an error of the command."""
    assert main(["convert", *map(str, arguments)]) == 1
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if "error:" in line]
    assert not out and len(lines) == 1 and lines[0].startswith("slipstick-lmul: error: ") and "Traceback" not in err
    return lines[0]


def test_errors_of_the_command(tmp_path, source, state, capsys):
    out = tmp_path / "out.safetensors"
    other = tmp_path / "text.safetensors"
    other.write_text("no checkpoint, and longer than eight bytes")
    assert "expected a safetensors file" in refused(capsys, other, out, "--weights", "lm8")
    assert "found none" in refused(capsys, tmp_path / "missing", out, "--weights", "lm8")
    assert "found a folder" in refused(capsys, tmp_path, out, "--weights", "lm8")
    assert "expected a file to write, found a folder" in refused(capsys, source, tmp_path, "--weights", "lm8")
    nowhere = tmp_path / "no" / "out.safetensors"
    assert "cannot be written: No such file or directory" in refused(capsys, source, nowhere, "--weights", "lm8")
    assert "another file" in refused(capsys, source, source, "--weights", "bf16")
    assert "either --weights or --decode" in refused(capsys, source, out)
    assert "either --weights or --decode" in refused(capsys, source, out, "--weights", "lm8", "--decode")
    assert "weights are not encoded" in refused(capsys, source, out, "--decode")
    assert not out.exists()
    assert main(["convert", str(source), str(out), "--weights", "lm8"]) == 0
    capsys.readouterr()
    again = tmp_path / "again.safetensors"
    assert "encoded already, in lm8" in refused(capsys, out, again, "--weights", "lm8")
    # What was there stays when the writing fails half-way.
    state["zzz.weight"] = torch.full((2, 2), float("nan"))
    save_file(state, other)
    before = out.read_bytes()
    assert "zzz.weight: expected finite weights, found nan at [0, 0]" in refused(capsys, other, out, "--weights", "lm8")
    assert out.read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slipstick.weights_version": "2"}, "expected weights in bf16 or lm8 in version 1, found lm8 in version 2"),
        ({"slipstick.encoded": "no JSON"}, "its metadata slipstick.encoded cannot be read"),
        ({"slipstick.encoded": '{"w": {"axis": 1}}'}, r"w: biases: expected int32 \[3\], found int32 \[2\]"),
        ({"slipstick.encoded": '{"v": {"axis": 0}}'}, "v: expected a tensor of U8, found none"),
        ({"slipstick.encoded": '{"w": {"axis": 5}}'}, r"w: axis: expected a dimension of codes \[2, 3\], found 5"),
    ],
)
def test_metadata_that_do_not_fit(tmp_path, change, message):
    encoded = encode(torch.ones(2, 3), "lm8")
    metadata = {
        "slipstick.weights": "lm8",
        "slipstick.weights_version": "1",
        "slipstick.encoded": '{"w": {"axis": 0}}',
    }
    path = tmp_path / "in.safetensors"
    save_file({"w": encoded.codes, "w.lm8_bias": encoded.biases}, path, metadata={**metadata, **change})
    with pytest.raises(ArgumentError, match=message):
        load_checkpoint(path)
    with pytest.raises(ArgumentError, match=message):
        decode_checkpoint(path, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
