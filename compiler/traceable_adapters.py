"""Adapters of Hugging Face `peft` that read numbers of tensors in Python, in a form that can be exported.

While a module is exported, the methods below take the places of peft's. They compute the same, without a value that
Python would have to know before the graph runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional


@contextmanager
def traceable_adapters() -> Iterator[None]:
    """Let adapters of peft, where they are in use, run in a form that can be exported while the block runs."""
    before: list[tuple[Any, str, Any]] = []
    try:
        for module, owner, name, replacement in _REPLACED:
            found = getattr(sys.modules.get(module), owner, None)
            if found is not None and name in vars(found):
                before.append((found, name, vars(found)[name]))
                setattr(found, name, replacement)
        yield
    finally:
        for found, name, own in reversed(before):
            setattr(found, name, own)


def _poly_router(self: Any, task_ids: Tensor, input_ids: Tensor) -> Tensor:
    """Return Poly's weights of skills, f32 [batch, splits, skills], without the check that the tasks are known.

    A task that is not there is found by the bounds of the table that it is looked up in.
    """
    if self.training:
        raise ValueError("Poly draws its skills at random in training mode: call eval() first")
    logits = self.module_logits[task_ids].view(-1, self.n_splits, self.n_skills)
    shares = torch.sigmoid(logits)
    weights: Tensor = shares / (shares.sum(dim=-1, keepdim=True) + 1e-12)
    return weights


def _frod_tensors(
    self: Any, adapter: str, *, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return FRoD's U, V, the sparse factor as a dense one, and its diagonal, whose length says the factor's size."""
    indices, values = self.frod_s_indices[adapter], self.frod_lambda_s_values[adapter].to(dtype)
    diagonal = self.frod_lambda_l[adapter].to(dtype)
    size = diagonal.shape[0]
    sparse = torch.zeros(size, size, dtype=dtype).index_put((indices[0], indices[1]), values, accumulate=True)
    return self.frod_U[adapter].to(dtype), self.frod_V[adapter].to(dtype), sparse, diagonal


def _frod_product(self: Any, states: Tensor, factor: Tensor) -> Tensor:
    """Return states [rows, size] times the transposed factor [size, size]."""
    return states @ factor.t()


