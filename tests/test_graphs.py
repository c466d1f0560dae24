"""The graphs of the benchmark suite: what they say about themselves is what they do."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from slipstick import ArgumentError
from slipstick.datasets.counting import count
from slipstick.datasets.graph import Graph
from slipstick.datasets.graphs import CORE, GRAPHS, SUITES, graph, select
from slipstick.datasets.graphs_decode import decode
from slipstick.datasets.graphs_models import encoder, prefill
from slipstick.datasets.graphs_products import product
from slipstick.datasets.transformer_sizes import BERT_BASE, GPT2, LLAMA_110M, OPT_1_3B, OPT_125M, TransformerSizes
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

TINY = {
    name: TransformerSizes(name, 2, 64, 4, 96, 101, 64, kv_heads=2 if name == "llama" else None)
    for name in ("bert", "gpt2", "llama", "opt")
}
DECODERS = ["gpt2", "llama", "opt"]


def operations(found: Graph) -> int:
    """Count the operations of the products that torch runs."""
    module, inputs = found.build()
    # The fused attention of the CPU is not among what torch counts.
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        module(*inputs)
    return counter.get_total_flops()


def test_names_are_unique_and_found():
    names = [found.name for found in GRAPHS]
    assert len(set(names)) == len(names)
    assert not {found.workload for found in GRAPHS} & set(names)
    for found in GRAPHS:
        assert graph(found.name) is found


def test_the_core_suite_is_what_claims_of_speed_are_made_on():
    assert [found.name for found in CORE] == [
        "matmul-128x768x768",
        "matmul-128x768x3072",
        "matmul-512x512x512",
        "matmul-1024x1024x1024",
        "matmul-1x2048x2048",
        "matmul-8x2048x8192",
        "softmax-12x128x128",
        "layernorm-128x768",
        "gelu-128x3072",
        "minilm-8x32",
        "minilm-1x128",
        "bert-base-1x128",
        "opt-125m-prefill-1x128",
        "opt-125m-prefill-8x128",
        "llama-110m-prefill-1x128",
        "opt-125m-decode-1",
        "opt-125m-decode-8",
        "opt-1.3b-decode-1",
        "llama-110m-decode-1",
    ]


def test_there_are_many_graphs_in_many_families():
    assert len(GRAPHS) >= 60
    assert len({found.family for found in GRAPHS}) >= 12
    assert sum(found.family == "medcalc" for found in GRAPHS) == 55
    assert all(found.source and found.what for found in GRAPHS)
    assert all(found.small_sizes and found.make for found in GRAPHS)


def test_a_workload_is_its_first_graph():
    assert graph("opt-125m-prefill").name == "opt-125m-prefill-1x128"
    assert graph("gelu:small").name == "gelu-128x3072:small"
    assert graph("mixtral-4x-prefill").name == "mixtral-4x-prefill-1x128"


def test_a_variant_tells_its_sizes_and_is_found_by_its_name():
    found = graph("opt-125m-prefill:tokens=64,layers=2")
    assert found.name == "opt-125m-prefill-1x128:tokens=64,layers=2"
    assert (found.sizes["tokens"], found.sizes["layers"], found.sizes["width"]) == (64, 2, 768)
    assert found.flops == prefill("opt", "opt", OPT_125M.at({"layers": 2}), 1, 64).flops
    again = graph(found.name)
    assert (again.name, again.sizes) == (found.name, found.sizes)
    small = graph(found.name + ",small,width=32")
    assert small.sizes == {**found.sizes, **found.small_sizes, "width": 32}
    assert graph(small.name).sizes == small.sizes
    stages = graph("resnet-18:depths=1+1+1+3")
    assert stages.sizes["depths"] == (1, 1, 1, 3)
    assert graph(stages.name).sizes == stages.sizes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("opt-125m-prefill:tokens=0", "tokens: expected a positive number, found 0"),
        ("opt-125m-prefill:tokens=1+2", r"tokens: expected a positive number, found 1\+2"),
        ("opt-125m-prefill:tokens=x", "tokens: expected whole numbers, found 'x'"),
        ("opt-125m-prefill:tokens", "expected sizes such as tokens=64, or small; found 'tokens'"),
        ("opt-125m-prefill:token=3", r"expected one of its sizes \(batch, tokens, .*\), found 'token'"),
        ("resnet-18:depths=1+0", "depths: expected positive numbers joined by"),
    ],
)
def test_wrong_sizes(text, message):
    with pytest.raises(ArgumentError, match=message):
        graph(text)


def test_graphs_are_chosen_by_family_tag_and_suite():
    assert select(suite="core") == list(CORE)
    assert {found.name for found in select("decode", "rotary", "core")} == {"llama-110m-decode-1"}
    assert len(select("medcalc")) == len(SUITES["medcalc"]) == 55
    for wrong in ({"family": "x"}, {"tag": "x"}, {"suite": "x"}):
        with pytest.raises(ArgumentError, match=r"expected one of .*; found 'x'"):
            select(**wrong)


def test_an_unknown_name_lists_near_ones():
    with pytest.raises(ArgumentError, match=r"such as .*opt-125m-decode-8.*; found 'opt-125-decode-8'"):
        graph("opt-125-decode-8")
    with pytest.raises(ArgumentError, match=r"such as matmul-128x768x768, .*; found 'zzz'"):
        graph("zzz")


def test_listing_imports_neither_torch_nor_transformers():
    code = (
        "import sys, slipstick.datasets.graphs as g; [(x.what, x.small().name) for x in g.GRAPHS]; "
        "print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("found", [g for g in CORE if g.family in ("product", "elementwise")], ids=lambda g: g.name)
def test_small_graphs_say_what_they_do(found):
    module, inputs = found.build()
    again, same_inputs = found.build()
    with torch.inference_mode():
        result = module(*inputs)
        assert torch.equal(result, again(*same_inputs))
    tensors = [*module.parameters(), *inputs, result]
    assert found.bytes == sum(tensor.nbytes for tensor in tensors)
    assert (found.flops or 0) == operations(found)


@pytest.mark.parametrize("name", TINY)
def test_operations_of_a_sequence_are_those_that_torch_runs(name):
    sizes = TINY[name]
    make = encoder if name == "bert" else prefill
    found = make(name, name, sizes, 3, 16)
    assert found.flops == operations(found)


@pytest.mark.parametrize("name", DECODERS)
def test_operations_of_a_step_are_those_that_torch_runs(name):
    found = decode(name, name, TINY[name], 3, context=16)
    assert found.flops == operations(found)


@pytest.mark.parametrize("name", TINY)
def test_the_body_is_all_weights_but_the_tables(name):
    model = TINY[name].model(logits=False)
    tables = {module.weight for module in model.modules() if isinstance(module, torch.nn.Embedding)}
    body = sum(parameter.numel() for parameter in model.parameters() if parameter not in tables)
    assert TINY[name].body_elements == body


@pytest.mark.parametrize("name", DECODERS)
def test_bytes_of_a_step_are_weights_caches_inputs_and_results(name):
    found = decode(name, name, TINY[name], 3, context=16)
    module, inputs = found.build()
    with torch.inference_mode():
        result = module(*inputs)
    ids, *_, mask = inputs[:4]
    tables = [m for m in module.modules() if isinstance(m, torch.nn.Embedding)]
    positions = sum(m.weight.nbytes for m in tables if m.num_embeddings != TINY[name].vocabulary)
    rows = 4 * TINY[name].width if positions else 0
    weights = sum(parameter.nbytes for parameter in module.parameters()) - positions + rows
    assert found.bytes == weights + sum(cache.nbytes for cache in inputs[4:]) + ids.nbytes + result.nbytes
    assert mask.shape == (3, 1, 1, 16)


@pytest.mark.parametrize(
    ("sizes", "millions"), [(OPT_125M, 85), (OPT_1_3B, 1209), (BERT_BASE, 85), (GPT2, 85), (LLAMA_110M, 85)]
)
def test_true_sizes(sizes, millions):
    assert round(sizes.body_elements / 1e6) == millions


def test_the_functional_step_computes_the_same():
    found = decode("opt", "opt", TINY["opt"], 2, context=16)
    module, inputs = found.build()
    assert found.functional is not None
    functional, same_inputs = found.functional()
    with torch.inference_mode():
        before = [tensor.clone() for tensor in same_inputs]
        logits, *caches = functional(*same_inputs)
        assert torch.equal(module(*inputs), logits)
    for old, new, written, given in zip(before[4:], caches, inputs[4:], same_inputs[4:], strict=True):
        assert torch.equal(old, given)
        assert torch.equal(new, written)
        assert not torch.equal(new, old)


def test_a_step_may_be_repeated():
    module, inputs = decode("gpt2", "gpt2", TINY["gpt2"], 2, context=16).build()
    with torch.inference_mode():
        first = module(*inputs)
        assert torch.equal(first, module(*inputs))


@pytest.mark.parametrize("name", TINY)
def test_counting_finds_what_the_formulas_say(name):
    sizes = TINY[name]
    found = [(encoder if name == "bert" else prefill)(name, name, sizes, 3, 16)]
    if name in DECODERS:
        found.append(decode(name, name, sizes, 3, context=16))
    for one in found:
        module, inputs = one.build()
        counted = count(module, inputs)
        assert counted.flops == one.flops
        # Formulas leave out positions, slots and masks, and the rows of positions that BERT looks up.
        assert one.bytes <= counted.bytes <= one.bytes * 1.02 + 4096


def test_counting_leaves_the_rows_of_a_table_that_no_token_looks_up():
    table = torch.nn.Embedding(1000, 8)
    assert count(table, (torch.tensor([[1, 2, 1]]),)).bytes == 3 * 8 + 2 * 3 * 8 * 4
    assert count(table, (torch.tensor([[1, 2, 1]]),)).flops is None


def test_what_is_random_is_the_same_each_time():
    found = product(2, 3, 4)
    (one, (x,)), (two, (y,)) = found.build(), found.build()
    assert torch.equal(one.weight, two.weight) and torch.equal(x, y)
