"""A hundred English sentences in ten topics, each with near neighbours: the text that the demo and its tests encode."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

FILE = "sentences.txt"


@dataclass(frozen=True)
class Sentence:
    """One sentence and the topic it is about."""

    topic: str
    text: str


@cache
def load_sentences() -> tuple[Sentence, ...]:
    """Return the sentences in the order of the file, topic after topic."""
    sentences: list[Sentence] = []
    topic = ""
    for line in resources.files(__package__).joinpath(FILE).read_text("utf-8").splitlines():
        line = line.strip()
        if line.startswith("== "):
            topic = line.strip("= ")
        elif line and not line.startswith("#"):
            sentences.append(Sentence(topic, line))
    return tuple(sentences)
