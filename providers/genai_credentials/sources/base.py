"""Shared parts of the built-in providers: the base class, checks of names and paths, and the text form."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from genai_credentials.errors import ConfigurationError, InvalidSecret, Unavailable
from genai_credentials.key import ApiKey, refuse_a_key
from genai_credentials.log import logger
from genai_credentials.sealing import OfThisProcess

DEFAULT_NAMES = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
"""The order of the SDK itself (google.genai._api_client.get_env_api_key)."""


class Source(OfThisProcess):
    """The base class of the built-in providers. It logs one warning when it had to clean a key.

    A copy of a provider is the same object. Pickle stores the arguments of a provider, never a key. A provider with an
    object of this process cannot be pickled.
    """

    name: str = "source"

    def __init__(self) -> None:
        self._warned: str | None = None

    def key(self, text: str, version: str | None = None) -> ApiKey:
        """Return the key in this text. Logs a warning, once per key, if characters around the key were removed."""
        key = ApiKey(text, provider=self.name, version=version)
        if key.notes and self._warned != key.fingerprint:
            self._warned = key.fingerprint
            logger.warning(
                "%s: the key %s had %s around it, which was taken off. Store the bare key.",
                self.name,
                key.fingerprint,
                " and ".join(dict.fromkeys(key.notes)),
                extra={"event": "key_cleaned", "provider": self.name, "fingerprint": key.fingerprint},
            )
        return key

    @property
    def uri(self) -> str | None:
        """The text form, which `genai_credentials.uris.parse` turns into an equal provider; None without a form."""
        return None

    def _again(self) -> Callable[[], Source] | None:
        """Return a function that makes an equal provider, also in another process; None if this is impossible."""
        return None

    def __reduce__(self) -> tuple[object, ...]:
        if (again := self._again()) is None or self._given_client() is not None:
            raise TypeError(self._why_not_pickled())
        return again, ()

    def _why_not_pickled(self) -> str:
        why = "its arguments may hold the key" if self._again() is None else "its client belongs to this process"
        return f"{self.name} is not pickled: {why}. Make the provider in the other process, with the same arguments."

    def _given_client(self) -> object:
        return getattr(getattr(self, "_client", None), "given", None)

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Source) or type(self) is not type(other):
            return self is other
        # Two clients of the caller may read from different accounts or different stores.
        same_client = self._given_client() is other._given_client()
        return self.uri is not None and self.uri == other.uri and same_client

    def __hash__(self) -> int:
        return hash(self.uri) if self.uri else id(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def checked_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a file. A `~` at its start is the home directory, because no shell expands it in a URI.

    Raises:
        ConfigurationError: No file can have this path.
    """
    refuse_a_key(str(path))
    if not isinstance(path, (str, os.PathLike)) or not str(path) or not str(path).isprintable():
        raise ConfigurationError(f"{path!r} is not the path of a file.", remedy="Pass a path of printable text.")
    return Path(os.path.expanduser(path))


def uri_of(scheme: str, path: str, field: str | None = None, **query: str | None) -> str:
    """Return the URI of a provider. Characters with a meaning in a URI are percent-encoded.

    Args:
        scheme: The text before the colon.
        path: The text after the colon, not yet encoded.
        field: The text after '#', not yet encoded; None leaves '#' out.
        query: The names and values after '?'. A name whose value is None is left out.
    """
    from urllib.parse import quote  # rarely needed

    pairs = "&".join(f"{name}={quote(value, safe='/:+@!')}" for name, value in query.items() if value)
    # In a path without a colon, a comma before a later colon would look like a comma between two links.
    path, field = (quote(text or "", safe=f"/:+=@!{'' if ':' in (text or '') else ','}") for text in (path, field))
    return f"{scheme}:{path}" + (f"?{pairs}" if pairs else "") + (f"#{field}" if field else "")


def name_of(scheme: str, path: str, field: str | None = None, **query: str | None) -> str:
    """Return the name of a provider for logs and errors: its URI in a readable form, without percent-encoding.

    Two links that read different things must have different names. Therefore the name contains each argument that
    changes the result of a fetch. The arguments are the arguments of `uri_of`.
    """
    pairs = "&".join(f"{name}={value}" for name, value in query.items() if value)
    return f"{scheme}:{path}" + (f"?{pairs}" if pairs else "") + (f"#{field}" if field else "")


def variable_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the variables to read, after a check. An empty tuple means `DEFAULT_NAMES`.

    Raises:
        ConfigurationError: One of the names cannot be the name of an environment variable.
    """
    for name in names:
        # The error does not repeat the name, because people put the key itself here by mistake.
        if not isinstance(name, str) or not re.fullmatch(r"(?!AIza|AQ\.|sk-)[A-Za-z_][A-Za-z0-9_.-]{0,127}", name):
            raise ConfigurationError(
                "This is not the name of an environment variable.",
                remedy="Pass the name of the variable that holds the key, not the key: Env('GEMINI_API_KEY').",
            )
    return names or DEFAULT_NAMES


def first_of(
    source: Source, names: Sequence[str], values: Mapping[str, str | None], rejected: ApiKey | None, where: str
) -> ApiKey:
    """Return the key of the first variable that has a value. The refused key is returned only if there is no other.

    Args:
        source: The provider that reads the variables.
        names: The names of the variables, in order of preference.
        values: The values of all variables by name.
        rejected: The key that the API has just refused; None when no key was refused.
        where: The place of the variables, for the error.

    Raises:
        Unavailable: None of the variables has a value.
        InvalidSecret: A value cannot be a key.
    """
    found = [name for name in names if values.get(name)]
    if not found:
        listed = " and ".join(names)
        raise Unavailable(
            f"{listed} {'are' if len(names) > 1 else 'is'} unset or empty in {where}.",
            remedy=f"Set {names[0]} there, or add another provider to the chain.",
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
    # The first error is not chained, because its frames hold the text of the key.
    raise problem
