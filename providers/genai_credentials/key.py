"""`ApiKey`: an API key that cannot be changed and that hides its text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Never

from genai_credentials.errors import KEY_SHAPES, ConfigurationError
from genai_credentials.fields import extract_field
from genai_credentials.keytext import MAX_BYTES, clean
from genai_credentials.sealing import emptied, hidden

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["MAX_BYTES", "PLACEHOLDER", "ApiKey", "clean", "extract_field", "fingerprint", "looks_like_a_key"]

PLACEHOLDER = "genai-credentials-placeholder"
"""The text with which a client is built in place of a key. It is replaced by the current key in each request."""

# Tracers read all attributes and slots, so no attribute holds the text: the closure of a function holds it. The slot
# holds that function itself, because a method that calls it takes twice the time (measured). Type checkers see the
# method below.
_SLOTS = {
    "__weakref__": "Weak references to the key, for the redaction of logs.",
    "_fetched_at": "See `fetched_at`.",
    "_fingerprint": "See `fingerprint`.",
    "_notes": "See `notes`.",
    "_provider": "See `provider`.",
    "_version": "See `version`.",
    "get_secret_value": "Return the text of the key. Never log it.",
}


class ApiKey:
    """An API key with its origin. Only `get_secret_value()` returns its text.

    The constructor cleans the text: it removes surrounding white space, a byte-order mark and matching quotes.

    Args:
        text: The key itself.
        provider: The name of the provider that returned the key; safe to log.
        version: The version as the store names it. A number is converted to text. None if the store has no versions.
        fetched_at: The time of the fetch. A time without a time zone is local time. None means now.

    Raises:
        InvalidSecret: The text cannot be a key.
        ConfigurationError: `provider` is no text or is empty, or `fetched_at` is no datetime.

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
            # The error keeps this frame, and error reporters send the variables of each frame.
            del text, provider, version, fetched_at
            raise emptied(error) from error.__cause__
        for name, value in values.items():
            object.__setattr__(self, name, value)

    if TYPE_CHECKING:

        def get_secret_value(self) -> str:
            """Return the text of the key. Never log it."""
            ...

    @property
    def fingerprint(self) -> str:
        """The first 8 hexadecimal digits of the SHA-256 of the text. It names the key and does not reveal it."""
        return self._fingerprint  # type: ignore[attr-defined,no-any-return]

    @property
    def provider(self) -> str:
        """The name of the provider that returned this key."""
        return self._provider  # type: ignore[attr-defined,no-any-return]

    @property
    def version(self) -> str | None:
        """The version as the store names it; None if the store has no versions."""
        return self._version  # type: ignore[attr-defined,no-any-return]

    @property
    def fetched_at(self) -> datetime:
        """The time of the fetch, in UTC."""
        return self._fetched_at  # type: ignore[attr-defined,no-any-return]

    @property
    def notes(self) -> tuple[str, ...]:
        """The parts that were removed from the text, such as ("surrounding white space",); empty for a clean text."""
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
            # A traceback that prints locals shows this half-made object if the constructor refused the text.
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
        raise TypeError("An ApiKey is not pickled: its text would leave the process. Pass the URI of its provider.")

    def __getstate__(self) -> Never:
        # Serialisers other than pickle call this method. The inherited one returns the function that holds the text.
        self.__reduce_ex__(None)


def _values(text: str, provider: str, version: object, fetched_at: datetime | None) -> dict[str, object]:
    from datetime import UTC, datetime

    if not isinstance(provider, str) or not provider:
        kind = "empty" if isinstance(provider, str) else type(provider).__name__
        raise ConfigurationError(f"provider is {kind}.", remedy="Pass the name of the provider, as text.")
    if not isinstance(fetched_at, (datetime, type(None))):
        kind = type(fetched_at).__name__
        raise ConfigurationError(f"fetched_at is {kind}, not a time.", remedy="Pass a datetime, or None.")
    cleaned, notes = clean(text, provider)
    return {
        "get_secret_value": hidden(cleaned),
        "_notes": notes,
        "_provider": provider,
        "_version": None if version is None else str(version),
        # Ages and the order of keys are computed from it. A time without a time zone would raise a TypeError there.
        "_fetched_at": (fetched_at or datetime.now(UTC)).astimezone(UTC),
        "_fingerprint": fingerprint(cleaned),
    }


def no_api_key(kind: type) -> TypeError:
    """Return the error for an argument that is no `ApiKey`. It names only the type: the value may be a key's text."""
    return TypeError(f"Pass the ApiKey that get() returned, not {kind.__name__}.")


def looks_like_a_key(text: object) -> bool:
    """Return whether a text given as a name or a path looks like a key. Such a text must not appear in a message."""
    if not isinstance(text, str):
        return False
    at_the_start = re.match(r"AIza[\w-]{8,}|AQ\.[\w-]{8,}|sk-[\w-]{8,}", text)
    return (at_the_start or KEY_SHAPES.search(text)) is not None


def fingerprint(text: str) -> str:
    """Return the first 8 hexadecimal digits of the SHA-256 of the text."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:8]


def refuse_a_key(*names: object) -> None:
    """Raise an error if a key was passed as a name, a field or a path. The error does not contain the key.

    Args:
        names: The values to check. A value that is no text passes.

    Raises:
        ConfigurationError: One of the values looks like a key.
    """
    if any(map(looks_like_a_key, names)):
        raise ConfigurationError(
            "This looks like an API key. A name, a path or a field is expected here.",
            remedy="Put the key into GEMINI_API_KEY and use Env(), or name the secret that holds it.",
        )
