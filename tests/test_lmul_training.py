"""Training with the forward pass in L-Mul or fp8: gradients are those of exact products at the values of the pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import slipstick
import torch
from slipstick import ArgumentError, LMul
from slipstick.datasets.language import corpus as texts
from slipstick.datasets.language import finetune
from slipstick.datasets.language.documents import NOTES, Document
from slipstick.datasets.language.model import Sizes, new_model
from slipstick.kernels.float8 import float8_matmul
from slipstick.kernels.float8_straight import Float8Products
from slipstick.tools import lmul as lmul_tool
from torch import nn


class Products(nn.Module):
    """A linear product, one of two computed operands and one by elements, each fed by another's result."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(8, 12, generator=generator))
        self.gate = nn.Parameter(torch.randn(12, generator=generator))

    def forward(self, x, matmul=torch.matmul, multiply=torch.mul):
        hidden = matmul(x, self.weight)
        gated = multiply(hidden, self.gate).relu()
        return matmul(gated, hidden.t())


def gradients(call, module, x, g):
    x = x.clone().requires_grad_()
    module.zero_grad()
    result = call(x)
    result.backward(g)
    return result.detach(), [x.grad, module.weight.grad.clone(), module.gate.grad.clone()]


def test_gradients_of_an_lmul_forward_pass_are_straight_through():
    module, lmul = Products(), LMul(4)
    generator = torch.Generator().manual_seed(1)
    x, g = torch.randn(6, 8, generator=generator), torch.randn(6, 6, generator=generator)
    expected = gradients(lambda x: module(x, slipstick.lmul_matmul, slipstick.lmul), module, x, g)
    found = {}
    for rule in ("straight-through", "lmul"):
        torch.compiler.reset()
        options = {"lmul": lmul, "gradients": rule, "threads": 1, "fallback": False}
        found[rule] = gradients(torch.compile(module, backend=slipstick.torch_backend, options=options), module, x, g)
        torch.testing.assert_close(found[rule][0], expected[0], rtol=1e-5, atol=1e-5)
    for one, other, exact in zip(
        found["straight-through"][1], expected[1], gradients(module, module, x, g)[1], strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
        # Those of an exact pass are others: its activations are.
        assert (one - exact).abs().max() > 1e-2
    assert all((a - b).abs().max() > 1e-2 for a, b in zip(found["lmul"][1], expected[1], strict=True))
    with pytest.raises(ArgumentError, match='gradients: expected one of "straight-through", "lmul", found \'exact\''):
        slipstick.TorchCompileOptions(gradients="exact")


def test_fp8_products_are_rounded_forward_and_exact_backward():
    generator = torch.Generator().manual_seed(2)
    x, weight, bias = (torch.randn(*s, generator=generator).requires_grad_() for s in ((2, 5, 8), (6, 8), (6,)))
    with Float8Products("e4m3"):
        found = nn.functional.linear(x, weight, bias)
    torch.testing.assert_close(found, float8_matmul(x, weight.t(), "e4m3") + bias, rtol=0, atol=0)
    assert (found - nn.functional.linear(x, weight, bias)).abs().max() > 1e-3
    g = torch.randn(2, 5, 6, generator=generator)
    straight = torch.autograd.grad(found, (x, weight, bias), g)
    exact = torch.autograd.grad(nn.functional.linear(x, weight, bias), (x, weight, bias), g)
    for one, other in zip(straight, exact, strict=True):
        torch.testing.assert_close(one, other)


def test_fp8_attention_is_that_of_torch_but_for_the_rounding(monkeypatch):
    generator = torch.Generator().manual_seed(3)
    q, k, v = torch.randn(3, 2, 4, 7, 8, generator=generator)
    attend = nn.functional.scaled_dot_product_attention
    mask = torch.rand(7, 7, generator=generator) > 0.3
    mask.fill_diagonal_(True)
    added = torch.randn(7, 7, generator=generator)
    ways = ({"is_causal": True}, {"attn_mask": mask, "scale": 0.2}, {"attn_mask": added})
    for way in ways:
        expected = attend(q, k, v, **way)
        with Float8Products("e4m3"):
            rounded = attend(q, k, v, **way)
        assert 1e-3 < (rounded - expected).abs().max() < 0.3
        with Float8Products("e4m3") as exact:
            monkeypatch.setattr(exact, "product", torch.matmul)
            torch.testing.assert_close(attend(q, k, v, **way), expected)
    with Float8Products("e5m2"), pytest.raises(ArgumentError, match="expected no dropout"):
        attend(q, k, v, dropout_p=0.1)
    with Float8Products("e5m2"), pytest.raises(ArgumentError, match=r"expected bool or torch\.float32"):
        attend(q, k, v, attn_mask=added.double())
    with pytest.raises(ArgumentError, match="format: expected one of e4m3, e5m2, found 'e3m4'"):
        Float8Products("e3m4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A model of one layer and text, as `slipstick-skip train` leaves them."""
    root = tmp_path_factory.mktemp("model")
    words = ["dose", "of", "the", "drug", "was", "given", "to", "a", "patient", "with", "low", "blood", "pressure"]
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(len(words), (40, 60), generator=generator).tolist()
    notes = [Document(NOTES, f"note {n}", " ".join(words[one] for one in line)) for n, line in enumerate(drawn)]
    corpus, made = texts.build(notes, 300)
    texts.save(corpus, root / "corpus", {"parts": made})
    new_model(Sizes(1, 32, 1, 64, 16), corpus.vocabulary, 0).save_pretrained(root / "full")
    (root / "full" / "done.json").write_text("{}")
    return root


ALL = pytest.param((0, 1, 2, 3, 4), marks=pytest.mark.exhaustive)


@pytest.mark.parametrize("chosen", [(1, 3), ALL])
def test_the_command_fine_tunes_keeps_what_is_done_and_draws(chosen, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(finetune, "ARITHMETICS", tuple(finetune.ARITHMETICS[number] for number in chosen))
    output, picture = tmp_path / "runs.json", tmp_path / "runs.svg"
    flags = ["--steps", "12", "--rows", "2", "--held-out", "4", "--rate", "0.01", "--output", str(output)]
    command = ["finetune", str(folder), *flags]
    assert lmul_tool.main([*command, "--picture", str(picture)]) == 0
    shown = capsys.readouterr().out
    found = json.loads(output.read_text())
    assert found["plan"]["steps"] == 12 and found["command"].startswith("slipstick-lmul finetune")
    runs = {one["arithmetic"]: one for one in found["runs"]}
    assert list(runs) == [one.name for one in finetune.ARITHMETICS]
    exact = runs.pop("exact", None)
    for name, run in runs.items():
        assert name in shown and len(run["losses"]) == 12 and len(run["after"]) == 4
        assert run["losses"][-1] < run["losses"][0] - 0.5 and sum(run["after"]) < sum(run["before"])
        assert 0.9 < run["gradient_cosine"] < 0.99999
        assert abs(sum(run["after"]) - sum(run["after_exact"])) > 1e-5
    if exact is not None:
        assert exact["gradient_cosine"] == pytest.approx(1, abs=1e-6)
        assert exact["after"] == pytest.approx(exact["after_exact"], rel=1e-4)
    assert picture.read_text().startswith("<svg") and "beside exact" in picture.read_text()
    # What is there is not run again, and another plan's is not mixed with it.
    monkeypatch.setattr(finetune, "finetune", None)
    assert lmul_tool.main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found
    assert lmul_tool.main([*command, "--seed", "3"]) == 1
    assert "expected runs of this plan, found those of another" in capsys.readouterr().err


def test_what_the_command_refuses(folder, tmp_path, capsys):
    output = tmp_path / "runs.json"
    for flags, text in (
        (["--held-out", "5"], "held-out: expected a multiple of the 8 rows of a batch, found 5"),
        (["--held-out", "4000"], "sequences, which there are, found 4000"),
    ):
        assert lmul_tool.main(["finetune", str(folder), *flags, "--output", str(output)]) == 1
        assert text in capsys.readouterr().err
    output.write_text("[]")
    assert lmul_tool.main(["finetune", str(folder), "--output", str(output)]) == 1
    assert "expected what this command wrote, found something else" in capsys.readouterr().err
