"""Training steps: the loss and the gradients, forward and backward in one compiled graph, against torch."""

from __future__ import annotations

import pytest
import slipstick
import torch
from slipstick import ArgumentError, LossAndGradients
from torch import nn


class Regression(nn.Module):
    """Two linear layers with a GELU; returns the mean square of the error."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 16), nn.Linear(16, 3)
        self.unused = nn.Parameter(torch.zeros(2))

    def forward(self, x, target):
        return (self.second(nn.functional.gelu(self.first(x))) - target).square().mean()


def data():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(8, 6, generator=generator), torch.randn(8, 3, generator=generator)


def by_autograd(module, names, *args):
    loss = module(*args)
    parameters = dict(module.named_parameters())
    return loss, dict(zip(names, torch.autograd.grad(loss, [parameters[name] for name in names]), strict=True))


def test_loss_and_gradients_are_those_of_torch():
    torch.manual_seed(0)
    module = Regression()
    step = LossAndGradients(module)
    compiled = slipstick.compile(step, data())
    names = ["first.weight", "first.bias", "second.weight", "second.bias"]
    loss, gradients = by_autograd(module, names, *data())
    for found_loss, found in (compiled(*data()), step(*data())):
        torch.testing.assert_close(found_loss, loss.detach(), rtol=1e-5, atol=1e-6)
        # The loss does not depend on `unused`.
        assert list(found) == names
        for name in names:
            torch.testing.assert_close(found[name], gradients[name], rtol=1e-5, atol=1e-6)


def test_an_optimiser_lowers_the_loss_and_the_step_sees_its_writes():
    torch.manual_seed(0)
    module = Regression()
    compiled = slipstick.compile(LossAndGradients(module), data())
    optimiser = torch.optim.AdamW(module.parameters(), lr=0.02)
    losses = []
    for _ in range(30):
        loss, gradients = compiled(*data())
        torch.testing.assert_close(loss, module(*data()).detach(), rtol=1e-5, atol=1e-6)
        losses.append(loss.item())
        for name, parameter in module.named_parameters():
            parameter.grad = gradients.get(name)
        optimiser.step()
    assert losses[-1] < 0.5 * losses[0]


def test_what_is_trained_can_be_chosen():
    module = Regression()
    module.first.requires_grad_(False)
    assert LossAndGradients(module).trainable == ["unused", "second.weight", "second.bias"]
    chosen = LossAndGradients(module, trainable=lambda name: name.endswith("bias"))
    assert chosen.trainable == ["first.bias", "second.bias"]
    compiled = slipstick.compile(chosen, data())
    module.first.requires_grad_(True)
    _, expected = by_autograd(module, chosen.trainable, *data())
    found = compiled(*data())[1]
    assert list(found) == chosen.trainable
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-5, atol=1e-6)


def test_a_loss_of_the_results():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(6, 4), nn.SiLU(), nn.LayerNorm(4))
    step = LossAndGradients(module, loss=lambda result: result.pow(3).sum())
    x = data()[0]
    loss, gradients = slipstick.compile(step, (x,))(x)
    expected_loss, expected = step(x)
    torch.testing.assert_close(loss, expected_loss, rtol=1e-5, atol=1e-5)
    for name, gradient in expected.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-4, atol=1e-5)


def test_the_eager_step_leaves_requires_grad_alone():
    module = Regression()
    module.first.requires_grad_(False)
    before = [parameter.requires_grad for parameter in module.parameters()]
    with torch.inference_mode():
        LossAndGradients(module, trainable=["first.weight"])(*data())
    assert [parameter.requires_grad for parameter in module.parameters()] == before


def test_a_parameter_of_two_names_has_one_gradient():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(6, 6, bias=False)
            self.b = nn.Linear(6, 6, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(torch.tanh(self.a(x))).square().sum()

    torch.manual_seed(0)
    module = Tied()
    x = data()[0]
    _, found = slipstick.compile(LossAndGradients(module), (x,))(x)
    _, expected = by_autograd(module, ["a.weight"], x)
    assert list(found) == ["a.weight"]
    torch.testing.assert_close(found["a.weight"], expected["a.weight"], rtol=1e-5, atol=1e-5)


def test_a_parameter_read_past_its_name_has_a_gradient():
    class Held(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor([0.5, -2.0, 3.0]))
            self.held = {"scale": self.scale}

        def forward(self, x):
            return (x * self.held["scale"]).square().sum()

    step = LossAndGradients(Held())
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    compiled = slipstick.compile(step, (x,), threads=1)
    for _ in range(2):
        torch.testing.assert_close(compiled(x), step(x))
        step.module.scale.data = torch.tensor([1.0, 0.25, -1.0])


def test_what_cannot_be_meant():
    module = Regression()
    with pytest.raises(ArgumentError, match="trainable: expected names of parameters, found 'third'"):
        LossAndGradients(module, trainable=["third"])
    with pytest.raises(ArgumentError, match="trainable: expected at least one parameter, found none"):
        LossAndGradients(module, trainable=[])
    step = LossAndGradients(nn.Linear(6, 3))
    with pytest.raises(ArgumentError, match=r"loss: expected a float tensor of no dimensions, found float32\[8, 3\]"):
        slipstick.compile(step, (data()[0],))
    with pytest.raises(ArgumentError, match=r"loss: expected a float tensor of no dimensions, found float32\[8, 3\]"):
        step(data()[0])


class Tied(nn.Module):
    """Rows of a table, whose products with the whole table are the result: i64 [n] -> [n, 512]."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(512, 24)

    def forward(self, ids):
        return self.table(ids).square() @ self.table.weight.T


def test_the_gradient_of_a_table_is_written_in_its_place():
    torch.manual_seed(0)
    step = slipstick.LossAndGradients(Tied(), loss=lambda result: result.square().mean())
    ids = torch.tensor([3, 0, 511, 3, 3])
    compiled = slipstick.compile(step, (ids,), threads=1)
    (_, found), (_, expected) = compiled(ids), step(ids)
    torch.testing.assert_close(found, expected)
    # Rows are added to the product of the head: besides it no tensor is as large as the table.
    assert compiled.statistics["fold-scatter-sums: sums folded"] == 1
    assert compiled.statistics["scatters-to-loops: scatters in loops"] == 1
    assert compiled.workspace_bytes < expected["table.weight"].nbytes
