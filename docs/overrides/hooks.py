"""What the site adds to the pages: a description of each, marks on output, and labels for tables on narrow screens."""

from __future__ import annotations

import html
import re
from typing import Any

MARKS = {
    "text": "no-copy output ",
    "console": "no-copy output ",
    "pycon": "no-copy ",
    "python doc-signature": "no-copy ",
}
"""Kinds of blocks that nobody copies, each with its classes: output, sessions with prompts, signatures."""

LISTS = ("benchmarks", "changelog", "explanation/mistakes", "explanation/mutations", "explanation/paths")
WEIGHTS = {"troubleshooting.md": 2.0} | {f"{page}.md": 0.3 for page in LISTS}
"""How much a page counts in the search, if not 1: an answer comes before a list that contains every word."""

_LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])?(?:\{[^}]*\})?")
_TAG = re.compile(r"<[^>]+>")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Describe a page by its first paragraph, weigh it for the search; the front page has no list of pages."""
    page.meta.setdefault("description", description(markdown))
    if weight := WEIGHTS.get(page.file.src_uri):
        page.meta["search"] = {"boost": weight}
    if page.is_homepage:
        page.meta["hide"] = [*page.meta.get("hide", []), "navigation"]
    return markdown


def description(markdown: str) -> str:
    """The first sentences of a page, up to 160 characters."""
    blocks = re.sub(r"^```.*?^```$", "", markdown, flags=re.MULTILINE | re.DOTALL).split("\n\n")
    prose = (block.strip() for block in blocks)
    first = next((block for block in prose if block and block[0] not in "#<|!-:?"), "")
    plain = " ".join(re.sub(r"[*`]|\{[^}]*\}", "", _LINK.sub(r"\1", first)).split())
    sentences = re.split(r"(?<=[.!?:]) ", plain)
    taken = sentences[0]
    for sentence in sentences[1:]:
        if len(taken) + 1 + len(sentence) > 160:
            break
        taken += f" {sentence}"
    return taken.rstrip(":")


def on_page_content(content: str, **_: Any) -> str:
    """Mark blocks of output, and label the cells of tables."""
    for kind, mark in MARKS.items():
        block = '<div class="language-{} {}highlight">'
        content = content.replace(block.format(kind, ""), block.format(kind, mark))
    return re.sub(r"<table>.*?</table>", lambda match: _labelled(match[0]), content, flags=re.DOTALL)


def _labelled(table: str) -> str:
    heads = [html.escape(_TAG.sub("", head).strip()) for head in re.findall(r"<th[^>]*>(.*?)</th>", table, re.DOTALL)]
    table = re.sub(r"<tr>.*?</tr>", lambda row: _labelled_row(row[0], heads), table, flags=re.DOTALL)
    # A long name is broken where its words end.
    return re.sub(r"(?<=<code>)[^<]{25,}", lambda name: re.sub(r"(?<=[_/])(?=\w)", "<wbr>", name[0]), table)


def _labelled_row(row: str, heads: list[str]) -> str:
    labels = iter(heads)
    row = re.sub(r"<td(?=[ >])", lambda _: f'<td data-label="{next(labels, "")}"', row)
    # A number by itself names no row.
    return re.sub(r"<td(?=[^>]*>[\d,]+</td>)", "<td data-number", row, count=1)
