"""A phrase, the cause that it names, and its weight as evidence."""

from __future__ import annotations

import re
from typing import NamedTuple

ACCESS, VAGUE, NUMBER, CODE, GENERAL, MESSAGE, REASON, OURS = range(1, 9)
"""The weights, from the lowest: a status in an access log, vague words, a status, a code by name, common words, words
that only one source uses, a reason of Google by name, words of this library."""


class Phrase(NamedTuple):
    """A phrase.

    Args:
        needles: Words of which each match has one. They are searched first, because that search is fast.
        pattern: Finds it in lower-case text. White space in it is any white space.
        cause: The cause that it names: a key of `causes.TABLE`.
        weight: One of the weights above.
    """

    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    cause: str
    weight: int


def phrases(*rows: tuple[str | tuple[str, ...], str, str], weight: int = MESSAGE) -> tuple[Phrase, ...]:
    """Make phrases from rows of needles, pattern and cause. An empty pattern stands for the needle itself."""
    made: list[Phrase] = []
    for needles, pattern, cause in rows:
        several = (needles,) if isinstance(needles, str) else needles
        words = pattern or "|".join(re.escape(needle).replace(r"\ ", " ") for needle in several)
        made.append(Phrase(several, re.compile(words.replace(" ", r"\s")), cause, weight))
    return tuple(made)
