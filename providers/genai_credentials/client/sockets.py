"""WebSockets with the current key: live, live music, and the socket of interactions.

These read the key with which their client was built, and not the Auth. Therefore each key gets a stock `genai.Client`
for its WebSockets. No private name of the SDK is used for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, closing
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from google import genai
from google.genai import errors, types
from google.genai.live import AsyncSession
from google.genai.live_music import AsyncMusicSession
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from genai_credentials.client import probe, sdk
from genai_credentials.client.exchange import Exchange, aadvance
from genai_credentials.client.origins import Origin
from genai_credentials.client.sdk import API_KEY_HEADER
from genai_credentials.errors import ConfigurationError
from genai_credentials.forks import Lock
from genai_credentials.key import ApiKey
from genai_credentials.rejection import ACCEPTED, UNTOUCHED, Verdict, classify, classify_close
from genai_credentials.sealing import OfThisProcess, hidden
from genai_credentials.workers import run

T = TypeVar("T")


class _Hop:
    """Whether the last hop of a handshake went to a foreign origin, and therefore carried no key."""

    foreign = False


_hop: ContextVar[_Hop | None] = ContextVar("genai_credentials_hop", default=None)
"""The handshake under way in this task. Its errors don't say which origin answered."""


class KeptClient:
    """The stock client of the current key, built off the event loop and kept until the next rotation.

    Args:
        make: Builds the client for a key.
    """

    def __init__(self, make: Callable[[ApiKey], genai.Client]) -> None:
        self._make = make
        # Hidden, because a stock client holds the key's text.
        self._current: tuple[ApiKey, Callable[[], Future[genai.Client]]] | None = None
        self._lock = Lock()

    async def of(self, key: ApiKey) -> genai.Client:
        """The client of this key."""
        with self._lock:
            if self._current is None or self._current[0] != key or _has_failed(self._current[1]()):
                # Built off the loop, because loading certificates takes about 70 ms. All tasks that connect in the
                # meantime share it.
                self._current = (key, hidden(run(lambda: self._make(key), "genai-credentials-client")))
            made = self._current[1]()
        return await asyncio.wrap_future(made)


class Sockets(OfThisProcess):
    """Opens WebSockets with the current key. If the API refuses the key, it tries another one.

    Args:
        exchange: Begins one exchange, which yields the keys.
        client_of: The stock client of a key.
        ask: Asks the API over HTTP with the same engine's key, if an error hides its reason.
        home: The origins that may receive the key.
    """

    __slots__ = ("_ask", "_client_of", "_exchange", "_home", "live")

    def __init__(
        self,
        exchange: Callable[[], Exchange],
        client_of: Callable[[ApiKey], Awaitable[genai.Client]],
        ask: Callable[[], probe.Answer],
        home: set[Origin],
    ) -> None:
        self._exchange, self._client_of, self._ask, self._home = exchange, client_of, ask, home
        self.live = Live(self)

    async def open(self, enter: Callable[[genai.Client], Awaitable[T]]) -> T:
        """The result of `enter`, called with a stock client of the current key.

        Only a failure before the session is set up is tried again. An established session is left alone.

        Args:
            enter: Opens the WebSocket with a client.
        """
        verdict = failure = None
        with closing(self._exchange()) as steps:
            while key := await aadvance(steps, verdict):
                client = await self._client_of(key)
                hop = _Hop()
                before = _hop.set(hop)
                try:
                    opened = await enter(client)
                except Exception as error:
                    failure = error
                    verdict = None if hop.foreign else await self._verdict(error, key)
                else:
                    await aadvance(steps, None if hop.foreign else ACCEPTED)
                    return opened
                finally:
                    _hop.reset(before)
        assert failure is not None
        raise failure

    def interaction(self, args: tuple[object, ...], options: dict[str, object]) -> InteractionSocket:
        """The replacement for the result of `client.aio.interactions.connect(*args, **options)`."""
        return InteractionSocket(self, args, options)

    def check(self, config: object) -> None:
        """Refuse a connection that would send the key to another origin.

        Args:
            config: The connection's own options; None for none.

        Raises:
            ConfigurationError: The connection's own options name another base URL, or contain a key.
        """
        options: Any = config.get("http_options") if isinstance(config, dict) else getattr(config, "http_options", None)
        options = options.model_dump() if hasattr(options, "model_dump") else dict(options or {})
        if any(name.lower() == API_KEY_HEADER for name in options.get("headers") or ()):
            raise ConfigurationError(
                "The connection's own headers contain a key.",
                remedy="Connect with a genai.Client that has that key.",
            )
        url = urlsplit(str(options.get("base_url") or ""))
        if url.hostname and not self._is_home(url.hostname, url.port):
            raise ConfigurationError(
                f"The connection goes to {url.hostname}, not to the client's base URL. The key is not sent there.",
                remedy="Build a client with that base_url.",
            )

    def _is_home(self, host: str, port: int | None) -> bool:
        return any(host == other and (port is None or port == its_port) for _, other, its_port in self._home)

    async def _verdict(self, error: Exception, key: ApiKey) -> Verdict:
        if isinstance(error, InvalidStatus):
            return classify(error.response.status_code, bytes(error.response.body or b""))
        if isinstance(error, errors.APIError):
            return classify_close(error.code, str(error.details))
        if isinstance(error, ConnectionClosed):
            return classify_close(error.rcvd.code, error.rcvd.reason) if error.rcvd else UNTOUCHED
        status = getattr(error, "http_status", None)
        if status == 401:
            return classify(401, b"")
        hidden = status in (400, 403) or getattr(error, "close_code", None) in (1007, 1008)
        return await self._ask_over_http(key) if hidden else UNTOUCHED

    async def _ask_over_http(self, key: ApiKey) -> Verdict:
        """The verdict on the key over HTTP, because the errors of interactions hide the API's answer."""
        try:
            verdict = (await asyncio.to_thread(self._ask)).verdict
        except Exception:
            return UNTOUCHED  # This request failed itself. The error of the WebSocket is more useful than its error.
        if not verdict.accepted:
            return verdict
        # The request was served, but by another key: the Auth or another task has already dealt with the refusal.
        with closing(self._exchange()) as steps:
            now = await aadvance(steps)
        return classify(401, b"") if now != key else UNTOUCHED


