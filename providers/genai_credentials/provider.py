"""The plug-in author's room: the `Provider` and `Writable` protocols, and what helps to write one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

from genai_credentials.deadline import seconds_left
from genai_credentials.errors import ConfigurationError, CredentialsError, MissingDependency
from genai_credentials.forks import at_work
from genai_credentials.key import ApiKey
from genai_credentials.sealing import sealed_call

__all__ = ["AnyProvider", "Provider", "Writable", "import_extra", "sealed", "sealed_put", "seconds_left", "writable"]

AnyProvider: TypeAlias = "Provider | Callable[[], str | ApiKey]"
"""What a chain takes: a provider, or a function that returns the key. A chain is a provider itself."""

Fetch = TypeVar("Fetch", bound=Callable[..., ApiKey])
Put = TypeVar("Put", bound=Callable[..., ApiKey])


@runtime_checkable
class Provider(Protocol):
    """One place a key is read from."""

    if TYPE_CHECKING:

        @property
        def name(self) -> str:
            """What the provider is called in logs and errors; never secret."""
            ...

    else:
        # A property would keep a subclass from setting its name in __init__.
        name: str

    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """Read the key now; may block, and is never called on an event loop's thread.

        Args:
            rejected: The key that the API has just refused, so that something newer can be looked for; None when
                nothing was refused. Returning the refused key again is allowed: it means "nothing newer".

        Raises:
            Unavailable: The provider is not set up here.
            FetchFailed: It is set up, and failed.
        """
        ...


@runtime_checkable
class Writable(Provider, Protocol):
    """A provider that a key can also be put into.

    One that is writable in some configurations only has a method `check_put()` as well, which raises a
    `ConfigurationError` where it is not; `writable` calls it.
    """

    def put(self, key: ApiKey | str) -> ApiKey:
        """Store a key, so that the next fetch serves it; may block. A key that is served already is not stored again.

        Args:
            key: The key, or its text, which is cleaned as a fetched one is.

        Returns:
            The stored key, with its version if the store has versions.

        Raises:
            InvalidSecret: The text cannot be a key; nothing was changed.
            PutConflict: Somebody else wrote at the same moment; nothing of theirs is lost.
            PutUnsure: The store gave no answer, so it may have the key all the same.
            PutFailed: The store could not be written; nothing was changed.
            FetchFailed: It could not be read before; nothing was changed.
            ConfigurationError: This one cannot be written, since it is pinned to a version; nothing was changed.
        """
        ...


def writable(thing: object) -> Writable:
    """The provider itself, if a key can be put into it; asked before a key is made for it.

    Raises:
        ConfigurationError: It has no `put`, or is pinned.
    """
    if not callable(getattr(thing, "put", None)):
        name = getattr(thing, "name", type(thing).__name__)
        raise ConfigurationError(
            f"{name}: no key can be put there; it can only be read.",
            remedy="Name a .env file, a file, a secret of Google Secret Manager or one of AWS Secrets Manager.",
        )
    if callable(check := getattr(thing, "check_put", None)):
        check()
    return cast(Writable, thing)


def import_extra(module: str, extra: str) -> Any:
    """A module of an optional package, loaded on first use.

    Raises:
        MissingDependency: It is not installed; the remedy names the extra.
    """
    from importlib import import_module

    try:
        with at_work():
            return import_module(module)
    except ImportError as error:
        raise missing(module, extra) from error


def missing(module: str, extra: str) -> MissingDependency:
    """The error that names a part of this package which is not installed, and the extra that brings it."""
    part = _PARTS.get(extra, extra)
    return MissingDependency(
        f"{part} support is not installed: the module {module} cannot be imported.",
        remedy=f"pip install 'genai-credentials[{extra}]'",
    )


_PARTS = {
    "google": "Google Secret Manager",
    "aws": "AWS Secrets Manager",
    "dotenv": ".env file",
    "otel": "OpenTelemetry",
    "proxy": "Proxy",
}
"""Extra -> what it is for."""


def sealed(method: Fetch) -> Fetch:
    """A fetch whose errors keep no frames: those below it hold the secret's text in their locals.

    Reporters such as Sentry send the locals along, and a text that was refused as a key may still hold one.
    """

    @functools.wraps(method)
    def fetch(self: Any, *keys: ApiKey | None, **named: ApiKey | None) -> ApiKey:
        try:
            return method(self, *keys, **named)
        except CredentialsError as error:
            raise error.with_traceback(None) from error.__cause__

    return cast(Fetch, fetch)


def sealed_put(method: Put) -> Put:
    """A put whose errors keep no frames: those below it, and its own, hold the key's text in their locals."""
    return cast(Put, sealed_call(method))
