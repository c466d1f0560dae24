"""Decode steps with static caches: against a full forward pass of torch, and compiled."""

from __future__ import annotations

import re

import pytest
import slipstick
import torch
from slipstick import ArgumentError
from slipstick.datasets.decode import DecodeStep, empty_caches, step_inputs
from slipstick.datasets.transformer_sizes import TransformerSizes

CONTEXT = 16
SIZES = {
    name: TransformerSizes(name, 2, 64, 4, 96, 101, 64, kv_heads=2 if name == "llama" else None)
    for name in ("gpt2", "llama", "opt")
}


@pytest.fixture(scope="module", params=["gpt2", "llama", pytest.param("opt", marks=pytest.mark.exhaustive)])
def model(request):
    """A decoder; `test_generate` holds the steps of OPT to transformers each time."""
    return SIZES[request.param].model(logits=True)


@pytest.fixture(scope="module")
def compiled(model, tmp_path_factory):
    """A compiled step of a batch of 3, written in place."""
    inputs = step_inputs(torch.zeros(3, 1, dtype=torch.int64), first=0, context=CONTEXT)
    caches = empty_caches(model.config, 3, CONTEXT)
    return slipstick.compile(DecodeStep(model).eval(), (*inputs, *caches), cache_dir=tmp_path_factory.mktemp("cache"))


def decode(step, model, ids, padding=None):
    """Return the logits of `ids` [batch, tokens] from a step for each token, and the caches."""
    caches = empty_caches(model.config, len(ids), CONTEXT)
    logits = []
    for slot in range(ids.shape[1]):
        inputs = step_inputs(ids[:, slot : slot + 1], first=slot, context=CONTEXT, padding=padding)
        logits.append(step(*inputs, *caches))
    return torch.cat(logits, dim=1), caches


@torch.inference_mode()
def test_ten_steps_equal_the_full_forward_pass(model):
    torch.manual_seed(0)
    ids = torch.randint(0, 101, (2, 10))
    logits, _ = decode(DecodeStep(model), model, ids)
    torch.testing.assert_close(logits, model(ids, use_cache=False).logits, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_a_prompt_in_one_step_then_single_tokens(model):
    torch.manual_seed(1)
    ids = torch.randint(0, 101, (2, 10))
    caches = empty_caches(model.config, 2, CONTEXT)
    step = DecodeStep(model)
    logits = [step(*step_inputs(ids[:, :7], first=0, context=CONTEXT), *caches)]
    for slot in range(7, 10):
        logits.append(step(*step_inputs(ids[:, slot : slot + 1], first=slot, context=CONTEXT), *caches))
    torch.testing.assert_close(torch.cat(logits, 1), model(ids, use_cache=False).logits, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_compiled_steps_of_sequences_of_different_lengths(model, compiled):
    torch.manual_seed(2)
    ids, padding = torch.randint(0, 101, (3, 10)), torch.tensor([0, 2, 5])
    logits, caches = decode(compiled, model, ids, padding)
    expected, expected_caches = decode(DecodeStep(model), model, ids, padding)
    for row, start in enumerate(padding.tolist()):
        alone = model(ids[row : row + 1, start:], use_cache=False).logits[0]
        torch.testing.assert_close(logits[row, start:], alone, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(expected[row, start:], alone, rtol=1e-5, atol=1e-5)
        for found, cache in zip(caches, expected_caches, strict=True):
            torch.testing.assert_close(found[row, :, start:], cache[row, :, start:], rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_a_compiled_step_writes_its_slot_only(model, compiled):
    caches = tuple(torch.randn_like(cache) for cache in empty_caches(model.config, 3, CONTEXT))
    before = [cache.clone() for cache in caches]
    pointers = [cache.data_ptr() for cache in caches]
    compiled(*step_inputs(torch.tensor([[3], [1], [4]]), first=7, context=CONTEXT), *caches)
    others = [slot for slot in range(CONTEXT) if slot != 7]
    for cache, old, pointer in zip(caches, before, pointers, strict=True):
        assert cache.data_ptr() == pointer
        assert torch.equal(cache[:, :, others], old[:, :, others])
        assert (cache[:, :, 7] != old[:, :, 7]).any(-1).all()


def test_no_cache_is_copied(model, compiled):
    heads = empty_caches(model.config, 1, 1)[0].shape[1]
    cache = rf"memref<3x{heads}x{CONTEXT}x16xf32>"
    entry = re.search(r"func\.func @main.*?\n  }", compiled.stage("loops"), re.DOTALL)
    assert entry is not None
    assert len(re.findall(rf"%arg\d+: {cache}", entry.group())) == 4
    assert not re.findall(rf"memref\.copy .*{cache}", entry.group())
    assert not [line for line in entry.group().splitlines() if "return" in line and cache in line]


def test_a_slot_outside_the_context_is_refused(model, compiled):
    ids, positions, slots, mask = step_inputs(torch.zeros(3, 1, dtype=torch.int64), first=0, context=CONTEXT)
    for wrong in (CONTEXT, -1):
        caches = empty_caches(model.config, 3, CONTEXT)
        with pytest.raises(ArgumentError, match="index_copy: an index is out of range"):
            compiled(ids, positions, slots * 0 + wrong, mask, *caches)
        assert not any(cache.any() for cache in caches)


@torch.inference_mode()
@pytest.mark.parametrize("model", ["llama", pytest.param("gpt2", marks=pytest.mark.exhaustive)], indirect=True)
def test_the_functional_step_compiled(model):
    caches = tuple(torch.randn_like(cache) for cache in empty_caches(model.config, 2, CONTEXT))
    inputs = step_inputs(torch.tensor([[3], [1]]), first=5, context=CONTEXT)
    step = DecodeStep(model, in_place=False).eval()
    before = [cache.clone() for cache in caches]
    found = slipstick.compile(step, (*inputs, *caches))(*inputs, *caches)
    for result, expected in zip(found, step(*inputs, *caches), strict=True):
        torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)
    assert all(torch.equal(cache, old) for cache, old in zip(caches, before, strict=True))


def test_sizes_that_cannot_be_meant(model):
    with pytest.raises(ArgumentError, match="expected positive numbers, found 0 and 4"):
        empty_caches(model.config, 0, 4)
    with pytest.raises(ArgumentError, match=r"expected at most 64 .*found 65"):
        empty_caches(model.config, 1, 65)
    with pytest.raises(ArgumentError, match="first: expected 0 to 6 for 2 tokens of 8, found 7"):
        step_inputs(torch.zeros(1, 2, dtype=torch.int64), first=7, context=8)
