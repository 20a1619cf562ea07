"""The same policy as a middleware of aiohttp, by which the SDK sends what is asynchronous where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from genai_credentials.client.exchange import aadvance, exchange
from genai_credentials.client.httpx_auth import KeyAuth
from genai_credentials.client.sdk import API_KEY_HEADER
from genai_credentials.key import PLACEHOLDER
from genai_credentials.rejection import SUSPECT, classify


class AiohttpAuth:
    """The same policy as an aiohttp client middleware, which is called once per hop of a redirect."""

    def __init__(self, auth: KeyAuth) -> None:
        self._auth = auth

    async def __call__(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """The driver, called by aiohttp."""
        if not self._claims(request):
            return await handler(request)
        steps, verdict, response = exchange(self._auth.engine, seconds=_timeout(request)), None, None
        while key := await aadvance(steps, verdict):
            request.headers[API_KEY_HEADER] = key.get_secret_value()
            response = await handler(request)
            verdict = classify(response.status, await response.read() if response.status in SUSPECT else b"")
        return response

    def _claims(self, request: Any) -> bool:
        values = request.headers.getall(API_KEY_HEADER, ())
        if PLACEHOLDER not in values:
            return False
        others = [value for value in values if value != PLACEHOLDER]
        if not others and self._auth._is_home(request.url):
            return True
        del request.headers[API_KEY_HEADER]
        if others:
            request.headers[API_KEY_HEADER] = others[0]
        else:
            self._auth.engine.diagnosis.of_request(request.url.host)
        return False

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def _timeout(request: Any) -> float | None:
    """The request's own timeout in seconds, as the SDK says it to the API; aiohttp tells a middleware of none.

    A little less, so that what ends the request is the API's answer and not aiohttp's timer.
    """
    try:
        return float(request.headers["X-Server-Timeout"]) * 0.9
    except (KeyError, ValueError):
        return None
