"""Everything of ours that rests on private names of google-genai, or on what one of its versions does.

The rest of the package uses the SDK's public face alone. tests/integration/test_sdk.py fails when one of these goes.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from google import genai
from google.genai import _api_client, _base_url, live_music, types

from genai_credentials.client.backends import optional_module
from genai_credentials.client.exchange import API_KEY_HEADER as API_KEY_HEADER
from genai_credentials.client.lazy_models import LazyModels
from genai_credentials.sealing import OfThisProcess

if TYPE_CHECKING:
    from genai_credentials.client.sockets import InteractionSocket, Live, Sockets

GOOGLE = ("https://generativelanguage.googleapis.com", "https://aiplatform.googleapis.com")
"""The SDK's own base URLs for an API key (google.genai._api_client)."""

# It lives as long as the process: forks know it weakly.
_LAZY_MODELS = LazyModels()


def base_url_for(options: types.HttpOptions, *, enterprise: bool) -> str | None:
    """Where a client with these options will send its requests; None for Google itself."""
    return _base_url.get_base_url(enterprise, options)


def base_url_of(client: genai.Client) -> str:
    """Where a client sends its requests."""
    return str(client._api_client._http_options.base_url)


def http_client_of(client: genai.Client) -> Any:
    """The httpx client that a client sends through."""
    return client._api_client._httpx_client


def async_http_client_of(client: genai.Client) -> Any:
    """The asynchronous httpx client that a client sends through, all or its interactions alone."""
    return client._api_client._async_httpx_client


def tls_of(client: genai.Client) -> object:
    """The TLS context of a client's WebSockets, which is aiohttp's too."""
    return client._api_client._websocket_ssl_ctx["ssl"]


def hold(client: genai.Client, owner: object) -> None:
    """Keep an owner of a client's connections alive as long as anything sends through that client, streams included."""
    client._api_client._genai_credentials_owner = owner  # type: ignore[attr-defined]


async def new_session(client: genai.Client) -> Any:
    """An aiohttp session as the SDK makes them for itself, for the running event loop; the caller's to keep."""
    api_client: Any = client._api_client
    if not hasattr(api_client, "_aiohttp_sessions"):
        # It keeps one for all loops (seen in 1.65).
        api_client._aiohttp_session = None
        return await api_client._get_aiohttp_session()
    session = await api_client._get_aiohttp_session()
    api_client._aiohttp_sessions.clear()
    return session


def keeps_a_pool_per_loop() -> bool:
    """Whether the SDK's asynchronous httpx client serves any number of event loops (seen in 3.5, not in 3.3)."""
    return hasattr(_api_client, "_PerLoopAsyncClientMixin")


def is_the_sdks_own(http_client: object) -> bool:
    """Whether an asynchronous HTTP client is one that the SDK made, with a pool per loop and no place for an Auth."""
    return hasattr(http_client, "_loop_clients")


def middlewares_of(session: object) -> tuple[object, ...]:
    """The middlewares of an aiohttp session: those of one request replace them."""
    return tuple(getattr(session, "_middlewares", None) or ())


def obstacle_to_aiohttp(aiohttp: ModuleType, args: Mapping[str, object]) -> str | None:
    """Why the key could not be swapped by way of aiohttp; None where it can."""
    if not isinstance(args.get("auth"), (getattr(aiohttp, "BasicAuth", ()), type(None))):
        return "the auth in async_client_args is one for httpx"
    # The SDK's own test for what reaches aiohttp.
    if "middlewares" not in inspect.signature(aiohttp.ClientSession._request).parameters:
        return "aiohttp is older than 3.12, and drops middlewares silently"
    return None


def obstacle_to_downloads() -> str | None:
    """Why `aio.files.download` would go without the key; None where it doesn't."""
    if downloads_take_middlewares():
        return None
    return "google-genai is older than 2.22, and its aio.files.download goes past the middleware"


def downloads_take_middlewares() -> bool:
    """Whether `aio.files.download` passes middlewares on to aiohttp (from 2.22 on).

    Decided by the code, which is there where the source is not: applications are shipped without it.
    """
    return "_async_client_session_request_args" in _api_client.BaseApiClient.async_download_file.__code__.co_names


