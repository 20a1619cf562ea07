"""The plug-in author's room: the `Provider` protocol, and what helps to write one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

from genai_credentials.deadline import seconds_left
from genai_credentials.errors import CredentialsError, MissingDependency
from genai_credentials.key import ApiKey

__all__ = ["AnyProvider", "Provider", "import_extra", "sealed", "seconds_left"]

AnyProvider: TypeAlias = "Provider | Callable[[], str | ApiKey]"
"""What a chain takes: a provider, or a function that returns the key. A chain is a provider itself."""

Fetch = TypeVar("Fetch", bound=Callable[..., ApiKey])


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


def import_extra(module: str, extra: str) -> Any:
    """A module of an optional package, loaded on first use.

    Raises:
        MissingDependency: It is not installed; the remedy names the extra.
    """
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDependency(
            f"{extra}: the package of the module {module} is not installed.",
            remedy=f"pip install 'genai-credentials[{extra}]'",
        ) from error


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
