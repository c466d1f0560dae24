"""Where an operation comes from: the attribute that the front end sets and passes read."""

from __future__ import annotations

from typing import Final

LAYER: Final = "slipstick.layer"
"""The attribute with the path of the torch submodule that an operation comes from, as in "encoder.layer.0.output"."""
