"""HTML pages of reports: one file, nothing outside it is needed to read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_CSS = """
:root { color-scheme: light dark; --ink: #1f2328; --dim: #59636e; --line: #d1d9e0; --page: #ffffff; --card: #f6f8fa;
  --accent: #0969da; --warn: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #9198a1; --line: #3d444d; --page: #0d1117;
  --card: #151b23; --accent: #4493f8; --warn: #d29922; } }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.75rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
p { max-width: 46rem; margin: .5rem 0; } .dim { color: var(--dim); font-size: .9rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(13.5rem, 1fr)); gap: .75rem; margin: 1.25rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; }
.card b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.card span { color: var(--dim); font-size: .85rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; margin: .5rem 0; }
td { white-space: nowrap; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; vertical-align: top; }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; white-space: pre; }
table.text td, table.text th { text-align: left; white-space: normal; }
svg { width: 100%; height: auto; max-width: 46rem; display: block; color: var(--ink); margin: .5rem 0; }
svg text { font-family: inherit; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem;
  overflow-x: auto; font-size: .82rem; line-height: 1.45; white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin: .4rem 0; } summary { cursor: pointer; color: var(--accent); }
@media (max-width: 40rem) { th:first-child, td:first-child { white-space: pre-wrap; } }
.tag { color: var(--dim); font-size: .8rem; } .differs { color: var(--warn); }
"""


def page(title: str, lead: str, *parts: str) -> str:
    """Return a whole page: a heading, a paragraph of HTML, and what follows, HTML too."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_CSS}</style></head>\n<body>\n<h1>{escape(title)}</h1>\n"
        f"<p>{lead}</p>\n{''.join(parts)}</body></html>\n"
    )


def section(title: str, *parts: str) -> str:
    """Return a section; its parts are HTML."""
    return f"<section><h2>{escape(title)}</h2>\n" + "\n".join(parts) + "</section>\n"


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph of plain text; `kind` is a class of the style sheet, such as "dim"."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def table(head: Iterable[str], body: Iterable[Sequence[str]], kind: str = "") -> str:
    """Return a table; cells are HTML."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in body)
    return (
        f'<div class="wide"><table class="{kind}"><thead><tr>{top}</tr></thead><tbody>\n{lines}</tbody></table></div>'
    )
