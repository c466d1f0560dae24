"""Adapted models: every group of computation shapes, forward and backward, against torch; adapters swapped and merged.

The bases are small: one layer of width 64 where a shape is what matters, two where adapters are swapped.
"""

from __future__ import annotations

import copy

import peft
import pytest
import slipstick
import torch
from slipstick.compiler import build
from slipstick.datasets.graphs_peft import inference, peft_graphs, prefix_decode, training
from slipstick.datasets.peft.library import unsettle
from slipstick.datasets.peft.low_rank import PerRow
from slipstick.datasets.peft.methods import METHODS
from slipstick.datasets.transformer_sizes import TransformerSizes
from torch.utils import _pytree as pytree

TOLERANCE = 1e-4
BY_NAME = {method.name: method for method in METHODS}


def sizes(architecture, layers=1):
    return TransformerSizes(architecture, layers, 64, 4, 96, 101, 64, kv_heads=2 if architecture == "llama" else None)


# Two layers: the gradient of what a layer is given is used by the layer before it alone.
SMALL = peft_graphs({"opt": sizes("opt", 2), "llama": sizes("llama", 2)}, batch=2, tokens=8, context=24)

# One of each group, that with the most of its own. A training step holds the forward graph too; where the backward pass
# is made of other groups' operations, the forward graph alone is compiled each time, the step with `test_every_graph`.
TRAINED = {
    4: "lora",
    7: "boft",
    12: "diff-pruning",
}
FORWARD = {
    1: "scaled-parallel-adapter",
    2: "gated-prompt",
    3: "ia3",
    5: "dora",
    6: "krona",
    8: "lora-moe",
    9: "coda",
    10: "ladder",
    11: "mixed-adapters",
}
# Forward graphs with what none of these has: decoded weights, Fourier transforms.
MORE_FORWARD = ("qlora", "fourierft")


def differences(graph):
    """Compile a graph; return each result's largest difference from torch's, as a share of the largest magnitude.

    Of gradients, a tensor's own magnitude counts, but not below a thousandth of the largest gradient: some, such as
    those of what is added to all keys, are zero but for rounding.
    """
    module, inputs = graph.build()
    with torch.no_grad():
        expected = pytree.tree_leaves(module(*inputs))
    module, inputs = graph.build()
    found = pytree.tree_leaves(slipstick.compile(module, inputs)(*inputs))
    assert len(found) == len(expected)
    least = 1e-3 * max(tensor.abs().max().item() for tensor in expected[1:] or expected)
    return [
        (one - other).abs().max().item() / max(other.abs().max().item(), least)
        for one, other in zip(found, expected, strict=True)
    ]


@pytest.mark.parametrize("group", TRAINED)
def test_a_training_step_of_each_group(group):
    method = BY_NAME[TRAINED[group]]
    assert method.group == group
    found = differences(training(method, sizes(method.architecture), 2, 8))
    assert len(found) > 1
    assert max(found) <= TOLERANCE


def test_each_group_is_compiled():
    assert {BY_NAME[name].group: name for name in FORWARD.values()} == FORWARD
    assert {*TRAINED, *FORWARD} == {method.group for method in METHODS}


@pytest.mark.parametrize("name", [*FORWARD.values(), *MORE_FORWARD])
def test_logits(name):
    method = BY_NAME[name]
    assert max(differences(inference(method, sizes(method.architecture), 2, 8))) <= TOLERANCE


def test_a_decode_step_behind_a_prefix():
    assert max(differences(prefix_decode(sizes("opt"), 2, 24))) <= TOLERANCE


@pytest.mark.exhaustive
@pytest.mark.parametrize("graph", SMALL, ids=lambda graph: graph.name)
def test_every_graph(graph):
    assert max(differences(graph)) <= graph.tolerance


def lora(layers=2):
    config = peft.LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])
    return unsettle(peft.get_peft_model(sizes("opt", layers).model(logits=True), config).eval())


def test_an_adapter_is_swapped_without_compiling_and_merged(monkeypatch):
    model = lora()
    ids = torch.randint(0, 101, (2, 8), generator=torch.Generator().manual_seed(0))
    call = {"input_ids": ids, "use_cache": False}
    compilations = []
    run_stages = build.run_stages
    monkeypatch.setattr(build, "run_stages", lambda *a, **k: (compilations.append(1), run_stages(*a, **k)))
    compiled = slipstick.compile(model, (), call)
    after = len(compilations)
    assert after == 1

    def agree():
        with torch.no_grad():
            expected = model(**call).logits
        found = compiled(**call).logits
        assert ((found - expected).abs().max() / expected.abs().max()).item() <= TOLERANCE
        return found

    first = agree()
    # Another adapter of the same shapes, as `peft` loads it.
    state = peft.get_peft_model_state_dict(model)
    other = {name: tensor.roll(1, 0) - 0.02 for name, tensor in state.items()}
    peft.set_peft_model_state_dict(model, other)
    second = agree()
    assert ((first - second).abs().max() / first.abs().max()).item() > 0.01
    # Back again: the same as before, bit for bit.
    peft.set_peft_model_state_dict(model, {name: tensor + 0.0 for name, tensor in lora_state().items()})
    assert torch.equal(agree(), first)
    assert len(compilations) == after

    merged = copy.deepcopy(model).merge_and_unload()
    found = slipstick.compile(merged, (), call)(**call).logits
    assert ((found - first).abs().max() / first.abs().max()).item() <= TOLERANCE


def lora_state():
    return peft.get_peft_model_state_dict(lora())


def test_each_row_of_a_mixed_batch_has_its_own_adapter():
    method = BY_NAME["mixed-adapters"]
    model = method.make(sizes("opt")).eval()
    ids = torch.randint(0, 101, (4, 8), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        together = model(ids, torch.tensor([0, 1, 2, 3]))["logits"]
        for row in range(4):
            alone = model(ids[row : row + 1], torch.tensor([row]))["logits"][0]
            torch.testing.assert_close(together[row], alone, rtol=1e-4, atol=1e-5)
        base = sizes("opt").model(logits=True)(input_ids=ids[:1], use_cache=False).logits[0]
        torch.testing.assert_close(together[0], base, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(together[1], model(ids, torch.zeros(4, dtype=torch.int64))["logits"][1], atol=1e-3)
    ranks = {int(count) for part in model.modules() if isinstance(part, PerRow) for count in (part.mask > 0).sum(-1)}
    assert ranks == {0, 4, 8, 16}
