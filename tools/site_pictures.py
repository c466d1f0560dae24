"""Pictures of the architecture, drawn from the sources: which room imports from which, and the stages of lowering."""

from __future__ import annotations

import ast
from collections import Counter
from html import escape
from pathlib import Path
from typing import Final

from ..compiler.stages import STAGES

FLOORS: Final = (("tools",), ("datasets",), ("compiler",), ("passes",), ("costmodel", "kernels"))
"""The rooms, floor by floor from the top; a room imports from lower floors only (`tests/test_repository.py`)."""

_STYLE = (
    "<style>svg { color: #1f2328; font: 13px sans-serif } text { fill: currentColor } "
    "@media (prefers-color-scheme: dark) { svg { color: #e6edf3 } }</style>"
)
_ARROW = (
    '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 8 4 0 8z" fill="#2f81f7"/></marker></defs>'
)
_WIDTH, _HEIGHT, _STEP, _MARGIN = 190, 44, 104, 20


def imports(root: Path) -> Counter[tuple[str, str]]:
    """Return how many modules of one room import from another, by (importer, imported); `root` is the repository."""
    rooms = {room for floor in FLOORS for room in floor}
    found: Counter[tuple[str, str]] = Counter()
    for room in sorted(rooms):
        for module in sorted((root / room).rglob("*.py")):
            depth = len(module.relative_to(root).parts)
            reached = set()
            for node in ast.walk(ast.parse(module.read_text("utf-8"))):
                # As many dots as there are folders above the module lead to the root of the package.
                if isinstance(node, ast.ImportFrom) and node.level == depth:
                    names = [node.module] if node.module else [alias.name for alias in node.names]
                    reached |= {name.partition(".")[0] for name in names} & (rooms - {room})
            found.update((room, other) for other in reached)
    return found


def rooms(root: Path) -> str:
    """Return a picture of the rooms: an arrow for each pair of which one imports from the other, with the number."""
    places = _places()
    height = _STEP * (len(FLOORS) - 1) + _HEIGHT + 2 * _MARGIN
    width = 760
    parts = [_ARROW]
    for (importer, imported), count in sorted(imports(root).items()):
        parts.append(_arrow(places, importer, imported, count))
    for room, (x, y) in places.items():
        modules = len(list((root / room).rglob("*.py")))
        parts.append(_box(x, y, _WIDTH, f"{room}/", f"{modules} modules"))
    return _svg(width, height, "Rooms and who imports from whom", parts)


def stages() -> str:
    """Return a picture of the way of a graph through the stages."""
    names = ("torch, MLIR", *STAGES, "object code", "CompiledModule")
    step, box = 150, 122
    parts = [_ARROW]
    for number, name in enumerate(names):
        row, column = divmod(number, 4)
        x, y = _MARGIN + column * step, _MARGIN + row * 84
        what = "stage" if name in STAGES else {0: "frontend", 6: "llvmlite"}.get(number, "called like the module")
        parts.append(_box(x, y, box, name, what))
        if number + 1 < len(names):
            if column < 3:
                parts.append(_line(x + box, y + _HEIGHT / 2, x + step - 3, y + _HEIGHT / 2))
            else:
                parts.append(_line(x + box / 2, y + _HEIGHT, _MARGIN + box / 2, y + 84 - 3))
    return _svg(4 * step + _MARGIN, 84 + _HEIGHT + 2 * _MARGIN, "The stages of lowering", parts)


def _places() -> dict[str, tuple[float, float]]:
    """Return the upper left corner of each room; one under the other, in turns to the left and to the right."""
    found = {}
    for number, floor in enumerate(FLOORS):
        for place, room in enumerate(floor):
            x = 285 + (-230 if number % 2 else 0) if len(floor) == 1 else 120 + 330 * place
            found[room] = (float(x + _MARGIN), float(number * _STEP + _MARGIN))
    return found


def _arrow(places: dict[str, tuple[float, float]], importer: str, imported: str, count: int) -> str:
    (x, y), (to_x, to_y) = places[importer], places[imported]
    order = list(places)
    # Starts and ends of the arrows of one box lie beside each other, in the order of the rooms.
    start = x + _WIDTH * (order.index(imported) + 1) / (len(order) + 1)
    end = to_x + _WIDTH * (order.index(importer) + 1) / (len(order) + 1)
    top, bottom = y + _HEIGHT, to_y - 3
    near = 0.5 if bottom - top < _STEP else 0.22
    label_x, label_y = start + (end - start) * near, top + (bottom - top) * near
    line = _line(start, top, end, bottom, max(0.8, min(4.0, count / 25)))
    return f'{line}<text x="{label_x + 4:.0f}" y="{label_y:.0f}" font-size="11">{count}</text>'


def _line(x: float, y: float, to_x: float, to_y: float, width: float = 1.5) -> str:
    return (
        f'<line x1="{x:.0f}" y1="{y:.0f}" x2="{to_x:.0f}" y2="{to_y:.0f}" stroke="#2f81f7" stroke-width="{width:.1f}" '
        'stroke-opacity="0.7" marker-end="url(#end)"/>'
    )


def _box(x: float, y: float, width: float, name: str, what: str) -> str:
    middle = x + width / 2
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{width}" height="{_HEIGHT}" rx="6" fill="#7f7f7f" fill-opacity="0.15" '
        f'stroke="currentColor"/><text x="{middle:.0f}" y="{y + 18:.0f}" text-anchor="middle" font-weight="bold">'
        f'{escape(name)}</text><text x="{middle:.0f}" y="{y + 35:.0f}" text-anchor="middle" font-size="11">'
        f"{escape(what)}</text>"
    )


def _svg(width: float, height: float, title: str, parts: list[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}">'
    return f"{head}{_STYLE}<title>{escape(title)}</title>\n" + "\n".join(parts) + "\n</svg>\n"
