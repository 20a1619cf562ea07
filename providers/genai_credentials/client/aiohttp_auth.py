"""The same policy as a middleware of aiohttp, by which the SDK sends what is asynchronous where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from genai_credentials.client.httpx_auth import API_KEY_HEADER, Exchange, KeyAuth
from genai_credentials.flight import adrive
from genai_credentials.key import PLACEHOLDER
from genai_credentials.rejection import SUSPECT


class AiohttpAuth:
    """The same policy as an aiohttp client middleware, which is called once per hop of a redirect."""

    def __init__(self, auth: KeyAuth) -> None:
        self._auth = auth

    async def __call__(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """The driver, called by aiohttp."""
        credentials = self._auth.credentials
        if not self._claims(request):
            return await handler(request)
        exchange = Exchange(credentials, await credentials.aget())
        while True:
            request.headers[API_KEY_HEADER] = exchange.key.get_secret_value()
            response = await handler(request)
            if response.status not in SUSPECT:
                exchange.accepted(response.status)
                return response
            if not exchange.refused(response.status, await response.read()):
                return response
            other = await adrive(credentials.engine.reject_steps(exchange.key, exchange.tried))
            if not exchange.goes_on(other):
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
            self._auth.credentials.engine.diagnosis.of_request(request.url.host)
        return False

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self
