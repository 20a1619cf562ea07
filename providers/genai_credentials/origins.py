"""Where a key may travel: to its home origins, and never in the clear to another machine."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlsplit

from genai_credentials.errors import ConfigurationError

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Origin = tuple[str, str, int | None]


def origin(url: Any) -> Origin:
    """Scheme, host and port of a URL of httpx, httpx2 or yarl."""
    scheme, host = url.scheme, url.host or ""
    # With a client certificate the SDK asks the same service under its mTLS name.
    return scheme, host.replace(".mtls.googleapis.com", ".googleapis.com"), url.port or _PORTS.get(scheme)


def origin_of(url: str, *, allow_plain_http: bool) -> Origin:
    """The origin of a base URL, checked.

    Raises:
        ConfigurationError: It is no http(s) URL, or the key would travel in the clear.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"base_url={url!r} is no http(s) URL.", remedy="Write https://host[:port].")
    check_encrypted(parts.scheme, parts.hostname, allow_plain_http=allow_plain_http)
    return origin(Parts(parts.scheme, parts.hostname, parts.port))


class Parts(NamedTuple):
    """What `origin` reads of a URL."""

    scheme: str
    host: str
    port: int | None


def check_encrypted(scheme: str, host: str, *, allow_plain_http: bool) -> None:
    """Refuse to send a key in the clear to another machine.

    Raises:
        ConfigurationError: Plain http to a host that isn't this one.
    """
    loopback = host in _LOOPBACK or host.startswith("127.") or host.endswith(".localhost")
    if scheme == "http" and not loopback and not allow_plain_http:
        raise ConfigurationError(
            f"The key would go to {host} over plain http, readable on the way.",
            remedy="Use https, or accept it with allow_plain_http=True.",
        )
