"""Makes providers from callables, and checks the elements of a chain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genai_credentials.errors import ConfigurationError, FetchFailed, InvalidSecret
from genai_credentials.key import ApiKey
from genai_credentials.provider import Provider, refuse_a_class, sealed
from genai_credentials.sealing import hidden
from genai_credentials.sources.base import Source


class CallableProvider(Source):
    """A provider that calls a function for each fetch.

    Args:
        function: A function without arguments. It returns the text of the key, or an `ApiKey`.
    """

    def __init__(self, function: Callable[[], str | ApiKey]) -> None:
        super().__init__()
        self._function = hidden(function)
        self.name = f"callable:{getattr(function, '__qualname__', type(function).__name__)}"

    @sealed
    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """Call the function, and return its result as a key; see `Provider.fetch`."""
        result = self._function()()
        if isinstance(result, ApiKey):
            return result
        if not isinstance(result, str):
            kind = type(result).__name__
            raise InvalidSecret(
                f"{self.name}: the function returned {kind}, not text.", remedy="Return the key's text."
            )
        return self.key(result)


def as_provider(thing: object) -> Provider:
    """Return `thing` if it is a provider, or make a provider from it if it is a callable.

    Raises:
        ConfigurationError: `thing` is neither, is a class, has no name, is asynchronous, or takes other arguments.
    """
    refuse_a_class(thing)
    if callable(getattr(thing, "fetch", None)):
        return _named(thing)
    if not callable(thing):
        kind = type(thing).__name__
        raise ConfigurationError(
            f"{kind} is not a provider: it has no method fetch(rejected), and it is not callable.",
            remedy=_REMEDIES.get(type(thing), "Pass Env(), another provider, or a function that returns the key."),
        )
    if is_coroutine_function(thing):
        raise ConfigurationError(
            "An async function cannot be a provider: a fetch runs in a thread, without an event loop.",
            remedy="Pass a plain function.",
        )
    if not _takes(thing):
        raise ConfigurationError(
            f"{getattr(thing, '__qualname__', type(thing).__name__)} needs arguments, but a fetch passes none.",
            remedy="Pass a function without arguments: lambda: read(path).",
        )
    function: Callable[[], Any] = thing
    return CallableProvider(function)


_SEPARATELY = "Pass the providers one by one, without brackets: CredentialProvider(Env(), File(path))."
_REMEDIES: dict[type, str] = {
    list: _SEPARATELY,
    tuple: _SEPARATELY,
    set: _SEPARATELY,
    dict: _SEPARATELY,
    str: "For the text of a key, pass Env() or a function. For a URI such as 'env:', use CredentialProvider.from_uris.",
    type(None): "Leave out the argument, or pass Env().",
}
"""Type of an argument that is no provider -> what to do."""


def _named(thing: object) -> Provider:
    if not isinstance(getattr(thing, "name", None), str):
        kind = type(thing).__name__
        raise ConfigurationError(f"{kind} has fetch() but no name.", remedy="Add an attribute, name: str.")
    if is_coroutine_function(thing.fetch):  # type: ignore[attr-defined]
        raise ConfigurationError(f"{thing.name}: fetch() is async.", remedy="Make it a plain method.")  # type: ignore[attr-defined]
    if not (_is_built_in(thing) or _takes(thing.fetch, None)):  # type: ignore[attr-defined]
        raise ConfigurationError(
            f"{thing.name}: fetch() cannot be called with one argument, the refused key.",  # type: ignore[attr-defined]
            remedy="Write def fetch(self, rejected=None).",
        )
    return thing  # type: ignore[return-value]


def _is_built_in(thing: object) -> bool:
    # A built-in provider needs no check of its signature, and the import of inspect takes 8 ms.
    return type(thing).__module__.startswith(f"{__package__}.")


def _takes(function: Any, *arguments: object) -> bool:
    """Return whether a call with these arguments is possible. For a function without a signature: True."""
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True


def is_coroutine_function(thing: object) -> bool:
    """Return whether a call of `thing` returns a coroutine."""
    import inspect

    call = getattr(type(thing), "__call__", None)  # noqa: B004 - an object whose __call__ is async
    return inspect.iscoroutinefunction(thing) or inspect.iscoroutinefunction(call)


def checked(result: object, provider: Provider) -> ApiKey:
    """Return the result of a fetch as a key. A bare text is accepted too.

    Raises:
        FetchFailed: The result is neither an `ApiKey` nor text.
    """
    if isinstance(result, ApiKey):
        return result
    if isinstance(result, str):
        return ApiKey(result, provider=provider.name)
    raise FetchFailed(f"{provider.name}: fetch() returned {type(result).__name__}.", remedy="Return an ApiKey.")
