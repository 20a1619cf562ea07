"""A tenant's name: which may be one, how it is shown, and how a client's placeholder carries it."""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64

from genai_credentials.errors import ConfigurationError
from genai_credentials.key import PLACEHOLDER, looks_like_a_key

LONGEST = 512
"""Characters of a name: a placeholder is a header of each request until the key takes its place."""

PREFIX = f"{PLACEHOLDER}."
_START = (PLACEHOLDER.encode(), len(PREFIX))


def checked(name: object) -> str:
    """A name as it was given; it is never normalised.

    Raises:
        ConfigurationError: It isn't one.
    """
    if not isinstance(name, str):
        raise ConfigurationError(
            f"A tenant's name is a text, not {type(name).__name__}.", remedy="Pass the name that the factory is to get."
        )
    name = str.__str__(name)
    if not name or len(name) > LONGEST:
        raise ConfigurationError(
            f"A tenant's name has 1 to {LONGEST} characters; this one has {len(name)}.",
            remedy="Pass the tenant's identifier. Is it there, and is it checked before it gets here?",
        )
    if looks_like_a_key(name):
        raise ConfigurationError(
            "This looks like an API key, not like a tenant's name.",
            remedy="Pass the tenant's name; the factory says where that tenant's key is kept.",
        )
    return name


def escaped(name: str) -> str:
    """A name for messages, events and logs: printable ASCII, another one for each name, and itself for most."""
    return name.encode("unicode_escape").decode("ascii")


def placeholder_of(name: str) -> str:
    """What a client of this tenant is built with in a key's stead."""
    return PREFIX + b2a_base64(name.encode("utf-8", "surrogatepass"), newline=False).decode()


def name_in(placeholder: str | bytes) -> str:
    """The name that a placeholder carries; "" for the bare one, which carries none.

    Raises:
        ConfigurationError: It was made by hand.
    """
    try:
        return a2b_base64(placeholder[_START[1] :]).decode("utf-8", "surrogatepass")
    except (Error, UnicodeError):
        problem = ConfigurationError(
            "A request has a placeholder that is none of ours.", remedy="Leave that header out."
        )
    raise problem


class Placeholders:
    """All of them, as text and as bytes."""

    def __contains__(self, value: object) -> bool:
        if type(value) is bytes:
            return value.startswith(_START[0])
        return isinstance(value, str) and value.startswith(PLACEHOLDER)