def _waveft_delta(self: Any, adapter: str) -> Tensor:
    """Return WaveFT's change of the weight: its spectrum, put into its places and transformed back.

    peft leaves out places outside the padded spectrum by a mask; there are none, as padding only widens it.
    """
    spectrum, indices = self.waveft_spectrum[adapter], self.waveft_indices[adapter]
    scaling, rows, columns = self.waveft_scaling[adapter], self.out_features, self.in_features
    if not self.waveft_use_idwt[adapter]:
        direct: Tensor = torch.zeros(rows, columns).index_put((indices[0], indices[1]), spectrum) * scaling
        return direct
    layer, waverec = sys.modules["peft.tuners.waveft.layer"], sys.modules["peft.tuners.waveft.waverec2d"]
    family = self.waveft_wavelet_family[adapter]
    high, wide = (
        size + more + (size + more) % 2
        for size, more in zip((rows, columns), layer.WAVELET_REDUCTIONS[family], strict=True)
    )
    places = (indices[0] + (high - rows) // 2, indices[1] + (wide - columns) // 2)
    dense = torch.zeros(high, wide).index_put(places, spectrum)
    top, bottom = dense[: high // 2], dense[high // 2 :]
    details = (top[:, wide // 2 :], bottom[:, : wide // 2], bottom[:, wide // 2 :])
    delta: Tensor = waverec.waverec2d((top[:, : wide // 2], details), family) * scaling
    above, left = (delta.shape[0] - rows) // 2, (delta.shape[1] - columns) // 2
    return delta[above : above + rows, left : left + columns]


def _cpt_embedding(self: Any, indices: Tensor) -> Tensor:
    """Return CPT's prompt: frozen embeddings and differences, each no longer than its kind of token may have.

    peft writes the shortened differences back; here they are computed anew at each call, which gives the same. As
    there, gradients pass the shortening as they are, and only differences of tokens that may change have some.
    """
    kinds = torch.tensor(self.config.cpt_tokens_type_mask)
    changes = (torch.remainder(kinds.long(), 4) != 0).to(torch.float32).view(-1, 1)
    longest = self.get_epsilon()
    weight = self.delta_embedding.weight
    own = weight.detach()
    length = own.norm(p=2, dim=1)
    factor = torch.where(length > 0, longest / torch.maximum(length, longest), 1.0)
    shortened = own * factor.view(-1, 1)
    trained = shortened + changes * (weight - own)
    return functional.embedding(indices, self.embedding.weight.detach()) + functional.embedding(indices, trained)


def _cpt_forward(
    self: Any, input_ids: Any, inputs_embeds: Any, peft_config: Any, task_ids: Any, batch_size: int, **given: Any
) -> Any:
    """Return what the base model makes of CPT's prompt and the tokens behind it; with labels, CPT's loss too.

    `input_type_mask`, among `given`, stays as it is, where peft counts the kinds of the prompt onto it.
    """
    labels, kinds = given.pop("labels"), given.pop("input_type_mask", None)
    if inputs_embeds is None:
        inputs_embeds = self.word_embeddings(input_ids)
    prompts = self.get_prompt(batch_size=batch_size, task_ids=task_ids).to(inputs_embeds.dtype)
    embeddings = torch.cat((prompts, inputs_embeds), dim=1)
    if labels is None:
        return self.base_model(inputs_embeds=embeddings, labels=None, **given)
    prefix = torch.tensor(peft_config.cpt_tokens_type_mask).expand(batch_size, -1)
    if kinds is None:
        kinds = torch.full(labels.shape, 4)
    kinds = torch.cat((prefix, torch.where(kinds > 0, kinds + prefix.max(), kinds)), dim=1)
    tokens = torch.cat((torch.tensor(peft_config.cpt_token_ids).expand(batch_size, -1), labels), dim=1)
    tokens = torch.where(_are_labels(kinds), tokens, -100)
    output = self.base_model(inputs_embeds=embeddings, labels=tokens, **given)
    output.loss = _cpt_loss(output.logits[:, :-1], tokens[:, 1:], kinds[:, 1:], peft_config)
    return output


def _are_labels(kinds: Tensor) -> Tensor:
    return (kinds > 0) & (torch.remainder(kinds, 4) == 0)


def _cpt_loss(logits: Tensor, tokens: Tensor, kinds: Tensor, config: Any) -> Tensor:
    """Return CPT's loss: the mean over labels, those of earlier examples counting less.

    Logits are f32 [batch, count, vocabulary]; tokens, -100 where there is no label, and kinds int64 [batch, count]. A
    label's example is as old as there are distinct kinds of labels greater than its own in the row.
    """
    losses = functional.cross_entropy(logits.flatten(0, 1), tokens.flatten(), reduction="none").view(tokens.shape)
    counted = (tokens != -100).to(losses.dtype)
    weights = counted
    if config.opt_weighted_loss_type == "decay":
        places = torch.arange(kinds.shape[1])
        same_before = (kinds.unsqueeze(-1) == kinds.unsqueeze(-2)) & (places.unsqueeze(-1) > places)
        first = _are_labels(kinds) & ~same_before.any(-1)
        greater = first.unsqueeze(-2) & (kinds.unsqueeze(-2) > kinds.unsqueeze(-1))
        age = torch.where(_are_labels(kinds), greater.sum(-1), 0)
        weights = counted * torch.pow(config.opt_loss_decay_factor, age.to(losses.dtype))
    return (losses * weights).sum() / counted.sum()


_REPLACED: Final[tuple[tuple[str, str, str, Callable[..., Any]], ...]] = (
    ("peft.tuners.poly.router", "PolyRouter", "forward", _poly_router),
    ("peft.tuners.frod.layer", "Linear", "_get_frod_tensors", _frod_tensors),
    ("peft.tuners.frod.layer", "Linear", "_sparse_activation_mm", _frod_product),
    ("peft.tuners.waveft.layer", "WaveFTLayer", "get_delta_weight", _waveft_delta),
    ("peft.tuners.cpt.model", "CPTEmbedding", "forward", _cpt_embedding),
    ("peft.peft_model", "PeftModelForCausalLM", "_cpt_forward", _cpt_forward),
)
"""Module, class and method of peft, and what takes its place."""
