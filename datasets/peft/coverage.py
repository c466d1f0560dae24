"""Which methods have which graphs: against the survey's taxonomy (arXiv 2403.14608) and the types of `peft`.

Every entry names the method whose graph has its shape of computation, or says why there is none. Many entries of the
survey are ways to train, to initialise, to choose ranks or to combine adapters: what they compute in a call is what
another method computes, and its graph stands for theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..graph import Graph
from .methods import METHODS


@dataclass(frozen=True)
class Entry:
    """One entry of a list of methods."""

    name: str
    """As the survey or `peft` writes it."""
    part: str
    """Where it stands: a part of the survey's taxonomy, or "peft"."""
    method: str = ""
    """The method whose graph has its shape of computation; empty where there is none."""
    why: str = ""
    """Why the graph is that method's, or why there is none; empty where the method is the entry's own."""


@dataclass(frozen=True)
class Row:
    """An entry with the names of its graphs."""

    entry: Entry
    graphs: tuple[str, ...]


def _part(part: str, *entries: tuple[str, ...]) -> tuple[Entry, ...]:
    return tuple(Entry(entry[0], part, *entry[1:]) for entry in entries)


ADAPTERS = _part(
    "additive: adapters",
    ("Serial Adapter", "serial-adapter"),
    ("Parallel Adapter (PA)", "parallel-adapter"),
    ("CIAT", "parallel-adapter", "an adapter beside the layers; beside the embeddings too"),
    ("CoDA", "coda"),
    ("AdapterFusion", "lora-moe", "adapters weighed by a softmax of the token"),
    ("AdaMix", "serial-adapter", "one of several adapters, drawn in training, averaged afterwards"),
    ("PHA", "serial-adapter", "adapters that a network made before the call"),
    ("AdapterSoup", "serial-adapter", "the mean of adapters' weights"),
    ("MerA", "serial-adapter", "adapters merged before the call"),
    ("Hyperformer", "serial-adapter", "adapters that a network made before the call"),
)
PROMPTS = _part(
    "additive: soft prompts",
    ("Prefix-tuning", "prefix-tuning"),
    ("Prefix-Propagation", "gated-prompt", "a prefix of each layer, changed by the layer before"),
    ("p-tuning v2", "prefix-tuning", "the same, without the network that makes the prefix"),
    ("APT", "gated-prompt", "a gate for each layer's prefix"),
    ("p-tuning", "p-tuning"),
    ("prompt-tuning", "prompt-tuning"),
    ("XPrompt", "prompt-tuning", "tokens of the prompt left out before the call"),
    ("IDPG", "p-tuning", "a network makes the prompt; here it does not see the input"),
    ("LPT", "gated-prompt", "a prompt in front of later layers only"),
    ("SPT", "gated-prompt", "a gate for each layer's prompt"),
    ("APrompt", "adaption-prompt", "prompts inside attention"),
    ("SPoT", "prompt-tuning", "begins with another task's prompt"),
    ("TPT", "prompt-tuning", "begins with another task's prompt"),
    ("InfoPrompt", "prompt-tuning", "another loss"),
    ("PTP", "prompt-tuning", "another loss"),
    ("IPT", "prompt-tuning", "a prompt found in a subspace before the call"),
    ("SMoP", "multitask-prompt-tuning", "one of several short prompts for each row"),
    ("DePT", "prompt-tuning", "a shorter prompt, and a low-rank change of the embedding table, added before the call"),
    ("Gated prompt", "gated-prompt"),
)
SCALES = _part(
    "additive: others",
    ("(IA)3", "ia3"),
    ("MoV", "lora-moe", "a mixture of scales in place of a mixture of low-rank updates"),
    ("SSF", "ssf"),
    ("IPA", "", "a second model that changes the distribution of the next token: not a graph of one model"),
)
SELECTIVE = _part(
    "selective",
    ("U-Diff pruning", "diff-pruning"),
    ("S-Diff pruning", "diff-pruning", "a gate for a group of weights instead of each"),
    ("U-BitFit", "bitfit", "which biases is found before training"),
    ("S-BitFit", "bitfit", "which biases is found before training"),
    ("PaFi", "fishmask", "the mask holds the smallest weights"),
    ("FishMask", "fishmask"),
    ("Fish-Dip", "fishmask", "the mask is made anew during training"),
    ("LT-SFT", "fishmask", "the mask holds the weights that changed most"),
    ("SAM", "fishmask", "the mask is found from second-order terms"),
    ("Child-tuning", "fishmask", "the mask is drawn or found from the Fisher information"),
    ("FAR", "fishmask", "the mask holds whole groups of weights"),
    ("BitFit", "bitfit"),
    ("Xattn Tuning", "", "cross-attention layers alone are trained: the bases here are decoders and have none"),
    ("SPT (sensitivity)", "fishmask", "the mask is found from sensitivities, LoRA where it is dense"),
    ("LayerNorm tuning", "layernorm-tuning"),
)
LOW_RANK = _part(
    "reparameterised",
    ("Intrinsic SAID", "tinylora", "a few numbers through fixed random matrices"),
    ("LoRA", "lora"),
    ("LoRA, merged", "lora-merged"),
    ("Compacter", "compacter"),
    ("KronA", "krona"),
    ("KAdaptation", "compacter", "sums of Kronecker products with low-rank factors"),
    ("HiWi", "peanut", "an adapter of the weight itself"),
    ("VeRA", "vera"),
    ("DoRA", "dora"),
    ("DyLoRA", "dylora"),
    ("AdaLoRA", "adalora"),
    ("SoRA", "adalora", "a gate for each rank"),
    ("CapaBoost", "lora", "masks on the weights, put on before the call"),
    ("AutoLoRA", "adalora", "a weight for each rank"),
    ("Laplace-LoRA", "lora", "a distribution of the weights, drawn before the call"),
    ("LoRA Dropout", "lora", "differs in training by random masks, which are not compiled"),
    ("PeriodicLoRA", "lora", "merged and begun again during training"),
    ("LoRA+", "lora", "two learning rates"),
    ("MoSLoRA", "adalora", "a matrix between A and B"),
    ("LoRAHub", "lora", "the sum of several, made before the call"),
    ("MOELoRA", "lora-moe"),
    ("MoLoRA", "lora-moe"),
    ("MoA", "lora-moe", "experts from different domains"),
    ("MoLE", "lora-moe", "a gate for each layer"),
    ("MixLoRA", "lora-moe", "the experts with the two highest weights; here all"),
    ("OFT", "oft"),
    ("BOFT", "boft"),
    ("LoHa", "loha"),
    ("LoKr", "lokr"),
    ("FourierFT", "fourierft"),
    ("RandLoRA", "randlora"),
)
HYBRID = _part(
    "hybrid",
    ("UniPELT", "unipelt"),
    ("S4", "unipelt", "which method in which layer is found before training"),
    ("MAM Adapter", "mam"),
    ("NOAH", "unipelt", "which parts is found before training"),
    ("AUTOPEFT", "unipelt", "which parts is found before training"),
    ("LLM-Adapters", "lora", "a library of serial and parallel adapters, prefixes and LoRA"),
    ("S3PET", "unipelt", "which parts is found before training"),
)
EFFICIENT = _part(
    "efficient design",
    ("AdapterDrop", "serial-adapter", "adapters in fewer layers"),
    ("SparseAdapter", "serial-adapter", "weights of 0 in the adapter"),
    ("SPLoRA", "lora", "rows left out before the call"),
    ("LoRAPruning", "lora", "rows left out before the call"),
    ("ProPETL", "fishmask", "one adapter under a mask for each layer"),
    ("BI-Adapter", "qlora", "the adapter in few bits instead of the base"),
    ("PEQA", "qlora", "the scales of a base in few bits are trained"),
    ("QLoRA", "qlora"),
    ("LoftQ", "qlora", "begins with what quantising lost"),
    ("LQ-LoRA", "qlora", "begins with what quantising lost"),
    ("QA-LoRA", "qlora", "A shared by the inputs of a block"),
    ("INT2.1", "qlora", "two bits"),
    ("QDyLoRA", "qlora", "LoRA of truncated rank on a base in few bits"),
    ("BitDelta", "qlora", "a difference of one bit and a scale, added to a base in full"),
    ("Side-Tuning", "ladder", "a network beside the frozen one"),
    ("LST", "ladder"),
    ("Res-Tuning", "ladder", "tuners beside the frozen network"),
    ("MEFT", "serial-adapter", "a reversible network: the forward graph is that of adapters"),
    ("LoRA-FA", "lora", "A frozen: its gradient is left out by `trainable`"),
    ("HyperTuning", "prefix-tuning", "a network makes the prefix before the call"),
    ("PEFT Plug-in", "lora", "adapters trained on a smaller model"),
    ("MeZO", "lora", "two forward calls in place of a backward one"),
)
SERVING = _part(
    "system design",
    ("PetS, S-LoRA, Punica", "mixed-adapters", "a batch whose rows use different adapters of different ranks"),
    ("Offsite-Tuning", "serial-adapter", "adapters around a model of fewer layers"),
    ("CoLLiE, federated training", "", "systems that spread training over machines: no graph of their own"),
)
SURVEY: tuple[Entry, ...] = (
    *ADAPTERS,
    *PROMPTS,
    *SCALES,
    *SELECTIVE,
    *LOW_RANK,
    *HYBRID,
    *EFFICIENT,
    *SERVING,
)

