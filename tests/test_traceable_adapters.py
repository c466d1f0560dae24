"""Adapters of `peft` that read numbers in Python: the forms that are exported equal peft's own; sparse tensors."""

from __future__ import annotations

import peft
import pytest
import slipstick
import torch
from slipstick.compiler.sparse_tensors import DenseStandIns
from slipstick.compiler.traceable_adapters import traceable_adapters
from slipstick.datasets.peft.methods import METHODS
from slipstick.datasets.transformer_sizes import TransformerSizes
from torch import nn

SIZES = TransformerSizes("opt", 1, 64, 4, 96, 101, 64)
IDS = torch.randint(0, 101, (2, 8), generator=torch.Generator().manual_seed(0))
MORE = {"poly": {"task_ids": torch.tensor([0, 2])}}
BY_NAME = {method.name: method for method in METHODS}


def step(model, **call):
    """Return logits, loss and the gradients of what is trained."""
    model.zero_grad()
    found = model(**call)
    found.loss.backward()
    return [found.logits, found.loss, *(one.grad for one in model.parameters() if one.grad is not None)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["poly", "frod", "waveft", "cpt"])
def test_what_is_exported_equals_peft(name):
    model = BY_NAME[name].make(SIZES)
    call = {"input_ids": IDS, "labels": IDS.roll(1), "use_cache": False, **MORE.get(name, {})}
    # Once before: CPT shortens what is too long and keeps it so.
    step(model, **call)
    expected = step(model, **call)
    with traceable_adapters(), DenseStandIns():
        found = step(model, **call)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("weighting", ["decay", "none"])
def test_the_loss_of_cpt_counts_older_examples_less(weighting):
    model = BY_NAME["cpt"].make(SIZES)
    config = model.active_peft_config
    config.opt_weighted_loss_type, config.opt_loss_decay_factor = weighting, 0.5
    # Two rows: labels of two examples and tokens that are none; labels of one only, longer.
    kinds = torch.tensor([[1, 4, 4, 5, 8, 8, 8, 1], [4, 4, 2, 3, 4, 0, 0, 4]])
    call = {"input_ids": IDS, "labels": IDS.roll(1)}
    expected = model(**call, input_type_mask=kinds.clone()).loss
    with traceable_adapters():
        torch.testing.assert_close(model(**call, input_type_mask=kinds).loss, expected)
    assert kinds.max() == 8


def test_methods_are_put_back():
    from peft.tuners.poly.router import PolyRouter

    own = PolyRouter.forward
    with traceable_adapters():
        assert PolyRouter.forward is not own
    assert PolyRouter.forward is own


def test_poly_in_training_mode_is_refused():
    model = BY_NAME["poly"].make(SIZES).train()
    with pytest.raises(slipstick.GraphError, match=r"Poly draws its skills at random in training mode: call eval"):
        slipstick.compile(model, (), {"input_ids": IDS, "use_cache": False, **MORE["poly"]})


class Sparse(nn.Module):
    """A sparse matrix, added to a dense one and multiplied, as modules with sparse weights do."""

    def __init__(self):
        super().__init__()
        self.values = nn.Parameter(torch.tensor([1.0, -2.0, 0.5, 4.0]))
        self.places = torch.tensor([[0, 2, 2, 0], [1, 0, 3, 1]], dtype=torch.int32)

    def forward(self, x):
        sparse = torch.sparse_coo_tensor(self.places, self.values, (3, 4))
        again = torch.sparse_coo_tensor(self.places, self.values, (3, 4)).coalesce()
        return x + sparse, torch.sparse.mm(again, x.t()), again.to_dense()


@pytest.mark.filterwarnings("ignore")
def test_sparse_tensors_are_computed_dense():
    module, x = Sparse(), torch.arange(12.0).view(3, 4)
    compiled = slipstick.compile(module, (x,))
    torch.testing.assert_close(compiled(x), module(x))
    with torch.no_grad():
        module.values.mul_(3.0)
    torch.testing.assert_close(compiled(x), module(x))


@pytest.mark.filterwarnings("ignore")
def test_what_has_no_size_stays_sparse():
    indices, values = torch.tensor([[0, 1]]), torch.ones(2)
    with DenseStandIns():
        assert torch.sparse_coo_tensor(indices, values).is_sparse
        assert not torch.sparse_coo_tensor(indices, values, (3,)).is_sparse
        assert torch.sparse_coo_tensor([[0, 1]], [1.0, 2.0], (3,)).is_sparse


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["poly", "shira", "xlora"])
def test_compiled_through_peft(name):
    model = BY_NAME[name].make(SIZES)
    call = {"input_ids": IDS, "use_cache": False, **MORE.get(name, {})}
    with torch.no_grad():
        expected = model(**call).logits
    torch.testing.assert_close(slipstick.compile(model, (), call)(**call).logits, expected, rtol=1e-4, atol=1e-5)


def test_xlora_mixes_what_it_read():
    model = BY_NAME["xlora"].make(SIZES)
    assert isinstance(model.base_model, peft.XLoraModel)
    with torch.no_grad():
        adapted = model(input_ids=IDS).logits
        base = SIZES.model(logits=True)(input_ids=IDS, use_cache=False).logits
    assert (adapted - base).abs().max() > 1e-3


def test_data_assigned_in_inference_mode():
    module, x = nn.Linear(3, 4), torch.ones(2, 3)
    with torch.inference_mode():
        module.weight.data = module.weight * 2.0
    compiled = slipstick.compile(module, (x,))
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), module(x))
        module.weight.mul_(3.0)
        torch.testing.assert_close(compiled(x), module(x))


def test_parameters_made_in_inference_mode_are_refused():
    with torch.inference_mode():
        module = nn.Sequential(nn.Linear(3, 4))
    with pytest.raises(slipstick.ArgumentError, match=r"obj: parameter 0.weight was made in inference mode"):
        slipstick.compile(module, (torch.ones(2, 3),))
