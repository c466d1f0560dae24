"""Small architectures that transformers does not have, as torch modules."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class ExpertMixture(nn.Module):
    """A feed-forward part with several gated experts, of which a router picks a few for each token.

    Every expert computes all tokens, and those that did not pick it count 0 times: no size depends on data.
    f32 [tokens, width] -> the same.
    """

    def __init__(self, width: int, inner: int, experts: int, chosen: int):
        super().__init__()
        self.chosen = chosen
        self.router = nn.Linear(width, experts, bias=False)
        self.gates = nn.ModuleList(nn.Linear(width, inner, bias=False) for _ in range(experts))
        self.ups = nn.ModuleList(nn.Linear(width, inner, bias=False) for _ in range(experts))
        self.downs = nn.ModuleList(nn.Linear(inner, width, bias=False) for _ in range(experts))

    def forward(self, states: Tensor) -> Tensor:
        """Return the sum of the chosen experts' results by the router's softmax over them."""
        scores = self.router(states)
        best, places = torch.topk(scores, self.chosen, dim=-1)
        everyone = torch.arange(len(self.gates), device=states.device)
        picked = (places.unsqueeze(-1) == everyone).to(states.dtype)
        shares = (picked * torch.softmax(best, dim=-1).unsqueeze(-1)).sum(1)
        total = torch.zeros_like(states)
        for number, (gate, up, down) in enumerate(zip(self.gates, self.ups, self.downs, strict=True)):
            total = total + shares[:, number, None] * down(functional.silu(gate(states)) * up(states))
        return total


class Mixer(nn.Module):
    """MLP-Mixer: patches are mixed with each other and channels with each other, by products alone.

    Images f32 [batch, 3, side, side] -> scores [batch, classes].
    """

    def __init__(self, side: int, patch: int, width: int, across: int, inner: int, layers: int, classes: int):
        super().__init__()
        patches = (side // patch) ** 2
        self.patches = nn.Conv2d(3, width, patch, stride=patch)
        self.layers = nn.ModuleList(MixerLayer(patches, width, across, inner) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return the scores."""
        states = self.patches(images).flatten(2).transpose(1, 2)
        for layer in self.layers:
            states = layer(states)
        scores: Tensor = self.head(self.norm(states).mean(1))
        return scores


class MixerLayer(nn.Module):
    """One layer of it: f32 [batch, patches, width] -> the same."""

    def __init__(self, patches: int, width: int, across: int, inner: int):
        super().__init__()
        self.first = nn.LayerNorm(width)
        self.across = nn.Sequential(nn.Linear(patches, across), nn.GELU(), nn.Linear(across, patches))
        self.second = nn.LayerNorm(width)
        self.along = nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width))

    def forward(self, states: Tensor) -> Tensor:
        """Mix patches, then channels."""
        states = states + self.across(self.first(states).transpose(1, 2)).transpose(1, 2)
        mixed: Tensor = states + self.along(self.second(states))
        return mixed


class UNet(nn.Module):
    """A U-net of two levels with group norms: f32 [batch, 3, side, side] -> the same."""

    def __init__(self, channels: int, groups: int):
        super().__init__()
        self.enter = nn.Conv2d(3, channels, 3, padding=1)
        self.upper = Residual(channels, channels, groups)
        self.down = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        self.lower = Residual(channels, 2 * channels, groups)
        self.up = nn.ConvTranspose2d(2 * channels, channels, 2, stride=2)
        self.last = Residual(2 * channels, channels, groups)
        self.leave = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Return the image."""
        upper = self.upper(self.enter(images))
        lower = self.lower(self.down(upper))
        result: Tensor = self.leave(self.last(torch.cat((upper, self.up(lower)), 1)))
        return result


class Residual(nn.Module):
    """A convolution behind a norm, beside one of a single pixel: [batch, channels, h, w] -> [batch, others, h, w]."""

    def __init__(self, channels: int, others: int, groups: int):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels)
        self.convolution = nn.Conv2d(channels, others, 3, padding=1)
        self.around = nn.Conv2d(channels, others, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of both."""
        result: Tensor = self.around(x) + self.convolution(functional.silu(self.norm(x)))
        return result


class Recurrent(nn.Module):
    """An LSTM or GRU over whole sequences: f32 [batch, tokens, width] -> the hidden states [batch, tokens, inner]."""

    def __init__(self, kind: str, width: int, inner: int, layers: int):
        super().__init__()
        make = {"lstm": nn.LSTM, "gru": nn.GRU}[kind]
        self.layers = make(width, inner, layers, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the hidden states of the last layer."""
        states: Tensor = self.layers(x)[0]
        return states
