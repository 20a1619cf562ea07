"""httpx and httpx2: which of them are installed, which one the SDK would choose, and classes that work with both."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Protocol

from genai_credentials.forks import at_work


class URL(Protocol):
    """A URL of httpx, httpx2 or yarl."""

    @property
    def scheme(self) -> str: ...
    @property
    def host(self) -> str | None: ...
    @property
    def port(self) -> int | None: ...


class HttpxURL(URL, Protocol):
    """A URL of httpx or httpx2."""

    @property
    def host(self) -> str: ...
    @property
    def userinfo(self) -> bytes: ...


class Headers(Protocol):
    """The headers of a request of httpx or httpx2."""

    encoding: str

    @property
    def raw(self) -> list[tuple[bytes, bytes]]: ...
    def pop(self, name: str, default: str | None = None, /) -> str | None: ...
    def __contains__(self, name: object, /) -> bool: ...
    def __getitem__(self, name: str, /) -> str: ...
    def __setitem__(self, name: str, value: str, /) -> None: ...
    def __delitem__(self, name: str, /) -> None: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def multi_items(self) -> list[tuple[str, str]]: ...


class Request(Protocol):
    """A request of httpx or httpx2."""

    extensions: dict[str, object]
    stream: object

    @property
    def url(self) -> HttpxURL: ...
    @property
    def headers(self) -> Headers: ...


class Response(Protocol):
    """An answer of httpx or httpx2. Its body is available after `read` or `aread`."""

    status_code: int
    extensions: dict[str, object]

    @property
    def request(self) -> Request: ...
    @property
    def content(self) -> bytes: ...
    def read(self) -> bytes: ...
    async def aread(self) -> bytes: ...


@functools.cache
def http_modules(first: str = "") -> list[ModuleType]:
    """httpx2 and httpx, as far as they are installed.

    Args:
        first: The name of the module to return first; "" for the module that the installed SDK would choose.
    """
    names = ["httpx2", "httpx"] if int(version("google-genai").split(".")[0]) >= 3 else ["httpx", "httpx2"]
    modules = [module for name in names if (module := optional_module(name)) is not None]
    return sorted(modules, key=lambda module: module.__name__ != first)


def optional_module(name: str) -> ModuleType | None:
    """A module that may not be installed; None if it is not."""
    try:
        return import_module(name)
    except ImportError:
        return None


@functools.cache
def over_http_modules(kind: type, base: str, first: str = "") -> type:
    """The class `kind` as a subclass of the class `base` of each HTTP module. Each module checks for its own class.

    Args:
        kind: The class with the behaviour.
        base: The name of the class in the HTTP modules.
        first: The module whose class comes first among the bases. The SDK chooses its own classes by it.
    """
    return type(kind.__name__, (kind, *(getattr(module, base) for module in http_modules(first))), {})


def module_of(*parts: object) -> str:
    """The HTTP module of the user's parts, found as the SDK finds it; "" if no part is of httpx or httpx2."""
    names = (kind.__module__.partition(".")[0] for part in parts for kind in type(part).__mro__)
    return next((name for name in names if name in ("httpx", "httpx2")), "")


@functools.cache
def load_anyio() -> None:
    """Load the modules that anyio loads on its first use in an event loop. Forks wait until they are loaded.

    A child process that is forked in the middle of that import waits for it forever.
    """
    with at_work(), suppress(ImportError, RuntimeError):
        import_module("anyio").Event()
