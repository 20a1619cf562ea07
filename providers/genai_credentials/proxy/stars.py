"""Takes a key out of what the API answers: the message of CONSUMER_SUSPENDED repeats it whole."""

from __future__ import annotations

import re
from functools import lru_cache

from genai_credentials.key import ApiKey
from genai_credentials.redaction import needles

SHORTEST = 8
"""What is shorter may be a word of an answer that is none about the key."""


class Stars:
    """A stream of an answer with each mention of a key starred out, and as long as it was.

    Args:
        key: The key that the request carried.
        shortest: How much of a key's beginning at the end of a chunk is held back for the next one.
    """

    def __init__(self, key: ApiKey, shortest: int) -> None:
        self._forms, self._pattern = _forms(key.get_secret_value())
        self._shortest = shortest
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What may be sent on of this chunk and of those before."""
        text = self.clean(self._held + chunk)
        held = self._unfinished(text)
        self._held = text[len(text) - held :] if held else b""
        return text[:-held] if held else text

    def rest(self) -> bytes:
        """What was held back, at the end."""
        held, self._held = self._held, b""
        return held

    def clean(self, text: bytes) -> bytes:
        """A whole text, starred."""
        if not any(form in text for form in self._forms):
            return text
        return self._pattern.sub(lambda found: b"*" * len(found[0]), text)

    def _unfinished(self, text: bytes) -> int:
        """How many of the last bytes could be the beginning of a key."""
        longest = 0
        for form in self._forms:
            start = form[: self._shortest]
            at = text.find(start, max(0, len(text) - len(form) + 1)) if len(form) > self._shortest else -1
            while at >= 0:
                if form.startswith(text[at:]):
                    longest = max(longest, len(text) - at)
                    break
                at = text.find(start, at + 1)
        return longest


@lru_cache(maxsize=2)
def _forms(text: str) -> tuple[list[bytes], re.Pattern[bytes]]:
    """What a key looks like in an answer; kept for the next one, since nearly all requests carry the same key."""
    forms = [form.encode() for form in needles(text)]
    return forms, re.compile(b"|".join(map(re.escape, forms)))
