"""Small tables as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple


class Table(NamedTuple):
    """A list of facts, with a table of rows below.

    Args:
        facts: Pairs of a name and a value, one per line.
        head: The headings of the columns.
        rows: The rows. Each has as many cells as there are headings.
    """

    facts: Sequence[tuple[str, str]]
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """Return the table as text in columns."""
        parts = [_columns(self.facts), _columns([self.head, *self.rows]) if self.rows else []]
        return "\n".join(chain(parts[0], [""] if parts[1] else [], parts[1]))

    def html(self) -> str:
        """Return the facts and the rows as two HTML tables. Every text is escaped."""
        about = "".join(f"<tr><th>{_escaped(name)}</th><td>{_escaped(value)}</td></tr>" for name, value in self.facts)
        head = "".join(f"<th>{_escaped(name)}</th>" for name in self.head)
        rows = "".join(f"<tr>{''.join(f'<td>{_escaped(cell)}</td>' for cell in row)}</tr>" for row in self.rows)
        return f"<table>{about}</table>" + (f"<table><tr>{head}</tr>{rows}</table>" if rows else "")


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    flat = [[_flat(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) + 2 for column in zip(*flat, strict=True)]
    lines = ["".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in flat]
    return [line.rstrip() for line in lines]


def _escaped(text: str) -> str:
    from html import escape  # rarely needed

    return escape(_flat(text))


def _flat(text: str) -> str:
    return " ".join(text.split())
