"""The `Provider` protocol, what the built-in providers share, and the adapter for bare callables."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Protocol, runtime_checkable

from genai_credentials.errors import ConfigurationError, FetchFailed
from genai_credentials.key import ApiKey

logger = logging.getLogger("genai_credentials")

DEFAULT_FETCH_TIMEOUT = 10.0

_deadline: ContextVar[float | None] = ContextVar("genai_credentials_deadline", default=None)


@runtime_checkable
class Provider(Protocol):
    """One place a key is read from."""

    @property
    def name(self) -> str:
        """What the provider is called in logs and errors; never secret."""
        ...

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


def seconds_left() -> float:
    """How long the running fetch may still take, in seconds: `fetch_timeout` when no engine set a deadline."""
    deadline = _deadline.get()
    return DEFAULT_FETCH_TIMEOUT if deadline is None else max(0.05, deadline - time.monotonic())


def set_deadline(timeout: float) -> None:
    """Give the fetch that runs in this thread's context `timeout` seconds from now."""
    _deadline.set(time.monotonic() + timeout)


class Source:
    """What the built-in providers share: a name, and one warning for a key that had to be cleaned."""

    name: str = "source"

    def __init__(self) -> None:
        self._warned: str | None = None

    def _key(self, text: str, version: str | None = None) -> ApiKey:
        key = ApiKey(text, provider=self.name, version=version)
        if key.notes and self._warned != key.fingerprint:
            self._warned = key.fingerprint
            logger.warning(
                "%s: the key %s had %s around it, which was taken off; store the bare key.",
                self.name,
                key.fingerprint,
                " and ".join(dict.fromkeys(key.notes)),
            )
        return key

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class CallableProvider(Source):
    """A `Callable[[], str]` as a provider.

    Args:
        function: Called without arguments for each fetch; returns the key's text or an `ApiKey`.
    """

    def __init__(self, function: Callable[[], str | ApiKey]) -> None:
        super().__init__()
        self._function = function
        self.name = f"callable:{getattr(function, '__qualname__', type(function).__name__)}"

    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """Call the function; see `Provider.fetch`."""
        result = self._function()
        return result if isinstance(result, ApiKey) else self._key(result)


def as_provider(thing: object) -> Provider:
    """The provider that `thing` is or can be made into.

    Raises:
        ConfigurationError: It is neither a provider nor a callable without arguments.
    """
    if isinstance(thing, type):
        raise ConfigurationError(f"{thing.__name__} is a class.", remedy=f"Pass an instance: {thing.__name__}().")
    if callable(getattr(thing, "fetch", None)):
        return _named(thing)
    if not callable(thing):
        kind = type(thing).__name__
        raise ConfigurationError(
            f"A provider has a name and fetch(rejected), or is a callable that returns the key; {kind} is neither.",
            remedy="For a key in hand use Env() or a function; for text like 'env:' use CredentialProvider.from_uris.",
        )
    if _is_coroutine_function(thing):
        raise ConfigurationError(
            "Providers are synchronous: a fetch runs in a thread, off the event loop.",
            remedy="Pass a plain function.",
        )
    return CallableProvider(thing)


def _named(thing: object) -> Provider:
    if not isinstance(getattr(thing, "name", None), str):
        raise ConfigurationError(f"{type(thing).__name__} has fetch() but no name.", remedy="Give it name: str.")
    if _is_coroutine_function(thing.fetch):  # type: ignore[attr-defined]
        raise ConfigurationError(f"{thing.name}.fetch is async.", remedy="Make it a plain method.")  # type: ignore[attr-defined]
    return thing  # type: ignore[return-value]


def _is_coroutine_function(thing: object) -> bool:
    import inspect  # noqa: PLC0415 - keeps the first fetch's import light

    return inspect.iscoroutinefunction(thing) or inspect.iscoroutinefunction(getattr(thing, "__call__", None))


def checked(result: object, provider: Provider) -> ApiKey:
    """What a fetch returned, as a key; a provider that returns bare text is forgiven.

    Raises:
        FetchFailed: It is neither.
    """
    if isinstance(result, ApiKey):
        return result
    if isinstance(result, str):
        return ApiKey(result, provider=provider.name)
    raise FetchFailed(f"{provider.name}: fetch() returned {type(result).__name__}.", remedy="Return an ApiKey.")
