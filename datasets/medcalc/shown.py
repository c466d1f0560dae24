"""What a row holds, as it stands in an error: never longer than a line."""

from __future__ import annotations

from typing import Final

_MOST: Final = 60


def shown(value: object) -> str:
    """Return a value as Python writes it, cut after 60 characters."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # more digits than Python converts, deeper than it follows
        return f"a {type(value).__name__} that cannot be written"
    return text if len(text) <= _MOST else text[: _MOST - 3] + "..."
