"""Networks that read tokens: a bag of embeddings, convolutions, a small transformer (torch)."""

from __future__ import annotations

import multiprocessing
import os
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..target import Target
from .labels import LABELS, Floats
from .tokeniser import Tokeniser, target_words
from .words import words

KINDS = ("bag", "convolution", "transformer")
_MANY = 2000
"""Texts that are worth starting processes for."""
_PARAMETERS = Path(__file__).parent / "networks.toml"


def parameters(kind: str) -> dict[str, Any]:
    """Return the hyper-parameters of a kind of network."""
    found = tomllib.loads(_PARAMETERS.read_text(encoding="utf-8"))
    return {**found["common"], **found[kind]}


def encode(tokeniser: Tokeniser, texts: Sequence[str], targets: Sequence[Target], length: int) -> NDArray[np.int64]:
    """Return token ids [rows, length], the target's words first, 0 behind the end; long texts lose their middle.

    Many texts are read by several processes.
    """
    found = np.zeros((len(texts), length), np.int64)
    heads = {target.cpu: tokeniser.ids(target_words(target)) for target in targets}
    different = list(dict.fromkeys(texts))
    cores = len(os.sched_getaffinity(0))
    if cores > 2 and len(different) > _MANY:
        with ProcessPoolExecutor(cores // 2, multiprocessing.get_context("fork")) as pool:
            bodies = list(pool.map(partial(_body, tokeniser), different, chunksize=64))
    else:
        bodies = [_body(tokeniser, text) for text in different]
    known = dict(zip(different, bodies, strict=True))
    for row, (text, target) in enumerate(zip(texts, targets, strict=True)):
        body, room = known[text], length - len(heads[target.cpu])
        if len(body) > room:
            body = [*body[: room // 2], *body[len(body) - (room - room // 2) :]]
        ids = [*heads[target.cpu], *body]
        found[row, : len(ids)] = ids
    return found


def _body(tokeniser: Tokeniser, text: str) -> list[int]:
    return tokeniser.ids(words(text, tokeniser.scheme))


class _Bag(nn.Module):
    def __init__(self, vocabulary: int, own: Mapping[str, Any], outputs: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, own["size"], padding_idx=0)
        self.head = _head(2 * own["size"], own["hidden"], outputs)

    def forward(self, ids: Tensor) -> Tensor:
        found = self.embedding(ids)
        count = (ids != 0).sum(dim=1, keepdim=True).clamp(min=1)
        total = found.sum(dim=1)
        # The mean tells the mixture, the sum in logarithmic form how much there is of it.
        scaled = torch.sign(total) * torch.log1p(total.abs())
        output: Tensor = self.head(torch.cat([total / count, scaled], dim=1))
        return output


class _Convolution(nn.Module):
    def __init__(self, vocabulary: int, own: Mapping[str, Any], outputs: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, own["size"], padding_idx=0)
        layers: list[nn.Module] = []
        inside = own["size"]
        for width in own["widths"]:
            layers += [nn.Conv1d(inside, own["hidden"], width, stride=2, padding=width // 2), nn.ReLU()]
            inside = own["hidden"]
        self.layers = nn.Sequential(*layers)
        self.head = _head(2 * inside, own["hidden"], outputs)

    def forward(self, ids: Tensor) -> Tensor:
        found = self.layers(self.embedding(ids).transpose(1, 2))
        output: Tensor = self.head(torch.cat([found.amax(dim=2), torch.log1p(found.sum(dim=2))], dim=1))
        return output


class _Transformer(nn.Module):
    def __init__(self, vocabulary: int, own: Mapping[str, Any], outputs: int) -> None:
        super().__init__()
        self.patch, size = own["patch"], own["size"]
        self.embedding = nn.Embedding(vocabulary, size, padding_idx=0)
        self.join = nn.Conv1d(size, size, self.patch, stride=self.patch)
        self.place = nn.Parameter(torch.zeros(own["tokens"] // self.patch, size))
        layer = nn.TransformerEncoderLayer(size, own["heads"], 2 * size, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, own["layers"], enable_nested_tensor=False)
        self.head = _head(2 * size, own["hidden"], outputs)

    def forward(self, ids: Tensor) -> Tensor:
        found = (
            self.join(self.embedding(ids).transpose(1, 2)).transpose(1, 2) + self.place[: ids.shape[1] // self.patch]
        )
        filled = (ids.view(len(ids), -1, self.patch) != 0).any(dim=2, keepdim=True)
        found = self.layers(found, src_key_padding_mask=~filled.squeeze(2)) * filled
        total = found.sum(dim=1)
        scaled = torch.sign(total) * torch.log1p(total.abs())
        output: Tensor = self.head(torch.cat([total / filled.sum(dim=1), scaled], dim=1))
        return output


def _head(inside: int, hidden: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inside, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


_NETWORKS = {"bag": _Bag, "convolution": _Convolution, "transformer": _Transformer}


def train_network(
    kind: str, vocabulary: int, ids: NDArray[np.int64], truth: Floats, valid: NDArray[np.bool_], test: NDArray[np.int64]
) -> tuple[Floats, dict[str, Any]]:
    """Train a network; return its predictions for the test rows, f64 [rows, labels], and a record of the run.

    `truth` is on the scale of learning, [rows, labels], NaN where a row lacks a label; the rows of the mask `valid`
    decide when to stop. Where there is a GPU, it sees all rows in an epoch, in larger batches, for twice the epochs.
    """
    own = parameters(kind)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cuda":
        own = {**own, "most_rows": len(truth), "batch": 4 * own["batch"], "epochs": 2 * own["epochs"]}
    torch.manual_seed(own["seed"])
    generator = torch.Generator().manual_seed(own["seed"])
    counts = np.maximum(1, np.sum(~np.isnan(truth), axis=0))
    means = np.nansum(truth, axis=0) / counts
    scales = np.sqrt(np.nansum((truth - means) ** 2, axis=0) / counts) + 1e-6
    target = torch.tensor((truth - means) / scales, dtype=torch.float32, device=device)
    inputs = torch.tensor(ids, device=device)
    network = _NETWORKS[kind](vocabulary, own, len(LABELS)).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=own["rate"])
    learning, judging = torch.tensor(np.flatnonzero(~valid)), torch.tensor(np.flatnonzero(valid))
    best, state, waited, losses = float("inf"), network.state_dict(), 0, []
    for _ in range(own["epochs"]):
        chosen = learning[torch.randperm(len(learning), generator=generator)[: own["most_rows"]]]
        network.train()
        for batch in torch.split(chosen.to(device), own["batch"]):
            optimiser.zero_grad()
            loss = _loss(network(inputs[batch]), target[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
        found = _predict(network, inputs[judging.to(device)], own["batch"])
        losses.append(float(_loss(found, target[judging.to(device)])))
        if losses[-1] < best:
            best, waited = losses[-1], 0
            state = {name: value.clone() for name, value in network.state_dict().items()}
        else:
            waited += 1
            if waited > own["patience"]:
                break
    network.load_state_dict(state)
    predicted = (
        _predict(network, torch.tensor(test, device=device), own["batch"]).double().cpu().numpy() * scales + means
    )
    count = sum(weight.numel() for weight in network.parameters())
    return predicted, {"kind": kind, "parameters": own, "weights": count, "validation": losses}


def _loss(found: Tensor, truth: Tensor) -> Tensor:
    known = ~torch.isnan(truth)
    return nn.functional.smooth_l1_loss(found[known], truth[known])


def _predict(network: nn.Module, ids: Tensor, batch: int) -> Tensor:
    network.eval()
    with torch.no_grad():
        return torch.cat([network(part) for part in torch.split(ids, 4 * batch)])
