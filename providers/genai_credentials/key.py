"""`ApiKey`, an immutable and redacted key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Never

from genai_credentials.errors import KEY_SHAPES
from genai_credentials.fields import extract_field
from genai_credentials.keytext import MAX_BYTES, clean
from genai_credentials.sealing import emptied, hidden

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["MAX_BYTES", "PLACEHOLDER", "ApiKey", "clean", "extract_field", "fingerprint", "looks_like_a_key"]

PLACEHOLDER = "genai-credentials-placeholder"
"""What a client is built with in a key's stead; whoever sends a request swaps it for the current key."""

# Tracers walk over attributes and slots: none leads to the text, which a function encloses. That function is a slot
# itself, since a method that called it would take twice the time (measured). A checker sees the method below.
_SLOTS = {
    "__weakref__": "What knows the key as long as it lives.",
    "_fetched_at": "See `fetched_at`.",
    "_fingerprint": "See `fingerprint`.",
    "_notes": "See `notes`.",
    "_provider": "See `provider`.",
    "_version": "See `version`.",
    "get_secret_value": "The text of the key: the only way to it, and never to be logged.",
}


class ApiKey:
    """An API key with where it came from; its text is only ever given by `get_secret_value()`.

    The text is cleaned first: surrounding white space, a byte-order mark and matching quotes are taken off.

    Args:
        text: The key itself.
        provider: The name of the provider that served it; safe to log.
        version: The version in that provider's own words; a number is made text; None where it has none.
        fetched_at: When it was fetched; without a time zone it is local time, as everywhere in Python. None means now.

    Raises:
        InvalidSecret: The text cannot be a key.

    Examples:
        >>> key = ApiKey("  AIzaExample  ", provider="env")
        >>> key
        <ApiKey f6f4944b from env>
        >>> key.get_secret_value()
        'AIzaExample'
    """

    __slots__ = _SLOTS

    def __init__(
        self, text: str, *, provider: str, version: str | None = None, fetched_at: datetime | None = None
    ) -> None:
        try:
            values = _values(text, provider, version, fetched_at)
        except Exception as error:
            # It keeps this frame, and reporters send the frame's variables along.
            del text, provider, version, fetched_at
            raise emptied(error) from error.__cause__
        for name, value in values.items():
            object.__setattr__(self, name, value)

    if TYPE_CHECKING:

        def get_secret_value(self) -> str:
            """The text of the key: the only way to it, and never to be logged."""
            ...

    @property
    def fingerprint(self) -> str:
        """The first 8 hexadecimal digits of the text's SHA-256: names the key without giving it away."""
        return self._fingerprint  # type: ignore[attr-defined,no-any-return]

    @property
    def provider(self) -> str:
        """The name of the provider that served this key."""
        return self._provider  # type: ignore[attr-defined,no-any-return]

    @property
    def version(self) -> str | None:
        """The version in the provider's own words; None where it has none."""
        return self._version  # type: ignore[attr-defined,no-any-return]

    @property
    def fetched_at(self) -> datetime:
        """When the key was fetched, in UTC."""
        return self._fetched_at  # type: ignore[attr-defined,no-any-return]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken off the text, in words: ("surrounding white space",); empty for a clean one."""
        return self._notes  # type: ignore[attr-defined,no-any-return]

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError(f"ApiKey is immutable: {name} cannot be set")

    def __delattr__(self, name: str) -> Never:
        raise AttributeError(f"ApiKey is immutable: {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, ApiKey):
            return self is other
        import hmac

        return hmac.compare_digest(self.get_secret_value(), other.get_secret_value())

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        if not hasattr(self, "get_secret_value"):
            # A traceback with locals shows the key that was being made when its text was refused.
            return "<ApiKey, refused>"
        version = f" version {self.version}" if self.version else ""
        return f"<ApiKey {self.fingerprint} from {self.provider}{version}>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __copy__(self) -> ApiKey:
        return self

    def __deepcopy__(self, memo: object) -> ApiKey:
        return self

    def __reduce_ex__(self, protocol: object) -> Never:
        raise TypeError("An ApiKey is not pickled: the key would leave the process. Pass the provider's URI instead.")

    def __getstate__(self) -> Never:
        # Serialisers other than pickle ask for it, and object's own holds the text.
        self.__reduce_ex__(None)


def _values(text: str, provider: str, version: object, fetched_at: datetime | None) -> dict[str, object]:
    from datetime import UTC, datetime

    cleaned, notes = clean(text, provider)
    return {
        "get_secret_value": hidden(cleaned),
        "_notes": notes,
        "_provider": provider,
        "_version": None if version is None else str(version),
        # Ages are counted and keys are ordered by it, which a naive time would make a TypeError of.
        "_fetched_at": (fetched_at or datetime.now(UTC)).astimezone(UTC),
        "_fingerprint": fingerprint(cleaned),
    }


def no_api_key(kind: type) -> TypeError:
    """The error for something else in a key's stead; of its kind alone, since it may be the key's text."""
    return TypeError(f"Pass the ApiKey that get() returned, not {kind.__name__}.")


def looks_like_a_key(text: object) -> bool:
    """Whether a text that is to be a name or a path is a key in the wrong place, and so must not be repeated."""
    if not isinstance(text, str):
        return False
    at_the_start = re.match(r"AIza[\w-]{8,}|AQ\.[\w-]{8,}|sk-[\w-]{8,}", text)
    return (at_the_start or KEY_SHAPES.search(text)) is not None


def fingerprint(text: str) -> str:
    """The first 8 hexadecimal digits of the text's SHA-256."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:8]