def music_writes_the_key_into_the_url() -> bool:
    """Whether live music sends the key in the URL of its handshake (seen in 1.65)."""
    connect: Any = inspect.unwrap(live_music.AsyncLiveMusic.connect)
    constants = connect.__code__.co_consts
    return any("?key=" in constant for constant in constants if isinstance(constant, str))


def optional_aiohttp() -> ModuleType | None:
    """aiohttp, by which the SDK then sends what is asynchronous; None without it."""
    return optional_module("aiohttp")


def download_with_key(client: genai.Client) -> None:
    """Let `aio.files.download` take the synchronous way where the SDK keeps it from the middleware (before 2.22)."""
    if downloads_take_middlewares():
        return
    files: Any = client.aio.files
    download: Callable[..., bytes] = client.files.download

    @functools.wraps(files.download)
    async def called(**arguments: Any) -> bytes:
        return await asyncio.to_thread(download, **arguments)

    files.download = called


def adapt(client: genai.Client, sockets: Sockets) -> None:
    """Give a client's asynchronous side our WebSockets, and its uploads no key that they don't need.

    And let no copy of it be made, whose end would close the connections of both.
    """
    aio: Any = client.aio
    kind: Any = type(aio)
    aio.__class__ = _rotating(kind)
    aio._genai_credentials = sockets
    for part in (client, client._api_client):
        stock: Any = type(part)
        part.__class__ = _of_this_process(stock)


@functools.cache
def _rotating(stock: Any) -> Any:
    """The class of such a side: one for all clients, since a class takes 10 KB."""

    class RotatingAsyncClient(stock, OfThisProcess):  # type: ignore[misc]
        @property
        def live(self) -> Live:
            return self._genai_credentials.live  # type: ignore[no-any-return]

        @property
        def interactions(self) -> object:
            return _with_sockets(super().interactions, self._genai_credentials)

    class WithEnvironments(RotatingAsyncClient):
        @property
        def environments(self) -> object:
            environments = super().environments
            if "upload" not in vars(environments.files):
                keyless = _without_key(self._api_client)
                environments.files.upload = _with_http_options(environments.files.upload, keyless)
            return environments

    return WithEnvironments if hasattr(stock, "environments") else RotatingAsyncClient


@functools.cache
def _of_this_process(stock: Any) -> Any:
    """The class of a client, or of the part of one that all its other parts refer to, under the SDK's own name."""
    names = {"__module__": stock.__module__, "__qualname__": stock.__qualname__}
    # The SDK's class comes first: Python gives an object another class only where both have the same layout.
    return type(stock.__name__, (stock, OfThisProcess), names)


def _with_sockets(stock: Any, sockets: Sockets) -> object:
    """`client.aio.interactions`, whose WebSocket is ours; everything else stays the SDK's own."""
    if hasattr(stock, "connect") and not hasattr(stock, "_genai_credentials"):
        kind: Any = type(stock)
        stock.__class__ = _rotating_interactions(kind)
        stock._genai_credentials = sockets
    return stock


@functools.cache
def _rotating_interactions(stock: Any) -> Any:
    class RotatingInteractions(stock):  # type: ignore[misc]
        def connect(self, *args: object, **options: object) -> InteractionSocket:
            return self._genai_credentials.interaction(args, options)  # type: ignore[no-any-return]

    return RotatingInteractions


def _without_key(api_client: Any) -> types.HttpOptions:
    """A client's own options without the placeholder, for the chunks of `aio.environments.files.upload`.

    The SDK gives those the client's own headers and, with aiohttp, sends them past the middleware (seen in 3.6.1). An
    upload's URL is all that a chunk needs: every other upload's carry no key either.
    """
    options = api_client._http_options
    headers = {name: value for name, value in (options.headers or {}).items() if name.lower() != API_KEY_HEADER}
    return types.HttpOptions(base_url=options.base_url, headers=headers)


def _with_http_options(
    method: Callable[..., Awaitable[object]], default: types.HttpOptions
) -> Callable[..., Awaitable[object]]:
    @functools.wraps(method)
    async def called(*, http_options: object = None, **arguments: object) -> object:
        return await method(http_options=http_options or default, **arguments)

    return called
