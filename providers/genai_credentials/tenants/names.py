"""A tenant's name: the check of a name, its form in messages, and its form in a client's placeholder."""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64

from genai_credentials.errors import ConfigurationError
from genai_credentials.key import PLACEHOLDER, looks_like_a_key

LONGEST = 512
"""The most characters of a name. A placeholder is a header of each request until the key replaces it."""

PREFIX = f"{PLACEHOLDER}."
_START = (PLACEHOLDER.encode(), len(PREFIX))


def checked(name: object) -> str:
    """The name, unchanged. A name is never normalised.

    Args:
        name: The name to check.

    Raises:
        ConfigurationError: It is not a text of 1 to 512 characters, or it looks like a key. The error does not repeat
            it.
    """
    if not isinstance(name, str):
        raise ConfigurationError(
            f"A tenant's name must be a text, not {type(name).__name__}.",
            remedy="Pass the tenant's name as the factory receives it.",
        )
    name = str.__str__(name)
    if not name or len(name) > LONGEST:
        raise ConfigurationError(
            f"A tenant's name has 1 to {LONGEST} characters; this one has {len(name)}.",
            remedy="Pass the tenant's identifier, and check it before this call.",
        )
    if looks_like_a_key(name):
        raise ConfigurationError(
            "This looks like an API key, not like a tenant's name.",
            remedy="Pass the tenant's name. The factory names the store of that tenant's key.",
        )
    return name


def escaped(name: str) -> str:
    """A name for messages, events and logs: printable ASCII. Two names never have the same form."""
    return name.encode("unicode_escape").decode("ascii")


def placeholder_of(name: str) -> str:
    """The placeholder of this tenant, with which its client is built instead of a key."""
    return PREFIX + b2a_base64(name.encode("utf-8", "surrogatepass"), newline=False).decode()


def name_in(placeholder: str | bytes) -> str:
    """The name in a placeholder; "" for the bare placeholder, which names no tenant.

    Raises:
        ConfigurationError: The placeholder is not one of ours.
    """
    try:
        return a2b_base64(placeholder[_START[1] :]).decode("utf-8", "surrogatepass")
    except (Error, UnicodeError):
        problem = ConfigurationError(
            "A request has a placeholder that this library did not make.", remedy="Leave out its x-goog-api-key header."
        )
    raise problem


class Placeholders:
    """The set of all placeholders, as text and as bytes."""

    def __contains__(self, value: object) -> bool:
        if type(value) is bytes:
            return value.startswith(_START[0])
        return isinstance(value, str) and value.startswith(PLACEHOLDER)
