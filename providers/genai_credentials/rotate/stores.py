"""The places that a rotated key is kept in: one that counts, and others that hold the same key."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

from genai_credentials import redaction
from genai_credentials.errors import ConfigurationError
from genai_credentials.key import ApiKey
from genai_credentials.provider import Writable, writable


class Stores:
    """Providers that a key can be put into.

    Args:
        primary: The one whose key is rotated.
        also: Further ones that hold the same key.

    Raises:
        ConfigurationError: No key can be put into one of them, or one is named twice.
    """

    def __init__(self, primary: Writable, also: Sequence[Writable]) -> None:
        self.primary = writable(primary)
        self.also = tuple(writable(store) for store in also)
        names = [store.name for store in self]
        if len({*names}) < len(names):
            raise ConfigurationError("The same place is named twice.", remedy="Name each place once.")

    def __iter__(self) -> Iterator[Writable]:
        # The one that counts comes last: until it is written, a run that is begun anew finds everything as it was.
        return iter((*self.also, self.primary))

    def identity(self) -> str:
        """What the place that counts is called by its own store, the same from everywhere."""
        return identity_of(self.primary)

    def newest(self) -> ApiKey:
        """The newest key in the place that counts."""
        return newest(self.primary)


def newest(store: Writable) -> ApiKey:
    """The newest key in a place, which is not always the one that a first read serves.

    Where versions are numbers, those past the one that was read are asked for by number: `latest` lags (Google's
    documentation of Secret Manager), and a rotation must not go by a key that has a successor already.
    """
    key = store.fetch()
    redaction.know(key)
    newer: Callable[[ApiKey], ApiKey] | None = getattr(store, "fetch_newer", None)
    if newer is not None and key.version and key.version.isdecimal():
        key = newer(key)
        redaction.know(key)
    return key


def identity_of(store: Writable) -> str:
    """What a store itself calls the place: a resource name, an ARN, an absolute path, each with its field."""
    if callable(identity := getattr(store, "identity", None)):
        return str(identity())
    path = str(getattr(store, "path", ""))
    # From everywhere on the machine the same.
    return store.name.replace(path, os.path.abspath(path), 1) if path else store.name
