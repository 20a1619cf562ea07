"""For authors of plug-ins: the protocols `Provider` and `Writable`, and helpers to implement them."""

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
"""An element of a chain: a provider, or a function that returns the key. A chain is a provider too."""

Fetch = TypeVar("Fetch", bound=Callable[..., ApiKey])
Put = TypeVar("Put", bound=Callable[..., ApiKey])


@runtime_checkable
class Provider(Protocol):
    """A place from which a key is read."""

    if TYPE_CHECKING:

        @property
        def name(self) -> str:
            """The name of the provider in logs and errors. It contains no secret."""
            ...

    else:
        # At run time a property would stop subclasses from setting `name` in __init__.
        name: str

    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """Read the key now. The method may block: it is never called in the thread of an event loop.

        Args:
            rejected: The key that the API has just refused, so that the provider can look for a newer one. None means
                that no key was refused. A provider without a newer key may return the refused key again.

        Raises:
            Unavailable: The provider is not set up here.
            FetchFailed: The provider is set up here, and the fetch failed.
        """
        ...


@runtime_checkable
class Writable(Provider, Protocol):
    """A provider that can also store a key.

    A provider that is writable only in some configurations also has a method `check_put()`. That method raises a
    `ConfigurationError` if the provider is not writable. `writable()` calls it.
    """

    def put(self, key: ApiKey | str) -> ApiKey:
        """Store a key, so that the next fetch returns it. The method may block.

        A key that the store already serves is not stored again.

        Args:
            key: The key, or its text. The text is cleaned in the same way as a fetched text.

        Returns:
            The stored key, with its version if the store has versions.

        Raises:
            InvalidSecret: The text cannot be a key. The store is unchanged.
            PutConflict: Somebody else wrote to the store at the same moment. Their value is not lost.
            PutUnsure: The store gave no answer. It may have stored the key.
            PutFailed: The store could not be written. It is unchanged.
            FetchFailed: The store could not be read before the write. It is unchanged.
            ConfigurationError: The provider is pinned to a version, so it cannot be written. The store is unchanged.
        """
        ...


def writable(thing: object) -> Writable:
    """Return the provider if it can store a key. Call this before you create a key for the provider.

    Raises:
        ConfigurationError: The provider has no method `put`, or is pinned to a version.
    """
    refuse_a_class(thing)
    if not callable(getattr(thing, "put", None)):
        name = getattr(thing, "name", type(thing).__name__)
        raise ConfigurationError(
            f"{name}: no key can be put there, because this provider can only be read.",
            remedy="Name a .env file, a file, or a secret of Google Secret Manager or AWS Secrets Manager.",
        )
    if callable(check := getattr(thing, "check_put", None)):
        check()
    return cast(Writable, thing)


def refuse_a_class(thing: object) -> None:
    """Check that `thing` is no class: a class has the methods of its instances, and none of them works.

    Raises:
        ConfigurationError: It is a class.
    """
    if isinstance(thing, type):
        raise ConfigurationError(f"{thing.__name__} is a class.", remedy=f"Pass an instance: {thing.__name__}().")


def import_extra(module: str, extra: str) -> Any:
    """Import a module of an optional package, and return it.

    Args:
        module: The full name of the module.
        extra: The extra of this package that installs the module.

    Raises:
        MissingDependency: The module cannot be imported. The remedy names the extra.
    """
    from importlib import import_module

    try:
        with at_work():
            return import_module(module)
    except ImportError as error:
        raise missing(module, extra) from error


def missing(module: str, extra: str) -> MissingDependency:
    """Return the error for a module that is not installed. Its remedy names the extra that installs the module."""
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
"""Extra -> the feature that needs it."""


def sealed(method: Fetch) -> Fetch:
    """Decorate a method `fetch`: errors of ours leave it without the frames below, which hold the secret's text.

    Error reporters such as Sentry send the local variables of each frame. A text that cannot be a key may contain one.
    """

    @functools.wraps(method)
    def fetch(self: Any, *keys: ApiKey | None, **named: ApiKey | None) -> ApiKey:
        try:
            return method(self, *keys, **named)
        except CredentialsError as error:
            raise error.with_traceback(None) from error.__cause__

    return cast(Fetch, fetch)


def sealed_put(method: Put) -> Put:
    """Decorate a method `put`: its errors keep no local variables, because those hold the text of the key."""
    return cast(Put, sealed_call(method))
