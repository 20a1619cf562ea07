"""`ApiKey`, an immutable and redacted key, and the cleaning of a key's text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Never

from genai_credentials.errors import KEY_SHAPES, InvalidSecret

if TYPE_CHECKING:
    from datetime import datetime

PLACEHOLDER = "genai-credentials-placeholder"
"""What a client is built with in a key's stead; whoever sends a request swaps it for the current key."""

MAX_BYTES = 4096
_PLACEHOLDERS = frozenset(
    name.replace("_", "")
    for name in (
        "YOUR_API_KEY",
        "YOUR_API_KEY_HERE",
        "YOUR_KEY",
        "YOUR_KEY_HERE",
        "YOUR_GEMINI_API_KEY",
        "YOUR_GEMINI_API_KEY_HERE",
        "YOUR_GOOGLE_API_KEY",
        "YOUR_GOOGLE_API_KEY_HERE",
        "INSERT_API_KEY_HERE",
        "INSERT_YOUR_API_KEY_HERE",
        "API_KEY",
        "API_KEY_HERE",
        "GEMINI_API_KEY",
        "GOOGLE_API_KEY",
        "REPLACE_ME",
        "CHANGE_ME",
        "CHANGEME",
        "PASTE_YOUR_API_KEY_HERE",
        "GENAI_CREDENTIALS_PLACEHOLDER",
    )
)
"""Compared by their letters alone, so that every spelling is known."""

_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019"}


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

    __slots__ = ("__weakref__", "_fetched_at", "_fingerprint", "_notes", "_provider", "_text", "_version")

    def __init__(
        self, text: str, *, provider: str, version: str | None = None, fetched_at: datetime | None = None
    ) -> None:
        cleaned, notes = clean(text, provider)
        from datetime import UTC, datetime

        values = {
            "_text": cleaned,
            "_notes": notes,
            "_provider": provider,
            "_version": None if version is None else str(version),
            # Ages are counted and keys are ordered by it, which a naive time would make a TypeError of.
            "_fetched_at": (fetched_at or datetime.now(UTC)).astimezone(UTC),
            "_fingerprint": fingerprint(cleaned),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def get_secret_value(self) -> str:
        """The text of the key: the only way to it, and never to be logged."""
        return self._text  # type: ignore[attr-defined,no-any-return]

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
        return isinstance(other, ApiKey) and self.get_secret_value() == other.get_secret_value()

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        if not hasattr(self, "_text"):
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


def clean(text: str, where: str) -> tuple[str, tuple[str, ...]]:
    """The key inside a copied text, and what was taken off it, in words.

    Args:
        text: What a provider found.
        where: The provider's name, for the error.

    Raises:
        InvalidSecret: It is no key: empty, too long, or with characters that no key has.
    """
    if not isinstance(text, str):
        raise _invalid(where, f"is {type(text).__name__}, not text", "Store the key as plain text.")
    if len(text) > 16 * MAX_BYTES:
        raise _too_long(where, len(text))
    notes: list[str] = []
    bare = text
    while True:
        stripped = bare.strip()
        if stripped != bare:
            notes.append("surrounding white space")
        if stripped.startswith("\ufeff"):
            notes.append("a byte-order mark")
            bare = stripped.lstrip("\ufeff")
        elif len(stripped) > 1 and _QUOTES.get(stripped[0]) == stripped[-1]:
            notes.append("quotes")
            bare = stripped[1:-1]
        else:
            break
    _refuse(stripped, where)
    return stripped, tuple(dict.fromkeys(notes))


def _refuse(text: str, where: str) -> None:
    if not text:
        raise _invalid(where, "is empty", "Store a key in it, or remove it so that the next provider is asked.")
    if len(text) > MAX_BYTES:
        raise _too_long(where, len(text))
    if re.match(r"(?i)bearer\s", text):
        raise _invalid(where, "starts with 'Bearer '", "Store the key alone, without the header's scheme.")
    if text.startswith("{"):
        raise _invalid(where, "is a JSON object", "Name the key's field: field='…', or '#field' in a URI.")
    if re.search(r"\s", text):
        raise _invalid(where, "has white space inside", "It may be two keys, or a key pasted with a line break.")
    if not text.isascii():
        raise _invalid(where, "has characters outside ASCII", "It was probably copied from a formatted page.")
    if not text.isprintable():
        raise _invalid(where, "has control characters inside", "Store the key again, as plain text.")
    if re.sub(r"[^A-Z]", "", text.upper()) in _PLACEHOLDERS:
        raise _invalid(where, "is a placeholder, not a key", "Put the real key there.")


def _too_long(where: str, length: int) -> InvalidSecret:
    return _invalid(where, f"is {length} characters long; no key is over {MAX_BYTES}", "Is it the right secret?")


def _invalid(where: str, what: str, remedy: str) -> InvalidSecret:
    return InvalidSecret(f"{where}: what is stored there {what}.", remedy=remedy)


def extract_field(text: str, field: str | None, where: str) -> str:
    """The string under one key of a JSON object, or the text itself when no field is named.

    Args:
        text: What the store holds.
        field: The JSON key; None means that the whole text is the API key.
        where: The provider's name, for the error.

    Raises:
        InvalidSecret: Not JSON, not an object, no such key, or not a string; it names the keys, never a value.
    """
    if field is None:
        return text
    try:
        document = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        # Not chained: a JSONDecodeError carries the whole document, and so the key.
        document = None
    if not isinstance(document, dict):
        problem = f"was to hold a JSON object with the field {field!r}, and does not"
        raise _invalid(where, problem, "Store a JSON object there, or leave the field out for a bare key.")
    if field not in document:
        names = ", ".join(sorted(_safe_name(name) for name in document)[:10]) or "none"
        raise _invalid(where, f"has no field {field!r}; its fields are: {names}", "Name one of them.")
    value = document[field]
    if not isinstance(value, str):
        raise _invalid(where, f"has no text in the field {field!r}, but {type(value).__name__}", "Store a string.")
    return value


def _safe_name(name: str) -> str:
    return name if re.fullmatch(r"[\w.\-/ ]{1,32}", name) else "(an unprintable or long name)"
