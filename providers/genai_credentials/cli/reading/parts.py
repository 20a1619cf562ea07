"""Finds the parts of a long text in which a pattern can match. Such a part has a word that each match has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_BLOCK, _MARGIN = 4_000, 800
"""The characters of one part, and the margin on both sides. No match is longer than the margin."""


def holding(text: str, needles: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Return the parts with one of several words, from the last to the first, each with a margin.

    Args:
        text: The text.
        needles: The words.
    """
    present = [needle for needle in needles if needle in text]
    for start in range(len(text) // _BLOCK * _BLOCK, -1, -_BLOCK) if present else ():
        end = start + _BLOCK
        if any(text.find(needle, start, end + len(needle) - 1) >= 0 for needle in present):
            yield max(0, start - _MARGIN), min(len(text), end + _MARGIN)
