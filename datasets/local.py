"""Models from local Hugging Face folders as graphs: no network is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError
from .graph import Graph, number

if TYPE_CHECKING:
    from .graph import Built

TOLERANCE = 1e-4


def is_folder(name: str) -> bool:
    """Return whether a name of a graph, without sizes, is meant as a folder."""
    return "/" in name or name in (".", "..")


def local(folder: Path, batch: int = 1, tokens: int = 128) -> Graph:
    """Return the model of a folder (`config.json` and weights) reading whole sequences.

    A causal language model returns logits, any other the last hidden states: ids int64 [batch, tokens] -> f32 [batch,
    tokens, vocabulary or width]. Raises ArgumentError for a folder that holds no model; building it, for one that
    transformers cannot load.
    """
    if not (folder / "config.json").is_file():
        raise ArgumentError(f"graph: {folder}: expected a Hugging Face folder, found no config.json there")

    def build() -> Built:
        import torch

        from .sequence import Sequence

        model, causal = load_model(folder)
        torch.manual_seed(1)
        ids = torch.randint(0, int(model.config.vocab_size), (batch, tokens))
        return Sequence(model, "logits" if causal else "last_hidden_state").eval(), (ids,)

    return Graph(
        name=str(folder),
        family="prefill",
        what=f"the model in {folder}: {batch} x {tokens} tokens",
        build=build,
        flops=None,
        bytes=None,
        tolerance=TOLERANCE,
        sizes={"batch": batch, "tokens": tokens},
        small_sizes={"tokens": 8},
        make=lambda sizes: local(folder, number(sizes, "batch"), number(sizes, "tokens")),
        tags=("local",),
        source=str(folder),
    )


def load_model(folder: Path) -> tuple[Any, bool]:
    """Return the model of a folder in evaluation mode, f32, and whether it is a causal language model.

    Raises ArgumentError that says why transformers cannot load it.
    """
    import torch

    try:
        import transformers
    except ImportError as problem:
        raise ArgumentError("the package transformers is not installed: pip install 'slipstick[demo]'") from problem
    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
        named = " ".join(getattr(config, "architectures", None) or ())
        causal = "CausalLM" in named or "LMHead" in named
        kind = transformers.AutoModelForCausalLM if causal else transformers.AutoModel
        model, info = kind.from_pretrained(folder, local_files_only=True, dtype=torch.float32, output_loading_info=True)
    except Exception as problem:  # transformers raises many kinds for a wrong folder; its text says what is wrong
        text = " ".join(str(problem).split()) or type(problem).__name__
        raise ArgumentError(f"graph: {folder}: transformers cannot load it: {text[:400]}") from problem
    absent = sorted(name for name in info["missing_keys"] if "pooler." not in name)
    if absent:
        raise ArgumentError(f"graph: {folder}: the weights lack {', '.join(absent[:3])}")
    return model.eval(), causal
