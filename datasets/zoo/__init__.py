"""The zoo: architectures that users bring, at their true sizes with random weights. Listing them imports no torch."""

from __future__ import annotations

from ..graph import Graph
from .experts import EXPERTS
from .images import IMAGES
from .language import DECODERS, READERS
from .pairs import PAIRS
from .recurrent import RECURRENT
from .sound import SOUND

__all__ = ["ZOO"]

ZOO: tuple[Graph, ...] = (*READERS, *DECODERS, *EXPERTS, *IMAGES, *PAIRS, *SOUND, *RECURRENT)
