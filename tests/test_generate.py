"""Generation against transformers' own, token for token; schedules against a recomputation; what it refuses."""

from __future__ import annotations

import copy

import pytest
import slipstick
import torch
from slipstick import ArgumentError, Generator, LMul, Sampling, SkipPaths, SkipSchedule
from slipstick.datasets.transformer_sizes import TransformerSizes
from slipstick.kernels.weight_formats import decode_lm8, encode_lm8
from transformers.cache_utils import DynamicCache

LAYERS, CONTEXT, NEW = 4, 48, 16
SIZES = {
    name: TransformerSizes(name, LAYERS, 64, 4, 96, 101, 64, kv_heads=2 if name == "llama" else None)
    for name in ("gpt2", "llama", "opt")
}
LENGTHS = (5, 1, 9, 3, 7, 2, 4, 20)


@pytest.fixture(scope="module", params=["llama", "opt", pytest.param("gpt2", marks=pytest.mark.exhaustive)])
def model(request):
    """A decoder; `test_skip_decode` compares the steps of GPT-2 each time, at every depth."""
    model = SIZES[request.param].model(logits=True)
    with torch.no_grad():
        # Tied embeddings of random weights repeat the last token; larger layers and positions make it depend on all.
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1 and any(part in name for part in (".layers.", ".h.", "positions", "wpe")):
                parameter.mul_(8 if request.param == "llama" else 12)
    return model


@pytest.fixture(scope="module")
def generator(model):
    """One of a batch of 8 with all depths, used by many tests; its one wide step takes 8 tokens of a prompt."""
    return Generator(model, batch=8, context=CONTEXT, prompt=8, skip=SkipPaths(1), threads=1)


def prompts(seed: int = 0, lengths: tuple[int, ...] = LENGTHS) -> list[list[int]]:
    random = torch.Generator().manual_seed(seed)
    return [torch.randint(101, (length,), generator=random).tolist() for length in lengths]


