"""Sizes of the transformers of the suite: their configurations, and what a call of them computes and moves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from .graph import Sizes

if TYPE_CHECKING:
    import torch

F32 = 4
I64 = 8
SMALL_SIZES: Final[Sizes] = {"layers": 1, "width": 64, "heads": 4, "inner": 96, "vocabulary": 101, "positions": 64}
"""A transformer that compiles in a second and still has all that a large one has."""
PAPERS: Final = {
    "bert": "Devlin et al., BERT (arXiv 1810.04805)",
    "gpt2": "Radford et al., Language Models are Unsupervised Multitask Learners, 2019",
    "llama": "Touvron et al., LLaMA (arXiv 2302.13971)",
    "opt": "Zhang et al., OPT (arXiv 2205.01068)",
}
TAGS: Final = {
    "bert": ("bidirectional", "learned-positions", "post-norm"),
    "gpt2": ("causal", "learned-positions", "pre-norm"),
    "llama": ("causal", "rotary", "pre-norm", "gated"),
    "opt": ("causal", "learned-positions", "pre-norm"),
}


@dataclass(frozen=True)
class TransformerSizes:
    """The sizes of a transformer, enough to build it with random weights and to count what a call does."""

    architecture: Literal["bert", "gpt2", "llama", "opt"]
    layers: int
    width: int
    """Elements of a hidden state."""
    heads: int
    inner: int
    """Width inside the feed-forward part."""
    vocabulary: int
    positions: int
    """Longest sequence."""
    kv_heads: int | None = None
    """Heads of keys and values; `None`: as many as `heads`."""

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes by name, those of the fields; heads of keys and values where the architecture shares them."""
        names = ("layers", "width", "heads", "inner", "vocabulary", "positions")
        shared = {"kv_heads": self._kv_heads} if self.architecture == "llama" else {}
        return {**{name: getattr(self, name) for name in names}, **shared}

    @property
    def small_sizes(self) -> Sizes:
        """Those that make it small; heads are shared where they were."""
        if self.architecture != "llama":
            return SMALL_SIZES
        return {**SMALL_SIZES, "kv_heads": 4 if self._kv_heads == self.heads else 2}

    @property
    def tags(self) -> tuple[str, ...]:
        """What is special about the architecture, in words."""
        return (*TAGS[self.architecture], *(() if self._kv_heads == self.heads else ("grouped-queries",)))

    def at(self, sizes: Sizes) -> TransformerSizes:
        """Return the same architecture in other sizes; names that are none of its own are left alone."""
        own: dict[str, Any] = {name: size for name, size in sizes.items() if name in self.sizes}
        return replace(self, **own)

    def config(self) -> Any:
        """Return the transformers configuration, with torch's fused attention ("sdpa").

        That is what torch runs fastest, eager and compiled.
        """
        import transformers

        common = {
            "vocab_size": self.vocabulary,
            "hidden_size": self.width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "max_position_embeddings": self.positions,
            "attn_implementation": "sdpa",
        }
        if self.architecture == "bert":
            return transformers.BertConfig(intermediate_size=self.inner, **common)
        if self.architecture == "gpt2":
            return transformers.GPT2Config(n_inner=self.inner, **common)
        if self.architecture == "opt":
            return transformers.OPTConfig(ffn_dim=self.inner, word_embed_proj_dim=self.width, **common)
        return transformers.LlamaConfig(
            intermediate_size=self.inner, num_key_value_heads=self._kv_heads, tie_word_embeddings=True, **common
        )

    def model(self, *, logits: bool) -> torch.nn.Module:
        """Return the model in evaluation mode with random weights, always the same: with its language head or without.

        Weights have the spread that transformers initialises them with; biases and norms are not left at 0 and 1.
        """
        import torch
        import transformers

        from .random_weights import unsettle

        torch.manual_seed(0)
        auto = transformers.AutoModelForCausalLM if logits else transformers.AutoModel
        # BERT's pooler serves no hidden state.
        options = {"add_pooling_layer": False} if self.architecture == "bert" else {}
        return unsettle(auto.from_config(self.config(), **options).eval())

    @property
    def _kv_heads(self) -> int:
        return self.heads if self.kv_heads is None else self.kv_heads

    @property
    def kv_width(self) -> int:
        """Elements of the keys (or values) of one token in one layer."""
        return self.width // self.heads * self._kv_heads

    @property
    def _layer_products(self) -> int:
        """Elements of the matrices of one layer."""
        feed_forward = 3 if self.architecture == "llama" else 2
        return 2 * self.width * (self.width + self.kv_width) + feed_forward * self.width * self.inner

    @property
    def _norm(self) -> int:
        """Elements of one norm."""
        return self.width if self.architecture == "llama" else 2 * self.width

    @property
    def body_elements(self) -> int:
        """Weights without embedding tables and without a language head of its own: all that every call reads."""
        biases = 0 if self.architecture == "llama" else 2 * self.width + 2 * self.kv_width + self.inner + self.width
        # BERT's norm outside the layers is that of the embeddings, the others' is the last.
        return self.layers * (self._layer_products + biases + 2 * self._norm) + self._norm

    def flops(self, batch: int, tokens: int, keys: int, *, logits: bool) -> int:
        """Return the operations of the products of one call: `tokens` queries a row of the batch against `keys` keys.

        Causal attention is counted whole, as one that computes what the mask hides.
        """
        token = self.layers * (self._layer_products + 2 * self.width * keys)
        if logits:
            token += self.vocabulary * self.width
        return 2 * batch * tokens * token

    def bytes(self, batch: int, tokens: int, *, logits: bool, cached: int = 0) -> int:
        """Return the bytes of one call: weights, token ids, results, and caches of `cached` tokens, read once.

        The language head is the embedding table, so that one that is read whole holds all rows looked up. Positions
        and mask are left out: at most some thousand bytes.
        """
        elements = self.body_elements
        if logits:
            elements += self.vocabulary * self.width + batch * tokens * self.vocabulary
        else:
            elements += 2 * batch * tokens * self.width
        if self.architecture != "llama":
            elements += tokens * self.width
        elements += 2 * self.layers * batch * cached * self.kv_width
        return F32 * elements + I64 * batch * tokens


MINILM_L6 = TransformerSizes("bert", 6, 384, 12, 1536, 30522, 512)
BERT_BASE = TransformerSizes("bert", 12, 768, 12, 3072, 30522, 512)
GPT2 = TransformerSizes("gpt2", 12, 768, 12, 3072, 50257, 1024)
OPT_125M = TransformerSizes("opt", 12, 768, 12, 3072, 50272, 2048)
OPT_1_3B = TransformerSizes("opt", 24, 2048, 32, 8192, 50272, 2048)
LLAMA_110M = TransformerSizes("llama", 12, 768, 12, 2048, 32000, 1024)
"""The shape of "stories110M", with the language head tied to the embeddings."""
LLAMA_135M = TransformerSizes("llama", 30, 576, 9, 1536, 49152, 2048, kv_heads=3)
"""The shape of SmolLM2-135M: three query heads share a head of keys and values."""
