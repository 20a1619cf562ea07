"""What the built-in providers share: names, paths, the text form, one warning for a key that had to be cleaned."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from genai_credentials.errors import ConfigurationError, InvalidSecret, Unavailable
from genai_credentials.key import ApiKey, looks_like_a_key
from genai_credentials.log import logger
from genai_credentials.sealing import OfThisProcess

DEFAULT_NAMES = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
"""The SDK's own order (google.genai._api_client.get_env_api_key)."""


class Source(OfThisProcess):
    """What the built-in providers share: a name, and one warning for a key that had to be cleaned.

    A copy of one is itself. One that holds nothing of this process is pickled as its arguments, never with a key.
    """

    name: str = "source"

    def __init__(self) -> None:
        self._warned: str | None = None

    def key(self, text: str, version: str | None = None) -> ApiKey:
        """The key that a text holds; says once what had to be taken off it."""
        key = ApiKey(text, provider=self.name, version=version)
        if key.notes and self._warned != key.fingerprint:
            self._warned = key.fingerprint
            logger.warning(
                "%s: the key %s had %s around it, which was taken off; store the bare key.",
                self.name,
                key.fingerprint,
                " and ".join(dict.fromkeys(key.notes)),
                extra={"event": "key_cleaned", "provider": self.name, "fingerprint": key.fingerprint},
            )
        return key

    @property
    def uri(self) -> str | None:
        """The text form that `genai_credentials.uris.parse` reads back to an equal provider; None without one."""
        return None

    def _again(self) -> Callable[[], Source] | None:
        """Makes an equal provider, in another process too; None where that cannot be."""
        return None

    def __reduce__(self) -> tuple[object, ...]:
        if (again := self._again()) is None or self._given_client() is not None:
            raise TypeError(self._why_not_pickled())
        return again, ()

    def _why_not_pickled(self) -> str:
        why = "what it was made of may hold the key" if self._again() is None else "its client belongs to this process"
        return f"{self.name} is not pickled: {why}. Make it in the other process, with the same arguments."

    def _given_client(self) -> object:
        return getattr(getattr(self, "_client", None), "given", None)

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Source) or type(self) is not type(other):
            return self is other
        # A client of the caller's may lead to another account, or to another store.
        same_client = self._given_client() is other._given_client()
        return self.uri is not None and self.uri == other.uri and same_client

    def __hash__(self) -> int:
        return hash(self.uri) if self.uri else id(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def checked_path(path: str | os.PathLike[str]) -> Path:
    """The path of a file; a `~` at its start is the home directory, as no shell puts it in for a URI.

    Raises:
        ConfigurationError: No file can have it.
    """
    refuse_a_key(str(path))
    if not isinstance(path, (str, os.PathLike)) or not str(path) or not str(path).isprintable():
        raise ConfigurationError(f"{path!r} is no path of a file.", remedy="A path here is printable text.")
    return Path(os.path.expanduser(path))


def refuse_a_key(*names: object) -> None:
    """Refuse a key that stands where a name, a field or a path belongs, without repeating it.

    Raises:
        ConfigurationError: One looks like a key.
    """
    if any(map(looks_like_a_key, names)):
        raise ConfigurationError(
            "This looks like an API key, not like the place where one is kept.",
            remedy="Put the key into GEMINI_API_KEY and use Env(), or name the secret that holds it.",
        )


def uri_of(scheme: str, path: str, field: str | None = None, **query: str | None) -> str:
    """A provider's URI; what would have a meaning in it is percent-encoded.

    Args:
        scheme: What stands before the colon.
        path: What stands after it, as it is.
        field: What stands after '#'; None for nothing.
        query: Names and values after '?'; a None is left out.
    """
    from urllib.parse import quote  # rarely asked

    pairs = "&".join(f"{name}={quote(value, safe='/:+@!')}" for name, value in query.items() if value)
    # A comma before a colon would pass for one between two links.
    path, field = (quote(text or "", safe=f"/:+=@!{'' if ':' in (text or '') else ','}") for text in (path, field))
    return f"{scheme}:{path}" + (f"?{pairs}" if pairs else "") + (f"#{field}" if field else "")


def name_of(scheme: str, path: str, field: str | None = None, **query: str | None) -> str:
    """A provider's name in logs and errors: its URI as a person reads it, without percent-encoding.

    Two links that read different things have different names, so whatever changes what is read belongs into it. The
    arguments are those of `uri_of`.
    """
    pairs = "&".join(f"{name}={value}" for name, value in query.items() if value)
    return f"{scheme}:{path}" + (f"?{pairs}" if pairs else "") + (f"#{field}" if field else "")


def variable_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names to look up, checked.

    Raises:
        ConfigurationError: A name is none.
    """
    for name in names:
        # Not repeated when it looks like a key: that is what people put in the wrong place.
        if not isinstance(name, str) or not re.fullmatch(r"(?!AIza|AQ\.|sk-)[A-Za-z_][A-Za-z0-9_.-]{0,127}", name):
            raise ConfigurationError(
                "That is no name of an environment variable.",
                remedy="Name the variable that holds the key, not the key: Env('GEMINI_API_KEY').",
            )
    return names or DEFAULT_NAMES


def first_of(
    source: Source, names: Sequence[str], values: Mapping[str, str | None], rejected: ApiKey | None, where: str
) -> ApiKey:
    """The key under the first of a source's names that has one, the refused key last.

    Raises:
        Unavailable: There is none.
        InvalidSecret: What is there cannot be a key.
    """
    found = [name for name in names if values.get(name)]
    if not found:
        listed = " and ".join(names)
        raise Unavailable(
            f"{listed} {'are' if len(names) > 1 else 'is'} unset or empty in {where}.",
            remedy=f"Set {names[0]} there, or let another provider serve.",
        )
    key = _named_key(source, found[0], values)
    others = iter(found[1:])
    while key == rejected and (name := next(others, None)):
        key = _named_key(source, name, values)
    return key


def _named_key(source: Source, name: str, values: Mapping[str, str | None]) -> ApiKey:
    try:
        return source.key(values[name] or "")
    except InvalidSecret as error:
        problem = InvalidSecret(f"{error.message.rstrip('.')} ({name}).", remedy=error.remedy)
    # Not chained: the frames of the first one hold the text.
    raise problem
