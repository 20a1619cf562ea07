"""The key exchange as a middleware of aiohttp.

With aiohttp installed, the SDK sends asynchronous requests through it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, cast

from genai_credentials.client.backends import URL, load_anyio
from genai_credentials.client.exchange import Claim, aadvance, claim, own_key, server_timeout
from genai_credentials.client.httpx_auth import KeyAuth
from genai_credentials.client.origins import origin
from genai_credentials.client.sdk import API_KEY_HEADER
from genai_credentials.rejection import SUSPECT, classify
from genai_credentials.sealing import OfThisProcess

if TYPE_CHECKING:
    from aiohttp import ClientRequest, ClientResponse


class AiohttpAuth(OfThisProcess):
    """An aiohttp middleware that drives `exchange`. aiohttp calls it once per hop of a redirect.

    Args:
        auth: The Auth whose engines, origins and settings it uses.
    """

    def __init__(self, auth: KeyAuth) -> None:
        self._auth = auth

    async def __call__(
        self, request: ClientRequest, handler: Callable[[ClientRequest], Awaitable[ClientResponse]]
    ) -> ClientResponse:
        """Called by aiohttp. Returns the final response."""
        # The SDK also closes an httpx client, which needs anyio.
        load_anyio()
        if (whose := self._claimed(request)) is None:
            return await handler(request)
        if request.url.scheme == "http" and not self._auth.allow_plain_http:
            # This is the environment's proxy, which could read the key on plain http.
            request.proxy = None
        steps, verdict = self._auth.engines.exchange(whose, seconds=server_timeout(request.headers)), None
        placeholder, response = request.headers[API_KEY_HEADER], None
        try:
            while key := await aadvance(steps, verdict):
                request.headers[API_KEY_HEADER] = key.get_secret_value()
                response = await handler(request)
                verdict = classify(response.status, await response.read() if response.status in SUSPECT else b"")
        finally:
            # aiohttp's errors hold the headers that were sent, and error reporters send the repr of an error.
            request.headers[API_KEY_HEADER] = placeholder
            steps.close()
        return response  # type: ignore[return-value]

    def _claimed(self, request: ClientRequest) -> str | None:
        """The name of the engine whose key the request gets.

        None if the request gets no key of ours. In that case its headers are corrected.
        """
        engines = self._auth.engines
        values: Sequence[str] = request.headers.getall(API_KEY_HEADER, [])
        found = claim(values, engines.placeholders, is_home=origin(cast(URL, request.url)) in self._auth.home)
        if found is Claim.OURS:
            return engines.whose(values[0])
        if found in (Claim.THEIRS, Claim.FOREIGN):
            del request.headers[API_KEY_HEADER]
        if found is Claim.THEIRS:
            request.headers[API_KEY_HEADER] = own_key(values, engines.placeholders)
        elif found is Claim.FOREIGN:
            engines.diagnosis.of_request(request.url.host or "")
        return None
