"""`torch.cond`: one of two branches runs, with parameters of its own, and gives fresh tensors."""

from __future__ import annotations

import pytest
import slipstick
import torch
from slipstick import GraphError
from torch import nn


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide = nn.Sequential(nn.Linear(16, 24), nn.GELU(), nn.LayerNorm(24))
        self.narrow = nn.Linear(16, 24)

    def forward(self, x):
        return torch.cond(x.sum() > 0, self.wide, self.narrow, (x.relu() + x,)).softmax(-1)


class Nested(nn.Module):
    def forward(self, x):
        return torch.cond(x.shape[0] > 3, self.many, torch.sin, (x,))

    def many(self, x):
        return torch.cond((x < 7.33).all(), lambda x: x.clone(), lambda x: x * 2, (x,))


class Choice(nn.Module):
    def __init__(self, branch):
        super().__init__()
        self.branch = branch

    def forward(self, x):
        return torch.cond(x.sum() > 0, self.branch, torch.cos, (x,))


class Kept(nn.Module):
    def forward(self, x, y):
        return torch.cond(x.sum() > 0, lambda x, y: (x.clone(), y + 1), lambda x, y: (y.clone(), y - 1), (x, y))


def test_each_branch_has_its_own_layers():
    module, x = Branches().eval(), torch.rand(20, 16)
    compiled = slipstick.compile(module, (x,))
    with torch.no_grad():
        for given in (x, -x):
            torch.testing.assert_close(compiled(given), module(given))
        module.narrow.bias.add_(1)
        torch.testing.assert_close(compiled(-x), module(-x))


def test_conditions_on_sizes_and_branches_in_branches():
    module, rows = Nested(), torch.export.Dim("rows", min=2, max=9)
    compiled = slipstick.compile(module, (torch.ones(5, 3),), dynamic_shapes=({0: rows},))
    for x in (torch.rand(2, 3), torch.rand(6, 3), torch.full((6, 3), 7.33), torch.full((9, 3), 8.0)):
        before, found = x.clone(), compiled(x)
        torch.testing.assert_close(found, module(x))
        found.fill_(0)
        assert torch.equal(x, before)


def test_branches_may_give_their_operands():
    rows = torch.export.Dim("rows", min=2, max=9)
    compiled = slipstick.compile(Kept(), (torch.ones(5, 3), torch.ones(5, 3)), dynamic_shapes=({0: rows}, {0: rows}))
    for x in (torch.rand(2, 3), -torch.rand(6, 3)):
        y = torch.rand_like(x)
        found = compiled(x, y)
        torch.testing.assert_close(found, Kept()(x, y))
        assert found[0].data_ptr() not in (x.data_ptr(), y.data_ptr())


def test_the_gradients_are_those_of_the_branch_that_ran():
    module, x = Choice(nn.Linear(3, 3)), torch.rand(4, 3)
    step = slipstick.LossAndGradients(module, loss=lambda found: found.square().sum())
    compiled = slipstick.compile(step, (x,))
    for given in (x, -x):
        loss, gradients = compiled(given)
        wanted, expected = step(given)
        torch.testing.assert_close(loss, wanted)
        for name, gradient in gradients.items():
            torch.testing.assert_close(gradient, expected.get(name, torch.zeros_like(gradient)))


def test_what_is_refused_in_a_branch_is_named_with_its_line():
    for branch, words in (
        (lambda x: x + torch.rand_like(x), r"operation aten\.rand_like.* random operations"),
        (torch.special.airy_ai, r"operation aten\.special_airy_ai.* torch-mlir cannot lower it"),
    ):
        with pytest.raises(GraphError, match=words) as caught:
            slipstick.compile(Choice(branch), (torch.eye(3),))
        assert "test_branches.py:" in str(caught.value)
