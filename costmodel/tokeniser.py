"""Tokenisers: trained, versioned JSON files of the `tokenizers` library over the words of MLIR text.

A word of a number or a frequent word is one token. Another is split into the longest pieces that are known, dialects
and letters among them, so the name of an operation that was never seen becomes several tokens and comes back whole. The
target leads the sequence: its name, and what is known of it in numbers, so that a CPU that was never seen is described.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers

from ..errors import ArgumentError
from ..files import write_atomically
from ..target import Target
from .magnitude import integer_words, vocabulary
from .words import SCHEMES, Scheme, words

VERSION = 1
"""Of the words: a tokeniser, and a model behind it, fits the words that it was trained on."""
PADDING = "<pad>"
_UNKNOWN = "<unk>"
_REMEMBERED = 1 << 16
_INSIDE = "##"
"""Begins a token that goes on with a word."""


def target_words(target: Target) -> list[str]:
    """Return the words that lead a sequence: the CPU's name, architecture, vector registers and caches in KiB."""
    sizes = (target.vector_bits, target.vector_registers, target.l1d_bytes >> 10, target.l2_bytes >> 10)
    return ["target", target.cpu, target.architecture, *(word for size in sizes for word in integer_words(size))]


@dataclass(frozen=True)
class Tokeniser:
    """Text to token ids and back."""

    scheme: Scheme
    tokenizer: Tokenizer
    _known: dict[str, tuple[int, ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def train(cls, texts: Iterable[str], scheme: Scheme, targets: Iterable[Target] = (), size: int = 4096) -> Tokeniser:
        """Return a tokeniser with the `size` most frequent words of MLIR texts, and of the targets.

        The same texts give the same tokeniser.
        """
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(_escaped(word) for word in words(text, scheme))
        for target in targets:
            counts.update(target_words(target))
        by_frequency = sorted((word for word in counts if word[0] != "⟨"), key=lambda word: (-counts[word], word))
        pieces = [piece for word in by_frequency[:size] for piece in _pieces(word)]
        letters = [chr(code) for code in range(33, 127)]
        entries = [PADDING, _UNKNOWN, *vocabulary(), *letters, *(_INSIDE + letter for letter in letters), *pieces]
        numbered = {entry: number for number, entry in enumerate(dict.fromkeys(entries))}
        model = models.WordPiece(
            numbered, unk_token=_UNKNOWN, max_input_chars_per_word=1024, continuing_subword_prefix=_INSIDE
        )
        tokenizer = Tokenizer(model)
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        return cls(scheme, tokenizer)

    @property
    def size(self) -> int:
        """The number of tokens."""
        return int(self.tokenizer.get_vocab_size())

    def encode(self, texts: Sequence[str], target: Target) -> list[list[int]]:
        """Return the token ids of each text for that target."""
        head = target_words(target)
        return [self.ids([*head, *words(text, self.scheme)]) for text in texts]

    def ids(self, sequence: Iterable[str]) -> list[int]:
        """Return the token ids of words."""
        known = self._known
        found: list[int] = []
        for word in sequence:
            ids = known.get(word)
            if ids is None:
                ids = tuple(self.tokenizer.encode(_escaped(word), add_special_tokens=False).ids)
                if len(known) < _REMEMBERED:
                    known[word] = ids
            found += ids
        return found

    def decode(self, ids: Sequence[int]) -> list[str]:
        """Return the words that the ids stand for, the target's first. Raises ArgumentError for an id it lacks."""
        found: list[str] = []
        for number in ids:
            token = self.tokenizer.id_to_token(number)
            if token is None:
                raise ArgumentError(f"ids: expected numbers below {self.size}; found {number}")
            if token.startswith(_INSIDE) and token != _INSIDE:
                found[-1] += token[len(_INSIDE) :]
            else:
                found.append(token)
        return [_unescaped(word) for word in found]

    def save(self, path: Path) -> None:
        """Write the tokeniser with its scheme and the version of its words. Raises OSError."""
        content = {"scheme": self.scheme, "version": VERSION, "tokenizer": json.loads(self.tokenizer.to_str())}
        write_atomically(path, json.dumps(content, ensure_ascii=False))

    @classmethod
    def load(cls, path: Path) -> Tokeniser:
        """Read what `save` wrote. Raises ArgumentError where it is no tokeniser of this version."""
        return cls.from_json(_read(path), str(path))

    @classmethod
    def from_json(cls, content: Any, where: str) -> Tokeniser:
        """Return the tokeniser of a JSON object; `where` names it in errors. Raises ArgumentError."""
        if not isinstance(content, dict) or content.get("scheme") not in SCHEMES:
            raise ArgumentError(f"{where}: expected a tokeniser with a scheme among {', '.join(SCHEMES)}")
        if content.get("version") != VERSION:
            raise ArgumentError(f"{where}: expected a tokeniser of version {VERSION}; found {content.get('version')!r}")
        try:
            return cls(content["scheme"], Tokenizer.from_str(json.dumps(content["tokenizer"])))
        except Exception as error:  # the library raises bare Exception
            raise ArgumentError(f"{where}: expected a file of the tokenizers library; {error}") from None


def _pieces(word: str) -> Iterator[str]:
    """Yield a word, and the halves of an operation's name: another operation of the dialect has the first as well."""
    yield word
    dialect, dot, name = word.partition(".")
    if word.startswith(":") and dot and name:
        yield dialect + dot
        yield _INSIDE + name


def _escaped(word: str) -> str:
    """Return a word in ASCII, but for the brackets of numbers."""
    return word if word.isascii() or word[0] == "⟨" else word.encode("ascii", "backslashreplace").decode("ascii")


def _unescaped(word: str) -> str:
    return word if "\\" not in word else word.encode("ascii", "backslashreplace").decode("unicode_escape")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ArgumentError(f"{path}: expected a tokeniser's JSON file; {error}") from None
