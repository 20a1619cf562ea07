"""The page on mistakes, made of what is really said."""

from pathlib import Path

from . import SECTIONS
from .mistake import KEY, SHOWN, Mistake

PAGE = Path(__file__).parents[2] / "docs/explanation/mistakes.md"

HEAD = """---
description: What newcomers type wrongly, and what the command and the library say to it.
---
# Mistakes, and what is said

An error names what is wrong, where, and what to do. It never repeats a key. A test makes the {count} mistakes below,
and compares what is said with this page. `KEY` stands for a key.

<!-- Generated: python -m tests.mistakes -->
"""


def text() -> str:
    """The whole page."""
    parts = [HEAD.format(count=sum(map(len, SECTIONS.values())))]
    for heading, mistakes in SECTIONS.items():
        rows = [f"| `{cell(one.typed)}` | `{cell(one.said())}` |\n" for one in mistakes]
        parts.append(f"\n## {heading}\n\n| typed | said |\n| --- | --- |\n{''.join(rows)}")
    return "".join(parts)


def cell(text: str) -> str:
    """A text as code in a cell of a table."""
    return text.replace("|", "\\|").replace("`", "'").replace(KEY, SHOWN)


__all__ = ["PAGE", "Mistake", "text"]
