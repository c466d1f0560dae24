"""The graphs of the registry in their small form, compiled, against torch.

One of each kind is compiled each time; what differs from one of these in its sizes or its weights alone, or puts
together what others have, is compiled with the exhaustive tests.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import slipstick
from _pytest.mark import ParameterSet
from slipstick.datasets.graphs import GRAPHS, Graph
from slipstick.tools.bench_workload import Workload, compare

ELSEWHERE = ("peft", "peft-training", "medcalc")
"""Families that `test_peft` and `test_medcalc_evaluate` compile."""

LIKE_OTHERS = {
    "matmul-128x768x3072": "matmul-128x768x768",
    "matmul-512x512x512": "matmul-128x768x768",
    "matmul-1024x1024x1024": "matmul-128x768x768",
    "minilm-1x128": "minilm-8x32",
    "distilbert-base-1x128": "bert-base-1x128",
    "electra-small-1x128": "albert-base-1x128",
    "opt-125m-prefill-1x128": "opt-125m-prefill-8x128",
    "opt-1.3b-prefill-1x128": "opt-125m-prefill-8x128",
    "opt-125m-1x128": "opt-125m-prefill-8x128",
    "opt-125m-decode-1": "gpt2-decode-1",
    "opt-125m-decode-8": "gpt2-decode-1",
    "llama-135m-decode-1": "qwen2.5-0.5b-decode-1",
    "roberta-base-1x128": "bert-base-1x128",
    "llama-110m-prefill-1x128": "llama-135m-prefill-1x128",
    "llama-110m-decode-1": "qwen2.5-0.5b-decode-1",
    "gpt2-1x128": "gpt2-prefill-1x128",
    "llama-135m-1x128": "llama-135m-prefill-1x128",
    "phi-1.5-prefill-1x128": "pythia-160m-prefill-1x128",
    "qwen2.5-0.5b-prefill-1x128": "qwen2.5-0.5b-decode-1",
    "mixtral-4x-prefill-1x128": "mixtral-4x-decode-1",
    "opt-1.3b-decode-1": "gpt2-decode-1",
    "opt-350m-decode-1": "opt-350m-prefill-1x128",
    "gpt2-decode-8": "gpt2-decode-1",
    "llama-135m-decode-8": "qwen2.5-0.5b-decode-1",
    "pythia-160m-decode-1": "pythia-160m-prefill-1x128",
    "qwen2.5-0.5b-decode-8": "qwen2.5-0.5b-decode-1",
    "qwen3-0.6b-decode-1": "qwen3-0.6b-prefill-1x128",
    "deit-tiny-patch16-224": "vit-base-patch16-224",
    "gemma3-270m-prefill-1x128": "qwen3-0.6b-prefill-1x128",
    "mpnet-base-1x128": "t5-small",
    "qwen2-moe-8x-prefill-1x128": "mixtral-4x-decode-1",
    "ast-base": "vit-base-patch16-224",
    "dinov2-small-patch14": "vit-base-patch16-224",
    "siglip-base-patch16-224": "vit-base-patch16-224",
    "resnet-18": "resnet-50",
    "mobilenet-v2": "convnext-tiny",
    "marian-base": "bart-base",
    "whisper-tiny-encoder": "whisper-tiny",
}
"""The graphs that are compiled with the exhaustive tests, each with the one that is compiled each time."""

SMALL = [found for found in GRAPHS if found.family not in ELSEWHERE]


def each_or_exhaustive(found: Graph) -> ParameterSet:
    """Return the parameter of a graph, marked with how often it is compiled."""
    return pytest.param(found, marks=[pytest.mark.exhaustive] if found.name in LIKE_OTHERS else [], id=found.name)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_every_family_is_compiled_each_time() -> None:
    each = {found.name: found.family for found in SMALL if found.name not in LIKE_OTHERS}
    assert set(LIKE_OTHERS.values()) <= set(each)
    assert set(LIKE_OTHERS) <= {found.name for found in SMALL}
    assert set(each.values()) == {found.family for found in SMALL}
    # With all of MedCalc's calculators.
    medcalc = {found.name for found in GRAPHS if found.family == "medcalc"}
    assert len({*each, *medcalc}) >= 60 and len(set(each.values())) >= 12


@pytest.mark.parametrize("found", [each_or_exhaustive(found) for found in SMALL])
def test_compiled_equals_torch(found: Graph, cache: Path, tmp_path: Path) -> None:
    form = Workload(found.small(), 1, tmp_path).form
    compiled = slipstick.compile(form.module, form.inputs, threads=1, cache_dir=cache)
    form.reset()
    agreement = compare(form.observed(compiled(*form.inputs)), form.expected)
    assert agreement.error <= found.tolerance
    assert any(expected.unique().numel() > 1 for expected in form.expected), "one value would agree by chance"
    assert all(expected.isfinite().all() for expected in form.expected if expected.is_floating_point())
