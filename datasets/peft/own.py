"""How each method that is written here is put onto its base model; nothing is imported before a model is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..transformer_sizes import TransformerSizes
from .library import RANK, TOKENS, LibraryMethod

if TYPE_CHECKING:
    from torch.nn import Module

QUERY_AND_VALUE = ("q_proj", "v_proj")
RANKS = (RANK, RANK // 2, 2 * RANK)
"""Of the adapters of a mixed batch; adapter 0 is none."""

EXPERTS = 2
"""Adapters that X-LoRA mixes."""


def in_context_prompt(sizes: TransformerSizes) -> dict[str, Any]:
    """Return settings of CPT: a prompt of one example, two tokens each of template, input, template and output."""
    return {
        "num_virtual_tokens": TOKENS,
        "cpt_token_ids": [token % sizes.vocabulary for token in range(3, 3 + TOKENS)],
        "cpt_mask": [1] * TOKENS,
        "cpt_tokens_type_mask": [kind for kind in (1, 2, 3, 4) for _ in range(TOKENS // 4)],
    }


def vector_bank(sizes: TransformerSizes) -> dict[str, Any]:
    """Return settings of VB-LoRA: vectors of a quarter of the width."""
    return {"r": 4, "num_vectors": 16, "vector_length": sizes.width // 4}


def kronecker_factor(sizes: TransformerSizes) -> dict[str, Any]:
    """Return settings of LoKr."""
    return {"r": RANK, "alpha": 2 * RANK, "decompose_factor": 8}


def circulant_block(sizes: TransformerSizes) -> dict[str, Any]:
    """Return settings of C3A: blocks of a quarter of the width."""
    return {"block_size": sizes.width // 4}


def _base(sizes: TransformerSizes) -> Any:
    from .attach import freeze

    model = freeze(sizes.model(logits=True))
    _seed()
    return model


def _seed() -> None:
    import torch

    torch.manual_seed(3)


def serial_adapter(sizes: TransformerSizes) -> Module:
    """Return OPT with Houlsby's adapters."""
    from .adapters import SerialAdapter
    from .attach import replace

    return replace(_base(sizes), ("out_proj", "fc2"), lambda part: SerialAdapter(part, RANK))


def parallel_adapter(sizes: TransformerSizes) -> Module:
    """Return LLaMA with parallel adapters."""
    from .adapters import ParallelAdapter
    from .attach import replace

    return replace(_base(sizes), ("mlp",), lambda part: ParallelAdapter(part, sizes.width, RANK))


def scaled_parallel(sizes: TransformerSizes) -> Module:
    """Return LLaMA with scaled parallel adapters."""
    from .adapters import ParallelAdapter
    from .attach import replace

    return replace(_base(sizes), ("mlp",), lambda part: ParallelAdapter(part, sizes.width, RANK, scale=4.0))


def gated_prompt(sizes: TransformerSizes) -> Module:
    """Return OPT with gated prefixes."""
    from .prefixes import Prefix

    return Prefix(_base(sizes), TOKENS, gated=True)


def ssf(sizes: TransformerSizes) -> Module:
    """Return OPT with scales and shifts behind all linear layers."""
    from .attach import replace
    from .selective import ScaleAndShift

    names = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
    return replace(_base(sizes), names, ScaleAndShift)


def merged(sizes: TransformerSizes) -> Module:
    """Return OPT with LoRA merged into its weights by `peft`."""
    adapted: Any = LibraryMethod("LORA", {"r": RANK, "lora_alpha": 2 * RANK}).model(sizes)
    model: Module = adapted.merge_and_unload()
    return model


def qlora(sizes: TransformerSizes) -> Module:
    """Return OPT with LoRA on queries and values, whose base weights are in 4 bits."""
    from .attach import replace
    from .low_rank import LowRank, Nf4Linear

    def wrap(part: Any) -> Module:
        quantised: Any = Nf4Linear(part)
        return LowRank(quantised, RANK)

    return replace(_base(sizes), QUERY_AND_VALUE, wrap)


