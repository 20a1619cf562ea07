"""The API behind the proxy: one origin and a pool of connections to it, directly or through the environment's proxy."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from genai_credentials.client.origins import Origin, Parts, origin, origin_of
from genai_credentials.errors import ConfigurationError
from genai_credentials.proxy.headers import Pairs, alike
from genai_credentials.proxy.target import Target

GOOGLE = "https://generativelanguage.googleapis.com"
CONNECT_SECONDS = 10.0
LONGEST_LINE = 65_536
_IDLE_SECONDS = 60.0
_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=None, ceil_threshold=60.0)


class Upstream:
    """The API to which requests are forwarded.

    Args:
        url: An http or https URL with a host, perhaps a port, and perhaps a path that precedes all targets.

    Raises:
        ConfigurationError: The URL has another form, the key would travel unencrypted to another machine, or the proxy
            variable of the environment names no HTTP proxy.
    """

    def __init__(self, url: str = GOOGLE) -> None:
        parts = _checked(url)
        self.origin = _origin(url)
        self.scheme, self.host = parts.scheme, parts.hostname or ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        self.authority = f"{host}:{parts.port}" if parts.port else host
        self.prefix = parts.path.rstrip("/")
        self.proxy = _proxy(self.scheme, parts.hostname or "")
        self.tls: ssl.SSLContext | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """The URL in a normal form."""
        return f"{self.scheme}://{self.authority}{self.prefix}"

    def whole(self, target: Target) -> Target:
        """A target of the proxy as a target of the upstream. The path is joined without any other change."""
        return target._replace(path=self.prefix + target.path)

    def within(self, target: Target) -> Target | None:
        """A target of the upstream as a target of the proxy; None if no target of the proxy leads there."""
        rest = target.path.removeprefix(self.prefix)
        if self.prefix and not (target.path.startswith(self.prefix) and rest[:1] in ("", "/")):
            return None
        return target._replace(path=rest or "/")

    def is_origin_of(self, parts: SplitResult) -> bool:
        """Whether a URL is at this origin. A URL without a scheme is assumed to have the upstream's scheme."""
        return origin(Parts(parts.scheme or self.scheme, parts.hostname or "", parts.port)) == self.origin

    async def open(self) -> None:
        """Load the certificates and make the pool."""
        self.tls = ssl.create_default_context() if self.scheme == "https" else None
        connector = aiohttp.TCPConnector(limit=0, ssl=self.tls or True, keepalive_timeout=_IDLE_SECONDS)
        self._session = aiohttp.ClientSession(
            connector=connector,
            request_class=_Request,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=_TIMEOUT,
            auto_decompress=False,
            skip_auto_headers=_AUTOMATIC,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
        )

    async def send(self, method: str, target: Target, headers: Pairs, body: Any) -> aiohttp.ClientResponse:
        """Send one request, and return its answer once the headers have arrived. The caller closes the answer.

        Args:
            method: The HTTP method.
            target: A target of the upstream.
            headers: All headers except Host, in order.
            body: Bytes, an asynchronous iterable, or None for no body.
        """
        assert self._session is not None
        # The query is passed as a part of the path, because yarl would drop a question mark at the end.
        url = URL.build(scheme=self.scheme, authority=self.authority, path=str(target), encoded=True)
        return await self._session.request(
            method, url, headers=alike(headers), data=body, allow_redirects=False, proxy=self.proxy
        )

    async def close(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()


class _Request(aiohttp.ClientRequest):
    """A request without the Content-Length of 0 that aiohttp adds if there is no body."""

    def update_body_from_data(self, body: Any, *args: Any, **options: Any) -> None:
        if body is not None:
            super().update_body_from_data(body, *args, **options)


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        wrong = parts.username is not None or parts.query or parts.fragment or not url.isascii() or not _plain(url)
    except ValueError:
        wrong, parts = True, urlsplit("")
    # `origin_of` reports all other mistakes.
    if wrong:
        raise ConfigurationError(
            "--upstream must be an http(s) URL of a host, a port and a path, without user, query and fragment.",
            remedy=f"Leave the option out to use {GOOGLE}.",
        )
    return parts


def _origin(url: str) -> Origin:
    try:
        return origin_of(url, allow_plain_http=False)
    except ConfigurationError as error:
        # The command has another name for this option, and no option that lets a key travel unencrypted.
        problem = error.message.replace("base_url=", "--upstream ")
    raise ConfigurationError(problem, remedy="Write https://host[:port][/path]. Plain http is for this machine only.")


def _plain(url: str) -> bool:
    return all("!" <= character <= "~" for character in url)


def _proxy(scheme: str, host: str) -> URL | None:
    """The proxy of the environment; None for plain http, because that proxy could read the key."""
    if scheme == "http" or proxy_bypass(host):
        return None
    proxies = getproxies()
    if not (address := proxies.get("https") or proxies.get("all")):
        return None
    try:
        proxy = URL(address if "://" in address else f"http://{address}")
    except ValueError:
        proxy = URL()
    if proxy.scheme not in ("http", "https") or not proxy.host:
        raise ConfigurationError(
            "HTTPS_PROXY or ALL_PROXY does not name an HTTP proxy.", remedy="Write http://host:port, or set NO_PROXY."
        )
    return proxy
