"""The Auth: swaps the placeholder for the current key, and replays what a rotation refused.

Two short drivers of `exchange`: httpx and httpx2 synchronous, and the same asynchronous.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote_to_bytes, urlsplit

from genai_credentials.client.backends import http_modules, over_http_modules
from genai_credentials.client.connections import Connections
from genai_credentials.client.exchange import Exchange, aadvance, advance, exchange
from genai_credentials.client.origins import Origin, Parts, check_encrypted, origin
from genai_credentials.engine import Engine
from genai_credentials.errors import ConfigurationError
from genai_credentials.key import PLACEHOLDER, ApiKey
from genai_credentials.rejection import SUSPECT, Verdict, classify

_SIGNED = "genai_credentials"
_RAW_PLACEHOLDER = PLACEHOLDER.encode()


class KeyAuth:
    """An Auth for httpx and httpx2: it puts the current key into a header, and nothing else.

    Args:
        engine: Whose key it sends.
        header: The header's name.
        scheme: What stands before the key, its space included.
        home: The origins that may have the key; None means each request's own, before any redirect.
        allow_plain_http: Whether the key may travel unencrypted; only asked when `home` is None.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        header: str = "x-goog-api-key",
        scheme: str = "",
        home: set[Origin] | None = None,
        allow_plain_http: bool = False,
    ) -> None:
        self.engine = engine
        self.home = home
        self._header, self._scheme = header.lower(), scheme
        self._raw_header = self._header.encode()
        self._allow_plain_http = allow_plain_http
        # Only of the synchronous side: an event loop, and the connections that belong to it, end with a fork.
        self._connections = Connections()

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """The synchronous driver, called by httpx."""
        _sign_in(request)
        if not self._claims(request):
            self._connections.note((yield request))
            return
        steps, verdict = self._exchange(request), None
        while key := advance(steps, verdict):
            self._sign(request, key)
            response = yield request
            self._connections.note(response)
            if response.status_code in SUSPECT:
                response.read()
            verdict = self._verdict(request, response)

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """The asynchronous driver, called by httpx."""
        _sign_in(request)
        if not self._claims(request):
            yield request
            return
        steps, verdict = self._exchange(request), None
        while key := await aadvance(steps, verdict):
            self._asign(request, key)
            response = yield request
            if response.status_code in SUSPECT:
                await response.aread()
            verdict = self._verdict(request, response)

    def _exchange(self, request: Any) -> Exchange:
        # A body that isn't in memory is gone once it is sent. Not `request.content`: a request that a redirect made has
        # the same stream, and never that.
        replayable = isinstance(request.stream, tuple(module.ByteStream for module in http_modules()))
        seconds = (request.extensions.get("timeout") or {}).get("read")
        return exchange(self.engine, replayable=replayable, seconds=seconds)

    def guard(self, request: Any) -> None:
        """A request hook: httpx calls it before each hop, and only the home origin gets the key.

        httpx itself takes only `Authorization` off a request that is redirected to another origin.
        """
        signed_for = request.extensions.get(_SIGNED)
        if signed_for is None or signed_for is request.url or self._is_home(request.url):
            return
        if request.headers.pop(self._header, None) is not None:
            self.engine.diagnosis.of_request(request.url.host)

    async def aguard(self, request: Any) -> None:
        """`guard` for an asynchronous client."""
        self.guard(request)

    def _claims(self, request: Any) -> bool:
        """Whether to send the key with this request: whether it carries the placeholder, and goes home."""
        if self.home is None:
            check_encrypted(request.url.scheme, request.url.host, allow_plain_http=self._allow_plain_http)
            return True
        # As bytes: the first look at the text of a header makes httpx decode all of them.
        values = [value for name, value in request.headers.raw if name.lower() == self._raw_header]
        if _RAW_PLACEHOLDER not in values and _SIGNED not in request.extensions:
            return False
        others = [value for value in values if value != _RAW_PLACEHOLDER]
        if len(values) == 1 and self._is_home(request.url):
            return True
        if len(values) > 1 and others:
            # A key of the caller's own for this one request, in another spelling.
            request.headers[self._header] = others[0].decode(request.headers.encoding)
            return False
        request.headers.pop(self._header, None)
        self.engine.diagnosis.of_request(request.url.host)
        return False

    def _is_home(self, url: Any) -> bool:
        return self.home is not None and origin(url) in self.home

    def _sign(self, request: Any, key: ApiKey) -> None:
        request.headers[self._header] = self._scheme + key.get_secret_value()
        request.extensions[_SIGNED] = request.url

    def _asign(self, request: Any, key: ApiKey) -> None:
        self._sign(request, key)

    def _verdict(self, request: Any, response: Any) -> Verdict | None:
        """What the answer says of the key; None for an answer to a hop of a redirect that went without it."""
        last, status = response.request, response.status_code
        if last is not request and (origin(last.url) != origin(request.url) or not self._carried(last)):
            return None
        return classify(status, response.content if status in SUSPECT else b"")

    def _carried(self, request: Any) -> bool:
        return self._header in request.headers

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


