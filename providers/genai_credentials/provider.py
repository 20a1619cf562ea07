"""The `Provider` protocol, what the built-in providers share, and the adapter for bare callables."""

from __future__ import annotations

import functools
import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

from genai_credentials.errors import (
    ConfigurationError,
    CredentialsError,
    FetchFailed,
    InvalidSecret,
    MissingDependency,
    Unavailable,
)
from genai_credentials.key import ApiKey, looks_like_a_key


class _Reports(logging.LoggerAdapter[logging.Logger]):
    """Our logger; what an application's handlers, filters and record factory raise fails no fetch and no request."""

    def log(self, level: int, msg: object, *args: object, **options: Any) -> None:
        """One record, if the level is on; never raises."""
        try:
            self._record(level, msg, args, **options)
        except Exception as error:
            # As logging itself does with a handler that fails; what it failed amid may hold a key, and isn't shown.
            if logging.raiseExceptions and sys.stderr:
                with suppress(Exception):
                    traceback.print_exception(error, chain=False)

    def _record(self, level: int, msg: object, args: Any, extra: Mapping[str, object] | None = None) -> None:
        try:
            self.logger.log(level, msg, *args, extra=extra, stacklevel=3)
        except KeyError:
            # The application's own record factory has taken some of the names: the record goes without those.
            taken = vars(self.logger.makeRecord(self.name, level, "", 0, "", (), None))
            free = {name: value for name, value in (extra or {}).items() if name not in taken}
            if free == extra:
                raise
            self.logger.log(level, msg, *args, extra=free, stacklevel=3)


logger = _Reports(logging.getLogger("genai_credentials"))

AnyProvider: TypeAlias = "Provider | Callable[[], str | ApiKey]"
"""What a chain takes: a provider, or a function that returns the key. A chain is a provider itself."""

Fetch = TypeVar("Fetch", bound=Callable[..., ApiKey])

DEFAULT_FETCH_TIMEOUT = 10.0

# Until when, and how long in all; without an engine there is no end.
_deadline: ContextVar[tuple[float | None, float]] = ContextVar(
    "genai_credentials_deadline", default=(None, DEFAULT_FETCH_TIMEOUT)
)


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


def seconds_left() -> float:
    """How long the running fetch may still take, in seconds: `fetch_timeout` when no engine set a deadline."""
    deadline, in_all = _deadline.get()
    return in_all if deadline is None else max(0.05, deadline - time.monotonic())


def seconds_in_all() -> float:
    """How long a fetch of the one that asks may take, in seconds: for a client that later fetches use, too."""
    return _deadline.get()[1]


def set_deadline(timeout: float) -> None:
    """Give the fetch that runs in this thread's context `timeout` seconds from now."""
    _deadline.set((time.monotonic() + timeout, timeout))


def sealed(method: Fetch) -> Fetch:
    """A fetch whose errors keep no frames: those below it hold the secret's text in their locals.

    Reporters such as Sentry send the locals along, and a text that was refused as a key may still hold one.
    """

    @functools.wraps(method)
    def fetch(self: Any, rejected: ApiKey | None = None) -> ApiKey:
        try:
            return method(self, rejected)
        except CredentialsError as error:
            raise error.with_traceback(None) from error.__cause__

    return cast(Fetch, fetch)


DEFAULT_NAMES = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
"""The SDK's own order (google.genai._api_client.get_env_api_key)."""


class Source:
    """What the built-in providers share: a name, and one warning for a key that had to be cleaned."""

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

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Source) or type(self) is not type(other):
            return self is other
        return self.uri is not None and self.uri == other.uri

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
    text = f"{scheme}:{quote(path, safe='/:+=@!,')}"
    return text + (f"?{pairs}" if pairs else "") + (f"#{quote(field, safe='/:+=@!,')}" if field else "")


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


class CallableProvider(Source):
    """A `Callable[[], str]` as a provider.

    Args:
        function: Called without arguments for each fetch; returns the key's text or an `ApiKey`.
    """

    def __init__(self, function: Callable[[], str | ApiKey]) -> None:
        super().__init__()
        self._function = function
        self.name = f"callable:{getattr(function, '__qualname__', type(function).__name__)}"

    @sealed
    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """Call the function; see `Provider.fetch`."""
        result = self._function()
        return result if isinstance(result, ApiKey) else self.key(result)


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
    function: Callable[[], Any] = thing
    return CallableProvider(function)


def _named(thing: object) -> Provider:
    if not isinstance(getattr(thing, "name", None), str):
        raise ConfigurationError(f"{type(thing).__name__} has fetch() but no name.", remedy="Give it name: str.")
    if _is_coroutine_function(thing.fetch):  # type: ignore[attr-defined]
        raise ConfigurationError(f"{thing.name}.fetch is async.", remedy="Make it a plain method.")  # type: ignore[attr-defined]
    return thing  # type: ignore[return-value]


def _is_coroutine_function(thing: object) -> bool:
    import inspect

    call = getattr(type(thing), "__call__", None)  # noqa: B004 - an object whose __call__ is async
    return inspect.iscoroutinefunction(thing) or inspect.iscoroutinefunction(call)


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
