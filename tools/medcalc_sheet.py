"""A table that is printed and stands in a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from rich import box
from rich.table import Table

from .pages import table as html_table


@dataclass
class Sheet:
    """A title, headings, rows of plain text."""

    title: str
    head: tuple[str, ...]
    body: list[tuple[str, ...]] = field(default_factory=list)
    totals: list[tuple[str, ...]] = field(default_factory=list)
    """Rows below a line."""

    def add(self, *cells: str) -> None:
        """Add a row."""
        self.body.append(cells)

    def printed(self) -> Table:
        """Return it for a terminal."""
        table = Table(title=self.title, box=box.SIMPLE_HEAD, title_justify="left")
        for heading in self.head:
            table.add_column(heading)
        for row in self.body:
            table.add_row(*row)
        if self.totals:
            table.add_section()
        for row in self.totals:
            table.add_row(*row)
        return table

    def html(self) -> str:
        """Return it for a page."""
        rows = [[escape(cell) for cell in row] for row in (*self.body, *self.totals)]
        return html_table(map(escape, self.head), rows, "text")


def sheet(title: str, *head: str) -> Sheet:
    """Return a table without rows."""
    return Sheet(title, head)
