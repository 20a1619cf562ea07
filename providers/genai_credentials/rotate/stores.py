"""The stores of a rotated key: the primary store, and further stores that hold the same key."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from genai_credentials import redaction
from genai_credentials.errors import ConfigurationError
from genai_credentials.key import ApiKey
from genai_credentials.provider import Writable, writable


class Stores:
    """Providers that a key can be put into.

    Args:
        primary: The store whose key is rotated.
        also: Further stores that hold the same key.

    Raises:
        ConfigurationError: A store can only be read, or one store is named twice.
    """

    def __init__(self, primary: Writable, also: Sequence[Writable]) -> None:
        self.primary = writable(primary)
        self.also = tuple(writable(store) for store in _several(also))
        names = [store.name for store in self]
        if len({*names}) < len(names):
            raise ConfigurationError("The same store is named twice.", remedy="Name each store once.")

    def __iter__(self) -> Iterator[Writable]:
        # The primary store comes last. Until it is written, a repeated run finds the same snapshot.
        return iter((*self.also, self.primary))

    def identity(self) -> str:
        """The identity of the primary store. It is the same on every machine."""
        return identity_of(self.primary)

    def newest(self) -> ApiKey:
        """The newest key in the primary store."""
        return newest(self.primary)


def _several(also: Sequence[Writable]) -> Sequence[Writable]:
    if isinstance(also, (str, bytes)) or not isinstance(also, Iterable):
        raise ConfigurationError(
            f"also is {type(also).__name__}, not a sequence of providers.",
            remedy="Put the further providers into brackets: also=(File(path),).",
        )
    return also


def newest(store: Writable) -> ApiKey:
    """The newest key in a store. It can be newer than the key that the store's first answer holds.

    If versions are numbers, the versions after the first answer's version are asked for by number. Google's
    documentation says that `latest` is eventually consistent, and a rotation must not start from a key that has a
    successor already.

    Args:
        store: The store.

    Raises:
        CredentialsError: The store cannot be read.
    """
    key = store.fetch()
    redaction.know(key)
    newer: Callable[[ApiKey], ApiKey] | None = getattr(store, "fetch_newer", None)
    if newer is not None and key.version and key.version.isdecimal():
        key = newer(key)
        redaction.know(key)
    return key


def identity_of(store: Writable) -> str:
    """The store's own name for a place: a resource name, an ARN or an absolute path, each with its field."""
    if callable(identity := getattr(store, "identity", None)):
        return str(identity())
    path = str(getattr(store, "path", ""))
    # With an absolute path, the name is the same in every working directory.
    return store.name.replace(path, os.path.abspath(path), 1) if path else store.name
