"""One form of words, the cause that it names, and how much it weighs as evidence."""

from __future__ import annotations

import re
from typing import NamedTuple

ACCESS, VAGUE, NUMBER, CODE, GENERAL, MESSAGE, REASON, OURS = range(1, 9)
"""The weights: an access log's status, words that say little, a status, a code by its name, words that many use, words
that only one speaker uses, Google's reason by its name, words of this library's own."""


class Phrase(NamedTuple):
    """A form of words.

    Args:
        needles: Every match holds one of them; looked for first, since that costs next to nothing.
        pattern: Finds it in lower-case text. White space in it is any white space.
        cause: The cause that it names: a key of `causes.TABLE`.
        weight: One of the weights above.
    """

    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    cause: str
    weight: int


def phrases(*rows: tuple[str | tuple[str, ...], str, str], weight: int = MESSAGE) -> tuple[Phrase, ...]:
    """Make phrases of rows of needles, pattern and cause. An empty pattern is the needle itself."""
    made: list[Phrase] = []
    for needles, pattern, cause in rows:
        several = (needles,) if isinstance(needles, str) else needles
        words = pattern or "|".join(re.escape(needle).replace(r"\ ", " ") for needle in several)
        made.append(Phrase(several, re.compile(words.replace(" ", r"\s")), cause, weight))
    return tuple(made)
