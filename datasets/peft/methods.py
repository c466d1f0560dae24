"""The methods that have graphs: one for every shape of computation, in the survey's twelve groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ..transformer_sizes import TransformerSizes
from . import own
from .library import RANK, TOKENS, LibraryMethod

if TYPE_CHECKING:
    import torch

    Make = Callable[[TransformerSizes], torch.nn.Module]
else:
    Make = Any

Architecture = Literal["opt", "llama"]
LINEAR = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
"""All linear layers of an OPT layer."""


@dataclass(frozen=True)
class Method:
    """One method on one kind of base model."""

    name: str
    """Unique, e.g. `lora`."""
    group: int
    """Of the twelve groups of computation shapes, 1 to 12."""
    what: str
    """One line for people."""
    make: Make
    """Return the adapted model with random weights, always the same."""
    architecture: Architecture = "opt"
    inference: bool = True
    """Whether it has an inference graph of its own; `False`: that of the base model."""
    training: bool = True
    """Whether anything is left to train."""
    more: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Further inputs, int64 [batch] each, counted up from zero, by name: the number of values that they may take."""


def _library(name: str, group: int, what: str, type_: str, settings: Any = None, **more: Any) -> Method:
    own_fields = {key: more.pop(key) for key in ("architecture", "inference", "more") if key in more}
    return Method(name, group, what, LibraryMethod(type_, settings or {}, **more).model, **own_fields)


def _tokens(**settings: Any) -> dict[str, Any]:
    return {"num_virtual_tokens": TOKENS, **settings}


LORA = {"r": RANK, "lora_alpha": 2 * RANK}

