"""One compiled function for each exit depth: against torch models that have only those layers, on real caches."""

from __future__ import annotations

import copy
import pickle
import re

import pytest
import slipstick
import torch
from slipstick import ArgumentError, IRError, SkipPaths
from slipstick.datasets.decode import DecodeStep, empty_caches, step_inputs
from slipstick.datasets.transformer_sizes import TransformerSizes
from slipstick.passes.executed_layers import executed_layers

LAYERS, CONTEXT = 4, 16
SIZES = {
    name: TransformerSizes(name, LAYERS, 64, 4, 96, 101, 64, kv_heads=2 if name == "llama" else None)
    for name in ("gpt2", "llama", "opt")
}


@pytest.fixture(
    scope="module", params=["gpt2", *(pytest.param(name, marks=pytest.mark.exhaustive) for name in ("llama", "opt"))]
)
def model(request):
    """A decoder; `test_generate` compares skipped runs of LLaMA and OPT with a recomputation each time."""
    return SIZES[request.param].model(logits=True)


def inputs(batch: int = 2) -> tuple[torch.Tensor, ...]:
    return step_inputs(torch.arange(3, 3 + batch)[:, None], first=4, context=CONTEXT)


@pytest.fixture(scope="module")
def compiled(model):
    return slipstick.compile(
        DecodeStep(model).eval(), (*inputs(), *empty_caches(model.config, 2, CONTEXT)), threads=1, skip=SkipPaths(1)
    )


def only(model, kept):
    """Return a copy of a model that has the layers `kept` alone."""
    smaller = copy.deepcopy(model)
    body = smaller.transformer if hasattr(smaller, "transformer") else getattr(smaller.model, "decoder", smaller.model)
    name = "h" if hasattr(body, "h") else "layers"
    layers = torch.nn.ModuleList(layer for number, layer in enumerate(getattr(body, name)) if number in kept)
    for number, layer in enumerate(layers):
        (layer.attn if hasattr(layer, "attn") else layer.self_attn).layer_idx = number
    setattr(body, name, layers)
    smaller.config.num_hidden_layers = len(layers)
    return smaller


@torch.inference_mode()
@pytest.mark.parametrize("depth", range(1, LAYERS + 1))
def test_a_depth_is_the_model_with_those_layers(model, compiled, depth):
    assert compiled.depths == (1, 2, 3, 4)
    kept = executed_layers(LAYERS, 1, depth)
    torch.manual_seed(depth)
    before = [torch.randn_like(cache) for cache in empty_caches(model.config, 2, CONTEXT)]
    caches = [cache.clone() for cache in before]
    logits = compiled.at_depth(depth)(*inputs(), *caches)
    expected_caches = [cache.clone() for number, cache in enumerate(before) if number // 2 in kept]
    expected = DecodeStep(only(model, kept))(*inputs(), *expected_caches)
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)
    written = iter(expected_caches)
    for number, (cache, old) in enumerate(zip(caches, before, strict=True)):
        if number // 2 in kept:
            torch.testing.assert_close(cache, next(written), rtol=1e-5, atol=1e-5)
        else:
            assert torch.equal(cache, old)


@torch.inference_mode()
def test_a_bound_call_at_every_depth_allocates_nothing(model, compiled):
    caches = empty_caches(model.config, 2, CONTEXT)
    call = compiled.bind(*inputs(), *caches)
    expected = {d: compiled.at_depth(d)(*inputs(), *empty_caches(model.config, 2, CONTEXT)) for d in compiled.depths}
    for _ in range(2):
        for cache in caches:
            cache.zero_()
        misses = slipstick.memory_statistics().misses
        # A depth writes what it reads of its slot: the order does not matter.
        for depth in (4, 1, 3, 2, 1, 4):
            (logits,) = call(depth)
            assert torch.equal(logits, expected[depth])
        grown = slipstick.memory_statistics().misses - misses
    assert grown == 0
    with pytest.raises(ArgumentError, match="depth: expected one of 1, 2, 3, 4, found 5"):
        call(5)
    assert torch.equal(call()[0], expected[4])


