"""`index_put` by indices below zero, of several dimensions, behind other dimensions; gradients of what is looked up."""

from __future__ import annotations

import pytest
import slipstick
import torch
from slipstick.compiler.index_put import index_put, unsafe_index_put

X = torch.arange(60.0).reshape(3, 4, 5)
ROWS, LOW, WIDE = torch.tensor([2, 0]), torch.tensor([[-1], [1]]), torch.tensor([[0, 3, -4], [1, -2, 2]])


@pytest.mark.parametrize(
    ("indices", "shape"),
    [
        ([ROWS], (2, 4, 5)),
        ([LOW], (2, 1, 4, 5)),
        ([LOW, WIDE.int()], (2, 3, 5)),
        ([LOW, WIDE], (3, 1)),
        ([None, WIDE], (3, 2, 3, 5)),
        ([None, None, WIDE], (2, 3)),
        ([None, ROWS, LOW], ()),
        ([torch.tensor(-1)], (4, 5)),
    ],
)
@pytest.mark.parametrize("accumulate", [False, True])
def test_what_indices_become_puts_the_same(indices, shape, accumulate):
    values = torch.arange(1.0, 1 + torch.Size(shape).numel()).reshape(shape)
    expected = torch.ops.aten.index_put.default(X, indices, values, accumulate)
    assert torch.equal(index_put(X, indices, values, accumulate), expected)
    if all(index is None or (index >= 0).all() for index in indices):
        found = unsafe_index_put(X, indices, values, accumulate)
        assert found is NotImplemented or torch.equal(found, expected)


@pytest.mark.parametrize("indices", [[X > 3], [ROWS, None, ROWS]])
def test_masks_and_indices_apart_are_left(indices):
    assert index_put(X, indices, torch.tensor(1.0)) is NotImplemented


def test_gradients_of_rows_looked_up_by_any_number_of_indices():
    torch._dynamo.reset()
    torch.manual_seed(0)
    table, reports = torch.randn(12, 4, requires_grad=True), []
    run = torch.compile(
        lambda at: table[at],
        backend=slipstick.torch_backend,
        dynamic=True,
        options={"observer": reports.append, "fallback": False},
    )
    for shape in ((2, 7), (3, 5)):
        at, weights = torch.randint(-12, 12, shape), torch.randn(*shape, 4)
        losses = [(rows.sin() * weights).sum() for rows in (run(at), table[at])]
        found, expected = (torch.autograd.grad(loss, table) for loss in losses)
        torch.testing.assert_close(found, expected)
    assert [report.kind for report in reports] == ["forward", "backward"]
