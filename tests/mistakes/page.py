"""The page on mistakes, written from the real answers."""

import html
from pathlib import Path

from . import SECTIONS
from .mistake import KEY, SHOWN, Mistake

PAGE = Path(__file__).parents[2] / "docs/explanation/mistakes.md"

HEAD = """---
description: {count} wrong commands, variables, calls and settings, each with the error that it causes.
---
# Mistakes and their errors

This page shows {count} wrong commands, variables, calls and settings, each with the library's answer. An error says
what is wrong, where it is, and what to do next. It never repeats a key.

A test makes each mistake and compares the answer with this page. `KEY` stands for a key.

<!-- Generated: python -m tests.mistakes -->
"""
NEXT = "Next:"
"""The overview ends with commands, after this line."""


def text() -> str:
    """The whole page."""
    parts = [HEAD.format(count=sum(map(len, SECTIONS.values())))]
    for heading, mistakes in SECTIONS.items():
        rows = [f"| {cell([one.typed])} | {cell(shortened(one))} |\n" for one in mistakes]
        parts.append(f"\n## {heading}\n\n| typed | answer |\n| --- | --- |\n{''.join(rows)}")
    return "".join(parts)


def shortened(mistake: Mistake) -> list[str]:
    """The lines of an answer; the overview's commands are shown once, for the command without arguments."""
    lines = mistake.lines()
    if NEXT in lines and mistake.typed != "genai-credentials":
        return [*lines[: lines.index(NEXT)], f"{NEXT} …"]
    return lines


def cell(lines: list[str]) -> str:
    """Lines of code in a cell of a table."""
    return "<br>".join(_code(line.replace("`", "'").replace(KEY, SHOWN)) for line in lines)


def _code(line: str) -> str:
    if "|" not in line:
        return f"`{line}`"
    # A bar ends a cell, and within backticks Python-Markdown shows the backslash that would escape it.
    return f"<code>{html.escape(line, quote=False).replace('|', '&#124;')}</code>"


__all__ = ["PAGE", "Mistake", "text"]