def test_depths_share_layers_and_write_caches_in_place(model, compiled):
    scheduled, loops = compiled.stage("scheduled"), compiled.stage("loops")
    assert len(re.findall(r"func\.func private @slipstick_layer_", scheduled)) == 1
    assert len(re.findall(r"call @slipstick_layer_0", scheduled)) == 1 + 2 + 3 + 4
    assert "slipstick_cut" not in scheduled
    heads = empty_caches(model.config, 1, 1)[0].shape[1]
    assert not re.findall(rf"memref\.copy .*memref<2x{heads}x{CONTEXT}x16xf32", loops)


def test_a_slot_outside_the_context_is_refused_at_every_depth(model, compiled):
    ids, positions, slots, mask = inputs()
    for depth in compiled.depths:
        caches = empty_caches(model.config, 2, CONTEXT)
        with pytest.raises(ArgumentError, match="index_copy: an index is out of range"):
            compiled.at_depth(depth)(ids, positions, slots * 0 + CONTEXT, mask, *caches)
        assert not any(cache.any() for cache in caches)


def test_depths_that_were_not_compiled(compiled):
    for depth in (0, 5):
        with pytest.raises(ArgumentError, match=rf"depth: expected one of 1, 2, 3, 4 .*found {depth}"):
            compiled.at_depth(depth)


class Plain(torch.nn.Module):
    """Products that are no layers of a decoder."""

    def __init__(self, repeats: int):
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(8, 8) for _ in range(repeats))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = torch.softmax(layer(torch.nn.functional.layer_norm(x, (8,))), -1) + x
        return x


def test_a_graph_without_layers_is_refused():
    with pytest.raises(IRError, match=r"error: cannot find the layers: no stretch of at least 12 operations repeats"):
        slipstick.compile(Plain(1).eval(), (torch.randn(2, 8),), skip=SkipPaths(1))


def test_layers_without_caches_and_the_warmup():
    torch.manual_seed(0)
    module, x = Plain(5).eval(), torch.randn(2, 8)
    native = slipstick.compile(module, (x,), skip=SkipPaths(2, 3, warmup=2))
    assert native.depths == (2, 3, 5)
    for depth, kept in ((2, (0, 1)), (3, (0, 1, 4)), (5, range(5))):
        shallow = copy.deepcopy(module)
        shallow.layers = torch.nn.ModuleList(module.layers[number] for number in kept)
        with torch.no_grad():
            torch.testing.assert_close(native.at_depth(depth)(x), shallow(x))
            torch.testing.assert_close(native.at_depth(depth)(x), shallow(x))  # the second call goes another way
    second = pickle.loads(pickle.dumps(native.at_depth(2)))
    assert torch.equal(second(x), native.at_depth(2)(x)) and torch.equal(second.at_depth(5)(x), native(x))
    with pytest.raises(IRError, match="expected warmup <= min-layers <= max-layers <= 5"):
        slipstick.compile(module, (x,), skip=SkipPaths(2, 6))


def test_a_hidden_state_that_is_read_elsewhere_is_refused():
    class Deep(Plain):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            total = torch.zeros_like(x)
            for number, layer in enumerate(self.layers):
                x = torch.softmax(layer(torch.nn.functional.layer_norm(x, (8,))), -1) + x
                total = total + x if number == 1 else total
            return x * total

    with pytest.raises(IRError, match="cannot find the layers: "):
        slipstick.compile(Deep(4).eval(), (torch.randn(2, 8),), skip=SkipPaths(1))


def test_a_module_without_depths():
    native = slipstick.compile(Plain(1).eval(), (torch.randn(2, 8),))
    assert native.depths == ()
    with pytest.raises(ArgumentError, match="depth: expected a module compiled with the option skip, found 1"):
        native.at_depth(1)
    with pytest.raises(ArgumentError, match="skip: expected SkipPaths or None, found 3"):
        slipstick.compile(Plain(1).eval(), (torch.randn(2, 8),), skip=3)
