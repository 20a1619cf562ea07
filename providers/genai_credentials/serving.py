"""`Serving`: one snapshot of what is served."""

from __future__ import annotations

import math

from genai_credentials.key import ApiKey
from genai_credentials.known import Found


class Serving:
    """What callers read without a lock: the key, its text, and when to look closer."""

    __slots__ = ("due_at", "key", "link", "stale_at", "text")

    def __init__(self, found: Found | None, due_at: float, stale_at: float) -> None:
        self.key: ApiKey = found.key if found else None  # type: ignore[assignment]
        self.text = found.key.get_secret_value() if found else ""
        self.link = found.link if found else -1
        self.due_at = due_at
        self.stale_at = stale_at


NOTHING = Serving(None, -math.inf, -math.inf)
