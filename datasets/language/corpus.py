"""Documents as blocks of token ids, with a tokenizer trained on them; held-out documents apart."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save_file

from ...errors import ArgumentError
from ...files import write_atomically
from .documents import Document

PAD, END = 0, 1
"""The first token ids: padding, which is never trained, and the end of a document, which also begins one."""
TRAIN, HELD_OUT = "train", "held-out"

_SPECIAL: Final = ("<pad>", "</s>")
_HELD_OUT_OF: Final = 12
"""One document in so many is held out, by its content."""
_PARAGRAPH: Final = re.compile(r"\n\s*\n")
_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True)
class Corpus:
    """Token ids, and the tokenizer that made them."""

    tokens: Mapping[str, torch.Tensor]
    """Of each part and side, "notes train" say: int64 [tokens], documents one behind the other, `END` before each."""
    vocabulary: int
    tokenizer: Any
    """That of the package `tokenizers`."""

    def blocks(self, part: str, side: str, length: int) -> torch.Tensor:
        """Return the text as int64 [blocks, length], what is left at the end dropped.

        Raises ArgumentError where it is shorter than one block.
        """
        ids = self.tokens.get(f"{part} {side}", torch.empty(0, dtype=torch.int64))
        if len(ids) < length:
            raise ArgumentError(f"text: expected at least {length} tokens of {part} to {side}, found {len(ids)}")
        return ids[: len(ids) // length * length].view(-1, length)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that there are."""
        return tuple(dict.fromkeys(name.partition(" ")[0] for name in self.tokens))


def is_held_out(document: Document) -> bool:
    """Return whether a document is kept from training: its text alone decides, whatever else there is."""
    return hashlib.sha256(document.text.encode()).digest()[0] % _HELD_OUT_OF == 0


def without_repeats(documents: Iterable[Document]) -> Iterator[Document]:
    """Yield the documents without paragraphs that were there before, white space aside, unless nothing is left."""
    seen: set[bytes] = set()
    for document in documents:
        kept = []
        for paragraph in _PARAGRAPH.split(document.text):
            key = hashlib.sha256(_SPACE.sub(" ", paragraph.strip()).encode()).digest()
            if paragraph.strip() and key not in seen:
                seen.add(key)
                kept.append(paragraph.strip("\n"))
        if kept:
            yield Document(document.part, document.name, "\n\n".join(kept))


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    """Return a byte-pair tokenizer of `vocabulary` tokens over bytes: no text is unknown to it, none is changed."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(_SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def build(documents: Iterable[Document], vocabulary: int) -> tuple[Corpus, dict[str, Any]]:
    """Return the corpus of these documents, and what is in it: numbers of documents, characters and tokens.

    Repeats are dropped before documents are held out, so that no paragraph of theirs is trained on; the tokenizer is
    trained on the other side alone. Raises ArgumentError where there is nothing to train on.
    """
    sides: dict[str, list[str]] = {}
    for document in without_repeats(documents):
        side = HELD_OUT if is_held_out(document) else TRAIN
        sides.setdefault(f"{document.part} {side}", []).append(document.text)
    training = [text for name, texts in sides.items() if name.endswith(f" {TRAIN}") for text in texts]
    if not training:
        raise ArgumentError("text: expected documents to train on, found none")
    tokenizer = train_tokenizer(training, vocabulary)
    tokens = {name: _ids(tokenizer, texts) for name, texts in sides.items()}
    made = {
        name: {"documents": len(texts), "characters": sum(map(len, texts)), "tokens": len(tokens[name])}
        for name, texts in sides.items()
    }
    return Corpus(tokens, tokenizer.get_vocab_size(), tokenizer), made


def _ids(tokenizer: Any, texts: Sequence[str]) -> torch.Tensor:
    found: list[int] = []
    for encoding in tokenizer.encode_batch(list(texts)):
        found += [END, *encoding.ids]
    return torch.tensor(found, dtype=torch.int64)


def save(corpus: Corpus, folder: Path, about: Mapping[str, Any]) -> None:
    """Write `tokens.safetensors`, `tokenizer.json` and, last, `corpus.json`, which says what is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: ids.to(torch.int32) for name, ids in corpus.tokens.items()}, folder / "tokens.safetensors")
    write_atomically(folder / "tokenizer.json", corpus.tokenizer.to_str())
    write_atomically(folder / "corpus.json", json.dumps(dict(about), indent=2, ensure_ascii=False) + "\n")


def load(folder: Path) -> Corpus:
    """Return the corpus that a folder holds; raise ArgumentError where it holds none."""
    from tokenizers import Tokenizer

    if not (folder / "corpus.json").is_file():
        raise ArgumentError(f"{folder}: expected a corpus, found no corpus.json")
    tokens = {name: ids.to(torch.int64) for name, ids in load_file(folder / "tokens.safetensors").items()}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return Corpus(dict(sorted(tokens.items())), tokenizer.get_vocab_size(), tokenizer)