def xlora(sizes: TransformerSizes) -> Module:
    """Return OPT with `peft`'s X-LoRA, which mixes adapters of LoRA that it reads from files, token by token."""
    from tempfile import TemporaryDirectory

    from .library import peft_package, unsettle

    peft = peft_package()
    base: Any = sizes.model(logits=True)
    base.config.use_cache = False  # what X-LoRA asks for
    settings = {"r": RANK, "lora_alpha": 2 * RANK, "target_modules": list(QUERY_AND_VALUE), "init_lora_weights": False}
    with TemporaryDirectory() as folder:
        paths = {str(number): f"{folder}/{number}" for number in range(EXPERTS)}
        _seed()
        for path in paths.values():
            adapted = peft.get_peft_model(base, peft.LoraConfig(task_type="CAUSAL_LM", **settings))
            adapted.save_pretrained(path)
            base = adapted.unload()
        config = peft.XLoraConfig(
            task_type="CAUSAL_LM",
            hidden_size=sizes.width,
            xlora_depth=1,
            layerwise_scalings=True,
            adapters=paths,
        )
        model: Any = peft.get_peft_model(base, config)
    return unsettle(model.eval())


def dylora(sizes: TransformerSizes) -> Module:
    """Return OPT with LoRA of which half of the ranks are in use."""
    from .attach import replace
    from .low_rank import LowRank

    return replace(_base(sizes), QUERY_AND_VALUE, lambda part: LowRank(part, RANK, used=RANK // 2))


def compacter(sizes: TransformerSizes) -> Module:
    """Return OPT with Compacter's adapters."""
    from .adapters import CompacterAdapter
    from .attach import replace

    return replace(_base(sizes), ("out_proj", "fc2"), lambda part: CompacterAdapter(part, RANK))


def krona(sizes: TransformerSizes) -> Module:
    """Return OPT with Kronecker products beside queries and values."""
    from .adapters import KroneckerLinear
    from .attach import replace

    return replace(_base(sizes), QUERY_AND_VALUE, lambda part: KroneckerLinear(part, 16))


def unipelt(sizes: TransformerSizes) -> Module:
    """Return OPT with UniPELT."""
    from .hybrid import unipelt

    return unipelt(_base(sizes), RANK, TOKENS)


def mam(sizes: TransformerSizes) -> Module:
    """Return LLaMA with the MAM adapter."""
    from .hybrid import mam

    return mam(_base(sizes), RANK, TOKENS)


def mixture(sizes: TransformerSizes) -> Module:
    """Return OPT with mixtures of LoRA experts."""
    from .attach import replace
    from .low_rank import Mixture

    return replace(_base(sizes), QUERY_AND_VALUE, lambda part: Mixture(part, RANK))


def coda(sizes: TransformerSizes) -> Module:
    """Return LLaMA with conditional adapters."""
    from .hybrid import coda

    return coda(_base(sizes), RANK)


def ladder(sizes: TransformerSizes) -> Module:
    """Return OPT with a ladder side network of an eighth of the width."""
    from .hybrid import Ladder

    return Ladder(_base(sizes), sizes.width // 8)


def mixed(sizes: TransformerSizes) -> Module:
    """Return OPT for batches whose rows use different adapters of different ranks, or none."""
    from .attach import replace
    from .low_rank import MixedBatch, PerRow

    return MixedBatch(replace(_base(sizes), QUERY_AND_VALUE, lambda part: PerRow(part, RANKS)))


def bitfit(sizes: TransformerSizes) -> Module:
    """Return OPT with its biases trainable."""
    from .selective import train_biases

    return train_biases(_base(sizes))


def diff_pruning(sizes: TransformerSizes) -> Module:
    """Return OPT with a gated difference of the query and value weights."""
    from .attach import replace
    from .selective import DiffPruned

    return replace(_base(sizes), QUERY_AND_VALUE, DiffPruned)


def fishmask(sizes: TransformerSizes) -> Module:
    """Return OPT with a masked difference of the query and value weights."""
    from .attach import replace
    from .selective import Masked

    return replace(_base(sizes), QUERY_AND_VALUE, Masked)
