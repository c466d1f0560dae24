"""What makes two texts the same program: hashes against duplicates and against leaks between splits."""

from __future__ import annotations

import hashlib

from .words import Numbers, words


def canonical_hash(text: str) -> str:
    """Return a hash that names of values, locations, comments and white space do not change; numbers do."""
    return _hash(text, "exact")


def shape_erased_hash(text: str) -> str:
    """Return a hash that numbers do not change either: all shapes, tiles and constants of one program share it."""
    return _hash(text, "erased")


def _hash(text: str, numbers: Numbers) -> str:
    return hashlib.sha256("\n".join(words(text, numbers=numbers)).encode()).hexdigest()[:32]
