"""Removes a key from the API's answers. The message of CONSUMER_SUSPENDED repeats the whole key."""

from __future__ import annotations

import re
from functools import lru_cache

from genai_credentials.key import ApiKey
from genai_credentials.redaction import needles

SHORTEST = 8
"""The fewest bytes of a key's beginning that are held back. A shorter text may be an ordinary word of the answer."""


class KeyMask:
    """A stream of an answer in which stars replace each occurrence of a key. The length stays the same.

    Args:
        key: The key that the request carried.
        shortest: The fewest bytes of a key's beginning that are held back at the end of a chunk.
    """

    def __init__(self, key: ApiKey, shortest: int) -> None:
        self._forms, self._pattern = _forms(key.get_secret_value())
        self._shortest = shortest
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """The bytes of this chunk, and of the chunks before it, that may be forwarded now."""
        text = self.clean(self._held + chunk)
        held = self._unfinished(text)
        self._held = text[len(text) - held :] if held else b""
        return text[:-held] if held else text

    def rest(self) -> bytes:
        """The bytes that were held back, at the end of the answer."""
        held, self._held = self._held, b""
        return held

    def clean(self, text: bytes) -> bytes:
        """A whole text in which stars replace the key."""
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
    """The forms of a key in an answer, and a pattern that matches them.

    They are cached, because most requests carry the same key.
    """
    forms = [form.encode() for form in needles(text)]
    return forms, re.compile(b"|".join(map(re.escape, forms)))
