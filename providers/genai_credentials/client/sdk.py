"""All code that uses private names of google-genai, or the behaviour of single versions of it.

The rest of the package uses only the SDK's public names. tests/integration/test_sdk.py fails if one of the private
names changes.
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

# This reference keeps the object alive for the whole process: `forks` holds only a weak reference to it.
_LAZY_MODELS = LazyModels()


def base_url_for(options: types.HttpOptions, *, enterprise: bool) -> str | None:
    """The URL to which a client with these options will send its requests; None means Google's."""
    return _base_url.get_base_url(enterprise, options)


def base_url_of(client: genai.Client) -> str:
    """The URL to which a client sends its requests."""
    return str(client._api_client._http_options.base_url)


def http_client_of(client: genai.Client) -> Any:
    """The httpx client through which a client sends."""
    return client._api_client._httpx_client


def async_http_client_of(client: genai.Client) -> Any:
    """The asynchronous httpx client through which a client sends all its requests, or only its interactions."""
    return client._api_client._async_httpx_client


def tls_of(client: genai.Client) -> object:
    """The TLS context of a client's WebSockets, which aiohttp uses too."""
    return client._api_client._websocket_ssl_ctx["ssl"]


def hold(client: genai.Client, owner: object) -> None:
    """Keep the owner of a client's connections alive as long as anything sends through the client, streams included."""
    client._api_client._genai_credentials_owner = owner  # type: ignore[attr-defined]


async def new_session(client: genai.Client) -> Any:
    """A new aiohttp session for the running event loop, made by the SDK. The caller owns it."""
    api_client: Any = client._api_client
    if not hasattr(api_client, "_aiohttp_sessions"):
        # This version keeps one session for all loops (seen in 1.65).
        api_client._aiohttp_session = None
        return await api_client._get_aiohttp_session()
    session = await api_client._get_aiohttp_session()
    api_client._aiohttp_sessions.clear()
    return session


def keeps_a_pool_per_loop() -> bool:
    """Whether the SDK's asynchronous httpx client works in more than one event loop (seen in 3.5, not in 3.3)."""
    return hasattr(_api_client, "_PerLoopAsyncClientMixin")


def is_the_sdks_own(http_client: object) -> bool:
    """Whether the SDK made this asynchronous HTTP client, which then has a pool per loop and accepts no Auth."""
    return hasattr(http_client, "_loop_clients")


def middlewares_of(session: object) -> tuple[object, ...]:
    """The middlewares of an aiohttp session. The middlewares of a request replace them."""
    return tuple(getattr(session, "_middlewares", None) or ())


def obstacle_to_aiohttp(aiohttp: ModuleType, args: Mapping[str, object]) -> str | None:
    """The reason why the key cannot be inserted into requests through aiohttp; None if it can."""
    if not isinstance(args.get("auth"), (getattr(aiohttp, "BasicAuth", ()), type(None))):
        return "the auth in async_client_args is for httpx"
    # The SDK uses the same test to decide which arguments it passes to aiohttp.
    if "middlewares" not in inspect.signature(aiohttp.ClientSession._request).parameters:
        return "aiohttp is older than 3.12, and drops middlewares without an error"
    return None


def obstacle_to_downloads() -> str | None:
    """The reason why `aio.files.download` would be sent without the key; None if it would not."""
    if downloads_take_middlewares():
        return None
    return "google-genai is older than 2.22, and its aio.files.download does not use the middleware"


def downloads_take_middlewares() -> bool:
    """Whether `aio.files.download` passes middlewares on to aiohttp (from 2.22 on).

    The answer comes from the compiled code, because applications can be shipped without the source.
    """
    return "_async_client_session_request_args" in _api_client.BaseApiClient.async_download_file.__code__.co_names


def music_writes_the_key_into_the_url() -> bool:
    """Whether live music sends the key in the URL of its handshake (seen in 1.65)."""
    connect: Any = inspect.unwrap(live_music.AsyncLiveMusic.connect)
    constants = connect.__code__.co_consts
    return any("?key=" in constant for constant in constants if isinstance(constant, str))


def optional_aiohttp() -> ModuleType | None:
    """aiohttp, which the SDK uses for asynchronous requests if it is installed; None if it is not."""
    return optional_module("aiohttp")


def download_with_key(client: genai.Client) -> None:
    """Before 2.22, replace `aio.files.download` by the synchronous download, which carries the key."""
    if downloads_take_middlewares():
        return
    files: Any = client.aio.files
    download: Callable[..., bytes] = client.files.download

    @functools.wraps(files.download)
    async def called(**arguments: Any) -> bytes:
        return await asyncio.to_thread(download, **arguments)

    files.download = called


def adapt(client: genai.Client, sockets: Sockets) -> None:
    """Give a client's asynchronous side our WebSockets, and its uploads no key.

    Copies of the client are prevented, because the end of a copy would close the connections of both.
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
    """The subclass for an asynchronous side. All clients share it, because a class takes 10 KB."""

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
    """The subclass for a client, or for the part that all its other parts refer to, under the SDK's own name."""
    names = {"__module__": stock.__module__, "__qualname__": stock.__qualname__}
    # The SDK's class comes first, because Python changes an object's class only if both classes have the same layout.
    return type(stock.__name__, (stock, OfThisProcess), names)


def _with_sockets(stock: Any, sockets: Sockets) -> object:
    """`client.aio.interactions` with our WebSocket. Everything else is the SDK's own."""
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

    The SDK sends these chunks with the client's own headers and, with aiohttp, without the middleware (seen in 3.6.1).
    A chunk needs only the URL of its upload. The chunks of all other uploads carry no key either.
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