class LoneAuth(KeyAuth):
    """A `KeyAuth` for clients that aren't ours, where no hook of ours sees each hop of a redirect.

    httpx takes `Authorization` off by itself. Any other header comes off here once it has been sent, and is put back
    on the wire of a next hop to the same origin: both through httpcore's documented `trace` extension.
    """

    def _sign(self, request: Any, key: ApiKey) -> None:
        if (hops := self._hops(request)) is not None:
            theirs = request.extensions.get("trace")

            def trace(event: str, info: Any) -> None:
                hops.see(event, info)
                if theirs:
                    theirs(event, info)

            request.extensions["trace"] = trace
        super()._sign(request, key)

    def _asign(self, request: Any, key: ApiKey) -> None:
        if (hops := self._hops(request)) is not None:
            theirs = request.extensions.get("trace")

            async def trace(event: str, info: Any) -> None:
                hops.see(event, info)
                if theirs:
                    await theirs(event, info)

            request.extensions["trace"] = trace
        super()._sign(request, key)

    def _hops(self, request: Any) -> _Hops | None:
        """What follows this request; None when httpx does, or when it is followed already."""
        followed = self._header == "authorization" or _SIGNED in request.extensions
        return None if followed else _Hops(request, self._header)

    def _carried(self, request: Any) -> bool:
        # Another header than that is off by now, and was on the wire of every hop to the origin.
        return self._header != "authorization" or super()._carried(request)


class _Hops:
    """Follows one request over its redirects."""

    def __init__(self, request: Any, header: str) -> None:
        self._request, self._header = request, header
        self._value = ""

    def see(self, event: str, info: Any) -> None:
        """Called by httpcore with what it is about to do and what it has done."""
        if event.endswith("send_request_headers.complete"):
            self._value = self._request.headers.pop(self._header, self._value)
        elif event.endswith("send_request_headers.started") and self._header not in self._request.headers:
            hop = info["request"]
            if hop.method != b"CONNECT" and origin(_url_of(hop)) == origin(self._request.url):
                hop.headers.append((self._header.encode(), self._value.encode()))


def _url_of(hop: Any) -> Any:
    """Where a request of httpcore goes: by way of a proxy its own URL is the proxy's, and its target the whole one."""
    target = hop.url.target.decode()
    if target.startswith(("http://", "https://")):
        url = urlsplit(target)
        return Parts(url.scheme, url.hostname or "", url.port)
    return Parts(hop.url.scheme.decode(), hop.url.host.decode(), hop.url.port)


class BothAuths:
    """The user's own Auth inside ours: theirs sees each request that ours sends, and answers their own challenges."""

    def __init__(self, ours: Any, theirs: Any) -> None:
        self.ours, self._theirs = ours, theirs

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """The synchronous driver, called by httpx."""
        ours = self.ours.sync_auth_flow(request)
        signed = next(ours)
        while True:
            theirs = self._theirs.sync_auth_flow(signed)
            sending = next(theirs)
            while True:
                response = yield sending
                try:
                    sending = theirs.send(response)
                except StopIteration:
                    break
            try:
                signed = ours.send(response)
            except StopIteration:
                return

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """The asynchronous driver, called by httpx."""
        ours = self.ours.async_auth_flow(request)
        signed = await anext(ours)
        while True:
            theirs = self._theirs.async_auth_flow(signed)
            sending = await anext(theirs)
            while True:
                response = yield sending
                try:
                    sending = await theirs.asend(response)
                except StopAsyncIteration:
                    break
            try:
                signed = await ours.asend(response)
            except StopAsyncIteration:
                return

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def _sign_in(request: Any) -> None:
    """What httpx does for a URL with a user and a password, but only where it is given no Auth."""
    if (user_info := request.url.userinfo) and "Authorization" not in request.headers:
        request.headers["Authorization"] = f"Basic {b64encode(unquote_to_bytes(user_info)).decode()}"


if TYPE_CHECKING:
    import httpx
    import httpx2

    class HttpxAuth(LoneAuth, httpx2.Auth, httpx.Auth):
        """What `lone_auth` makes, as a checker is to see it: an Auth of each HTTP module that is installed."""

        def auth_flow(self, request: Any) -> Generator[Any, Any, None]: ...


def key_auth(engine: Engine, home: set[Origin], first: str = "") -> KeyAuth:
    """The Auth for a client whose origins are known, and each of whose hops the guard sees."""
    auth: KeyAuth = over_http_modules(KeyAuth, "Auth", first)(engine, home=home)
    return auth


def lone_auth(engine: Engine, header: str, scheme: str, *, allow_plain_http: bool) -> HttpxAuth:
    """The Auth for any other HTTP client.

    Raises:
        ConfigurationError: The header's name or the scheme cannot stand in a request.
    """
    if not header.replace("-", "").isalnum() or not (scheme + "x").isprintable():
        raise ConfigurationError(f"header={header!r}, scheme={scheme!r} cannot stand in a request.")
    kind = over_http_modules(LoneAuth, "Auth")
    auth: HttpxAuth = kind(engine, header=header, scheme=scheme, allow_plain_http=allow_plain_http)
    return auth
