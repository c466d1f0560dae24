"""Compiled modules in files: written, read without torch-mlir, refused where they do not fit."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys

import pytest
import slipstick
import torch
from slipstick import ArgumentError, CodegenError
from slipstick.compiler.safetensors_file import SafetensorsReader, SafetensorsWriter
from slipstick.compiler.saved import DIGEST_KEY, MODULE_KEY, OBJECT
from torch import nn


class Model(nn.Module):
    """A product of many rows, whose weight is packed; a buffer; a dynamic size; a dictionary of results."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(32, 48)
        self.register_buffer("shift", torch.arange(48.0))

    def forward(self, x, scale=1.0, *, more=None):
        y = self.linear(x) * scale + self.shift
        return {"y": y if more is None else y + more, "rows": x.shape[0]}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    torch.manual_seed(0)
    module = Model()
    path = tmp_path_factory.mktemp("saved") / "model.slip"
    rows = torch.export.Dim("rows", min=2, max=512)
    x = torch.randn(70, 32)
    compiled = slipstick.compile(module, (x,), dynamic_shapes={"x": {0: rows}}, threads=1)
    compiled.save(path)
    return module, compiled, x, path


def test_a_loaded_module_is_called_like_the_saved_one(saved):
    module, compiled, x, path = saved
    loaded = slipstick.load(path)
    assert loaded.packed == compiled.packed and loaded.packed
    assert str(loaded.signature) == str(compiled.signature)
    for rows in (70, 5):
        found, expected = loaded(x[:rows]), compiled(x=x[:rows], scale=1.0)
        assert found["rows"] == rows and torch.equal(found["y"], expected["y"])
        torch.testing.assert_close(found["y"], module(x[:rows])["y"])
    with pytest.raises(ArgumentError, match=r"x: dimension 0: expected 2 to 512, found 1"):
        loaded(x[:1])
    with pytest.raises(ArgumentError, match="holds no IR"):
        loaded.llvm_ir()
    again = path.with_name("again.slip")
    loaded.save(again)
    assert torch.equal(slipstick.load(again)(x)["y"], loaded(x)["y"])


def test_pickles_and_deep_copies_own_their_weights(tmp_path):
    module, x = nn.Linear(8, 4), torch.randn(3, 8)
    compiled = slipstick.compile(module, (x,), threads=1)
    expected = compiled(x)
    copies = [
        pickle.loads(pickle.dumps(compiled)),
        copy.deepcopy(compiled),
        copy.deepcopy(slipstick.load(_file(compiled, tmp_path))),
    ]
    with torch.no_grad():
        module.bias += 1
    for one in copies:
        assert torch.equal(one(x), expected)
    assert torch.equal(copy.copy(compiled)(x), compiled(x)) and not torch.equal(compiled(x), expected)


def _file(compiled, folder):
    compiled.save(folder / "model.slip")
    return folder / "model.slip"


def test_loading_needs_no_torch_mlir(saved):
    _, compiled, x, path = saved
    torch.save(x, path.with_name("x.pt"))
    program = f"""
import sys
sys.modules["torch_mlir"] = None
import slipstick, torch
y = slipstick.load({str(path)!r})(torch.load({str(path.with_name("x.pt"))!r}))["y"]
print(repr(float(y.sum())), [name for name in sys.modules if "slipstick.bindings" in name])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{float(compiled(x)['y'].sum())!r} []"


def rewritten(path, change_tensor=None, change_manifest=None):
    """A copy of a file with a byte of a tensor changed, or its manifest, with a digest that fits."""
    import hashlib

    other = path.with_name("other.slip")
    with SafetensorsReader(path) as file:
        metadata = dict(file.metadata)
        if change_manifest is not None:
            manifest = json.loads(metadata[MODULE_KEY])
            change_manifest(manifest)
            metadata[MODULE_KEY] = json.dumps(manifest)
            metadata[DIGEST_KEY] = hashlib.sha256(metadata[MODULE_KEY].encode()).hexdigest()
        with SafetensorsWriter(other, file.entries, metadata) as out:
            for name in file.entries:
                tensor = file.read(name)
                if name == change_tensor:
                    tensor.reshape(-1).view(torch.uint8)[100] += 1
                out.write(name, tensor)
    return other


def test_what_was_changed_is_refused(saved):
    _, _, _, path = saved
    for name in (OBJECT, "shift"):
        with pytest.raises(ArgumentError, match=f"changed after it was written: the SHA-256 of {name} is another"):
            slipstick.load(rewritten(path, change_tensor=name))
    damaged = path.with_name("damaged.slip")
    damaged.write_bytes(path.read_bytes().replace(b"pack_weights", b"pack_wei9hts", 1))
    with pytest.raises(ArgumentError, match="the SHA-256 of its head is another"):
        slipstick.load(damaged)
    damaged.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ArgumentError, match="expected a safetensors file"):
        slipstick.load(damaged)


def test_foreign_cpus_and_formats_are_refused(saved):
    _, _, _, path = saved

    def foreign(manifest):
        manifest["target"]["features"].append("avx10.2")

    with pytest.raises(CodegenError, match=r"its code is for .*, which has avx10.2; this machine \(.*\) has not"):
        slipstick.load(rewritten(path, change_manifest=foreign))
    with pytest.raises(ArgumentError, match=r"expected a file of format 1, found format 2"):
        slipstick.load(rewritten(path, change_manifest=lambda manifest: manifest.update(format=2)))
    plain = path.with_name("plain.safetensors")
    with SafetensorsWriter(plain, {}, {}):
        pass
    with pytest.raises(ArgumentError, match=r"expected a file that CompiledModule\.save has written"):
        slipstick.load(plain)


def test_code_for_another_cpu_can_be_saved(tmp_path):
    compiled = slipstick.compile(nn.Linear(4, 4), (torch.ones(2, 4),), target="neoverse-n1", threads=1)
    compiled.save(tmp_path / "arm.slip")
    with pytest.raises(CodegenError, match=r"its code is for neoverse-n1 \(aarch64.*\), this machine is"):
        slipstick.load(tmp_path / "arm.slip")


def test_a_file_is_written_whole_or_not_at_all(saved, monkeypatch):
    _, compiled, _, path = saved
    before = path.read_bytes()

    def full(self, name, chunks):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SafetensorsWriter, "write_chunks", full)
    with pytest.raises(OSError, match="No space"):
        compiled.save(path)
    assert path.read_bytes() == before and not list(path.parent.glob(".model.slip*"))


def test_narrow_weights_are_saved_as_codes(tmp_path):
    torch.manual_seed(0)
    module, x = nn.Linear(64, 256), torch.randn(3, 64)
    compiled = slipstick.compile(module, (x,), weights="lm8", threads=1)
    compiled.save(tmp_path / "narrow.slip")
    assert (tmp_path / "narrow.slip").stat().st_size < 4 * module.weight.numel()
    loaded = slipstick.load(tmp_path / "narrow.slip")
    assert loaded.encoded == {"weight": "lm8"} and torch.equal(loaded(x), compiled(x))
