"""The models of `slipstick-bench`, and how one is measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
import transformers

from ..compiler.api import compile as compile_graph
from ..datasets.encoder import demo_folder, load_encoder
from ..datasets.sentences import load_sentences
from ..errors import SlipstickError
from ..kernels.lmul import LMul
from .demo_measure import TORCH
from .progress import Steps
from .timing import WARM_UP, time_interleaved

TOLERANCE = 1e-3
"""Largest difference from torch that an exactly compiled model may show."""


class _LastHidden(torch.nn.Module):
    """The hidden states of a model; ids int64 [batch, tokens] -> float32 [batch, tokens, width]."""

    def __init__(self, model: Any):
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.model(input_ids=input_ids, use_cache=False).last_hidden_state
        return result


def _encoder() -> tuple[torch.nn.Module, tuple[torch.Tensor, ...], str]:
    encoder = load_encoder(demo_folder())
    texts = [sentence.text for sentence in load_sentences()[:8]]
    return encoder.module, encoder.tokenize(texts, 64), "all-MiniLM-L6-v2, trained, 8 x 64"


def _random(config: Any, what: str) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...], str]:
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(config).eval()
    ids = torch.randint(0, config.vocab_size, (1, 128))
    return _LastHidden(model).eval(), (ids,), f"{what}, random weights, 1 x 128"


_BUILD: dict[str, Callable[[], tuple[torch.nn.Module, tuple[torch.Tensor, ...], str]]] = {
    "encoder": _encoder,
    "bert-base": lambda: _random(transformers.BertConfig(), "BERT-base"),
    "gpt2": lambda: _random(transformers.GPT2Config(), "GPT-2 small"),
    "opt-125m": lambda: _random(transformers.OPTConfig(), "OPT-125M"),
    "llama-135m": lambda: _random(
        transformers.LlamaConfig(
            vocab_size=49152,
            hidden_size=576,
            intermediate_size=1536,
            num_hidden_layers=30,
            num_attention_heads=9,
            num_key_value_heads=3,
        ),
        "LLaMA-style, the shape of SmolLM2-135M",
    ),
}


def build_model(name: str) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...], str]:
    """Return a model of the benchmark, its inputs, and what it is."""
    return _BUILD[name]()


def measure(name: str, threads: int, repeats: int, steps: Steps) -> dict[str, Any]:
    """Return the figures of one model. Raises SlipstickError where the compiled model is not what torch computes."""
    torch.set_num_threads(threads)
    with steps.step(f"{name}: build"):
        module, inputs, what = build_model(name)
        with torch.inference_mode():
            expected = module(*inputs)
    runs: dict[str, Callable[[int], object]] = {TORCH: lambda _: module(*inputs)}
    subjects: dict[str, dict[str, Any]] = {TORCH: {}}
    for subject, lmul in (("exact", None), ("L-Mul", LMul(specials="finite"))):
        with steps.step(f"{name}: compile: {subject}"):
            start = time.perf_counter()
            compiled = compile_graph(module, inputs, lmul=lmul, threads=threads)
            seconds = time.perf_counter() - start
            error = float((compiled(*inputs) - expected).abs().max())
        if lmul is None and not error <= TOLERANCE:
            raise SlipstickError(f"{name}: largest difference from torch is {error:.1e}, above {TOLERANCE:.0e}")
        subjects[subject] = {
            "largest_error": error,
            "compile_seconds": seconds,
            "compile_timings": dict(compiled.timings),
            "from_cache": compiled.from_cache,
        }
        runs[subject] = lambda _, run=compiled: run(*inputs)  # type: ignore[misc]
    with (
        steps.step(f"{name}: time {repeats} calls of each", total=repeats + WARM_UP) as advance,
        torch.inference_mode(),
    ):
        timings = time_interleaved(runs, repeats, advance=advance)
    for subject, timing in timings.items():
        subjects[subject]["seconds_a_call"] = asdict(timing)
    return {"what": what, "subjects": subjects}
