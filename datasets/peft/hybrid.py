"""Methods of several parts, and those that change which tokens or layers are computed."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .adapters import Bottleneck, ParallelAdapter
from .attach import Adapted, layers, replace, small
from .low_rank import LowRank
from .prefixes import Prefix


class GatedLowRank(LowRank):
    """LoRA behind a gate: a sigmoid of the tokens' mean (UniPELT)."""

    def __init__(self, base: nn.Linear, rank: int):
        super().__init__(base, rank)
        self.gate = nn.Linear(self.inputs, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the adapted result of the layer."""
        gate = torch.sigmoid(self.gate(x)).mean(dim=-2, keepdim=True)
        result: torch.Tensor = self.base(x) + self.scale * gate * ((x @ self.a.T) @ self.b.T)
        return result


class GatedAdapter(Adapted):
    """A serial adapter behind such a gate (UniPELT)."""

    def __init__(self, base: nn.Linear, rank: int):
        super().__init__(base)
        self.adapter = Bottleneck(self.outputs, self.outputs, rank)
        self.gate = nn.Linear(self.outputs, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the adapted result of the layer."""
        y: torch.Tensor = self.base(x)
        gate = torch.sigmoid(self.gate(y)).mean(dim=-2, keepdim=True)
        result: torch.Tensor = y + gate * self.adapter(y)
        return result


def unipelt(model: nn.Module, rank: int, tokens: int) -> nn.Module:
    """Return an OPT model with UniPELT: LoRA on queries and values, a prefix, adapters; each behind a gate."""
    replace(model, ("q_proj", "v_proj"), lambda part: GatedLowRank(part, rank))
    replace(model, ("fc2",), lambda part: GatedAdapter(part, rank))
    return Prefix(model, tokens, gated=True)


def mam(model: Any, rank: int, tokens: int) -> nn.Module:
    """Return a LLaMA model with MAM: a prefix, and scaled parallel adapters beside the feed-forward parts."""
    width = model.config.hidden_size
    replace(model, ("mlp",), lambda part: ParallelAdapter(part, width, rank, scale=4.0))
    return Prefix(model, tokens)


class TokenRouted(nn.Module):
    """CoDA: of each sequence a share of the tokens, those of the highest scores, goes through the frozen part.

    All tokens go through the adapter beside it. Which tokens: an order is made of the scores by counting for each how
    many are higher, and the chosen are gathered and put back by products with a 0/1 matrix [chosen, tokens]. What the
    part returns is scaled by a sigmoid of the score, by which the choice is trained.
    """

    def __init__(self, part: nn.Module, width: int, rank: int, share: int = 2):
        super().__init__()
        self.part = part
        self.adapter = Bottleneck(width, width, rank)
        self.score = nn.Linear(width, 1)
        self.share = share

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return f32 [batch, tokens, width] of the same."""
        scores = self.score(x).squeeze(-1)
        tokens = x.shape[1]
        places = torch.arange(tokens)
        higher = scores.unsqueeze(1) > scores.unsqueeze(2)
        # Of equal scores the first goes first.
        equal = (scores.unsqueeze(1) == scores.unsqueeze(2)) & (places[None, :] < places[:, None])
        order = (higher | equal).sum(-1)
        chosen = (order.unsqueeze(1) == torch.arange(tokens // self.share)[:, None]).to(x.dtype)
        heavy = self.part(torch.bmm(chosen, x))
        back = torch.bmm(chosen.transpose(1, 2), heavy) * torch.sigmoid(scores).unsqueeze(-1)
        added: torch.Tensor = self.adapter(x)
        return back + added


def coda(model: Any, rank: int) -> nn.Module:
    """Return a LLaMA model whose feed-forward parts see half of the tokens."""
    width = model.config.hidden_size
    return replace(model, ("mlp",), lambda part: TokenRouted(part, width, rank))


class Ladder(nn.Module):
    """Ladder side-tuning: a narrow network beside the frozen one, which only hands over its hidden states.

    Each rung mixes the side's state with a narrowed hidden state of the model, by a sigmoid that is trained, and adds a
    bottleneck. The language head reads the sum of the last hidden state and the widened side state. No gradient flows
    through the model: the backward graph has the side network only.
    """

    def __init__(self, model: Any, narrow: int):
        super().__init__()
        self.model = model
        width, count = model.config.hidden_size, len(layers(model)) + 1
        self.narrows = nn.ModuleList(nn.Linear(width, narrow) for _ in range(count))
        self.rungs = nn.ModuleList(Bottleneck(narrow, narrow, narrow) for _ in range(count))
        self.mix = small(count)
        self.widen = nn.Linear(narrow, width)

    def forward(self, input_ids: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """Return the logits f32 [batch, tokens, vocabulary], or with labels the loss too."""
        states = self.model.model(input_ids=input_ids, use_cache=False, output_hidden_states=True).hidden_states
        side: torch.Tensor = self.narrows[0](states[0].detach())
        for number, (narrow, rung) in enumerate(zip(self.narrows, self.rungs, strict=True)):
            gate = torch.sigmoid(self.mix[number])
            side = gate * narrow(states[number].detach()) + (1.0 - gate) * side
            side = side + rung(side)
        logits: torch.Tensor = self.model.lm_head(states[-1].detach() + self.widen(side))
        if labels is None:
            return {"logits": logits}
        loss = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        return {"logits": logits, "loss": loss}