def padded(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and attention mask, padded on the left."""
    longest = max(map(len, rows))
    ids = torch.tensor([[0] * (longest - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
    return ids, mask


def of_transformers(model, rows, new=NEW, **options):
    ids, mask = padded(rows)
    options = {"do_sample": False, "eos_token_id": None, "pad_token_id": 0} | options
    found = model.generate(ids, attention_mask=mask, max_new_tokens=new, **options)
    return found[:, ids.shape[1] :].tolist()


def test_a_ragged_batch_of_8_equals_transformers(model, generator):
    expected = of_transformers(model, prompts())
    assert len({tuple(row) for row in expected}) > 4 and max(len(set(row)) for row in expected) > 4
    tokens, timing = generator.generate(prompts(), NEW, eos=None)
    assert tokens == expected
    assert timing.prompt_tokens == 20 and timing.depths == (LAYERS,) * (NEW - 1)
    assert len(timing.step_seconds) == NEW - 1 and timing.total_seconds > timing.decode_seconds > 0


@pytest.mark.parametrize("length", [1, 16, 21])
def test_a_generator_is_used_again_with_fewer_rows(model, generator, length):
    rows = prompts(length, (length, 3))
    assert generator.generate(rows, NEW, eos=None).tokens == of_transformers(model, rows)


@pytest.mark.parametrize("model", ["opt", pytest.param("llama", marks=pytest.mark.exhaustive)], indirect=True)
def test_a_batch_of_1_equals_transformers(model):
    single = Generator(model, context=CONTEXT, threads=1)
    for length in (1, 15, 16, 17, 32):
        rows = prompts(length, (length,))
        assert single.generate(rows, NEW, eos=None).tokens == of_transformers(model, rows)
    with pytest.raises(ArgumentError, match=r"prompts: expected at most 1 \(the batch\), found 2"):
        single.generate(prompts(0, (1, 2)), 2)


def test_prompts_as_tensors_with_a_mask_on_either_side(generator):
    rows = prompts(1, (4, 2, 6))
    expected = generator.generate(rows, 4, eos=None).tokens
    ids, mask = padded(rows)
    assert generator.generate(ids, 4, attention_mask=mask, eos=None).tokens == expected
    right = torch.tensor([row + [0] * (6 - len(row)) for row in rows])
    right_mask = torch.tensor([[1] * len(row) + [0] * (6 - len(row)) for row in rows])
    assert generator.generate(right, 4, attention_mask=right_mask, eos=None).tokens == expected
    assert generator.generate([torch.tensor(row) for row in rows], 4, eos=None).tokens == expected


def test_rows_end_on_their_own(generator):
    free = generator.generate(prompts(), NEW, eos=None).tokens
    ends = {free[0][3], free[2][0]}
    seen: list[list[int | None]] = []
    reports: list[tuple[int, int]] = []
    tokens, _ = generator.generate(
        prompts(), NEW, eos=sorted(ends), callback=seen.append, progress=lambda *at: reports.append(at)
    )

    def cut(row: list[int]) -> list[int]:
        return next((row[: n + 1] for n, token in enumerate(row) if token in ends), row)

    assert tokens == [cut(row) for row in free]
    assert len(tokens[0]) <= 4 and len(tokens[2]) == 1
    for number, row in enumerate(tokens):
        assert [step[number] for step in seen][: len(row)] == row
        assert all(step[number] is None for step in seen[len(row) :])
    assert reports[-1][0] == 20 + len(seen) and {total for _, total in reports} == {20 + NEW}


def reference(model, ids, mask, limits):
    """Return logits and caches of one full pass in which layer i leaves positions from `limits[i]` on as they are."""
    body = model.transformer if hasattr(model, "transformer") else getattr(model.model, "decoder", model.model)
    hooks = []

    def skipping(limit):
        def hook(_, args, kwargs, output):
            given = args[0] if args else kwargs["hidden_states"]
            made = output[0] if isinstance(output, tuple) else output
            # A layer may add up its residual stream in two dimensions.
            made, shape = made.reshape(given.shape), made.shape
            made = torch.cat([made[:, :limit], given[:, limit:]], 1).reshape(shape)
            return (made, *output[1:]) if isinstance(output, tuple) else made

        return hook

    for layer, limit in zip(body.h if hasattr(body, "h") else body.layers, limits, strict=True):
        hooks.append(layer.register_forward_hook(skipping(limit), with_kwargs=True))
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    cache = DynamicCache()
    try:
        logits = model(ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True).logits
    finally:
        for hook in hooks:
            hook.remove()
    return logits, cache.layers


@torch.inference_mode()
@pytest.mark.parametrize("depths", [(4, 4, 3, 3, 2, 2, 1, 1, 1), (2,) * 9])
def test_caches_of_a_skipped_run_are_those_of_a_fresh_recomputation(model, generator, depths):
    rows = prompts(2)
    longest = max(map(len, rows))
    schedule = SkipSchedule.of_depths(depths, warmup=1, start=longest)
    tokens, timing = generator.generate(rows, 10, schedule=schedule, eos=None)
    assert timing.depths == depths
    # Everything that was fed: all but the last new token.
    ids, mask = padded([row + new[:-1] for row, new in zip(rows, tokens, strict=True)])
    # The prompt runs at full depth; behind it, what runs at a position has run before.
    limits = [longest + sum(layer in schedule.layers(longest + t, LAYERS) for t in range(9)) for layer in range(LAYERS)]
    for layer, limit in enumerate(limits):
        assert all(layer in schedule.layers(t, LAYERS) for t in range(longest, limit))
    logits, expected = reference(model, ids, mask, limits)
    assert logits[:, longest - 1 :].argmax(-1).tolist() == tokens
    for layer, limit in enumerate(limits):
        pairs = zip(generator.caches[2 * layer :][:2], (expected[layer].keys, expected[layer].values), strict=True)
        for found, wanted in pairs:
            for row, start in enumerate((1 - mask).sum(1).tolist()):
                mine, theirs = found[row, :, start:limit], wanted[row, :, start:limit]
                torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


def test_a_schedule_needs_depths_that_were_compiled(model, generator):
    with pytest.raises(ArgumentError, match="schedule: expected the warmup that was compiled, 1, found 0"):
        generator.generate(prompts(), 4, schedule=SkipSchedule(4, 2, 0, 20, 24))
    with pytest.raises(ArgumentError, match=r"max_layers: expected at most 4 \(the layers of the model\), found 5"):
        generator.generate(prompts(), 4, schedule=SkipSchedule(5, 2, 1, 20, 24))
    with pytest.raises(ArgumentError, match="schedule: expected a SkipSchedule or None, found int"):
        generator.generate(prompts(), 4, schedule=3)


def test_one_copy_of_the_weights_for_all_depths(model, generator):
    parameters = {tensor.data_ptr(): tensor.nbytes for tensor in model.parameters()}
    buffers = sum(tensor.nbytes for tensor in model.buffers())
    assert 0 <= generator.weight_bytes - sum(parameters.values()) <= buffers
    assert generator.depths == (1, 2, 3, 4)
    assert generator.cache_bytes == sum(cache.nbytes for cache in generator.caches)
    assert not generator.step.packed


def test_sampling(generator):
    def draw(**options):
        return generator.generate(prompts(), 6, sampling=Sampling(**options), eos=None).tokens

    greedy = generator.generate(prompts(), 6, eos=None).tokens
    assert draw(temperature=1.5, seed=1) == draw(temperature=1.5, seed=1) != draw(temperature=1.5, seed=2)
    assert draw(temperature=1.5, top_k=1) == draw(temperature=1.5, top_p=1e-6) == greedy
    assert draw(temperature=1.5, seed=1) != greedy


def test_errors_of_prompts_and_sizes(generator):
    for given, message in (
        ([], "prompts: expected at least one, found none"),
        ([[1], []], r"prompts\[1\]: expected at least one token, found none"),
        ([[1, 101]], r"prompts\[0\]: expected token ids from 0 to 100, found 101"),
        ([[1, -1]], r"prompts\[0\]: expected token ids from 0 to 100, found -1"),
        ([[1, 2.0]], r"prompts\[0\]: expected integers, found 2.0"),
        (["ab"], r"prompts\[0\]: expected a list of token ids, found str"),
        ("ab", "prompts: expected lists of token ids or a tensor, found str"),
        ([1, 2], r"prompts\[0\]: expected a list of token ids, found int"),
        (torch.ones(2, 2), r"prompts: expected integers \[rows, tokens\], found a tensor float32\[2, 2\]"),
        ([[1]] * 9, r"prompts: expected at most 8 \(the batch\), found 9"),
        ([[1] * 48], r"prompts\[0\]: expected fewer than 48 tokens \(the context\), found 48"),
        ([[1] * 44], "max_new_tokens: expected at most 4 behind a prompt of 44 tokens in a context of 48, found 5"),
    ):
        with pytest.raises(ArgumentError, match=message):
            generator.generate(given, 5)
    with pytest.raises(ArgumentError, match="attention_mask: expected ids in one tensor"):
        generator.generate([[1]], 1, attention_mask=torch.ones(1, 1))
    with pytest.raises(ArgumentError, match=r"attention_mask: expected the shape of the ids, \[1, 2\], found"):
        generator.generate(torch.ones(1, 2, dtype=torch.int64), 1, attention_mask=torch.ones(1, 3))
    with pytest.raises(ArgumentError, match="max_new_tokens: expected an integer of at least 1, found 0"):
        generator.generate([[1]], 0)
    with pytest.raises(ArgumentError, match="eos: expected token ids from 0 to 100, found 500"):
        generator.generate([[1]], 2, eos=500)
    with pytest.raises(ArgumentError, match="position: expected 1 to 47, found 48"):
        generator.step_at(48)


@pytest.mark.parametrize(
    "values",
    [{"temperature": -1}, {"temperature": float("nan")}, {"top_k": 0}, {"top_p": 0}, {"top_p": 1.5}, {"seed": "a"}],
)
def test_errors_of_sampling(values):
    with pytest.raises(ArgumentError, match=f"{next(iter(values))}: expected"):
        Sampling(**values)


@pytest.fixture(scope="module")
def opt():
    return SIZES["opt"].model(logits=True)


def test_the_whole_in_one_call(opt):
    rows = prompts(3, (4, 6))
    training = opt.train()
    tokens, timing = slipstick.generate(training, rows, 5, schedule=SkipSchedule(4, 2, 1, 6, 10), threads=1, eos=None)
    assert training.training
    opt.eval()
    assert timing.depths == (4, 4, 3, 3)
    assert [len(row) for row in tokens] == [5, 5]
    # The first two come of full depth.
    assert [row[:2] for row in tokens] == [row[:2] for row in of_transformers(opt, rows, 5)]


def test_more_tokens_than_the_model_has_positions(opt):
    with pytest.raises(ArgumentError, match=r"expected at most 64 tokens .*found 60 and 5"):
        slipstick.generate(opt, [[1] * 60], 5)
    with pytest.raises(ArgumentError, match="context: expected an integer from 1 to 64, found 65"):
        Generator(opt, context=65)
    with pytest.raises(ArgumentError, match="prompt: expected an integer from 1 to 31 or None, found 32"):
        Generator(opt, context=32, prompt=32)
    with pytest.raises(ArgumentError, match="model: expected a causal language model of transformers, found Linear"):
        slipstick.generate(torch.nn.Linear(2, 2), [[1]], 1)
    with pytest.raises(ArgumentError, match=r"skip: expected at most 4 \(the layers of the model\), found 5"):
        Generator(opt, skip=SkipPaths(2, 5))


@pytest.mark.parametrize("weights", ["lm8", pytest.param("bf16", marks=pytest.mark.exhaustive)])
def test_narrow_weights_are_encoded_once(opt, weights):
    narrow = Generator(opt, batch=2, context=32, skip=SkipPaths(2), weights=weights, threads=1)
    layers = sum(p.numel() for name, p in opt.named_parameters() if ".layers." in name and p.dim() == 2)
    size = {"bf16": 2, "lm8": 1}[weights]
    # The head is tied: as codes it is there beside the table that is looked up.
    assert opt.lm_head.weight is opt.model.decoder.embed_tokens.weight
    encoded, left = layers + opt.lm_head.weight.numel(), sum(p.nbytes for p in opt.parameters()) - 4 * layers
    assert size * encoded + left <= narrow.weight_bytes < size * encoded + left + 64 * 1024
    tokens, timing = narrow.generate(prompts(3, (4, 6)), 8, schedule=SkipSchedule(4, 2, 1, 6, 13), eos=None)
    assert [len(row) for row in tokens] == [8, 8] and timing.depths[-1] == 2
    # The values of the weights are those of the format: a model that has them as f32 generates the same.
    rows = prompts(3, (4, 6))
    assert narrow.generate(rows, 8, eos=None).tokens == of_transformers(rounded(opt, weights), rows, 8)


def rounded(model, weights):
    """Return a copy of an OPT model whose linear layers, the head too, have the values that codes stand for."""
    other = copy.deepcopy(model)
    other.lm_head.weight = torch.nn.Parameter(other.lm_head.weight.clone())
    with torch.no_grad():
        for module in (*other.model.decoder.layers.modules(), other.lm_head):
            if isinstance(module, torch.nn.Linear):
                values = module.weight.bfloat16() if weights == "bf16" else decode_lm8(*encode_lm8(module.weight))
                module.weight.copy_(values)
    return other


def test_lmul():
    shallow = TransformerSizes("opt", 1, 64, 4, 96, 101, 64).model(logits=True)
    tokens, _ = slipstick.generate(shallow, prompts(3, (4,)), 4, lmul=LMul(specials="finite"), threads=1, eos=None)
    assert len(tokens[0]) == 4


@pytest.mark.parametrize("model", ["opt", pytest.param("llama", marks=pytest.mark.exhaustive)], indirect=True)
def test_long_prompts_run_in_wide_steps(model):
    config = model.config
    long = TransformerSizes(config.model_type, 1, 64, 4, 96, 101, 300, kv_heads=2).model(logits=True)
    generator = Generator(long, batch=2, context=256, threads=1)
    done: list[int] = []
    rows = prompts(0, (205, 9))
    tokens, _ = generator.generate(rows, 4, eos=None, progress=lambda at, _: done.append(at))
    assert tokens == of_transformers(long, rows, 4)
    assert generator.generate(prompts(1, (1, 2)), 4, eos=None).tokens == of_transformers(long, prompts(1, (1, 2)), 4)
    # Two steps of 128 tokens a row, the second of which begins 51 tokens before the end of the first.
    assert done[:3] == [128, 205, 206]
    assert generator.weight_bytes < 1.1 * sum({p.data_ptr(): p.nbytes for p in long.parameters()}.values())
