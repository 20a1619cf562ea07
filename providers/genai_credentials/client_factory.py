"""`ClientFactory`: what makes clients and Auths that carry the current key."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, Unpack, overload

from genai_credentials.forks import at_work
from genai_credentials.sealing import sealed_call

if TYPE_CHECKING:
    import httpx
    import httpx2
    from google import genai
    from google.genai import types

    from genai_credentials.client.engines import Engines, OneEngine
    from genai_credentials.client.lone_auth import HttpxAuth
    from genai_credentials.engine import Engine
    from genai_credentials.options import ClientOptions, HttpKeywords

    AsyncClientT = TypeVar("AsyncClientT", bound=httpx.AsyncClient | httpx2.AsyncClient)


class HttpFactory:
    """Options and Auths for clients that others build; each module is loaded on first use, while forks wait."""

    if TYPE_CHECKING:

        def _engines(self) -> Engines: ...

    @sealed_call
    def http_options(self, *, allow_plain_http: bool = False, **options: Unpack[HttpKeywords]) -> types.HttpOptions:
        """`types.HttpOptions` for a framework that builds its own `genai.Client`: all HTTP paths, not Live.

        Args:
            allow_plain_http: Let the key travel unencrypted to a host that isn't this one.
            options: Every field of `types.HttpOptions`.

        Raises:
            ConfigurationError: An option cannot work with a key that is swapped in.
        """
        with at_work():
            from genai_credentials.client.assembly import build_http_options

            return build_http_options(self._engines(), dict(options), allow_plain_http=allow_plain_http)

    @sealed_call
    def httpx_auth(
        self, header: str = "x-goog-api-key", scheme: str = "", *, allow_plain_http: bool = False
    ) -> HttpxAuth:
        """An Auth for any httpx or httpx2 client that sends the key in a header of every request.

        Args:
            header: Which header; OpenAI's clients want "Authorization".
            scheme: What stands before the key, its space included: "Bearer ".
            allow_plain_http: As for `http_options()`.

        Raises:
            ConfigurationError: The header's name or the scheme cannot stand in a request, or the space is missing.
        """
        with at_work():
            from genai_credentials.client.lone_auth import lone_auth

        return lone_auth(self._engines(), header, scheme, allow_plain_http=allow_plain_http)


class ClientFactory(HttpFactory):
    """Clients over an engine."""

    engine: Engine

    @sealed_call
    def client(
        self, *, verify: bool = False, allow_plain_http: bool = False, **options: Unpack[ClientOptions]
    ) -> genai.Client:
        """A stock `genai.Client` that always sends the current key, and replays what a rotation refused.

        Args:
            verify: List one model first, and raise a clear error if the key or the way to the API is no good.
            allow_plain_http: Let the key travel unencrypted to a host that isn't this one.
            options: Every keyword of `genai.Client` but `api_key` and `credentials`.

        Raises:
            ConfigurationError: An option cannot work with a key that is swapped in.
        """
        with at_work():
            from genai_credentials.client.assembly import build_client

            return build_client(self._engines(), dict(options), verify=verify, allow_plain_http=allow_plain_http)

    def _engines(self) -> OneEngine:
        with at_work():
            from genai_credentials.client.engines import OneEngine

        return OneEngine(self.engine)

    @overload
    def async_httpx_client(
        self,
        kind: None = None,
        *,
        header: str = "x-goog-api-key",
        scheme: str = "",
        allow_plain_http: bool = False,
        **options: object,
    ) -> httpx.AsyncClient: ...
    @overload
    def async_httpx_client(
        self,
        kind: type[AsyncClientT],
        *,
        header: str = "x-goog-api-key",
        scheme: str = "",
        allow_plain_http: bool = False,
        **options: object,
    ) -> AsyncClientT: ...
    def async_httpx_client(
        self,
        kind: type | None = None,
        *,
        header: str = "x-goog-api-key",
        scheme: str = "",
        allow_plain_http: bool = False,
        **options: object,
    ) -> object:
        """An `AsyncClient` of httpx or httpx2 with `httpx_auth()` that any number of event loops may use.

        A plain one fails on the second `asyncio.run`. This one keeps a stock client for each loop, which closes
        when its loop ends, or along with this one.

        Args:
            kind: Its class, such as `openai.DefaultAsyncHttpxClient`; None means httpx's `AsyncClient`, or httpx2's
                where httpx isn't installed.
            header: As for `httpx_auth()`.
            scheme: As for `httpx_auth()`.
            allow_plain_http: As for `client()`.
            options: What the class is built with. An `auth` among them sees each request once the key is in it.

        Raises:
            ConfigurationError: As for `httpx_auth()`; or `kind` is no such class, or `transport` or `mounts` is given,
                which would belong to one loop.
        """
        with at_work():
            from genai_credentials.client.per_loop import per_loop_client

        auth = self.httpx_auth(header, scheme, allow_plain_http=allow_plain_http)
        return per_loop_client(auth, kind, options)