LIBRARY: tuple[Entry, ...] = _part(
    "peft",
    ("PROMPT_TUNING", "prompt-tuning"),
    ("MULTITASK_PROMPT_TUNING", "multitask-prompt-tuning"),
    ("P_TUNING", "p-tuning"),
    ("PREFIX_TUNING", "prefix-tuning"),
    ("LORA", "lora"),
    ("ADALORA", "adalora"),
    ("ADAMSS", "adamss"),
    ("BOFT", "boft"),
    ("ADAPTION_PROMPT", "adaption-prompt"),
    ("IA3", "ia3"),
    ("BEFT", "beft"),
    ("LILY", "lily"),
    ("LOHA", "loha"),
    ("LOKR", "lokr"),
    ("OFT", "oft"),
    ("POLY", "poly"),
    ("LN_TUNING", "layernorm-tuning"),
    ("VERA", "vera"),
    ("FROD", "frod"),
    ("PVERA", "pvera"),
    ("FOURIERFT", "fourierft"),
    ("GLORA", "glora"),
    ("XLORA", "xlora"),
    ("HRA", "hra"),
    ("VBLORA", "vblora"),
    ("UNILORA", "unilora"),
    ("CPT", "cpt"),
    ("MISS", "miss"),
    ("RANDLORA", "randlora"),
    ("ROAD", "road"),
    ("TRAINABLE_TOKENS", "trainable-tokens"),
    ("HIRA", "hira"),
    ("SHIRA", "shira"),
    ("C3A", "c3a"),
    ("WAVEFT", "waveft"),
    ("OSF", "osf"),
    ("DELORA", "delora"),
    ("GRALORA", "gralora"),
    ("CARTRIDGE", "cartridge"),
    ("TINYLORA", "tinylora"),
    ("PSOFT", "psoft"),
    ("PEANUT", "peanut"),
    ("SHADOW", "shadow"),
    ("SUPERTUNING", "supertuning"),
    ("DEFT", "deft"),
)


def coverage(graphs: Iterable[Graph]) -> tuple[Row, ...]:
    """Return every entry of the survey and of `peft` with the names of its graphs among `graphs`."""
    names: dict[str, list[str]] = {method.name: [] for method in METHODS}
    for graph in graphs:
        stem = graph.name.removeprefix("peft-").rsplit("-", 1)[0]
        for ending in ("-training", "-decode"):
            stem = stem.removesuffix(ending)
        if stem in names:
            names[stem].append(graph.name)
    return tuple(Row(entry, tuple(names.get(entry.method, ()))) for entry in (*SURVEY, *LIBRARY))
