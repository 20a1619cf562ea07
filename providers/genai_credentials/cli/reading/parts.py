"""The parts of a long text in which a pattern can match at all, since they hold words that each match holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_BLOCK, _MARGIN = 4_000, 800
"""Characters that are looked at in one go, and how many more on both sides: no match is longer."""


def holding(text: str, needles: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Parts that hold one of several words, from the last to the first, each with a margin.

    Args:
        text: The text.
        needles: The words.
    """
    present = [needle for needle in needles if needle in text]
    for start in range(len(text) // _BLOCK * _BLOCK, -1, -_BLOCK) if present else ():
        end = start + _BLOCK
        if any(text.find(needle, start, end + len(needle) - 1) >= 0 for needle in present):
            yield max(0, start - _MARGIN), min(len(text), end + _MARGIN)