METHODS: tuple[Method, ...] = (
    # 1: adapters
    Method("serial-adapter", 1, "Houlsby's adapters behind out_proj and fc2", own.serial_adapter),
    Method("parallel-adapter", 1, "adapters beside the feed-forward parts", own.parallel_adapter, "llama"),
    Method("scaled-parallel-adapter", 1, "the same, scaled by a trained number", own.scaled_parallel, "llama"),
    # 2: prompts and prefixes
    _library("prefix-tuning", 2, "keys and values in front of each layer's", "PREFIX_TUNING", _tokens(), targets=None),
    _library("prompt-tuning", 2, "embeddings in front of the tokens'", "PROMPT_TUNING", _tokens(), targets=None),
    _library(
        "p-tuning",
        2,
        "embeddings made by a network in front of the tokens'",
        "P_TUNING",
        _tokens(encoder_hidden_size=64),
        targets=None,
    ),
    _library(
        "multitask-prompt-tuning",
        2,
        "embeddings times a rank-one matrix of the task",
        "MULTITASK_PROMPT_TUNING",
        _tokens(num_tasks=3),
        targets=None,
        more={"task_ids": 3},
    ),
    _library(
        "cpt", 2, "embeddings of examples, each changed by a bounded length", "CPT", own.in_context_prompt, targets=None
    ),
    _library("cartridge", 2, "a stored cache, its first tokens frozen", "CARTRIDGE", _tokens(), targets=None),
    _library(
        "adaption-prompt",
        2,
        "LLaMA-Adapter: attention to a prompt beside each layer's, behind a gate that begins at zero",
        "ADAPTION_PROMPT",
        {"adapter_len": TOKENS, "adapter_layers": 1},
        targets=None,
        architecture="llama",
    ),
    Method("gated-prompt", 2, "a prefix of each layer behind a gate", own.gated_prompt),
    # 3: scaling
    _library(
        "ia3",
        3,
        "keys, values and the feed-forward's inner state scaled",
        "IA3",
        {"feedforward_modules": ["fc2"]},
        targets=("k_proj", "v_proj", "fc2"),
    ),
    Method("ssf", 3, "the results of all linear layers scaled and shifted", own.ssf),
    _library("beft", 3, "a bias on values and queries", "BEFT"),
    _library("road", 3, "pairs of a layer's results rotated and scaled", "ROAD", {"group_size": 16}),
    # 4: LoRA and its kin
    _library("lora", 4, "LoRA on q and v, not merged", "LORA", LORA),
    _library("lora-all", 4, "LoRA on every linear layer, not merged", "LORA", LORA, targets=LINEAR),
    Method("lora-merged", 4, "LoRA merged into the weights", own.merged, training=False),
    Method("qlora", 4, "LoRA on a base in NF4, decoded in the graph", own.qlora),
    _library("adalora", 4, "P Λ Q", "ADALORA", {"init_r": RANK, "target_r": RANK // 2, "total_step": 100}),
    Method("dylora", 4, "LoRA cut off at half of its ranks", own.dylora),
    _library("vera", 4, "frozen random matrices, trained scales", "VERA", {"r": 2 * RANK}),
    _library("pvera", 4, "VeRA with a mean and a spread", "PVERA", {"r": 2 * RANK}),
    _library("vblora", 4, "LoRA out of a shared bank of vectors, by top k", "VBLORA", own.vector_bank),
    _library("unilora", 4, "LoRA out of one vector, gathered", "UNILORA", {"r": 4, "theta_d_length": 64}),
    _library("tinylora", 4, "a few numbers through fixed random matrices", "TINYLORA", {"u": 16}),
    _library("lily", 4, "LoRA with shared A and routed B", "LILY", {"r": RANK}),
    _library("adamss", 4, "LoRA in subspaces of the weight", "ADAMSS", {"r": 16, "num_subspaces": 2}),
    _library("glora", 4, "scale and shift of weight and bias by low rank", "GLORA", {"r": RANK}),
    _library("gralora", 4, "LoRA in blocks", "GRALORA", {"r": RANK}),
    _library("miss", 4, "one matrix shared by shards", "MISS", {"r": RANK}),
    _library("peanut", 4, "a network of the weight itself", "PEANUT", {"r": RANK, "depth": 1}),
    _library("deft", 4, "a low-rank projection taken out and one put in", "DEFT", {"r": RANK}),
    _library("osf", 4, "the weight as its singular vectors, the smaller trained", "OSF"),
    _library("frod", 4, "the weight as U (S + Λ) V, S sparse", "FROD", {"progressbar": False}),
    _library("shira", 4, "a sparse difference of the weight, its values scattered", "SHIRA", {"r": RANK}),
    # 5: DoRA
    _library(
        "dora", 5, "LoRA with the norm of each row of the weight trained apart", "LORA", {**LORA, "use_dora": True}
    ),
    _library("delora", 5, "LoRA with its strength apart", "DELORA", {"r": RANK}),
    # 6: Kronecker and Hadamard products
    Method("compacter", 6, "adapters of sums of Kronecker products", own.compacter),
    Method("krona", 6, "a Kronecker product beside q and v", own.krona),
    _library("lokr", 6, "a Kronecker product of a matrix and one of low rank", "LOKR", own.kronecker_factor),
    _library("loha", 6, "a Hadamard product of two of low rank", "LOHA", {"r": RANK, "alpha": 2 * RANK}),
    _library("hira", 6, "the Hadamard product of the weight and one of low rank", "HIRA", {"r": RANK}),
    # 7: orthogonal and Fourier
    _library("oft", 7, "blocks rotated (Cayley, as a series)", "OFT", {"oft_block_size": 16, "r": 0}),
    _library("boft", 7, "butterflies of rotated blocks", "BOFT", {"boft_block_size": 4, "boft_n_butterfly_factor": 2}),
    _library("hra", 7, "a chain of Householder reflections", "HRA", {"r": RANK}),
    _library("psoft", 7, "a rotation inside the leading singular vectors", "PSOFT", {"r": RANK}),
    _library("fourierft", 7, "an inverse Fourier transform of a sparse spectrum", "FOURIERFT", {"n_frequency": 200}),
    _library("waveft", 7, "an inverse wavelet transform of sparse coefficients", "WAVEFT", {"n_frequency": 200}),
    _library("c3a", 7, "circulant blocks, by Fourier transforms", "C3A", own.circulant_block),
    _library("randlora", 7, "sums of frozen random low-rank matrices", "RANDLORA", {"r": RANK, "randlora_alpha": 16}),
    # 8: hybrids
    Method("unipelt", 8, "LoRA, prefix and adapters, each behind a gate", own.unipelt),
    Method("mam", 8, "a prefix and scaled parallel adapters", own.mam, "llama"),
    Method("lora-moe", 8, "a mixture of LoRA experts, weighed token by token", own.mixture),
    _library(
        "poly",
        8,
        "a mixture of low-rank skills, weighed by the row's task",
        "POLY",
        {"r": RANK, "n_tasks": 3},
        more={"task_ids": 3},
    ),
    Method("xlora", 8, "LoRA experts weighed token by token by a first pass of the base", own.xlora),
    # 9 to 11
    Method("coda", 9, "half of the tokens through the feed-forward parts", own.coda, "llama"),
    Method("ladder", 10, "ladder side-tuning", own.ladder),
    _library(
        "shadow",
        10,
        "a small network's state beside the layers, added to their inputs",
        "SHADOW",
        {"r": RANK},
        targets=None,
        architecture="llama",
    ),
    Method("mixed-adapters", 11, "another adapter of another rank for each row", own.mixed, more={"adapters": 4}),
    # 12: selective; for inference these are the base model
    Method("bitfit", 12, "the biases trained", own.bitfit, inference=False),
    Method("diff-pruning", 12, "a gated difference of the weights trained", own.diff_pruning, inference=False),
    Method("fishmask", 12, "the weights in a mask trained", own.fishmask, inference=False),
    _library(
        "layernorm-tuning",
        12,
        "the norms trained",
        "LN_TUNING",
        targets=("self_attn_layer_norm", "final_layer_norm"),
        inference=False,
    ),
    _library("supertuning", 12, "the largest weights trained", "SUPERTUNING", {"sparsity": 0.9}, inference=False),
    _library(
        "trainable-tokens",
        12,
        "the embeddings of some tokens trained",
        "TRAINABLE_TOKENS",
        {"token_indices": [3, 5, 7]},
        targets=None,
        inference=False,
    ),
)
