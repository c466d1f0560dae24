"""English sentences by topic, each topic with near neighbours: a hundred for the demo, and more for the study."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

FILE = "sentences.txt"
STUDY_FILE = "study_sentences.txt"


@dataclass(frozen=True)
class Sentence:
    """One sentence and the topic it is about."""

    topic: str
    text: str


@cache
def load_sentences() -> tuple[Sentence, ...]:
    """Return the hundred sentences of the demo in the order of the file, topic after topic."""
    return _read(FILE)


@cache
def load_study_sentences() -> tuple[Sentence, ...]:
    """Return the sentences of the study: the demo's hundred, then those of further topics, 230 in all."""
    return load_sentences() + _read(STUDY_FILE)


def _read(file: str) -> tuple[Sentence, ...]:
    sentences: list[Sentence] = []
    topic = ""
    for line in resources.files(__package__).joinpath(file).read_text("utf-8").splitlines():
        line = line.strip()
        if line.startswith("== "):
            topic = line.strip("= ")
        elif line and not line.startswith("#"):
            sentences.append(Sentence(topic, line))
    return tuple(sentences)