def _has_failed(made: Future[genai.Client]) -> bool:
    return made.done() and made.exception() is not None


class Live(OfThisProcess):
    """The replacement for `client.aio.live`."""

    __slots__ = ("_sockets", "music")

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets
        self.music = Music(sockets)

    @contextlib.asynccontextmanager
    async def connect(
        self, *, model: str, config: types.LiveConnectConfig | types.LiveConnectConfigDict | None = None
    ) -> AsyncIterator[AsyncSession]:
        """See `google.genai.live.AsyncLive.connect`."""
        self._sockets.check(config)
        async with contextlib.AsyncExitStack() as stack:
            yield await self._sockets.open(
                lambda client: stack.enter_async_context(client.aio.live.connect(model=model, config=config))
            )


class Music(OfThisProcess):
    """The replacement for `client.aio.live.music`."""

    __slots__ = ("_sockets",)

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets

    @contextlib.asynccontextmanager
    async def connect(self, *, model: str) -> AsyncIterator[AsyncMusicSession]:
        """See `google.genai.live_music.AsyncLiveMusic.connect`.

        Raises:
            ConfigurationError: This version of the SDK would write the key into the URL (seen in 1.65).
        """
        if sdk.music_writes_the_key_into_the_url():
            raise ConfigurationError(
                "This version of google-genai writes the key of a live music connection into its URL.",
                remedy="Install google-genai >= 2.",
            )
        async with contextlib.AsyncExitStack() as stack:
            yield await self._sockets.open(
                lambda client: stack.enter_async_context(client.aio.live.music.connect(model=model))
            )


class InteractionSocket:
    """The replacement for the result of `client.aio.interactions.connect()`.

    It is awaited, or entered with `async with`.
    """

    def __init__(self, sockets: Sockets, args: tuple[object, ...], options: dict[str, object]) -> None:
        sockets.check({"http_options": {"headers": options.get("extra_headers")}})
        self._sockets, self._args, self._options = sockets, args, options
        self._context: AbstractAsyncContextManager[object] | None = None

    async def __aenter__(self) -> object:
        async def enter(client: genai.Client) -> object:
            connect = cast(Callable[..., AbstractAsyncContextManager[object]], client.aio.interactions.connect)
            context = connect(*self._args, **self._options)
            session = await context.__aenter__()
            self._context = context
            return session

        return await self._sockets.open(enter)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> bool | None:
        return None if self._context is None else await self._context.__aexit__(kind, error, at)

    def __await__(self) -> Generator[object, None, object]:
        async def enter(client: genai.Client) -> object:
            connect = cast(Callable[..., Awaitable[object]], client.aio.interactions.connect)
            return await connect(*self._args, **self._options)

        return self._sockets.open(enter).__await__()


def guarded(home: set[Origin]) -> type[ClientConnection]:
    """A connection class that sends the key to its home origins only.

    websockets follows redirects and would send this header to any origin.
    """

    class GuardedConnection(ClientConnection):
        async def handshake(self, additional_headers: Any = None, *args: Any, **options: Any) -> None:
            uri = self.protocol.uri
            scheme, foreign, pairs = "https" if uri.secure else "http", False, None
            # For an http base URL, the SDK uses wss for live sessions and ws for interactions.
            if not {(scheme, uri.host, uri.port), ("http", uri.host, uri.port)} & home:
                pairs = additional_headers.items() if hasattr(additional_headers, "items") else additional_headers or ()
                additional_headers = [(name, value) for name, value in pairs if name.lower() != API_KEY_HEADER]
                foreign = True
            if (hop := _hop.get()) is not None:
                hop.foreign = foreign
            try:
                await super().handshake(additional_headers, *args, **options)
            finally:
                # The error of a failed connection keeps this frame, and error reporters send its locals.
                additional_headers = pairs = None

    return GuardedConnection
