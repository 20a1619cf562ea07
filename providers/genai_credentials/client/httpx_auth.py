"""The Auth for httpx and httpx2: two short drivers of `exchange`, one synchronous and one asynchronous."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncGenerator, Generator
from typing import cast
from urllib.parse import unquote_to_bytes

from genai_credentials.client.backends import Request, Response, http_modules, load_anyio, over_http_modules
from genai_credentials.client.connections import Connections
from genai_credentials.client.engines import Engines
from genai_credentials.client.exchange import Claim, Exchange, aadvance, advance, claim, own_key
from genai_credentials.client.origins import Origin, origin
from genai_credentials.client.sdk import API_KEY_HEADER
from genai_credentials.client.trace import afollow, follow, refuse_proxies
from genai_credentials.key import ApiKey
from genai_credentials.rejection import SUSPECT, Verdict, classify
from genai_credentials.sealing import OfThisProcess

SIGNED = "genai_credentials"
"""The request extension with the URL that the request was signed for."""

WHOSE = "genai_credentials_whose"
"""The request extension with the name of the engine. It is kept if the owner sends the request again."""


class KeyAuth(OfThisProcess):
    """Puts the current key into a header, and sends refused requests again with another key.

    Args:
        engines: The engines whose keys are sent.
        home: The origins that may receive the key.
        allow_plain_http: Whether the key may travel unencrypted to another machine.
    """

    header, scheme = API_KEY_HEADER, ""

    def __init__(self, engines: Engines, home: set[Origin], *, allow_plain_http: bool = False) -> None:
        self.engines = engines
        self.home = home
        self.allow_plain_http = allow_plain_http
        # Whether a client of the user may have a proxy that is not visible here.
        self.may_meet_proxies = True
        # Only for the synchronous side: an event loop and its connections end with a fork.
        self._connections = Connections()

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Called by httpx for a synchronous request."""
        _sign_in(request)
        if not self.claims(request):
            self._connections.note((yield request))
            return
        steps, verdict = self._exchange(request), None
        try:
            while key := advance(steps, verdict):
                self.sign(request, key)
                response = yield request
                self._connections.note(response)
                if response.status_code in SUSPECT:
                    response.read()
                verdict = self._verdict(request, response)
        finally:
            steps.close()

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """Called by httpx for an asynchronous request."""
        load_anyio()
        _sign_in(request)
        if not self.claims(request):
            yield request
            return
        steps, verdict = self._exchange(request), None
        try:
            while key := await aadvance(steps, verdict):
                self.asign(request, key)
                response = yield request
                if response.status_code in SUSPECT:
                    await response.aread()
                verdict = self._verdict(request, response)
        finally:
            steps.close()

    def guard(self, request: Request) -> None:
        """A request hook that removes the key from a hop to another origin. httpx calls it before each hop.

        On a redirect to another origin, httpx itself removes only `Authorization`.
        """
        signed_for = request.extensions.get(SIGNED)
        if signed_for is None or signed_for is request.url or origin(request.url) in self.home:
            return
        if request.headers.pop(self.header, None) is not None:
            self.engines.diagnosis.of_request(request.url.host)

    async def aguard(self, request: Request) -> None:
        """`guard` for an asynchronous client."""
        self.guard(request)

    def claims(self, request: Request) -> bool:
        """Whether the request gets the key. If it gets none, its headers are corrected."""
        name = self.header.encode()
        values = [value for known, value in request.headers.raw if known.lower() == name]
        is_home = origin(request.url) in self.home
        if SIGNED in request.extensions and values and is_home:
            return True  # the owner sends the request again, and it still has a key of ours
        placeholders = self.engines.placeholders
        found = claim(values, placeholders, is_home=is_home)
        if found is Claim.OURS:
            request.extensions[WHOSE] = self.engines.whose(values[0])
        elif found is Claim.THEIRS:
            request.headers[self.header] = own_key(values, placeholders).decode(request.headers.encoding)
        elif found is Claim.FOREIGN:
            request.headers.pop(self.header, None)
            self.engines.diagnosis.of_request(request.url.host)
        return found is Claim.OURS

    def sign(self, request: Request, key: ApiKey) -> None:
        """Put the key into the request."""
        if self._could_be_read(request):
            follow(request, refuse_proxies)
        self._sign(request, key)

    def asign(self, request: Request, key: ApiKey) -> None:
        """`sign` for an asynchronous client."""
        if self._could_be_read(request):
            afollow(request, refuse_proxies)
        self._sign(request, key)

    def _could_be_read(self, request: Request) -> bool:
        """Whether a proxy could read the key, if there is one."""
        suspect = self.may_meet_proxies and not self.allow_plain_http and request.url.scheme == "http"
        return suspect and SIGNED not in request.extensions

    def _sign(self, request: Request, key: ApiKey) -> None:
        request.headers[self.header] = self.scheme + key.get_secret_value()
        request.extensions[SIGNED] = request.url

    def carried(self, request: Request) -> bool:
        """Whether a hop to the key's own origin carried the key."""
        return self.header in request.headers

    def _exchange(self, request: Request) -> Exchange:
        # A body that isn't in memory is gone after it was sent. `request.content` is not used, because a request that a
        # redirect made has the same stream and no content.
        replayable = isinstance(request.stream, tuple(module.ByteStream for module in http_modules()))
        timeout = request.extensions.get("timeout")
        seconds = timeout.get("read") if isinstance(timeout, dict) else None
        whose = cast(str, request.extensions[WHOSE])
        return self.engines.exchange(whose, replayable=lambda: replayable, seconds=seconds)

    def _verdict(self, request: Request, response: Response) -> Verdict | None:
        """The verdict of the answer on the key; None for the answer to a redirected hop that did not carry the key."""
        last, status = response.request, response.status_code
        if last is not request and (origin(last.url) != origin(request.url) or not self.carried(last)):
            return None
        return classify(status, response.content if status in SUSPECT else b"")


def _sign_in(request: Request) -> None:
    """Add the header for a URL with a user and a password. httpx does this itself only if it has no Auth."""
    if (user_info := request.url.userinfo) and "Authorization" not in request.headers:
        request.headers["Authorization"] = f"Basic {b64encode(unquote_to_bytes(user_info)).decode()}"


def key_auth(engines: Engines, home: set[Origin], first: str, *, allow_plain_http: bool) -> KeyAuth:
    """The Auth for a client with known origins, whose hops all pass the guard.

    Args:
        engines: The engines whose keys are sent.
        home: The origins that may receive the key.
        first: See `over_http_modules`.
        allow_plain_http: Whether the key may travel unencrypted to another machine.
    """
    auth: KeyAuth = over_http_modules(KeyAuth, "Auth", first)(engines, home, allow_plain_http=allow_plain_http)
    return auth
