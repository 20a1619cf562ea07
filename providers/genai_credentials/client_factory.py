"""`ClientFactory`: methods that make clients and Auths which send the current key."""

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
    """Makes options and Auths for clients that other code builds.

    Each module is imported on first use. A fork waits until such an import ends.
    """

    if TYPE_CHECKING:

        def _engines(self) -> Engines: ...

    @sealed_call
    def http_options(self, *, allow_plain_http: bool = False, **options: Unpack[HttpKeywords]) -> types.HttpOptions:
        """Return `types.HttpOptions` for a framework that builds its own `genai.Client`.

        They cover all HTTP requests of that client. They do not cover the Live API.

        Args:
            allow_plain_http: Whether the key may be sent unencrypted to other machines.
            options: The fields of `types.HttpOptions`.

        Raises:
            ConfigurationError: An option does not work with a key that is set per request.
        """
        with at_work():
            from genai_credentials.client.assembly import build_http_options

            return build_http_options(self._engines(), dict(options), allow_plain_http=allow_plain_http)

    @sealed_call
    def httpx_auth(
        self, header: str = "x-goog-api-key", scheme: str = "", *, allow_plain_http: bool = False
    ) -> HttpxAuth:
        """Return an Auth for any client of httpx or httpx2. It sends the key in a header of every request.

        Args:
            header: The name of the header. OpenAI's clients need "Authorization".
            scheme: The text before the key, with its space: "Bearer ".
            allow_plain_http: Whether the key may be sent unencrypted to other machines.

        Raises:
            ConfigurationError: The header's name or the scheme is not valid in a request, or the space is missing.
        """
        with at_work():
            from genai_credentials.client.lone_auth import lone_auth

        return lone_auth(self._engines(), header, scheme, allow_plain_http=allow_plain_http)


class ClientFactory(HttpFactory):
    """Makes clients that take their key from an engine."""

    engine: Engine

    @sealed_call
    def client(
        self, *, verify: bool = False, allow_plain_http: bool = False, **options: Unpack[ClientOptions]
    ) -> genai.Client:
        """Return a stock `genai.Client` that always sends the current key and replays refused requests.

        Args:
            verify: Whether to list one model first, to check the key and the connection to the API.
            allow_plain_http: Whether the key may be sent unencrypted to other machines.
            options: The keyword arguments of `genai.Client`, except `api_key` and `credentials`.

        Raises:
            ConfigurationError: An option does not work with a key that is set per request.
            CredentialsError: With `verify`: there is no key, the API refused it, or the API cannot be reached.
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
        """Return an `AsyncClient` of httpx or httpx2 that sends the key and works in any number of event loops.

        A plain client fails on the second `asyncio.run`. This client keeps one plain client per event loop. The plain
        client is closed when its loop ends, or when this client is closed.

        Args:
            kind: The class of the client, such as `openai.DefaultAsyncHttpxClient`. None means the `AsyncClient` of
                httpx, or of httpx2 if httpx is not installed.
            header: As for `httpx_auth()`.
            scheme: As for `httpx_auth()`.
            allow_plain_http: As for `httpx_auth()`.
            options: The arguments of that class. If `auth` is one of them, it runs after the key is set.

        Raises:
            ConfigurationError: As for `httpx_auth()`; or `kind` is no such class; or `transport` or `mounts` is given,
                because these work in one event loop only.
        """
        with at_work():
            from genai_credentials.client.per_loop import per_loop_client

        auth = self.httpx_auth(header, scheme, allow_plain_http=allow_plain_http)
        return per_loop_client(auth, kind, options)
